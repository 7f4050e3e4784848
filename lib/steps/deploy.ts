/** Phase 4: the GGUF where LM Studio finds it, tried, and what other programs want to be told of it. */
import { basename, join, relative, resolve } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { ask } from "../core/exec.ts";
import { readTextFile, sha256File, writeFileAtomic } from "../core/files.ts";
import { bytes } from "../core/format.ts";
import { dataDir, presetPath } from "../core/paths.ts";
import { type Context, defineStep } from "../core/step.ts";
import { loadPersonas } from "../dialogue/personas.ts";
import { type GgufHeader, readGguf } from "../llm/gguf_header.ts";
import { findLms, isLocal, lmsFor } from "../llm/lms.ts";
import { apiToken, lmstudioAddress } from "../llm/server.ts";
import { CardEvaluation, modelCard } from "../training/deploy_card.ts";
import { copyAction, copyVerified, lmstudioModels, lmstudioPlace } from "../training/deploy_place.ts";
import { type DeployAnswer, type DeployServer, tryModel } from "../training/deploy_serve.ts";
import { commandLine, continueConfig, ollamaModelfile, vllmArgs } from "../training/deploy_texts.ts";
import { findingLines } from "../training/finding_lines.ts";
import { templateOf } from "../training/gguf_check.ts";
import { readGgufRecord } from "../training/gguf_record.ts";
import type { Finding } from "../training/preflight/finding.ts";
import { fingerprintOf } from "./evaluate_gguf.ts";

