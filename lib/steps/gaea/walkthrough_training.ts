/** The training of a voice in a notebook: its configuration, what is found before it, the run, its merge; else recordings. */
import { join } from "node:path";
import { UserError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { WORKSPACE } from "../../core/paths.ts";
import { findToolchain } from "../../core/python_venv.ts";
import type { Context } from "../../core/step.ts";
import { checkConfig } from "../../training/axolotl_check.ts";
import { estimateMemory, type MemoryEstimate } from "../../training/memory.ts";
import { readMergeRecord } from "../../training/merge_record.ts";
import type { ModelShape } from "../../training/model_shape.ts";
import type { Finding } from "../../training/preflight/finding.ts";
import { examine } from "../../training/preflight/mod.ts";
import { readRunState } from "../../training/run_file.ts";
import { type MergeResult, mergeResultOf } from "../merge.ts";
import { loadPipeline, type Pipeline } from "../pipelines.ts";
import { stageOptions, upTo } from "../walkthrough.ts";
import { type Looked, recordedRun, type ShownRun, showTraining, tellRecorded } from "../walkthrough_training.ts";
import { config, type ConfigResult, dataOf, pathsOf } from "./config.ts";
import { configParts, configValues } from "../../training/axolotl_config.ts";
import { merge } from "./merge.ts";
import { planVoice, train } from "./train.ts";

/** A rehearsal of the pipeline gaea that was recorded: run, merge, and what was found before. */
const RECORDED = join(WORKSPACE, "data-samples", "recorded", "voice_run");

/** What none of these notebooks needs: to ask the base. */
const WITHOUT = ["base", "baseline"];

/** The pipeline gaea: the real one on a manuscript, or the rehearsal. */
export async function voicePipeline(manuscript: string | undefined, { env }: Pick<Context, "env">): Promise<Pipeline> {
  if (!manuscript) return await loadPipeline("gaea", undefined, env);
  const pipeline = await loadPipeline("gaea", undefined, env, { manuscript: true });
  const curate = { ...pipeline.options.curate, manuscript: [manuscript] };
  return { ...pipeline, options: { ...pipeline.options, curate } };
}

/** Writes the configuration as the preset has it, the examples first where there are none; its text and what was found. */
export async function voiceConfig(pipeline: Pipeline, context: Context): Promise<ConfigResult & { text: string }> {
  await upTo(pipeline, "prepare", context);
  const result = await config.run(stageOptions(pipeline, "config", config, { overwrite: true }), context);
  return { ...result, text: await readTextFile(result.path) };
}

/** What would be found in a configuration with other values. Nothing is written. */
export async function findingsWith(
  pipeline: Pipeline,
  changes: Readonly<Record<string, unknown>>,
  context: Context,
): Promise<readonly Finding[]> {
  const options = stageOptions(pipeline, "config", config);
  const paths = pathsOf(options, context.env);
  const values = { ...configValues(configParts({ ...options, ...paths })), ...changes };
  return (await checkConfig(values, await dataOf(paths, context))).findings;
}

/** Looks at all that the training stands on, as `gaea:train --check` does; without torch at what was recorded. */
export async function lookAtVoice(pipeline: Pipeline, context: Context): Promise<Looked> {
  if (!await trainerIsThere(pipeline, context)) {
    tellRecorded(context);
    return JSON.parse(await readTextFile(join(RECORDED, "examination.json"))) as Looked;
  }
  const plan = await planVoice(stageOptions(pipeline, "train", train), context);
  return { ...await examine(plan, context, { packages: "skip" }), recipe: plan.recipe };
}

/**
 * Trains and draws the curves meanwhile. A run that is complete is shown, and so is a recorded one where there is no torch.
 *
 * @param options.again Trains anew what is complete.
 */
export async function watchVoice(
  pipeline: Pipeline,
  context: Context,
  { again = false }: { again?: boolean } = {},
): Promise<ShownRun> {
  const options = stageOptions(pipeline, "train", train);
  const folder = runFolder(pipeline);
  if (!again && await isComplete(folder)) return { ...await recordedRun(folder, context), recorded: false };
  if (!await trainerIsThere(pipeline, context)) {
    tellRecorded(context);
    return await recordedRun(RECORDED, context);
  }
  return await showTraining(train, options, folder, context);
}

/** The folder of the run: the pipeline's own where it is complete, else a recorded one, which is told. */
export async function voiceRunAtHand(pipeline: Pipeline, context: Context): Promise<string> {
  const folder = runFolder(pipeline);
  if (await isComplete(folder)) return folder;
  const message = `there is no complete run in "${folder}" (02_train.ipynb makes one): what follows was recorded`;
  context.emit({ type: "log", level: "warn", message });
  return RECORDED;
}

/** The merge of a run: as it was recorded, or made now. */
export async function voiceMergeAtHand(
  pipeline: Pipeline,
  run: string,
  context: Context,
  { again = false }: { again?: boolean } = {},
): Promise<MergeResult> {
  const options = stageOptions(pipeline, "merge", merge, { overwrite: true });
  const [record = ""] = merge.files(options, context).writes;
  const output = run === RECORDED ? RECORDED : join(record, "..");
  const [known, state] = await Promise.all([readMergeRecord(output), readRunState(run)]);
  const fresh = known && (run === RECORDED || known.time > (state?.ended ?? ""));
  const merged = fresh && !again ? await mergeResultOf(output) : undefined;
  if (merged) return merged;
  if (run === RECORDED) throw new UserError(`Cannot show a merge: the recording "${RECORDED}" has none`);
  return await merge.run(options, context);
}

/** Runs what comes before a stage but for what asks the base. */
export function prepareVoice(pipeline: Pipeline, last: string, context: Context): Promise<void> {
  return upTo(pipeline, last, context, { without: WITHOUT });
}

function runFolder(pipeline: Pipeline): string {
  return String(pipeline.options.config?.outputDir);
}

async function isComplete(folder: string): Promise<boolean> {
  return (await readRunState(folder).catch(() => undefined))?.state === "complete";
}

async function trainerIsThere(pipeline: Pipeline, { env }: Context): Promise<boolean> {
  const { trainer } = stageOptions(pipeline, "train", train);
  return await findToolchain(trainer === "trl" ? "train" : "axolotl", env) !== undefined;
}

/** Llama 3.1 8B (its config.json). */
const LLAMA_8B: ModelShape = {
  modelType: "llama",
  hiddenSize: 4096,
  layers: 32,
  vocabSize: 128_256,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  intermediateSize: 14_336,
  experts: 1,
  tied: false,
  maxPositions: 131_072,
};

/** About what the training of Llama 3.1 8B takes on a GPU, one example at a time. */
export function voiceMemory(
  { adapter, tokens, loraR }: { adapter: "qlora" | "lora"; tokens: number; loraR: number },
): MemoryEstimate {
  return estimateMemory(LLAMA_8B, {
    loraR,
    loraTargets: ["all-linear"],
    loraDropout: 0.05,
    batchSize: 1,
    evalBatchSize: 1,
    tokens,
    base: adapter === "qlora" ? "4bit" : "16bit",
    optimizer: "8bit",
    gradientCheckpointing: true,
    eagerAttention: false,
    logits: "full",
    upcastEmbeddings: adapter === "qlora",
  });
}
