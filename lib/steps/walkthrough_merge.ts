/** From a trained run to a served model, in a notebook: what is there is shown, what is missing is made. */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { UserError } from "../core/errors.ts";
import type { Context } from "../core/step.ts";
import { newestRun } from "../training/candidates.ts";
import { readGgufRecord } from "../training/gguf_record.ts";
import { recipeOf } from "../training/merge.ts";
import { readMergeRecord } from "../training/merge_record.ts";
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
  const kept = again ? undefined : await mergeResultOf(output);
  if (!kept) return await merge.run(options, context);
  const before = (await readMergeRecord(output))?.run?.recipe;
  // With the time of its beginning in it, a recipe is that of one run, wherever its folder lies by now.
  if (before && !isDeepStrictEqual(before, await recipeOf(run))) {
    tellOther(context, `"${output}" was merged out of "${kept.adapter}", and not out of "${run}"`);
  }
  return kept;
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
  const merges = [record?.model.merge, record && await readMergeRecord(model)].map((merge) => merge?.model.files);
  if (record && !isDeepStrictEqual(merges[0], merges[1])) {
    tellOther(context, `"${output}" was made of another model than the one that lies in "${model}" now`);
  }
  const result = record ? { output, record } : await gguf.run(options, context);
  return { ...result, limits: options };
}

/** What is shown may be of an earlier training than the one above it. */
function tellOther({ emit }: Pick<Context, "emit">, what: string): void {
  emit({ type: "log", level: "warn", message: `${what}: { again: true } makes it anew` });
}
