/**
 * What a blind trial asks: a prompt, two of the author's own passages to compare with, and two continuations of which
 * nobody is told whose they are. Catch trials among them tell a rater who reads from one who presses keys.
 */
import { splitSentences } from "../../corpus/sentences.ts";
import { pick, seededRandom, shuffle } from "../../dialogue/random.ts";

/** Who wrote a continuation. */
export type Side = "base" | "tuned" | "author";

/** A prompt with what each side made of it; `author` is how the manuscript itself goes on. */
export interface Continued {
  readonly id: string;
  readonly prompt: string;
  readonly base: string;
  readonly tuned: string;
  readonly author?: string;
}

/**
 * `pair` counts; `author` (the author against the base) and `same` (twice the same text) are catch trials, whose right
 * answers are known.
 */
export type TrialKind = "pair" | "author" | "same";

export interface Trial {
  readonly id: string;
  readonly kind: TrialKind;
  readonly prompt: string;
  /** Passages of the author that no side was asked to continue. */
  readonly excerpts: readonly string[];
  /** In an order of their own: which one stands left is drawn anew for each rater. */
  readonly texts: readonly [TrialText, TrialText];
}

export interface TrialText {
  readonly side: Side;
  readonly text: string;
}

export interface TrialOptions {
  readonly seed: number;
  /** Words that a continuation is cut to at most; 450 as Chakrabarty et al. (arXiv 2510.13939). */
  readonly mostWords: number;
  /** One trial in so many is a catch trial. */
  readonly catchEvery: number;
}

/** Fewest words that are worth reading. */
const FEWEST_WORDS = 30;
/** The two texts may differ by this share of their length. */
const LENGTH_TOLERANCE = 0.1;
const EXCERPTS = 2;

/** Why a prompt makes no trial. */
export interface Unusable {
  readonly id: string;
  readonly reason: "too_short" | "identical";
}

/**
 * Makes the trials out of paired continuations. The last prompts with the author's own continuation become catch trials.
 *
 * @param passages Of the author, as context for the raters.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { makeTrials } from "@/evaluation/blind/trial.ts";
 *
 * const text = (word: string) => Array.from({ length: 8 }, () => `You ${word} along the wall and wait.`).join(" ");
 * const continued = [{ id: "p1", prompt: "Night.", base: text("walk"), tuned: text("creep") }];
 * const { trials } = makeTrials(continued, [text("run")], { seed: 1, mostWords: 450, catchEvery: 10 });
 * equal(trials[0]?.kind, "pair");
 * ```
 */
export function makeTrials(
  continued: readonly Continued[],
  passages: readonly string[],
  options: TrialOptions,
): { trials: Trial[]; unusable: Unusable[] } {
  const unusable: Unusable[] = [];
  const pairs: Trial[] = [];
  const random = seededRandom(options.seed, "excerpts");
  const excerptsFor = (texts: readonly TrialText[]) => {
    const words = Math.max(...texts.map(({ text }) => wordCount(text)));
    const drawn = shuffle(passages, random).slice(0, EXCERPTS);
    return drawn.map((passage) => cutToWords(passage, Math.max(words, FEWEST_WORDS)));
  };
  const trialOf = (id: string, kind: TrialKind, prompt: string, texts: readonly [TrialText, TrialText]): Trial => ({
    id,
    kind,
    prompt: tidy(prompt),
    excerpts: excerptsFor(texts),
    texts,
  });
  for (const { id, prompt, base, tuned } of continued) {
    const [a, b] = equalLength(afterPrompt(base, prompt), afterPrompt(tuned, prompt), options.mostWords);
    if (Math.min(wordCount(a), wordCount(b)) < FEWEST_WORDS) unusable.push({ id, reason: "too_short" });
    else if (a === b) unusable.push({ id, reason: "identical" });
    else pairs.push(trialOf(id, "pair", prompt, [{ side: "base", text: a }, { side: "tuned", text: b }]));
  }
  return { trials: [...pairs, ...catchTrials(continued, pairs, trialOf, options)], unusable };
}

function catchTrials(
  continued: readonly Continued[],
  pairs: readonly Trial[],
  trialOf: (id: string, kind: TrialKind, prompt: string, texts: readonly [TrialText, TrialText]) => Trial,
  { seed, mostWords, catchEvery }: TrialOptions,
): Trial[] {
  const wanted = pairs.length === 0 ? 0 : Math.max(2, Math.round(pairs.length / catchEvery));
  const random = seededRandom(seed, "catch");
  const authors: Trial[] = [];
  const used = new Set<string>();
  for (const { id, prompt, base, author } of shuffle(continued, random)) {
    if (authors.length >= Math.ceil(wanted / 2)) break;
    if (author === undefined) continue;
    const [a, b] = equalLength(afterPrompt(base, prompt), tidy(author), mostWords);
    if (Math.min(wordCount(a), wordCount(b)) < FEWEST_WORDS || a === b) continue;
    used.add(id);
    authors.push(
      trialOf(`catch-author-${id}`, "author", prompt, [{ side: "base", text: a }, { side: "author", text: b }]),
    );
  }
  // Other prompts where there are any: nobody shall meet one three times.
  const others = shuffle(pairs, random).sort((a, b) => Number(used.has(a.id)) - Number(used.has(b.id)));
  const same = others.slice(0, wanted - authors.length).map(({ id, prompt, texts }) => {
    const { side, text } = pick(texts, random);
    return trialOf(`catch-same-${id}`, "same", prompt, [{ side, text }, { side, text }]);
  });
  return [...authors, ...same];
}

/** The trials in the order in which a rater meets them; drawn for each, and the same whenever he comes back. */
export function orderFor(trials: readonly Trial[], rater: string, seed: number): Trial[] {
  return shuffle(trials, seededRandom(seed, "order", rater));
}

/** True where the second text stands left for this rater. */
export function isSwapped(trial: Pick<Trial, "id">, rater: string, seed: number): boolean {
  return seededRandom(seed, "side", rater, trial.id)() < 0.5;
}

/** A continuation without the prompt that some servers and models repeat before it. */
export function afterPrompt(text: string, prompt: string): string {
  const whole = tidy(text), before = tidy(prompt);
  return before !== "" && whole.startsWith(before) ? whole.slice(before.length).trimStart() : whole;
}

/** White space alike everywhere, so that it tells nothing about who wrote. */
function tidy(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(/[^\S\n]+/g, " ").replace(/ ?\n ?/g, "\n").replace(/\n{2,}/g, "\n\n")
    .trim();
}

/** Both texts cut to about the same number of words, at the ends of sentences where those lie near enough. */
export function equalLength(first: string, second: string, mostWords: number): [string, string] {
  const words = Math.min(wordCount(first), wordCount(second), mostWords);
  return [cutToWords(first, words), cutToWords(second, words)];
}

export function wordCount(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

/** The first `most` words, or up to a tenth fewer so as to end with a sentence; else the cut shows as an ellipsis. */
function cutToWords(text: string, most: number): string {
  const words = [...text.matchAll(/\S+/g)];
  if (words.length <= most) return text;
  const endOf = (count: number) => {
    const word = words[count - 1];
    return word === undefined ? 0 : word.index + word[0].length;
  };
  const end = endOf(most), earliest = endOf(Math.max(1, Math.ceil(most * (1 - LENGTH_TOLERANCE))));
  const ends = splitSentences(text).map((sentence) => sentence.end).filter((at) => at >= earliest && at <= end);
  const at = ends.at(-1);
  return at === undefined ? `${text.slice(0, end)} …` : text.slice(0, at).trimEnd();
}
