/** The questions of the evaluation, and what keeps them out of the dataset: what was trained on cannot be measured with. */
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { readJsonc } from "../core/jsonc.ts";
import { wordsOf } from "./gates_source.ts";

/** Patterns of an answer, written as those of themes.jsonc: whole words, upper and lower case alike. */
const Patterns = z.array(z.string().min(1)).min(1);

/** A question that the finished model is measured with. */
export const EvaluationPrompt = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9_]*$/, "must be lower-case letters, digits and underscores"),
  /** What the question probes: a theme, a stratum of the temporal suite, or `control`. */
  category: z.string().min(1),
  prompt: z.string().min(1),
  /** What was said before, by the user and the assistant in turn. */
  before: z.array(z.string().min(1)).refine((turns) => turns.length % 2 === 0, "must end with an answer").optional(),
  /** What the question is about, and the year in which it came about. */
  evidence: z.strictObject({ fact: z.string().min(1), year: z.int() }).optional(),
  /** Words of an answer that only someone who knows the later fact, or takes it for granted, would use. */
  leaks: Patterns.optional(),
  /** Of a control: an answer with one of these and none of `rejects` is right. */
  accepts: Patterns.optional(),
  rejects: Patterns.optional(),
});
export type EvaluationPrompt = z.output<typeof EvaluationPrompt>;

export const EvaluationFile = z.strictObject({
  prompts: z.array(EvaluationPrompt).superRefine((prompts, check) => {
    const seen = new Set<string>();
    for (const [index, { id }] of prompts.entries()) {
      if (seen.has(id)) check.addIssue({ code: "custom", path: [index, "id"], message: `"${id}" is there twice` });
      seen.add(id);
    }
  }),
});
export type EvaluationFile = z.output<typeof EvaluationFile>;

/** The files with the questions: `evaluation.jsonc`, and beside it `evaluation_suite.jsonc`, which need not be there. */
export function evaluationFiles(path: string): [questions: string, suite: string] {
  return [path, join(dirname(path), basename(path).replace(/(?=\.jsonc?$)|$/, "_suite"))];
}

/**
 * The questions of a file and of the suite beside it.
 *
 * @throws {UsageError} with every fault, each as `file:line`.
 */
export async function loadEvaluation(path: string): Promise<EvaluationFile> {
  const [questions, suite] = evaluationFiles(path);
  const { prompts } = await readJsonc(questions, EvaluationFile);
  if (!await Deno.stat(suite).then(() => true, () => false)) return { prompts };
  const more = (await readJsonc(suite, EvaluationFile)).prompts;
  const ids = new Set(prompts.map(({ id }) => id));
  const twice = more.filter(({ id }) => ids.has(id)).map(({ id }) => id);
  if (twice.length > 0) {
    throw new UsageError(`Cannot use "${suite}": "${twice.join('", "')}" is in "${questions}" already`);
  }
  return { prompts: [...prompts, ...more] };
}

/** All that the user says in a question, the last turn first. */
export function userTurns({ prompt, before = [] }: EvaluationPrompt): string[] {
  return [prompt, ...before.filter((_, turn) => turn % 2 === 0)];
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
 * with the threshold at which Self-Instruct takes two instructions for one (Wang et al. 2022). Answers the first one that
 * is as near as that. Which words a question shares with each of them comes out of an index, so that hundreds of them
 * cost a generation nothing; the subsequence is reckoned only where the shared words suffice for the threshold.
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
  const known = prompts.flatMap((prompt) => userTurns(prompt).map((turn) => ({ prompt, words: wordsOf(turn) })));
  // Where each word stands: a question's place once for every time that the word is in it.
  const places = new Map<string, number[]>();
  for (const [place, { words }] of known.entries()) {
    for (const word of words) {
      const list = places.get(word);
      if (list) list.push(place);
      else places.set(word, [place]);
    }
  }
  const index = new Map([...places].map(([word, list]) => [word, Uint32Array.from(list)]));
  const lengths = Uint32Array.from(known, ({ words }) => words.length);
  const shared = new Uint16Array(known.length);
  return (question) => {
    const asked = wordsOf(question);
    shared.fill(0);
    for (const word of new Set(asked)) {
      const list = index.get(word);
      if (list) {
        for (let at = 0; at < list.length; at++) {
          shared[list[at] as number] = (shared[list[at] as number] as number) + 1;
        }
      }
    }
    for (let place = 0; place < lengths.length; place++) {
      const least = threshold * (asked.length + (lengths[place] as number));
      // Words that both have bound what they can have in common in order.
      if (2 * Math.min(asked.length, shared[place] as number) < least) continue;
      const { prompt, words } = known[place] as typeof known[number];
      if (2 * commonWords(asked, words) >= least) return prompt;
    }
    return undefined;
  };
}
