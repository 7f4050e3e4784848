/**
 * What a training run keeps of itself in its folder: `recipe.json` (what it is, written before the first step),
 * `run.json` (how it goes), `environment.json` (what it runs on, from Python) and `outcome.json` (how the trainer ended).
 */
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { readTextFile, sha256, writeFileAtomic } from "../core/files.ts";
import { explain } from "../core/jsonl.ts";
import { Recipe } from "./recipe.ts";

/** A file of rows as they are trained on. */
const Rows = z.object({ rows: z.int().nonnegative(), sha256: z.string() });
export type Rows = z.infer<typeof Rows>;

/** `recipe.json`. */
export const RunRecord = z.object({
  version: z.literal(1),
  voiceworks: z.string(),
  created: z.string(),
  /** Name or path of the recipe that was asked for. */
  recipeName: z.string().optional(),
  recipe: Recipe,
  base: z.object({
    kind: z.enum(["tiny", "folder", "hub"]),
    name: z.string(),
    path: z.string(),
    /** Of a folder: SHA-256 over its config.json and the names and sizes of its weights. */
    mark: z.string().optional(),
  }),
  dataset: z.object({
    path: z.string(),
    /** `book`: as `split` dealt it; `row`: drawn here; `none`: all is trained on. */
    split: z.enum(["book", "row", "none"]),
    train: Rows,
    val: Rows.optional(),
  }),
  /** Devices that share a step. */
  processes: z.int().positive(),
  env: z.record(z.string(), z.string()),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** `run.json`. */
export const RunState = z.object({
  state: z.enum(["running", "complete", "stopped", "failed"]),
  started: z.string(),
  ended: z.string().optional(),
  /** Process that trains, or trained. */
  pid: z.int(),
  step: z.int().optional(),
  maxSteps: z.int().optional(),
  /** Newest whole checkpoint. */
  checkpoint: z.string().optional(),
  /** Checkpoints that this run went on from, in order. */
  resumedFrom: z.array(z.string()),
  /** `train_loss`, `eval_loss`, … */
  metrics: z.record(z.string(), z.number()),
  /** Why it failed. */
  message: z.string().optional(),
});
export type RunState = z.infer<typeof RunState>;

/** `outcome.json`: the last word of lib/python/train_lora.py. */
export const Outcome = z.object({
  state: z.enum(["complete", "stopped", "failed"]),
  step: z.int().optional(),
  maxSteps: z.int().optional(),
  epoch: z.number().nullish(),
  endedEarly: z.boolean().optional(),
  checkpoint: z.string().nullish(),
  metrics: z.record(z.string(), z.number().nullable()).optional(),
  kind: z.string().optional(),
  message: z.string().optional(),
});
export type Outcome = z.infer<typeof Outcome>;

/** Files of a run, by what they are. */
export function runPaths(folder: string) {
  const at = (name: string) => join(folder, name);
  return {
    recipe: at("recipe.json"),
    state: at("run.json"),
    events: at("events.jsonl"),
    preflight: at("preflight.json"),
    environment: at("environment.json"),
    outcome: at("outcome.json"),
    config: at("trainer.json"),
    log: at("trainer.log"),
    stop: at("stop"),
    lock: at("run.lock"),
    rejects: at("train_rejects.jsonl"),
    train: at("dataset_train.jsonl"),
    val: at("dataset_val.jsonl"),
    final: at("final"),
    trainResults: at("train_results.json"),
    evalResults: at("eval_results.json"),
  };
}

/**
 * Holds a run's folder while a process trains into it. The system lets go when the process ends, however that happens: a
 * run that says that it runs and is not held has crashed.
 *
 * @throws {UserError} another process trains into it.
 */
export async function holdRun(folder: string): Promise<Disposable> {
  const file = await Deno.open(runPaths(folder).lock, { create: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  throw held(folder);
}

/** @throws {UserError} another process trains into the folder. */
export async function refuseHeld(folder: string): Promise<void> {
  if (await isHeld(folder)) throw held(folder);
}

function held(folder: string): UserError {
  return new UserError(`Cannot train into "${folder}": another process does`, {
    hint: "Wait for it, or name another folder by --output-dir.",
  });
}

/** Whether a process trains into a run's folder. */
export async function isHeld(folder: string): Promise<boolean> {
  try {
    using file = await Deno.open(runPaths(folder).lock);
    return !await file.tryLock(true);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** `recipe.json` of a run; undefined where there is none. @throws {UserError} it has another shape. */
export const readRunRecord = (folder: string) => readJson(runPaths(folder).recipe, RunRecord);

/** `run.json` of a run; undefined where there is none. @throws {UserError} it has another shape. */
export const readRunState = (folder: string) => readJson(runPaths(folder).state, RunState);

/** `outcome.json` of a run; undefined where the trainer had no time to write one. */
export const readOutcome = (folder: string) => readJson(runPaths(folder).outcome, Outcome);

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, JSON.stringify(value, null, 2) + "\n");
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  if (!await Deno.stat(path).then((info) => info.isFile, () => false)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(await readTextFile(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot read "${path}": it is not JSON`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new UserError(`Cannot read "${path}": ${explain(parsed.error)}`);
  return parsed.data;
}

/** Values that may change between a stop and a resume: none of them moves a weight. */
const FREE = new Set<keyof Recipe>(["outputDir", "dataset", "saveTotalLimit", "earlyStopping", "wandb"]);

/**
 * Where two runs differ in what decides their weights, each in words: `batch-size: 4 → 8`. Empty where one can go on from
 * a checkpoint of the other and end where it would have ended.
 */
export function driftBetween(before: RunRecord, after: RunRecord): string[] {
  const drift: string[] = [];
  const note = (name: string, old: unknown, now: unknown) => {
    const [left, right] = [old, now].map((value) => value === undefined ? "unset" : JSON.stringify(value));
    if (left !== right) drift.push(`${name}: ${left} → ${right}`);
  };
  for (const key of Object.keys(Recipe.shape) as (keyof Recipe)[]) {
    if (!FREE.has(key) && key !== "baseModel") note(kebab(key), before.recipe[key], after.recipe[key]);
  }
  note("base model", before.base.mark ?? before.base.path, after.base.mark ?? after.base.path);
  note("training examples (SHA-256)", before.dataset.train.sha256, after.dataset.train.sha256);
  note("validation examples (SHA-256)", before.dataset.val?.sha256, after.dataset.val?.sha256);
  note("processes", before.processes, after.processes);
  return drift;
}

/** Of all that {@linkcode driftBetween} compares: checkpoints carry it. */
export function identityOf({ recipe, base, dataset, processes }: RunRecord): string {
  const kept = Object.entries(recipe).filter(([key]) => !FREE.has(key as keyof Recipe) && key !== "baseModel").sort();
  const shas = [dataset.train.sha256, dataset.val?.sha256 ?? null];
  return sha256(JSON.stringify([kept, base.mark ?? base.path, shas, processes]));
}

function kebab(key: string): string {
  return key.replace(/[A-Z]|(?<=[a-z])\d/g, (sign) => `-${sign.toLowerCase()}`);
}
