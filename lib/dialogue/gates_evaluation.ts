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

/** The longest common subsequence of two lists of words, by their numbers. */
function commonWords(a: Int32Array, b: Int32Array): number {
  const row = new Uint16Array(b.length + 1);
  for (let i = 0; i < a.length; i++) {
    let before = 0; // What stood in the row above, one place to the left.
    for (let at = 0; at < b.length; at++) {
      const above = row[at + 1] as number, left = row[at] as number;
      row[at + 1] = a[i] === b[at] ? before + 1 : above > left ? above : left;
      before = above;
    }
  }
  return row[b.length] ?? 0;
}

/**
 * Makes a finder of the evaluation's questions, by ROUGE-L (F₁ over the longest common subsequence of words; Lin 2004),
 * with the threshold at which Self-Instruct takes two instructions for one (Wang et al. 2022). Answers the first one that
 * is as near as that. So near ones share most of their words, and with them one of the rarer ones: only questions that
 * have such a word are looked at (prefix filtering: Chaudhuri, Ganti and Kaushik, ICDE 2006), so that hundreds of them
 * cost a generation nothing.
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
  const numbers = new Map<string, number>();
  const known = prompts.flatMap((prompt) => userTurns(prompt).map((turn) => ({ prompt, text: wordsOf(turn) })))
    .map(({ prompt, text }) => ({ prompt, words: Int32Array.from(text, (word) => numbered(word, numbers)) }));
  // Of each word the questions that it is in, then those that it is in twice, and so on.
  const places: number[][][] = Array.from(numbers, () => []);
  for (const [place, { words }] of known.entries()) {
    const times = new Map<number, number>();
    for (const word of words) {
      const time = times.get(word) ?? 0;
      times.set(word, time + 1);
      ((places[word] as number[][])[time] ??= []).push(place);
    }
  }
  const shared = new Uint16Array(known.length), times = new Uint16Array(numbers.size);
  return (question) => {
    const text = wordsOf(question);
    const asked = new Int32Array(text.length);
    const lists: number[][] = [];
    for (let at = 0; at < text.length; at++) {
      const word = asked[at] = numbers.get(text[at] as string) ?? -1;
      if (word < 0) continue;
      const time = times[word] as number;
      times[word] = time + 1;
      const list = (places[word] as number[][])[time];
      if (list) lists.push(list);
    }
    for (const word of asked) if (word >= 0) times[word] = 0;
    // A near one has so many of the words, however long it is, and so one at least of all but as many less one.
    const common = Math.max(1, Math.ceil(asked.length * threshold / (2 - threshold) - 1e-9));
    const rare = lists.length - common + 1;
    if (rare <= 0) return undefined;
    lists.sort((a, b) => a.length - b.length);
    const seen: number[] = [];
    for (const [at, list] of lists.entries()) {
      for (const place of list) {
        const before = shared[place] as number;
        if (before === 0 && at >= rare) continue;
        if (before === 0) seen.push(place);
        shared[place] = before + 1;
      }
    }
    let first: number | undefined;
    for (const place of seen) {
      const { words } = known[place] as typeof known[number];
      const least = threshold * (asked.length + words.length);
      // Words that both have bound what they can have in common in order.
      const may = 2 * (shared[place] as number) >= least && (first === undefined || place < first);
      shared[place] = 0;
      if (may && 2 * commonWords(asked, words) >= least) first = place;
    }
    return first === undefined ? undefined : known[first]?.prompt;
  };
}

function numbered(word: string, numbers: Map<string, number>): number {
  const number = numbers.get(word) ?? numbers.size;
  numbers.set(word, number);
  return number;
}
