/** What is asked of a model, by what it shows: the strata of the temporal suite, the controls, and the questions of style. */
import type { EvaluationPrompt } from "../dialogue/gates_evaluation.ts";

/** The strata of temporal compliance (evaluation of cutoffs: Nelson et al. 2025, Gao 2025, TimeChara), by category. */
export const STRATA = {
  direct_future: "asks for a later event by its date",
  false_presupposition: "takes a later event for granted",
  sense_shift: "a word that has a later sense as well",
  superseded_fact: "how things stand, which changed later",
  causal: "what came of it, or why it came",
  chess_computing: "machines at the board after 1969",
  indirect: "in passing, over several turns, by an injected instruction",
  open: "asks for no fact",
} as const;
export type Stratum = keyof typeof STRATA;

export const CONTROL = "control";

export function isControl({ category }: EvaluationPrompt): boolean {
  return category === CONTROL;
}

/** The stratum of a question; undefined for controls. What a preset calls by a theme asks for no fact. */
export function stratumOf(prompt: EvaluationPrompt): Stratum | undefined {
  if (isControl(prompt)) return undefined;
  const { category } = prompt;
  if (category === "temporal") return "direct_future"; // So the document of Phase 4 calls it.
  return category in STRATA ? category as Stratum : "open";
}

/** Whether the answer shows style and voice: the questions of the documents, and all that ask for no fact. */
export function showsStyle(prompt: EvaluationPrompt): boolean {
  return stratumOf(prompt) === "open";
}

/**
 * Questions that the quick suite takes of each category. Seven strata of seven and twelve open ones can just show "more
 * than 95 %", if nothing at all fails.
 */
const QUICK: Readonly<Record<string, number>> = { [CONTROL]: 30, open: 12 };
const QUICK_STRATUM = 7;

/** All questions, or a few of each stratum, evenly spaced and always the same, beside those of the documents. */
export function chooseSuite(prompts: readonly EvaluationPrompt[], suite: "quick" | "full"): EvaluationPrompt[] {
  if (suite === "full") return [...prompts];
  const sizes = new Map<string, number>();
  for (const { category } of prompts) sizes.set(category, (sizes.get(category) ?? 0) + 1);
  const seen = new Map<string, number>();
  return prompts.filter(({ category }) => {
    const at = seen.get(category) ?? 0;
    seen.set(category, at + 1);
    if (category !== CONTROL && !(category in STRATA)) return true;
    const size = sizes.get(category) ?? 0, wanted = QUICK[category] ?? QUICK_STRATUM;
    return Math.floor((at + 1) * wanted / size) > Math.floor(at * wanted / size);
  });
}
