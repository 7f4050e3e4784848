/** Phase 4: the merged model as a GGUF, quantised, for LM Studio and everything else that llama.cpp is in. */
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { bytes } from "../core/format.ts";
import { dataDir, presetPath, WORKSPACE } from "../core/paths.ts";
import { readBytes, readTextFile } from "../core/files.ts";
import { type Context, defineStep } from "../core/step.ts";
import { cleanBook } from "../corpus/clean.ts";
import { loadEvaluation } from "../dialogue/gates_evaluation.ts";
import type { ChatMessage } from "../records.ts";
import { type GgufRequest, makeGguf } from "../training/gguf.ts";
import { type GgufRecord, ggufRecordPath } from "../training/gguf_record.ts";
import { type HeldOut, proseOf, questionsOf, readHeldOut } from "../training/held_out.ts";
import { findingLines } from "../training/finding_lines.ts";
import { findMergeBase } from "../training/merge_base.ts";
import { MERGE_RECORD, readMergeRecord } from "../training/merge_record.ts";
import { DIRECT_TYPES } from "../training/gguf_convert.ts";
import { refuseExisting } from "../training/part.ts";
import { effectiveRecipe, loadRecipe } from "../training/recipe.ts";
import { rehearsalPath, rehearseExport } from "../training/rehearse.ts";
import { heldOutFile } from "./merge.ts";
import { llamaPrograms, llamaSources, pythonPackages } from "./provisions.ts";

