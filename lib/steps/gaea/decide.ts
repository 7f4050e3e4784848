/** The last step of gaea: is the tuned voice used, target by target, and if not, what is changed. */
import { basename, join } from "node:path";
import { z } from "zod";
import { UsageError } from "../../core/errors.ts";
import { writeFileAtomic } from "../../core/files.ts";
import { type Context, defineStep } from "../../core/step.ts";
import {
  decide as decideBy,
  type Decision,
  type Gate,
  type Judged,
  type TrainedWith,
} from "../../evaluation/decision.ts";
import { commandLine, continueConfig, vllmArgs } from "../../training/deploy_texts.ts";
import { decisionMarkdown, decisionPage, decisionText } from "../../view/decision.ts";
import { readComparison } from "./compare_file.ts";
import { readBlind, readTrained } from "./decide_files.ts";
import { gaeaPaths } from "./paths.ts";

const options = z.object({
  comparison: z.string().optional().describe("Of gaea:compare; default: <data-dir>/gaea/benchmarks/comparison.json"),
  blind: z.string().optional().describe("Of gaea:blind; default: <data-dir>/gaea/benchmarks/blind.json, where it is"),
  needBlind: z.boolean().default(true).describe("Do not deploy before a blind trial has shown more than 60 %"),
  run: z.string().optional().describe(
    "Folder of the training run, for remedies that go by its losses; default: <data-dir>/gaea/checkpoints/qlora-visions-style",
  ),
  model: z.string().optional().describe(
    "Merged model that would be deployed; default: <data-dir>/gaea/merged_models/llama-3.1-8b-visions-style",
  ),
  servedName: z.string().default("visions-style").describe("Its name in requests"),
  port: z.int().min(1).max(65535).default(8000).describe(
    "Port on which it shall be served, in place of the base model",
  ),
  contextLength: z.int().min(256).default(8192).describe("Context that it is served with, in tokens"),
  output: z.string().optional().describe(
    "Decision (markdown), with .html and .json beside it; default: <data-dir>/gaea/DECISION.md",
  ),
  overwrite: z.boolean().default(false).describe("Replace an earlier decision"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
type DecideOptions = z.output<typeof options>;

export interface DecideResult extends Decision {
  readonly targets: readonly Judged[];
  readonly gates: readonly Gate[];
  /** How the model is put to use; only where the decision is to deploy it. */
  readonly deploy?: { readonly vllm: string; readonly continue: string };
  readonly output: string;
}

/** Decides from the figures that the other steps left. */
export const decide = defineStep({
  name: "gaea:decide",
  summary: "Decides from the figures whether the voice is deployed, and says what to change where not",
  options,
  files(options, { env }) {
    const { comparison, blind, output, page, json, entry } = pathsOf(options, env);
    return { reads: [comparison, blind], writes: [output, page, json, entry] };
  },
  async run(options, context): Promise<DecideResult> {
    const paths = pathsOf(options, context.env);
    if (!options.overwrite && await exists(paths.output)) {
      throw new UsageError(`Cannot write "${paths.output}": it exists already`, "Decide anew by --overwrite.");
    }
    const { targets, gates, sources } = await readComparison(paths.comparison);
    const blind = await readBlind(paths.blind, options.blind !== undefined, sources);
    const trained: TrainedWith = await readTrained(paths.run, context);
    const judged: Judged[] = [...targets, ...(blind ? [blind] : options.needBlind ? [NO_BLIND] : [])];
    const decision = decideBy(judged, gates, trained);
    const deploy = decision.decision === "deploy" ? deployment(options, paths.model) : undefined;
    const result: DecideResult = {
      ...decision,
      targets: judged,
      gates,
      ...(deploy ? { deploy } : {}),
      output: paths.output,
    };
    const time = new Date(context.clock.now()).toISOString();
    await writeFileAtomic(paths.json, JSON.stringify({ version: 1, time, ...result, trained }, null, 2) + "\n");
    if (deploy) await writeFileAtomic(paths.entry, deploy.continue);
    else await Deno.remove(paths.entry).catch(() => {}); // That of an earlier decision would be taken for this one's.
    await writeFileAtomic(paths.page, await decisionPage(result, trained, time));
    await writeFileAtomic(paths.output, decisionMarkdown(result, time));
    context.emit({ type: "artifact", path: paths.output, title: "Decision" });
    context.emit({ type: "artifact", path: paths.page, title: "Decision, with pictures" });
    return result;
  },
  report: decisionText,
});

/** Stands where no trial was held. */
const NO_BLIND: Judged = {
  id: "blind",
  title: "Blind preference",
  goal: 0.6,
  status: "not shown",
  why: "no blind trial was held: deno task gaea:blind",
};

function pathsOf(options: DecideOptions, env: Context["env"]) {
  const { root: folder, run, merged } = gaeaPaths(options.dataDir, env);
  const output = options.output ?? join(folder, "DECISION.md");
  const beside = (ending: string) => `${output.replace(/\.md$/i, "")}${ending}`;
  return {
    comparison: options.comparison ?? join(folder, "benchmarks", "comparison.json"),
    blind: options.blind ?? join(folder, "benchmarks", "blind.json"),
    run: options.run ?? run,
    model: options.model ?? merged,
    output,
    page: beside(".html"),
    json: beside(".json"),
    entry: beside("_continue.yaml"),
  };
}

function deployment({ servedName, port, contextLength }: DecideOptions, model: string) {
  return {
    vllm: commandLine(["vllm", ...vllmArgs({ model, port, name: servedName, contextLength })]),
    continue: continueConfig({
      title: basename(model),
      provider: "vllm",
      model: servedName,
      apiBase: `http://localhost:${port}/v1`,
      system: undefined, // It was trained without one; the user's own prompt shall hold.
      contextLength,
    }),
  };
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);
