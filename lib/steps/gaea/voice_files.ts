/** Where `gaea:voice` keeps continuations, and how the newest of them are found. */
import { join } from "node:path";
import { UserError } from "../../core/errors.ts";

/** `baseline`: the model before training; `finetuned`: after it. */
export type VoiceSide = "baseline" | "finetuned";

/**
 * `voice_baseline_20261128_0417.jsonl`: by its name the newest is found.
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
  const names: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) if (isFile) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const newest = (side: VoiceSide) => {
    const found = names.filter((name) => name.startsWith(`voice_${side}_`) && name.endsWith(".jsonl")).sort().at(-1);
    if (found !== undefined) return join(folder, found);
    throw new UserError(`Cannot find ${side} continuations in "${folder}"`, {
      hint: `Make them: deno task gaea:voice --${side}. Or name files by --base and --tuned.`,
    });
  };
  return { base: newest("baseline"), tuned: newest("finetuned") };
}