const options = z.object({
  modelPath: z.string().optional().describe(
    "Model to convert: a folder, an id of the hub, or tiny; default: <data-dir>/output/merged-deepred",
  ),
  baseOf: z.string().optional().describe(
    "Merged model whose base is converted instead, to compare with: what merge.json in it names",
  ),
  outputPath: z.string().optional().describe("GGUF to write; default: <data-dir>/output/deepred.gguf"),
  quantType: z.string().regex(/^[A-Za-z0-9_]+$/, "the name of a type of llama.cpp").default("q4_k_m").describe(
    "Any type of llama.cpp; q8_0, f16, bf16 and f32 take no compiled program",
  ),
  keepF16: z.boolean().default(false).describe("Keep the unquantised GGUF beside it, as …-f16.gguf"),
  verify: z.boolean().default(true).describe("Load it, ask it, and measure its KL divergence from the f16"),
  text: z.string().optional().describe(
    "Text to measure on (.txt, or JSON Lines); default: what was kept from training, else the sample works",
  ),
  klChunks: z.int().min(1).default(40).describe("Chunks of the text to measure; 20 to 50 are enough"),
  klContext: z.int().min(64).max(2048).refine((size) => Number.isInteger(Math.log2(size)), "a power of two")
    .default(512).describe("Tokens of a chunk, a power of two; a short text gets a smaller one"),
  klWarn: z.number().gt(0).default(0.05).describe("KL divergence above which to warn"),
  klFail: z.number().gt(0).default(0.1).describe("KL divergence above which the GGUF is refused"),
  imatrix: z.string().optional().describe("Importance matrix for llama-quantize; IQ1 and IQ2 types need one"),
  rehearse: z.boolean().default(false).describe(
    "Before training: take the untrained base through merging, conversion, quantising and loading, and keep nothing",
  ),
  baseModel: z.string().optional().describe(
    "Base of the rehearsal: a folder, an id of the hub, or tiny; default: that of --recipe",
  ),
  recipe: z.string().optional().describe(
    "Recipe of the training that is rehearsed, by name or as a file; default: as train without one",
  ),
  gpuLayers: z.int().min(0).optional().describe("Layers put on the GPU; default: as many as fit"),
  threads: z.int().min(1).optional().describe("Threads of llama.cpp; default: as many as there are cores"),
  overwrite: z.boolean().default(false).describe("Replace an existing file"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
export type GgufOptions = z.output<typeof options>;

export interface GgufResult {
  /** Undefined for a rehearsal, which keeps nothing. */
  readonly output: string | undefined;
  readonly record: GgufRecord;
}

/** Writes a model as GGUF, quantises and verifies it. */
export const gguf = defineStep({
  name: "gguf",
  summary: "Writes a model as GGUF, quantises it, and measures what that costs",
  options,
  files(options, { env }) {
    const { model, output, root } = pathsOf(options, env);
    if (options.rehearse) return { reads: [], writes: [rehearsalPath(root)] };
    const { baseOf } = options;
    const read = baseOf === undefined ? model : join(baseOf, MERGE_RECORD);
    return { reads: [read], writes: [output, ggufRecordPath(output)] };
  },
  needs({ quantType }) {
    const direct = DIRECT_TYPES.includes(quantType.toLowerCase());
    return [direct ? llamaSources : llamaPrograms, pythonPackages("train")];
  },
  async run({ baseOf, ...given }, context): Promise<GgufResult> {
    const options = baseOf === undefined ? given : { ...given, modelPath: await baseName(baseOf, given.modelPath) };
    const { model, output, root } = pathsOf(options, context.env);
    const request: Omit<GgufRequest, "model"> = {
      output,
      quantType: options.quantType.toLowerCase(),
      overwrite: options.overwrite,
      keepF16: options.keepF16,
      verify: options.verify ? await verification(options, model, root, context) : undefined,
      imatrix: options.imatrix,
      gpuLayers: options.gpuLayers,
      threads: options.threads,
    };
    if (options.rehearse) {
      const file = options.recipe === undefined ? undefined : await loadRecipe(options.recipe);
      const { baseModel } = effectiveRecipe(file, { baseModel: options.baseModel });
      return { output: undefined, record: await rehearseExport({ baseModel, root, request }, context) };
    }
    if (!options.overwrite) await refuseExisting(output);
    // A base to compare with is converted by its name.
    const folder = options.modelPath === undefined
      ? await mergedModel(model)
      : (await findMergeBase(options.modelPath, root, context)).folder;
    return { output, record: await makeGguf({ ...request, model: folder }, context) };
  },
  report: ggufReport,
});

function pathsOf({ modelPath, outputPath, dataDir: given }: GgufOptions, env: Context["env"]) {
  const root = dataDir(given, env);
  return {
    root,
    model: resolve(modelPath ?? join(root, "output", "merged-deepred")),
    output: resolve(outputPath ?? join(root, "output", "deepred.gguf")),
  };
}

/** The base of a merged model, as it was named. */
async function baseName(merged: string, modelPath: string | undefined): Promise<string> {
  if (modelPath !== undefined) throw new UsageError("Cannot use --base-of with --model-path: one model is converted");
  const record = await readMergeRecord(merged);
  if (record) return record.base.name;
  throw new UsageError(
    `Cannot convert the base of "${merged}": there is no ${MERGE_RECORD}`,
    "Merge first (deno task merge), or name the base by --model-path.",
  );
}

async function mergedModel(folder: string): Promise<string> {
  if (await Deno.stat(join(folder, "config.json")).then(() => true, () => false)) return folder;
  throw new UsageError(
    `Cannot convert "${folder}": there is no merged model`,
    "Merge first (deno task merge), or name a model by --model-path.",
  );
}

/** Tokens that a row has at least, nearly always. */
const SHORT_ROW = 40;
/** Answers that are compared. */
const QUESTIONS = 6;

async function verification(
  { text, klChunks, klContext, klWarn, klFail }: GgufOptions,
  model: string,
  root: string,
  context: Context,
): Promise<NonNullable<GgufRequest["verify"]>> {
  const path = text ?? await heldOutFile((await readMergeRecord(model))?.run?.folder, root);
  const rows: HeldOut[] = path === undefined
    ? await sampleTexts(context)
    : /\.jsonl$/i.test(path)
    ? await readHeldOut(path, Math.ceil(klChunks * klContext / SHORT_ROW), context)
    : [await readTextFile(path)];
  const { prompts } = await loadEvaluation(presetPath("deepred/evaluation.jsonc"));
  const asked = prompts.map(({ prompt }): ChatMessage[] => [{ role: "user", content: prompt }]);
  return {
    questions: [...questionsOf(rows, QUESTIONS / 2), ...asked].slice(0, QUESTIONS),
    text: proseOf(rows),
    textName: path === undefined ? "sample works" : basename(path),
    chunks: klChunks,
    contextSize: klContext,
    klWarn,
    klFail,
  };
}

/** Short works that come with Voiceworks. */
const SAMPLES = ["99001", "99002", "99003", "99004", "99005"];

async function sampleTexts({ emit }: Pick<Context, "emit">): Promise<string[]> {
  emit({ type: "log", level: "info", message: "there are no validation rows: measuring on the sample works" });
  const files = SAMPLES.map((id) => join(WORKSPACE, "data-samples", "mirror", "cache", "epub", id, `pg${id}.txt`));
  return await Promise.all(files.map(async (path) => cleanBook(await readBytes(path)).text));
}

function ggufReport({ output, record: { gguf, findings, f16, answers } }: GgufResult): string {
  const said = answers.slice(0, 2).flatMap(({ question, f16, quantised }) => [
    `  ${question.replace(/\s+/g, " ").slice(0, 100)}`,
    `    f16:  ${f16.replace(/\s+/g, " ").slice(0, 100)}`,
    `    ${gguf.quantType}: ${quantised.replace(/\s+/g, " ").slice(0, 100)}`,
  ]);
  return [
    output === undefined
      ? `The rehearsal went well: ${gguf.architecture} as ${gguf.quantType}, ${bytes(gguf.bytes)}`
      : `"${output}": ${gguf.architecture} as ${gguf.quantType}, ${bytes(gguf.bytes)}`,
    ...f16 ? [`unquantised: ${f16.file}, ${bytes(f16.bytes)}`] : [],
    ...findingLines(findings),
    ...said.length > 0 ? ["Greedy answers:", ...said] : [],
  ].join("\n");
}
