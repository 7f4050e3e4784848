/** Style consistency: whether an answer speaks of the themes by words of its own, and not by heaping them up. */
import { matchThemes, type Themes } from "../corpus/themes.ts";
import { wordsOf } from "../dialogue/gates_source.ts";
import { quantile } from "./statistics.ts";

/**
 * What the lemmas of an answer must weigh together, as themes.jsonc weighs them for filtering: one word that seldom stands
 * outside its theme (1 and more), or two of those that all prose uses ("plan" 0.8, "game" 0.6). In thousandths.
 */
const ENOUGH = 1000;
/** Shorter answers have no density worth the name; as the gates on repetition have it. */
const FROM_WORDS = 30;
/** Of fewer exemplars nobody knows the 95th percentile: twice what it seems to be is allowed. */
const ENOUGH_EXEMPLARS = 100;

export interface Style {
  /** Patterns of the themes that the answer matches and the question does not. */
  readonly lemmas: readonly string[];
  /** Theme words per word. */
  readonly density: number;
  /** Denser than the exemplars are. */
  readonly stuffed: boolean;
  readonly consistent: boolean;
}

export interface StyleRules {
  /** The 95th percentile of the exemplars' densities, or twice that where they are few. */
  readonly densest: number;
  readonly exemplars: number;
  inspect(answer: string, asked: string): Style;
}

/**
 * Makes the rules out of the themes that the dataset was filtered with, fixed before training, and of answers as they
 * should be.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { compileThemes, ThemeFile } from "@/corpus/themes.ts";
 * import { styleRules } from "@/evaluation/theme.ts";
 *
 * const themes = compileThemes(ThemeFile.parse({
 *   categories: { us: { patterns: ["comrades?", "collective", { pattern: "plan", weight: 0.8 }] } },
 * }));
 * const { inspect } = styleRules(themes, []);
 * deepEqual(inspect("The collective decides, comrade.", "What does a comrade do?").lemmas, ["collective"]);
 * ```
 */
export function styleRules(themes: Themes, exemplars: readonly string[]): StyleRules {
  const weights = new Map(themes.patterns.map(({ pattern, weight }) => [pattern, weight]));
  // A word of two themes is one word.
  const densityOf = (text: string) =>
    new Set(matchThemes(themes, text).map(({ start }) => start)).size / Math.max(1, wordsOf(text).length);
  const densities = exemplars.filter((text) => wordsOf(text).length >= FROM_WORDS).map(densityOf);
  const densest = densities.length === 0
    ? 1
    : quantile(densities, 0.95) * (densities.length < ENOUGH_EXEMPLARS ? 2 : 1);
  return {
    densest,
    exemplars: densities.length,
    inspect(answer, asked) {
      const patterns = (text: string) => new Set(matchThemes(themes, text).map(({ pattern }) => pattern));
      const lemmas = [...patterns(answer).difference(patterns(asked))];
      const weight = lemmas.reduce((sum, pattern) => sum + (weights.get(pattern) ?? 0), 0);
      const density = densityOf(answer);
      const stuffed = density > densest && wordsOf(answer).length >= FROM_WORDS;
      return { lemmas, density, stuffed, consistent: weight >= ENOUGH && !stuffed };
    },
  };
}
