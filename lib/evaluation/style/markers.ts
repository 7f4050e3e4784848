/** Words and marks that tell the author from the base model, and the words that the author uses at all. */
import { FUNCTION_WORDS } from "./function_words.ts";
import { MARKS } from "./marks.ts";
import type { Reading } from "./reading.ts";

/** A word or mark that the author uses more than the base does. */
export interface Marker {
  readonly item: string;
  /** Log-odds ratio in standard errors. */
  readonly z: number;
}

export interface MarkerOptions {
  readonly names: ReadonlySet<string>;
  /** @default {50} */
  readonly most?: number;
}

/** Evidence that a difference is none of chance: two-sided 95 %. */
const LEAST_Z = 1.96;
const LEAST_CHAPTERS = 3;
/** Words that the prior weighs as much as. */
const PRIOR = 1000;
/** Paragraph lengths are no markers: what ends a paragraph is not counted by the word. */
const SIGNS = MARKS.filter((mark) => !mark.startsWith("paragraph"));

/** Counts of words and marks. */
export interface Tally {
  readonly counts: ReadonlyMap<string, number>;
  readonly words: number;
}

/** Counts words and marks over readings. */
export function tally(readings: readonly Reading[]): Tally {
  const counts = new Map<string, number>();
  const add = (item: string, times: number) => counts.set(item, (counts.get(item) ?? 0) + times);
  let words = 0;
  for (const reading of readings) {
    words += reading.words.length;
    for (const word of reading.words) add(word, 1);
    for (const [at, mark] of MARKS.entries()) if (SIGNS.includes(mark)) add(mark, reading.marks[at] ?? 0);
  }
  return { counts, words };
}

/**
 * Log-odds ratio of each item between two corpora, in standard errors, with an informative Dirichlet prior: the items'
 * shares in both together, weighing as much as 1,000 words (Monroe, Colaresi and Quinn 2008, eq. 16, 22).
 */
export function logOdds(first: Tally, second: Tally): Map<string, number> {
  const sum = first.words + second.words;
  const scores = new Map<string, number>();
  for (const item of new Set([...first.counts.keys(), ...second.counts.keys()])) {
    const a = first.counts.get(item) ?? 0, b = second.counts.get(item) ?? 0;
    if (a + b === 0) continue;
    const prior = PRIOR * (a + b) / sum;
    const odds = (count: number, words: number) => Math.log((count + prior) / (words + PRIOR - count - prior));
    const difference = odds(a, first.words) - odds(b, second.words);
    scores.set(item, difference / Math.sqrt(1 / (a + prior) + 1 / (b + prior)));
  }
  return scores;
}

/**
 * The author's markers against the base: the strongest words and marks that stand in at least three chapters; no names.
 * They are chosen without a look at the tuned model.
 */
export function chooseMarkers(
  author: readonly Reading[],
  base: readonly Reading[],
  { names, most = 50 }: MarkerOptions,
): Marker[] {
  const chapters = new Map<string, number>();
  for (const reading of author) {
    for (const item of tally([reading]).counts.entries()) {
      if (item[1] > 0) chapters.set(item[0], (chapters.get(item[0]) ?? 0) + 1);
    }
  }
  return [...logOdds(tally(author), tally(base))]
    .filter(([item, z]) => z > LEAST_Z && (chapters.get(item) ?? 0) >= LEAST_CHAPTERS && !names.has(item))
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([item, z]) => ({ item, z }));
}

/** Rates of the markers in words that are compared; half a count is added, so that none is zero. */
function logRate(count: number, words: number): number {
  return Math.log((count + 0.5) / (words + 1));
}

/** Counts of the markers, in their order, and the words that they stand among. */
export interface MarkerCounts {
  readonly counts: ArrayLike<number>;
  readonly words: number;
}

/** For each marker, whether its rate lies nearer to the author's than to the base's. */
export function markersMet(text: MarkerCounts, author: MarkerCounts, base: MarkerCounts): boolean[] {
  return Array.from({ length: text.counts.length }, (_, at) => {
    const rate = logRate(text.counts[at] ?? 0, text.words);
    const toAuthor = Math.abs(rate - logRate(author.counts[at] ?? 0, author.words));
    const toBase = Math.abs(rate - logRate(base.counts[at] ?? 0, base.words));
    return toAuthor < toBase;
  });
}

/** Content words that the author uses at least twice; no function words, no names. */
export function vocabularyOf(readings: readonly Reading[], names: ReadonlySet<string>): Set<string> {
  return new Set(
    [...tally(readings).counts]
      .filter(([word, count]) => count >= 2 && isContent(word, names))
      .map(([word]) => word),
  );
}

/** True for words that say what a text is about. */
export function isContent(word: string, names: ReadonlySet<string> | undefined): boolean {
  return !FUNCTION_WORDS.has(word) && !names?.has(word) && /\p{L}/u.test(word);
}

/** Words of a vocabulary that the second text uses and the first does not, most frequent first. */
export function gainedWords(
  vocabulary: ReadonlySet<string>,
  first: readonly Reading[],
  second: readonly Reading[],
  most = 40,
): string[] {
  const before = tally(first).counts;
  return [...tally(second).counts].filter(([word]) => vocabulary.has(word) && !before.has(word))
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, most).map(([word]) => word);
}
