/** A training in a notebook: looked at before, watched while it runs, laid over another. Without torch recorded ones are shown. */
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { readLines } from "../core/jsonl.ts";
import { WORKSPACE } from "../core/paths.ts";
import { parseEvent } from "../core/python.ts";
import { findToolchain } from "../core/python_venv.ts";
import { type Context, defineStep, type Step } from "../core/step.ts";
import { pointOf, type TrainingPoint } from "../training/history.ts";
import { planTraining } from "../training/plan.ts";
import { type Examination, examine } from "../training/preflight/mod.ts";
import { loadRecipe, type Recipe } from "../training/recipe.ts";
import { runPaths } from "../training/run_file.ts";
import { readHistory, readRun, type Run } from "../training/runs.ts";
import type { TrainOptions } from "../training/train_options.ts";
import { trainingChart } from "../view/training_curves.ts";
import type { Pipeline } from "./pipelines.ts";
import { train } from "./train.ts";
import { optionsFor } from "./walkthrough.ts";
import { type LivePicture, watch } from "./walkthrough_live.ts";

/** Trainings of the rehearsal that were recorded, and what was found before the first of them. */
const RECORDED = join(WORKSPACE, "data-samples", "recorded", "training_runs");

/** Few steps, so that there is something to see soon. */
const REHEARSED = { maxSteps: 24, evalSteps: 6, saveSteps: 6, loggingSteps: 1 };
const TRIED = { maxSteps: 10, evalSteps: 5, saveSteps: 5, loggingSteps: 1 };

/** Where trials are kept, so that no training of consequence is touched. */
export function trialRuns(pipeline: Pipeline): string {
  return join(pipeline.dataDir, "trial", "output");
}

/** Options of a trial: the preset's recipe, a few steps, and a folder of its own. */
export function trainingTrial(
  pipeline: Pipeline,
  name: string,
  changes: Partial<z.input<typeof train.options>> = {},
): TrainOptions {
  return optionsFor(pipeline, train, {
    ...(pipeline.name === "rehearsal" ? REHEARSED : TRIED),
    outputDir: join(trialRuns(pipeline), name),
    resumeLatest: false,
    overwrite: true,
    ...changes,
  });
}

/** What was found before a training, with the recipe that it was found for. */
export interface Looked extends Examination {
  readonly recipe: Pick<Recipe, "maxSeqLength" | "lrScheduler">;
}

/**
 * Looks at all that a training stands on. Where the base is the tiny one and there is no torch to make it, what was
 * recorded is shown, and that is told.
 *
 * @param options.packages Whether the packages are imported, which takes the longest.
 */
export async function lookAt(
  options: TrainOptions,
  context: Context,
  { packages = true }: { packages?: boolean } = {},
): Promise<Looked> {
  if (await needsTorch(options) && !await torchIsThere(context)) {
    tellRecorded(context);
    return JSON.parse(await readTextFile(join(RECORDED, "examination.json"))) as Looked;
  }
  const plan = await planTraining(options, context);
  const seen = await examine(plan, context, { packages: packages ? "look" : "skip" });
  return { ...seen, recipe: plan.recipe };
}

/** A training that ran before one's eyes, or was recorded. */
export interface ShownRun {
  readonly run: Run;
  readonly points: readonly TrainingPoint[];
  readonly ended: "complete" | "stopped";
  readonly recorded: boolean;
}

/**
 * Trains and draws the curves meanwhile; without torch draws a recorded training again.
 *
 * @param options.stopAt Share of the steps after which it is stopped, as by the Stop button.
 * @param options.recorded Which recorded training stands for it.
 * @throws {UserError} the training failed.
 */
export async function watchTraining(
  options: TrainOptions,
  context: Context,
  { stopAt, recorded = "fast" }: { stopAt?: number; recorded?: "fast" | "slow" } = {},
): Promise<ShownRun> {
  if (!await torchIsThere(context)) {
    tellRecorded(context);
    return await recordedRun(join(RECORDED, recorded), context);
  }
  const folder = (await planTraining(options, silent(context))).outputDir;
  return await showTraining(train, options, folder, context, stopAt);
}

/**
 * Trains by a step and draws the curves meanwhile.
 *
 * @param stopAt Share of the steps after which it is stopped.
 */
export async function showTraining<Options extends z.ZodObject, Result>(
  step: Step<Options, Result>,
  options: z.output<Options>,
  folder: string,
  context: Context,
  stopAt?: number,
): Promise<ShownRun> {
  const picture = liveTraining();
  const { ended } = await watch(step, options, context, { picture, ...(stopAt === undefined ? {} : { stopAt }) });
  return { ...await historyOf(folder), ended, recorded: false };
}

/** A training that was recorded, drawn once more as it went. */
export async function recordedRun(folder: string, context: Context): Promise<ShownRun> {
  const { ended } = await watch(replay(runPaths(folder).events), {}, context, { picture: liveTraining() });
  return { ...await historyOf(folder), ended, recorded: true };
}

async function historyOf(folder: string): Promise<Pick<ShownRun, "run" | "points">> {
  const run = await readRun(folder);
  if (!run) throw new UserError(`Cannot show the training: it left nothing in "${folder}"`);
  return { run, points: await readHistory(folder) };
}

/** The curves of a training, drawn anew with each figure. */
export function liveTraining(): LivePicture & { readonly points: readonly TrainingPoint[] } {
  const points: TrainingPoint[] = [];
  let total: number | undefined;
  return {
    points,
    take(event) {
      if (event.type === "progress" && event.label === "train" && event.total !== undefined) total = event.total;
      const point = pointOf(event);
      if (!point) return false;
      points.push(point);
      return true;
    },
    draw: () => trainingChart(points, total === undefined ? {} : { total }),
  };
}

/** A step that tells what a training told. */
function replay(path: string) {
  return defineStep({
    name: "train",
    summary: "Tells a recorded training again",
    options: z.object({}),
    files: () => ({ reads: [path], writes: [] }),
    async run(_options, { emit, signal }) {
      const decoder = new TextDecoder();
      for await (const { bytes } of readLines(path, signal)) {
        const line = decoder.decode(bytes);
        if (line.trim() !== "") emit(parseEvent(line));
      }
    },
  });
}

async function torchIsThere({ env }: Context): Promise<boolean> {
  return await findToolchain("train", env) !== undefined;
}

/** Whether the base has to be made first. */
async function needsTorch(options: TrainOptions): Promise<boolean> {
  const file = options.recipe === undefined ? undefined : await loadRecipe(options.recipe);
  return (options.baseModel ?? file?.baseModel) === "tiny";
}

/** Says why something recorded is shown. */
export function tellRecorded({ emit }: Context): void {
  emit({
    type: "log",
    level: "warn",
    message: "The trainer's Python environment is not made yet (deno task train makes it): what follows was recorded",
  });
}

function silent(context: Context): Context {
  return { ...context, emit: () => {} };
}
