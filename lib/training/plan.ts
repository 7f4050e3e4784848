/** A training run with everything in its place: which base, which examples, into which folder, from which checkpoint. */
import { join, resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import { dataDir } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import { type BaseModel, resolveBase } from "./base.ts";
import { latestCheckpoint, namedCheckpoint, type Resume, runsIn } from "./checkpoints.ts";
import { findSplit } from "./dataset.ts";
import { planLaunch } from "./launch.ts";
import { fittedLearningRate } from "./learning_rate.ts";
import { surveyBase } from "./preflight/base_survey.ts";
import { effectiveRecipe, loadRecipe, type Recipe } from "./recipe.ts";
import { readRunRecord, readRunState, runPaths, type RunRecord } from "./run_file.ts";
import { isFolder } from "../llm/llama_cpp_cache.ts";
import type { TrainOptions } from "./train_options.ts";

/** Where the examples come from. */
export interface DatasetFiles {
  /** What was asked for. */
  readonly dataset: string;
  /** The two halves beside it, where they were dealt (by book) from this very dataset; else the share is drawn. */
  readonly split: { readonly train: string; readonly val: string } | undefined;
}

/** Processes that share the work. */
export interface LaunchPlan {
  readonly by: "accelerate" | "torchrun";
  /** On each machine. */
  readonly processes: number;
  readonly machines: number;
  readonly machineRank: number;
  readonly mainAddress: string;
  readonly mainPort: number;
  /** A configuration file of accelerate; FSDP and DeepSpeed may stand in it. */
  readonly accelerateConfig?: string | undefined;
  /** JSON files with the settings of FSDP or DeepSpeed. */
  readonly fsdp?: string | undefined;
  readonly deepspeed?: string | undefined;
}

/** What the preflight looks at and the trainer is given. */
export interface TrainingPlan {
  /** The learning rate is still `auto` only where the base cannot be read. */
  readonly recipe: Recipe;
  /** Name or path of the recipe, where one was given. */
  readonly recipeName: string | undefined;
  readonly base: BaseModel;
  readonly data: DatasetFiles;
  /** Why files beside the dataset that look like its split are not used. */
  readonly noSplit: string | undefined;
  readonly outputDir: string;
  /** Folder of a checkpoint to go on from: it is whole. */
  readonly resumeFrom: string | undefined;
  /** What the run that is gone on with was begun as. */
  readonly before: RunRecord | undefined;
  /** A run that lies in the folder and is to be replaced. */
  readonly replaces: boolean;
  readonly launch: LaunchPlan | undefined;
  /** Environment variables of the recipe. */
  readonly env: Readonly<Record<string, string>>;
}

/** Devices that work at the same time. */
export function worldSize({ launch }: Pick<TrainingPlan, "launch">): number {
  return launch ? launch.processes * launch.machines : 1;
}

/**
 * Puts together what a run will be: options over the recipe file over the defaults, or, where it goes on with another,
 * options over what that one was begun with.
 *
 * @throws {UsageError} all faults of the options; a base, a run or a checkpoint that is not there; a folder that holds
 * another run. {UserError} a recipe that cannot be read.
 */
export async function planTraining(options: TrainOptions, context: Context): Promise<TrainingPlan> {
  const root = dataDir(options.dataDir, context.env);
  const file = options.recipe === undefined ? undefined : await loadRecipe(options.recipe);
  const { launch, faults } = planLaunch(options);
  if (options.resumeLatest && options.resumeFromCheckpoint !== undefined) {
    faults.push("Cannot use --resume-latest with --resume-from-checkpoint: both say where to go on");
  }
  if (faults.length > 0) throw new UsageError(faults);

  const resume = await findResume(options, file?.outputDir, root);
  resume?.passedOver.forEach(({ folder, fault }) =>
    context.emit({ type: "log", level: "warn", message: `"${folder}" is passed over: ${fault}` })
  );
  const before = resume && await readRunRecord(resume.run);
  const recipe = effectiveRecipe(before && options.recipe === undefined ? before.recipe : file, options);
  const named = options.outputDir ?? resume?.run ?? recipe.outputDir ??
    join(root, "output", options.runName ?? `theme-deepred-${stamp(context.clock.now())}`);
  // Machines may share a disk: what the others keep of the run lies beside it.
  const outputDir = resolve(launch && launch.machineRank > 0 ? `${named}-machine-${launch.machineRank}` : named);
  const replaces = !resume && await holdsSomething(outputDir);
  if (replaces) await refuseUnlessRun(outputDir, options.overwrite);

  // A run that is gone on with says where its things are, wherever it is gone on with from.
  const dataset = options.dataset ?? before?.dataset.path ?? recipe.dataset ??
    join(root, "dataset", "theme_dataset.jsonl");
  const { split, why } = await findSplit(dataset, context.signal);
  const base = options.baseModel === undefined && before && await isFolder(before.base.path)
    ? { kind: before.base.kind, name: before.base.name, path: before.base.path }
    : await baseOf(recipe.baseModel, root, context);
  return {
    recipe: await withRate(recipe, base, context),
    recipeName: options.recipe ?? before?.recipeName,
    base,
    data: { dataset, split },
    noSplit: why,
    outputDir,
    resumeFrom: resume?.checkpoint.folder,
    before,
    replaces,
    launch,
    env: file?.env ?? before?.env ?? {},
  };
}

/** A base that is not there is a finding among others: it is looked for where it would be. */
async function baseOf(name: string, root: string, context: Context): Promise<BaseModel> {
  try {
    return await resolveBase(name, root, context);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { kind: "folder", name, path: resolve(join(root, name)) };
  }
}

/** `auto` becomes the rate that fits the size of the base. */
async function withRate(recipe: Recipe, base: BaseModel, context: Context): Promise<Recipe> {
  if (recipe.learningRate !== "auto") return recipe;
  const { shape } = await surveyBase(base, context);
  if (!shape) return recipe;
  const { rate, basis } = fittedLearningRate(shape);
  context.emit({ type: "log", level: "info", message: `learning rate ${rate}: ${basis}` });
  return { ...recipe, learningRate: rate };
}

/** The checkpoint that the options ask for. With --overwrite, having none is no fault: the run begins anew. */
async function findResume(
  options: TrainOptions,
  outputOfRecipe: string | undefined,
  root: string,
): Promise<Resume | undefined> {
  if (options.resumeFromCheckpoint !== undefined) return await namedCheckpoint(options.resumeFromCheckpoint);
  if (!options.resumeLatest) return undefined;
  const folder = options.outputDir ?? outputOfRecipe ?? (options.runName && join(root, "output", options.runName));
  const runs = folder ? [resolve(folder)] : await runsIn(join(root, "output"));
  try {
    if (options.overwrite && runs[0] && (await readRunState(runs[0]))?.state === "complete") return undefined;
    return await latestCheckpoint(runs);
  } catch (error) {
    if (options.overwrite && error instanceof UsageError) return undefined;
    throw error;
  }
}

async function holdsSomething(folder: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(folder)) return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotADirectory) {
      throw new UsageError(`Cannot train into "${folder}": it is a file`, "Name a folder by --output-dir.");
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}

async function refuseUnlessRun(folder: string, overwrite: boolean): Promise<void> {
  const isRun = await Deno.stat(runPaths(folder).state).then(() => true, () => false) ||
    await Deno.stat(runPaths(folder).recipe).then(() => true, () => false);
  if (isRun && overwrite) return;
  throw new UsageError(
    `Cannot train into "${folder}": it holds ${isRun ? "a run" : "files that are no run"} already`,
    isRun
      ? "Go on with it by --resume-latest, replace it by --overwrite, or name another folder by --output-dir."
      : "Name an empty or new folder by --output-dir.",
  );
}

/** `20260131_235959`, local time, as the document names its folders. */
function stamp(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}_` +
    `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}
