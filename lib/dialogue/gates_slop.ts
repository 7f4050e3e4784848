/**
 * Turns of phrase that language models overuse. Each is innocent alone; their rate is not. The weights follow slop-score
 * (EQ-Bench): words 45 %, "not X but Y" 40 %, phrases 15 %; the lists are this project's own.
 */
import { z } from "zod";
import { readJsonc } from "../core/jsonc.ts";
import { compileThemes, matchThemes, ThemeFile, type Themes } from "../corpus/themes.ts";

const Patterns = z.array(z.string().min(1)).min(1);

/** Patterns are written as those of themes. */
export const SlopFile = z.strictObject({
  words: Patterns,
  phrases: Patterns,
  contrasts: Patterns,
  weights: z.strictObject({
    words: z.number().min(0).default(0.45),
    phrases: z.number().min(0).default(0.15),
    contrasts: z.number().min(0).default(0.4),
  }).prefault({}),
});
export type SlopFile = z.output<typeof SlopFile>;

/** @throws {UsageError} with every fault, each as `file:line`. */
export function loadSlop(path: string): Promise<SlopFile> {
  return readJsonc(path, SlopFile);
}

/** The lists ready for use. */
export interface Slop {
  readonly themes: Themes;
  readonly weights: SlopFile["weights"];
}

/** @throws {UsageError} for a pattern that is none. */
export function compileSlop({ weights, ...lists }: SlopFile): Slop {
  const categories = Object.fromEntries(Object.entries(lists).map(([name, patterns]) => [name, { patterns }]));
  return { themes: compileThemes(ThemeFile.parse({ categories })), weights };
}

/** The listed words and phrases (as patterns) that a text uses; what a source book says itself is no slop. */
export function slopIn({ themes }: Slop, text: string): string[] {
  return matchThemes(themes, text).filter(({ category }) => category !== "contrasts").map(({ pattern }) => pattern);
}

/** The weighted rate of slop in a text. */
export interface SlopScore {
  /** Weighted matches per hundred words. */
  readonly rate: number;
  readonly found: readonly string[];
}

/**
 * Scores a text.
 *
 * @param words How many words the text has.
 * @param spared Patterns that the source uses itself, from {@linkcode slopIn}.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { compileSlop, SlopFile, slopScore } from "@/dialogue/gates_slop.ts";
 *
 * const slop = compileSlop(SlopFile.parse({ words: ["tapestry"], phrases: ["rich tapestry"], contrasts: ["not just"] }));
 * equal(slopScore(slop, "Nothing but a rich tapestry", 5).rate, 100 * (0.45 + 0.15) / 5);
 * equal(slopScore(slop, "Nothing but a rich tapestry", 5, new Set(["tapestry", "rich tapestry"])).rate, 0);
 * ```
 */
export function slopScore(
  { themes, weights }: Slop,
  text: string,
  words: number,
  spared?: ReadonlySet<string>,
): SlopScore {
  const found = matchThemes(themes, text).filter(({ pattern }) => !spared?.has(pattern));
  const weighted = found.reduce(
    (sum, { category }) =>
      sum + (category === "words" ? weights.words : category === "phrases" ? weights.phrases : weights.contrasts),
    0,
  );
  return {
    rate: 100 * weighted / (words || 1),
    found: found.map(({ start, end }) => text.slice(start, end).replace(/\s+/g, " ")),
  };
}
