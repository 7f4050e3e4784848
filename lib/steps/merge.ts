/** Phase 4: the adapter becomes part of its base, so that it can be converted and served. */
import { join, resolve } from "node:path";
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { count } from "../core/format.ts";
import { dataDir, presetPath } from "../core/paths.ts";
import { type Context, defineStep } from "../core/step.ts";
import { textTable } from "../core/text_table.ts";
import { loadEvaluation } from "../dialogue/gates_evaluation.ts";
import { type Adapter, readAdapter } from "../training/adapter.ts";
import { type Candidate, candidatesOf, isAdapter, newestRun, runOf } from "../training/candidates.ts";
import { type HeldOut, readHeldOut } from "../training/held_out.ts";
import { mergeAdapter, verifyMerged } from "../training/merge.ts";
import { findingLines } from "../training/finding_lines.ts";
import { findMergeBase } from "../training/merge_base.ts";
import type { MergeFigures } from "../training/merge_gate.ts";
import { MERGE_RECORD, readMergeRecord } from "../training/merge_record.ts";
import type { Finding } from "../training/preflight/finding.ts";
import { refuseExisting } from "../training/part.ts";
import { readRunRecord, runPaths } from "../training/run_file.ts";
import { datasetPaths } from "./dataset_paths.ts";
import { pythonPackages } from "./provisions.ts";

