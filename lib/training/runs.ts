/** The registry of training runs: every folder that a training left, ours or that of another program. */
import { basename, join, resolve } from "node:path";
import { messageOf, UsageError, UserError } from "../core/errors.ts";
import { findTrainerState, readEventHistory, readTrainerState, type TrainingPoint } from "./history.ts";
import { Recipe } from "./recipe.ts";
import { isHeld, readRunRecord, readRunState, runPaths, type RunRecord, type RunState } from "./run_file.ts";

/** A training run as its folder tells it. */
export interface Run {
  readonly name: string;
  readonly folder: string;
  /** `crashed`: it says that it runs, but nobody trains into its folder. `foreign`: of another program. */
  readonly state: RunState["state"] | "crashed" | "foreign" | "broken";
  readonly record?: RunRecord;
  readonly run?: RunState;
  /** Last step, and how many there would be. */
  readonly step?: number;
  readonly maxSteps?: number;
  /** Last training loss, and the lowest of the evaluations with its step. */
  readonly loss?: number;
  readonly best?: { readonly loss: number; readonly step: number };
  /** When it began, in milliseconds since the epoch; of foreign ones when their state was written. */
  readonly began?: number;
  readonly seconds?: number;
  /** Why nothing more is known. */
  readonly problem?: string;
}

/** All runs below a folder, newest first. A folder that holds no training is passed over. */
export async function listRuns(outputs: string, signal?: AbortSignal): Promise<Run[]> {
  const folders: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(outputs)) {
      if (isDirectory && !name.startsWith(".")) folders.push(join(outputs, name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const runs = await Promise.all(folders.map((folder) => readRun(folder, signal ? { signal } : {})));
  return runs.filter((run) => run !== undefined).sort((a, b) =>
    (b.began ?? 0) - (a.began ?? 0) || (a.name < b.name ? 1 : -1)
  );
}

/** A run by its folder; undefined where the folder holds no training. */
export async function readRun(folder: string, { signal }: { signal?: AbortSignal } = {}): Promise<Run | undefined> {
  const base = { name: basename(resolve(folder)), folder };
  let record: RunRecord | undefined, run: RunState | undefined;
  try {
    [record, run] = await Promise.all([readRunRecord(folder), readRunState(folder)]);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...base, state: "broken", problem: messageOf(error) };
  }
  const points = await readHistory(folder, signal);
  if (!record && !run) {
    const path = await findTrainerState(folder);
    if (path === undefined) return undefined;
    const found = await readTrainerState(path);
    if (!found) return { ...base, state: "broken", problem: `"${path}" cannot be read` };
    const { mtime } = await Deno.stat(path);
    return {
      ...base,
      ...figures(points),
      state: "foreign",
      step: found.step,
      ...(found.maxSteps === undefined ? {} : { maxSteps: found.maxSteps }),
      ...(mtime ? { began: mtime.getTime() } : {}),
    };
  }
  const began = Date.parse(run?.started ?? record?.created ?? "");
  const ended = run?.ended === undefined ? Number.NaN : Date.parse(run.ended);
  const crashed = run?.state === "running" && !await isHeld(folder);
  const last = points.reduce((most, { step }) => Math.max(most, step), 0);
  return {
    ...base,
    ...figures(points),
    // A record without a state: it ended before its first step.
    state: crashed || !run ? "crashed" : run.state,
    ...(record ? { record } : {}),
    ...(run ? { run } : {}),
    step: Math.max(run?.step ?? 0, last),
    ...(run?.maxSteps === undefined ? {} : { maxSteps: run.maxSteps }),
    ...(Number.isNaN(began) ? {} : { began }),
    ...(Number.isNaN(began) || Number.isNaN(ended) ? {} : { seconds: (ended - began) / 1000 }),
    ...(run?.message === undefined ? {} : { problem: run.message }),
  };
}

/** The figures of a run: its events, else what Trainer kept. Empty where there is neither. */
export async function readHistory(folder: string, signal?: AbortSignal): Promise<TrainingPoint[]> {
  const { events } = runPaths(folder);
  if (await Deno.stat(events).then((info) => info.isFile, () => false)) return await readEventHistory(events, signal);
  const path = await findTrainerState(folder);
  return path === undefined ? [] : [...(await readTrainerState(path))?.points ?? []];
}

function figures(points: readonly TrainingPoint[]): Pick<Run, "loss" | "best"> {
  const loss = points.findLast(({ series }) => series === "loss")?.value;
  const evals = points.filter(({ series }) => series === "eval_loss");
  const best = evals.reduce<TrainingPoint | undefined>(
    (low, point) => low === undefined || point.value < low.value ? point : low,
    undefined,
  );
  return {
    ...(loss === undefined ? {} : { loss }),
    ...(best ? { best: { loss: best.value, step: best.step } } : {}),
  };
}

/**
 * The run that a word means: a folder, the name of a run or its beginning, `latest`, or `previous`.
 *
 * @param runs Newest first.
 * @throws {UsageError} none, or more than one.
 */
export async function findRun(word: string, runs: readonly Run[], signal?: AbortSignal): Promise<Run> {
  const there = () => runs.length === 0 ? "there are no runs" : `there are ${runs.map(({ name }) => name).join(", ")}`;
  if (word === "latest" || word === "previous") {
    const run = runs[word === "latest" ? 0 : 1];
    if (run) return run;
    throw new UsageError(`Cannot take the ${word} run: ${there()}`);
  }
  const exact = runs.find(({ name }) => name === word);
  if (exact) return exact;
  if ((await Deno.stat(word).catch(() => undefined))?.isDirectory) {
    const run = await readRun(word, signal ? { signal } : {});
    if (run) return run;
    throw new UsageError(`Cannot use "${word}": the folder holds no training (recipe.json or trainer_state.json)`);
  }
  const alike = runs.filter(({ name }) => name.startsWith(word) || name.endsWith(word));
  const [only] = alike;
  if (only && alike.length === 1) return only;
  throw new UsageError(
    alike.length > 1
      ? `"${word}" means several runs: ${alike.map(({ name }) => name).join(", ")}`
      : `There is no run "${word}": ${there()}`,
    "Give its name or the end of it, its folder, latest, or previous.",
  );
}

/** Where recipes differ: the option, and its value in each run. Options that all have alike are left out. */
export function recipeDifferences(runs: readonly Run[]): { option: string; values: readonly string[] }[] {
  const rows: { option: string; values: string[] }[] = [];
  const add = (option: string, values: (unknown)[]) => {
    const shown = values.map((value) =>
      value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value)
    );
    if (new Set(shown).size > 1) rows.push({ option, values: shown });
  };
  const known = runs.map(({ record }) => record);
  add("base model", known.map((record) => record?.base.name));
  add("training rows", known.map((record) => record?.dataset.train.rows));
  add("training rows (hash)", known.map((record) => record?.dataset.train.sha256.slice(0, 12)));
  add("validation rows (hash)", known.map((record) => record?.dataset.val?.sha256.slice(0, 12)));
  add("processes", known.map((record) => record?.processes));
  for (const key of Object.keys(Recipe.shape) as (keyof Recipe)[]) {
    if (key === "baseModel" || key === "dataset" || key === "outputDir") continue;
    add(key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), known.map((record) => record?.recipe[key]));
  }
  return rows;
}
