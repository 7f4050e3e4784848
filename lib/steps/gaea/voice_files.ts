/** Where `gaea:voice` keeps continuations, and how the newest of them are found. */
import { join } from "node:path";
import { UserError } from "../../core/errors.ts";

/** `baseline`: the model before training; `finetuned`: after it. */
export type VoiceSide = "baseline" | "finetuned";

/**
 * `voice_baseline_20261128_041700.jsonl`: named by its time. A pipeline, which must know the name before, leaves
 * `voice_baseline.jsonl`.
 *
 * @param stamp Sorts by time: `YYYYMMDD_HHMMSS`.
 */
export function voicePath(folder: string, side: VoiceSide, stamp: string): string {
  return join(folder, `voice_${side}_${stamp}.jsonl`);
}

/**
 * The newest continuations of each side.
 *
 * @throws {UserError} a side is missing: the message says how to make it.
 */
export async function newestVoices(folder: string): Promise<{ base: string; tuned: string }> {
  const stamps = new Map<string, string>();
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      const [, side, stamp] = isFile && /^voice_(baseline|finetuned)(?:_(.+))?\.jsonl$/.exec(name) || [];
      if (side !== undefined) stamps.set(name, stamp ?? await changedAt(join(folder, name)));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const newest = (side: VoiceSide) => {
    const [found] = [...stamps].filter(([name]) => name.startsWith(`voice_${side}`))
      .sort(([, a], [, b]) => a < b ? -1 : 1).at(-1) ?? [];
    if (found !== undefined) return join(folder, found);
    throw new UserError(`Cannot find ${side} continuations in "${folder}"`, {
      hint: `Make them: deno task gaea:voice --${side}. Or name files by --base and --tuned.`,
    });
  };
  return { base: newest("baseline"), tuned: newest("finetuned") };
}

/** When a file was written, as a stamp. */
async function changedAt(path: string): Promise<string> {
  return stampOf((await Deno.stat(path)).mtime ?? new Date(0));
}

/** `20261128_041700`, which sorts by time. */
export function stampOf(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "_");
}