const options = z.object({
  baseModel: z.string().optional().describe(
    "Model that the adapter was trained on, in full precision: a folder or an id of the hub; default: what the adapter names",
  ),
  loraPath: z.string().optional().describe(
    "Folder of the adapter, or of a training run; default: final of the newest run below <data-dir>/output",
  ),
  outputPath: z.string().optional().describe(
    "Folder of the merged model; default: <data-dir>/output/merged-deepred",
  ),
  auto: z.boolean().default(false).describe("Take the checkpoint with the lowest evaluation loss of the run"),
  verify: z.boolean().default(true).describe(
    "Compare what base with adapter and the merged model say on held-out text",
  ),
  verifyOnly: z.boolean().default(false).describe("Merge nothing: check the model that is at --output-path already"),
  prompts: z.string().optional().describe(
    "Held-out rows to compare on (JSON Lines: messages, or text); default: what the run kept from training, the evaluation's questions",
  ),
  promptCount: z.int().min(1).max(1000).default(32).describe("Rows to compare on"),
  measure4bit: z.boolean().optional().describe(
    "Compare also with the adapter beside the base in 4 bit, as QLoRA trains; default: where the run was trained so",
  ),
  tokenizerFrom: z.enum(["base", "run"]).default("base").describe(
    "Whose tokenizer and chat template the merged model carries: the base's own, or what the run saved beside the adapter",
  ),
  device: z.enum(["auto", "cpu", "cuda"]).default("auto").describe("Where to compute; auto is the GPU if it has room"),
  overwrite: z.boolean().default(false).describe("Replace an existing model"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
export type MergeOptions = z.output<typeof options>;

export interface MergeResult {
  readonly output: string;
  readonly base: string;
  readonly adapter: string;
  /** The choice of `--auto`. */
  readonly candidates: readonly Candidate[] | undefined;
  readonly findings: readonly Finding[];
  /** Null without `--verify`. */
  readonly figures: MergeFigures | null;
  /** The type that the weights are stored in. */
  readonly dtype: string;
}

/** Merges a LoRA adapter into its base model and verifies the result. */
export const merge = defineStep({
  name: "merge",
  summary: "Merges an adapter into its base model, and measures that nothing was lost",
  options,
  files(options, { env }) {
    const { output, root } = pathsOf(options, env);
    return { reads: [options.loraPath ?? join(root, "output")], writes: [join(output, MERGE_RECORD)] };
  },
  needs: () => [pythonPackages("train")],
  async run(options, context): Promise<MergeResult> {
    const { output, root } = pathsOf(options, context.env);
    if (!options.verifyOnly && !options.overwrite) await refuseExisting(output);
    const { adapter, candidates } = await chooseAdapter(options, root);
    const base = await findMergeBase(options.baseModel ?? await baseOf(adapter), root, context);
    const prompts = options.verify || options.verifyOnly ? await promptsFor(options, adapter, root, context) : [];
    const fourBit = options.measure4bit ?? await trainedIn4bit(adapter);
    const { device, tokenizerFrom } = options;
    const request = { base, adapter, prompts, device, tokenizerFrom, fourBit };
    const shown = { output, base: base.name, adapter: adapter.path, candidates, dtype: base.dtype };
    if (options.verifyOnly) return { ...shown, ...await verifyMerged({ ...request, merged: output }, context) };
    const { findings, figures } = await mergeAdapter(
      { ...request, candidates, output, overwrite: options.overwrite },
      context,
    );
    return { ...shown, findings, figures };
  },
  report: mergeReport,
});

/** What a merged model at `output` says of itself, in the form of a result; undefined where none was merged here. */
export async function mergeResultOf(output: string): Promise<MergeResult | undefined> {
  const record = await readMergeRecord(output);
  if (!record) return undefined;
  return {
    output,
    base: record.base.name,
    adapter: record.adapter?.path ?? "zero adapter",
    candidates: record.candidates?.map(({ step, evalLoss, folder, ...rest }) => (
      { ...rest, step: step ?? undefined, evalLoss: evalLoss ?? undefined, folder: folder ?? undefined }
    )),
    findings: record.findings,
    figures: record.figures,
    dtype: record.model.dtype,
  };
}

function pathsOf({ outputPath, dataDir: given }: MergeOptions, env: Context["env"]) {
  const root = dataDir(given, env);
  return { root, output: resolve(outputPath ?? join(root, "output", "merged-deepred")) };
}

async function chooseAdapter(
  { loraPath, auto }: MergeOptions,
  root: string,
): Promise<{ adapter: Adapter; candidates: Candidate[] | undefined }> {
  const given = loraPath ?? await newestRun(join(root, "output"));
  if (loraPath !== undefined && !await isThere(loraPath)) {
    throw new UsageError(`Cannot merge "${loraPath}": there is no such folder`);
  }
  if (given === undefined) {
    throw new UsageError(
      `Cannot merge: there is no training run in "${join(root, "output")}"`,
      "Train first (deno task train), or name an adapter by --lora-path.",
    );
  }
  if (await isAdapter(given)) {
    if (auto) {
      throw new UsageError(
        `Cannot use --auto with --lora-path "${given}": it is one adapter, and there is nothing to choose`,
        "Name the folder of the run, or leave --auto out.",
      );
    }
    return { adapter: await readAdapter(given), candidates: undefined };
  }
  if (!auto) return { adapter: await readAdapter(join(given, "final")), candidates: undefined };
  const candidates = await candidatesOf(given);
  const best = candidates.find(({ chosen }) => chosen);
  return { adapter: await readAdapter(best?.folder ?? given), candidates };
}

/** As the run was told, where its record is there; else as PEFT noted it. */
async function baseOf({ path, config }: Adapter): Promise<string> {
  const run = runOf(path);
  const recorded = run === undefined ? undefined : (await readRunRecord(run).catch(() => undefined))?.base;
  if (recorded) return recorded.kind === "folder" ? recorded.path : recorded.name;
  if (config.base_model_name_or_path) return config.base_model_name_or_path;
  throw new UsageError(
    `Cannot merge "${path}": it does not say which model it was trained on`,
    "Name it by --base-model.",
  );
}

/** Whether the record of its run says so; an adapter alone does not. */
async function trainedIn4bit({ path }: Adapter): Promise<boolean> {
  const run = runOf(path);
  const recorded = run === undefined ? undefined : await readRunRecord(run).catch(() => undefined);
  return recorded?.recipe.use4bit === true;
}

async function promptsFor(
  { prompts, promptCount }: MergeOptions,
  adapter: Adapter,
  root: string,
  context: Context,
): Promise<HeldOut[]> {
  const path = prompts ?? await heldOutFile(runOf(adapter.path), root);
  const rows = path === undefined ? [] : await readHeldOut(path, promptCount, context);
  if (prompts !== undefined || rows.length >= promptCount) return rows;
  const { prompts: questions } = await loadEvaluation(presetPath("deepred/evaluation.jsonc"));
  const asked = questions.map(({ prompt }): HeldOut => [{ role: "user", content: prompt }]);
  return [...rows, ...asked].slice(0, promptCount);
}

/** What a run kept from training, else the dataset's validation half; undefined where neither is there. */
export async function heldOutFile(run: string | undefined, root: string): Promise<string | undefined> {
  const { val } = datasetPaths(join(root, "dataset", "theme_dataset.jsonl"));
  for (const path of run === undefined ? [val] : [runPaths(run).val, val]) if (await isThere(path)) return path;
  return undefined;
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function mergeReport({ output, adapter, base, candidates, findings, figures }: MergeResult): string {
  const table = candidates
    ? textTable(
      ["", "Candidate", "Step", "Evaluation loss", "Folder", "Why"],
      candidates.map(({ name, step, evalLoss, folder, chosen, why }) => [
        chosen ? "→" : "",
        name,
        step === undefined ? "" : String(step),
        evalLoss === undefined ? "" : evalLoss.toFixed(4),
        folder === undefined ? "no" : "yes",
        why,
      ]),
    ) + "\n\n"
    : "";
  const on = figures ? `, compared at ${count(figures.positions)} places of ${figures.prompts} held-out texts` : "";
  return `"${output}": "${adapter}" merged into "${base}"${on}\n\n${table}${findingLines(findings).join("\n")}`;
}