const options = z.object({
  ggufPath: z.string().optional().describe("GGUF to deploy; default: <data-dir>/output/deepred.gguf"),
  publisher: z.string().default("local").describe("First folder below LM Studio's models"),
  modelName: z.string().optional().describe("Second folder, and the file's name; default: the GGUF's own name"),
  modelsDir: z.string().optional().describe("LM Studio's models folder; default: what its settings name"),
  lmstudio: z.boolean().default(true).describe(
    "Copy it to LM Studio and try it there; else write the other files only",
  ),
  replace: z.boolean().default(false).describe("Replace another file of that name in LM Studio's folder"),
  load: z.boolean().default(true).describe("Load it and have it answer once"),
  lmstudioUrl: z.string().optional()
    .describe("Address of LM Studio; default: by --lmstudio-host and --lmstudio-port"),
  lmstudioHost: z.string().optional().describe("Host of the server; default: $LMSTUDIO_HOST, else localhost"),
  lmstudioPort: z.int().min(1).max(65535).optional().describe("Port of the server; default: $LMSTUDIO_PORT, else 1234"),
  lmsCliPath: z.string().optional().describe("LM Studio's lms; default: where it usually is"),
  contextLength: z.int().min(256).default(4096).describe("Tokens that a conversation may have"),
  title: z.string().default("Deep Red").describe("Name for people: on the card, in lists of models"),
  system: z.string().optional().describe("System prompt; default: that of the first persona, Deep Red's own"),
  greeting: z.string().min(1).default("Good evening. Who are you, and what is your task?").describe("What it is asked"),
  outputDir: z.string().optional().describe(
    "Folder for card, Modelfile and configurations; default: <data-dir>/output/deploy-<model>",
  ),
  evaluation: z.string().optional().describe(
    "Evaluation for the card; default: <data-dir>/output/evaluation/evaluation.json, if it is there",
  ),
  dryRun: z.boolean().default(false).describe("Show all that would be done and written"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
export type DeployOptions = z.output<typeof options>;

export interface DeployResult {
  readonly dryRun: boolean;
  readonly gguf: string;
  /** Where it is in LM Studio's folder, and what was done, or would be. */
  readonly copy: { readonly path: string; readonly action: "copy" | "there already" | "replace" } | undefined;
  readonly server: string | undefined;
  readonly findings: readonly Finding[];
  readonly greeting: DeployAnswer["greeting"];
  /** Files with their contents. */
  readonly texts: readonly { readonly path: string; readonly text: string }[];
}

/** Copies a GGUF into LM Studio, tries it, and writes its card and the configurations of other programs. */
export const deploy = defineStep({
  name: "deploy",
  summary: "Puts a GGUF where LM Studio finds it, tries it, and writes its card",
  options,
  files(options, { env }) {
    const { gguf, card } = pathsOf(options, env);
    return { reads: [gguf], writes: options.dryRun ? [] : [card, join(card, "..", "Modelfile")] };
  },
  async run(options, context): Promise<DeployResult> {
    const paths = pathsOf(options, context.env);
    const { gguf, name } = paths;
    const header = await readGguf(gguf);
    const source = { path: gguf, sha256: await sourceHash(gguf) };
    const system = options.system ?? (await loadPersonas(presetPath("deepred/personas.jsonc"))).personas[0]?.system;
    const expected = !options.dryRun;
    const models = options.lmstudio ? options.modelsDir ?? await lmstudioModels(context, { expected }) : undefined;
    const place = models === undefined ? undefined : lmstudioPlace(models, options.publisher, name);
    const action = place && await copyAction(source, place.path);
    if (place && action === "replace" && !options.replace) {
      throw new UsageError(
        `Cannot write "${place.path}": another file of that name is there`,
        "Replace it by --replace, or give this one another name by --model-name.",
      );
    }
    const address = lmstudioAddress(options, context.env);
    const evaluation = await evaluationOf(paths, context);
    const textsWith = (key: string) =>
      textsFor(options, paths, header, { system, apiBase: address.openai, key, evaluation });
    const result = {
      dryRun: options.dryRun,
      gguf,
      copy: place && action && { path: place.path, action },
      server: place && address.shown,
      findings: [],
      greeting: undefined,
      texts: await textsWith(name),
    };
    if (options.dryRun) return result;
    if (place && action !== "there already") {
      context.emit({ type: "log", level: "info", message: `copying ${bytes(header.size)} to "${place.path}"` });
      await copyVerified(source, place.path);
      context.emit({ type: "artifact", path: place.path, title: "Model in LM Studio" });
    }
    const write = async (texts: DeployResult["texts"]) => {
      for (const { path, text } of texts) await writeFileAtomic(path, text);
      context.emit({ type: "artifact", path: paths.card, title: "Model card" });
    };
    if (!place) {
      await write(result.texts);
      return result;
    }
    const server = { address, token: apiToken(context.env), lms: await lmsOf(options, address, context) };
    const { publisher, contextLength, greeting } = options;
    const model = { place: place.key, publisher, name, contextLength, system, greeting };
    const tried = await tryModel(server, model, { load: options.load, replaced: action === "replace" }, context);
    // Continue asks for the model by the name that the server gave it.
    const texts = await textsWith(tried.key ?? name);
    await write(texts);
    return { ...result, texts, findings: tried.findings, greeting: tried.greeting };
  },
  report: deployReport,
});

function pathsOf({ ggufPath, modelName, outputDir, evaluation, dataDir: given }: DeployOptions, env: Context["env"]) {
  const root = dataDir(given, env);
  const gguf = resolve(ggufPath ?? join(root, "output", "deepred.gguf"));
  const name = modelName ?? basename(gguf).replace(/\.gguf$/i, "");
  const folder = resolve(outputDir ?? join(root, "output", `deploy-${name}`));
  return {
    gguf,
    name,
    folder,
    card: join(folder, "README.md"),
    evaluation: evaluation ?? join(root, "output", "evaluation", "evaluation.json"),
    evaluationGiven: evaluation !== undefined,
  };
}

/** The checksum that the GGUF's record promises, held against the file. */
async function sourceHash(gguf: string): Promise<string> {
  const found = await sha256File(gguf);
  const record = await readGgufRecord(gguf);
  if (record && record.gguf.sha256 !== found) {
    throw new UserError(`Cannot deploy "${gguf}": it is not the file that was verified (its checksum differs)`, {
      hint: "Make it again: deno task gguf --overwrite.",
    });
  }
  return found;
}

async function lmsOf(
  { lmsCliPath }: DeployOptions,
  address: DeployServer["address"],
  { env }: Pick<Context, "env">,
): Promise<DeployServer["lms"]> {
  // An lms that was not asked for is used on this machine only.
  if (lmsCliPath === undefined && !isLocal(new URL(address.root).hostname)) return undefined;
  const read = (path: string) => Deno.readTextFile(path).catch(() => undefined);
  const command = await findLms({ path: lmsCliPath, env, read, os: Deno.build.os, ask });
  return command === undefined ? undefined : lmsFor(command, address, ask);
}

async function textsFor(
  { title, contextLength }: DeployOptions,
  { gguf, name, folder, card }: ReturnType<typeof pathsOf>,
  header: GgufHeader,
  { system, apiBase, key, evaluation }: {
    system: string | undefined;
    apiBase: string;
    key: string;
    evaluation: CardEvaluation | undefined;
  },
): Promise<DeployResult["texts"]> {
  const record = await readGgufRecord(gguf);
  const merge = record?.model.merge ?? undefined;
  const purpose = "A language model tuned by LoRA to speak in one voice; made with Voiceworks.";
  const eosId = header.metadata.get("tokenizer.ggml.eos_token_id");
  const tokens = header.metadata.get("tokenizer.ggml.tokens");
  const eos = Array.isArray(tokens) && typeof eosId === "number" ? tokens[eosId] : undefined;
  const fromFolder = relative(folder, gguf).replaceAll("\\", "/");
  const modelfile = ollamaModelfile({
    gguf: fromFolder.startsWith(".") ? fromFolder : `./${fromFolder}`,
    chatTemplate: templateOf(header),
    eos: typeof eos === "string" ? eos : undefined,
    system,
    contextLength,
  });
  const vllm = record && commandLine(["vllm", ...vllmArgs({ model: record.model.folder, port: 8000, name })]);
  return [
    {
      path: card,
      text: modelCard({
        title,
        purpose,
        gguf: record,
        merge,
        evaluation,
        system,
      }),
    },
    { path: join(folder, "Modelfile"), text: modelfile },
    {
      path: join(folder, "continue.yaml"),
      text: continueConfig({ title, provider: "lmstudio", model: key, apiBase, system, contextLength }),
    },
    ...vllm === undefined ? [] : [{ path: join(folder, "vllm.txt"), text: `${vllm}\n` }],
  ];
}

/** The evaluation for the card: one that nobody named must be of this very file. */
async function evaluationOf(
  { gguf, evaluation: path, evaluationGiven: given }: ReturnType<typeof pathsOf>,
  { emit }: Pick<Context, "emit">,
): Promise<CardEvaluation | undefined> {
  const evaluation = await readEvaluation(path, given);
  const of = evaluation?.models?.tuned?.fingerprint;
  if (of === undefined || of === await fingerprintOf(gguf)) return evaluation;
  const stays = given ? "the card has it all the same" : "it is left out of the card; deno task evaluate makes another";
  emit({ type: "log", level: "warn", message: `"${path}" is the evaluation of another GGUF: ${stays}` });
  return given ? evaluation : undefined;
}

async function readEvaluation(path: string, given: boolean): Promise<CardEvaluation | undefined> {
  if (!given && !await Deno.stat(path).then(() => true, () => false)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(await readTextFile(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  const evaluation = CardEvaluation.safeParse(value);
  if (!evaluation.success) throw new UserError(`Cannot read "${path}": it is no evaluation`, { exitCode: 2 });
  return evaluation.data;
}

/** The result for a person who reads a terminal. */
export function deployReport({ dryRun, copy, server, findings, greeting, texts, gguf }: DeployResult): string {
  const doing = { copy: "copy to", replace: "replace", "there already": "the same file is there already:" };
  const done = { copy: "copied to", replace: "replaced", "there already": "was there already:" };
  const lines = copy ? [`"${gguf}" ${dryRun ? doing[copy.action] : done[copy.action]} "${copy.path}"`] : [];
  if (dryRun && copy) lines.push(`then: find it in the list of ${server}, load it, and greet it`);
  if (dryRun) return [...lines, ...texts.flatMap(({ path, text }) => ["", `── ${path} ──`, text.trimEnd()])].join("\n");
  return [
    ...lines,
    ...findingLines(findings),
    ...greeting ? [`> ${greeting.asked}`, greeting.answer] : [],
    ...texts.map(({ path }) => `wrote ${path}`),
  ].join("\n");
}
