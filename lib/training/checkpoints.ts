/** Checkpoints of a run: which of them are whole, and which one to go on from. */
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { messageOf, UsageError, UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { readRunState, runPaths } from "./run_file.ts";
import { readSafetensors } from "./safetensors.ts";

export interface Checkpoint {
  readonly folder: string;
  readonly step: number;
  /** What it lacks; undefined where it is whole. */
  readonly fault: string | undefined;
  /** Of the run that wrote it; undefined for checkpoints of other trainers. */
  readonly identity: string | undefined;
}

/** As lib/python/training_watch.py names them; the first is Trainer's own word. */
const INCOMPLETE = "checkpoint-is-incomplete.txt";
const COMPLETE = "checkpoint-is-complete.json";

const Seal = z.object({ identity: z.string(), files: z.record(z.string(), z.int()) });
const State = z.looseObject({ global_step: z.int() });

/** Looks whether a checkpoint is whole, without loading it. */
export async function inspectCheckpoint(folder: string): Promise<Checkpoint> {
  const step = Number(/-(\d+)$/.exec(basename(folder))?.[1] ?? Number.NaN);
  const result = (fault: string | undefined, identity?: string): Checkpoint => ({ folder, step, fault, identity });
  if (!await isThere(folder)) return result("there is no such folder");
  if (await isThere(join(folder, INCOMPLETE))) return result("it was not finished");
  try {
    const seal = await readJson(join(folder, COMPLETE), Seal);
    if (seal) {
      for (const [name, size] of Object.entries(seal.files)) {
        const info = await Deno.stat(join(folder, name)).catch(() => undefined);
        if (!info) return result(`${name} is missing`);
        if (info.size !== size) return result(`${name} has ${info.size} bytes, not ${size}`);
      }
      return result(undefined, seal.identity);
    }
    return result(await faultOfForeign(folder));
  } catch (error) {
    return result(messageOf(error));
  }
}

/** A checkpoint that another trainer wrote says nothing of itself: its files are opened. */
async function faultOfForeign(folder: string): Promise<string | undefined> {
  if (!await readJson(join(folder, "trainer_state.json"), State)) return "trainer_state.json is missing";
  for (const name of ["optimizer.pt", "scheduler.pt"]) {
    const fault = await faultOfZip(join(folder, name));
    if (fault) return `${name} ${fault}`;
  }
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  if (!names.some((name) => /^rng_state(_\d+)?\.pth$/.test(name))) return "rng_state.pth is missing";
  await readSafetensors(join(folder, "adapter_model.safetensors")); // Throws what is wrong with it.
  return undefined;
}

/** torch writes zip archives: one that was cut off lacks the directory at its end. */
async function faultOfZip(path: string): Promise<string | undefined> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    const tail = new Uint8Array(Math.min(size, 1 << 16));
    await file.seek(size - tail.length, Deno.SeekMode.Start);
    for (let at = 0; at < tail.length;) {
      const read = await file.read(tail.subarray(at));
      if (read === null) break;
      at += read;
    }
    return tail.some((byte, at) =>
        byte === 0x50 && tail[at + 1] === 0x4b && tail[at + 2] === 0x05 && tail[at + 3] === 0x06
      )
      ? undefined
      : "is cut off";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "is missing";
    throw error;
  }
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  if (!await isThere(path)) return undefined;
  try {
    return schema.parse(JSON.parse(await readTextFile(path)));
  } catch {
    throw new UserError(`${basename(path)} is damaged`);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** All checkpoints of a run, newest first. */
export async function checkpointsOf(run: string): Promise<Checkpoint[]> {
  const folders: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(run)) {
      if (isDirectory && /^checkpoint-\d+$/.test(name)) folders.push(join(run, name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const checkpoints = await Promise.all(folders.map(inspectCheckpoint));
  return checkpoints.sort((a, b) => b.step - a.step);
}

/** Where to go on: the run, its newest whole checkpoint, and those that were passed over. */
export interface Resume {
  readonly run: string;
  readonly checkpoint: Checkpoint;
  readonly passedOver: readonly Checkpoint[];
}

/**
 * The newest whole checkpoint of a run; of several runs, that of the newest that is not complete.
 *
 * @param runs Folders of runs, newest first.
 * @throws {UsageError} there is none.
 */
export async function latestCheckpoint(runs: readonly string[]): Promise<Resume> {
  const seen: string[] = [];
  for (const run of runs) {
    if (runs.length > 1 && (await readRunState(run).catch(() => undefined))?.state === "complete") continue;
    const all = await checkpointsOf(run);
    const at = all.findIndex(({ fault }) => fault === undefined);
    const checkpoint = all[at];
    if (checkpoint) return { run, checkpoint, passedOver: all.slice(0, at) };
    seen.push(...all.map(({ folder, fault }) => `"${folder}": ${fault}`));
  }
  const where = runs.length === 1 ? `"${runs[0]}"` : runs.length === 0 ? "the data root" : `${runs.length} runs`;
  throw new UsageError(
    [`Cannot resume: there is no whole checkpoint in ${where}`, ...seen],
    "Begin anew without --resume-latest, or name a checkpoint by --resume-from-checkpoint.",
  );
}

/**
 * A checkpoint that was asked for by its path, or the newest of a run that was.
 *
 * @throws {UsageError} it is not whole.
 */
export async function namedCheckpoint(path: string): Promise<Resume> {
  const folder = resolve(path);
  if (await isThere(runPaths(folder).recipe)) return await latestCheckpoint([folder]);
  const checkpoint = await inspectCheckpoint(folder);
  if (checkpoint.fault !== undefined) {
    throw new UsageError(
      `Cannot resume from "${path}": ${checkpoint.fault}`,
      "Name another checkpoint, or let --resume-latest find the newest that is whole.",
    );
  }
  return { run: dirname(folder), checkpoint, passedOver: [] };
}

/** Runs below the data root, newest first by the time in their names. */
export async function runsIn(outputs: string): Promise<string[]> {
  try {
    const names = (await Array.fromAsync(Deno.readDir(outputs))).filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name).filter((name) => name.startsWith("theme-deepred"));
    return names.sort().reverse().map((name) => join(outputs, name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
