/** Keeps the questions of the evaluation out of the dataset: what was trained on cannot be measured with. */
import { z } from "zod";
import { readJsonc } from "../core/jsonc.ts";
import { wordsOf } from "./gates_source.ts";

/** A question that the finished model is measured with. */
export const EvaluationPrompt = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9_]*$/, "must be lower-case letters, digits and underscores"),
  /** What the question probes. */
  category: z.string().min(1),
  prompt: z.string().min(1),
});
export type EvaluationPrompt = z.output<typeof EvaluationPrompt>;

export const EvaluationFile = z.strictObject({ prompts: z.array(EvaluationPrompt) });
export type EvaluationFile = z.output<typeof EvaluationFile>;

/** @throws {UsageError} with every fault, each as `file:line`. */
export function loadEvaluation(path: string): Promise<EvaluationFile> {
  return readJsonc(path, EvaluationFile);
}

/** The longest common subsequence of two lists of words. */
function commonWords(a: readonly string[], b: readonly string[]): number {
  let row = new Uint16Array(b.length + 1);
  for (const word of a) {
    const next = new Uint16Array(b.length + 1);
    for (let at = 0; at < b.length; at++) {
      next[at + 1] = word === b[at] ? (row[at] ?? 0) + 1 : Math.max(row[at + 1] ?? 0, next[at] ?? 0);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * Makes a finder of the evaluation's questions, by ROUGE-L (F₁ over the longest common subsequence of words; Lin 2004),
 * with the threshold at which Self-Instruct takes two instructions for one (Wang et al. 2022).
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { evaluationFinder } from "@/dialogue/gates_evaluation.ts";
 *
 * const find = evaluationFinder([{ id: "plan", category: "duty", prompt: "Why should we follow the plan?" }], 0.7);
 * equal(find("Why should we follow this plan?")?.id, "plan");
 * equal(find("Why do the pumps sing at night?"), undefined);
 * ```
 */
export function evaluationFinder(
  prompts: readonly EvaluationPrompt[],
  threshold: number,
): (question: string) => EvaluationPrompt | undefined {
  const known = prompts.map((prompt) => ({ prompt, words: wordsOf(prompt.prompt) }));
  return (question) => {
    const asked = wordsOf(question);
    const bag = new Set(asked);
    for (const { prompt, words } of known) {
      const sum = asked.length + words.length;
      // Words that both have bound what they can have in common in order.
      const shared = words.reduce((total, word) => total + (bag.has(word) ? 1 : 0), 0);
      if (2 * Math.min(asked.length, shared) < threshold * sum) continue;
      if (2 * commonWords(asked, words) >= threshold * sum) return prompt;
    }
    return undefined;
  };
}
