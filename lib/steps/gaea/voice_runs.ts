/** The files of a run that asks for continuations, and how a stopped run is found again. */
import { join } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { exists, readTextFile, writeFileAtomic } from "../../core/files.ts";
import type { Context } from "../../core/step.ts";
import type { Sampling } from "../../llm/completions.ts";
import { stampOf, voicePath, type VoiceSide } from "./voice_files.ts";

/** All that makes a run what it is; the address of the server is no part of it. */
export interface VoiceSettings {
  readonly version: 1;
  readonly side: VoiceSide;
  readonly model: string;
  /** Who started the server; one that was there already is `given`. */
  readonly engine: "vllm" | "llama-server" | "given";
  readonly mode: string;
  readonly sampling: Sampling;
  readonly seed: number;
  readonly words: number;
  readonly prompts: { readonly count: number; readonly sha256: string };
  readonly voiceworks: string;
}

export interface VoiceRun {
  readonly output: string;
  /** Grows while answers come; becomes `output`. */
  readonly partial: string;
  readonly rejects: string;
  readonly settings: string;
}

/** Where to write. */
export interface VoiceTarget {
  /** A folder, in which a run is named by its time, or a file. */
  readonly output: string;
  readonly restart: boolean;
  readonly overwrite: boolean;
}

/**
 * The newest stopped run with the same settings, else a new one.
 *
 * @throws {UsageError} the file is there already.
 */
export async function openRun(
  { output, restart, overwrite }: VoiceTarget,
  side: VoiceSide,
  settings: VoiceSettings,
  context: Context,
): Promise<VoiceRun> {
  const text = JSON.stringify(settings, null, 2) + "\n";
  const pathsOf = (output: string): VoiceRun => {
    const name = output.replace(/\.jsonl$/, "");
    return { output, partial: `${name}.part`, rejects: `${name}.rejects`, settings: `${name}.json` };
  };
  const given = isFile(output) ? pathsOf(output) : undefined;
  if (given && !overwrite && await exists(given.output)) {
    throw new UsageError(`Cannot write "${output}": it exists already`, "Ask anew by --overwrite, or name a folder.");
  }
  const stopped = given ? await exists(given.partial) ? [given] : [] : (await stoppedRuns(output, side)).map(pathsOf);
  for (const run of restart ? [] : stopped) {
    if (await readTextFile(run.settings).catch(() => "") === text) return run;
  }
  const run = given ?? pathsOf(await freshPath(output, side, context));
  for (const path of [run.partial, run.rejects]) await Deno.remove(path).catch(() => {});
  await writeFileAtomic(run.settings, text);
  return run;
}

/** True for the name of a file of rows, false for a folder. */
export function isFile(output: string): boolean {
  return output.endsWith(".jsonl");
}

/** Named by the time, so that the newest is found by its name. */
async function freshPath(folder: string, side: VoiceSide, { clock }: Context): Promise<string> {
  const stamp = stampOf(new Date(clock.now()));
  let path = voicePath(folder, side, stamp);
  for (let again = 2; await exists(path.replace(/l$/, "")); again++) {
    path = voicePath(folder, side, `${stamp}_${again}`);
  }
  return path;
}

/** Newest first. */
async function stoppedRuns(folder: string, side: VoiceSide): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.startsWith(`voice_${side}_`) && name.endsWith(".part")) {
        names.push(join(folder, name.replace(/part$/, "jsonl")));
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort().reverse();
}
