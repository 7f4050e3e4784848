/**
 * The figures that the targets seem to ask for when they are read literally. They are printed beside those that decide,
 * with why they differ: most of them pass for anybody, or for nobody, the author included.
 */
import { jensenShannon } from "./distances.ts";
import type { Reading } from "./reading.ts";

/** Words of a sample, sentences of a sample, words of a bin. */
const SAMPLE_WORDS = 5000, SAMPLE_SENTENCES = 300, BIN = 5;

/** Jaccard overlap of the distinct words of two samples of at most 5,000 words. */
export function naiveVocabulary(text: readonly Reading[], author: readonly Reading[]): number {
  const sample = (readings: readonly Reading[]) =>
    new Set(readings.flatMap(({ words }) => words).slice(0, SAMPLE_WORDS));
  const a = sample(text), b = sample(author);
  const shared = a.intersection(b).size;
  return shared / (a.size + b.size - shared);
}

/** 1 − Jensen-Shannon distance of sentence lengths in bins of five words, over at most 300 sentences. */
export function naiveStructure(text: readonly Reading[], author: readonly Reading[]): number {
  const sample = (readings: readonly Reading[]) => {
    const bins = new Float64Array(60);
    for (const { words } of readings.flatMap(({ sentences }) => sentences).slice(0, SAMPLE_SENTENCES)) {
      bins[Math.min(bins.length - 1, Math.floor(words / BIN))]! += 1;
    }
    return bins;
  };
  return 1 - jensenShannon(sample(text), sample(author));
}

const FIRST = new Set("i me my mine myself we us our ours ourselves".split(" "));
const SECOND = new Set("you your yours yourself yourselves".split(" "));
const THIRD = new Set("he him his himself she her hers herself they them their theirs themselves".split(" "));
const PRONOUNS = { first: FIRST, second: SECOND, third: THIRD };

/** Share of one person among all personal pronouns, speech included. */
export function naivePov(text: readonly Reading[], pov: keyof typeof PRONOUNS): number {
  const counts = { first: 0, second: 0, third: 0 };
  for (const word of text.flatMap(({ words }) => words)) {
    const base = word.replace(/'.*$/, "");
    for (const person of ["first", "second", "third"] as const) if (PRONOUNS[person].has(base)) counts[person]++;
  }
  return counts[pov] / (counts.first + counts.second + counts.third);
}

/** Share of the markers that occur at all. */
export function naiveMarkers(counts: ArrayLike<number>): number {
  let present = 0;
  for (let at = 0; at < counts.length; at++) if (counts[at]! > 0) present++;
  return present / counts.length;
}

/** Share of the way to likeness 1 that was gone: the mean of the likenesses before and after. */
export function naiveTransfer(base: readonly number[], tuned: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.max(0, mean(tuned) - mean(base)) / (1 - mean(base));
}
