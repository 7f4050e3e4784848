/** From a trained run to a served model, in a notebook: what is there is shown, what is missing is made. */
import { join } from "node:path";
import type { z } from "zod";
import { UserError } from "../core/errors.ts";
import type { Context } from "../core/step.ts";
import { newestRun } from "../training/candidates.ts";
import { readGgufRecord } from "../training/gguf_record.ts";
import { gguf, type GgufResult } from "./gguf.ts";
import { merge, type MergeResult, mergeResultOf } from "./merge.ts";
import type { Pipeline } from "./pipelines.ts";
import { train } from "./train.ts";
import { optionsFor, upTo } from "./walkthrough.ts";

/**
 * The newest training run of a preset. The rehearsal trains one where there is none: a minute on the CPU.
 *
 * @throws {UserError} for another preset without a run.
 */
export async function runAtHand(pipeline: Pipeline, context: Context): Promise<string> {
  const output = join(pipeline.dataDir, "output");
  const run = await newestRun(output);
  if (run !== undefined) return run;
  if (pipeline.name !== "rehearsal") {
    throw new UserError(`Cannot merge: there is no training run in "${output}"`, {
      hint: "Train first: notebooks/deepred/06_train.ipynb, or deno task train.",
    });
  }
  await upTo(pipeline, "split", context);
  const result = await train.run(optionsFor(pipeline, train, { recipe: "cpu-rehearsal" }), context);
  const trained = result.kind === "trained" ? await newestRun(output) : undefined;
  if (trained === undefined) throw new UserError(`Cannot merge: training left nothing in "${output}"`);
  return trained;
}

/** The merged model of a preset: as it was recorded, or merged now out of the run's best checkpoint. */
export async function mergedAtHand(
  pipeline: Pipeline,
  run: string,
  context: Context,
  { again = false, ...changes }: Partial<z.input<typeof merge.options>> & { again?: boolean } = {},
): Promise<MergeResult> {
  const options = optionsFor(pipeline, merge, { loraPath: run, auto: true, ...changes, overwrite: again });
  const output = options.outputPath ?? join(pipeline.dataDir, "output", "merged-deepred");
  return (again ? undefined : await mergeResultOf(output)) ?? await merge.run(options, context);
}

/** The GGUF of a preset: as it was recorded, or made now of the merged model. */
export async function ggufAtHand(
  pipeline: Pipeline,
  { output: model }: Pick<MergeResult, "output">,
  context: Context,
  { again = false, ...changes }: Partial<z.input<typeof gguf.options>> & { again?: boolean } = {},
): Promise<GgufResult & { limits: { klWarn: number; klFail: number } }> {
  const options = optionsFor(pipeline, gguf, { modelPath: model, ...changes, overwrite: again });
  const output = options.outputPath ?? join(pipeline.dataDir, "output", "deepred.gguf");
  const record = again ? undefined : await readGgufRecord(output);
  const result = record ? { output, record } : await gguf.run(options, context);
  return { ...result, limits: options };
}
