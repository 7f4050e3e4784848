/** An author, a base, and others, out of the texts that ship. */
import { join } from "node:path";
import { presetPath, WORKSPACE } from "@/core/paths.ts";
import { seededRandom } from "@/dialogue/random.ts";
import { shuffleWords } from "@/evaluation/style/coherence.ts";
import { compareStyle, type Comparison, type StyleInput } from "@/evaluation/style/compare.ts";
import { cutPieces } from "@/evaluation/style/pieces.ts";
import { loadTagger } from "@/evaluation/style/tagger.ts";
import { impostersFrom } from "@/steps/gaea/imposters.ts";

/** Passages as a system's continuations. */
export function continuations(texts: readonly string[]): { id: string; text: string }[] {
  return texts.map((text, at) => ({ id: String(at), text }));
}

/** The sample manuscript in three, dealt piece by piece; the story in another hand as the base. */
export async function sampleAuthor(): Promise<Pick<StyleInput, "author" | "base">> {
  const read = (...path: string[]) => Deno.readTextFile(join(WORKSPACE, "data-samples", ...path));
  const pieces = cutPieces(await read("manuscript", "one_over.md"), 250);
  const deal = (part: number) => pieces.filter((_, at) => at % 3 === part);
  const base = continuations(cutPieces(await read("contrast", "the_clock_at_dunning.txt"), 250));
  return { author: { train: deal(0), ref: deal(1), hold: deal(2) }, base };
}

/** One of the imposters that write in the second person. */
export async function secondPerson(name: string): Promise<string> {
  return await Deno.readTextFile(join(presetPath("gaea/imposters"), `${name}.txt`));
}

export function shuffled(texts: readonly string[]): string[] {
  return texts.map((text, at) => shuffleWords(text, seededRandom("shuffled", at)));
}

/** Compares with the imposters that ship, without those that are named. */
export async function compare(
  { author, base }: Pick<StyleInput, "author" | "base">,
  tuned: StyleInput["tuned"],
  options: { without?: string; leastWords?: number; resamples?: number; paired?: boolean } = {},
): Promise<Comparison> {
  const { without, leastWords = 3000, resamples = 200, paired = false } = options;
  const { imposters, background } = await impostersFrom(undefined);
  const others = imposters.filter(({ name }) => name !== without);
  return compareStyle(
    { author, base, tuned, paired, imposters: others, background },
    { seed: 1, tag: await loadTagger(), leastWords, resamples },
  );
}
