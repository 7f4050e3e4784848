/** The channels of style: how far two pools of text lie apart, each by another habit. Everything works on counts. */
import { argamonDelta, burrowsDelta, cosineDistance, ederDelta } from "./distances.ts";
import { jensenShannon, kolmogorovSmirnov, total, wasserstein } from "./distances.ts";
import { type Scales, zScores } from "./background.ts";
import type { Layout, Row } from "./counts.ts";

/** A pool of text, ready to be compared with many others. */
export interface Pool {
  readonly row: Row;
  readonly wordScores: Float64Array;
  readonly trigramScores: Float64Array;
}

/** z-scores are by the frozen background: no system's score depends on another's. */
export function makePool(row: Row, layout: Layout, scales: Scales): Pool {
  const of = (section: "words" | "trigramTotal") => layout.part(row, section)[0] ?? 0;
  return {
    row,
    wordScores: zScores(layout.part(row, "functionWords"), of("words"), scales.words),
    trigramScores: zScores(layout.part(row, "trigrams"), of("trigramTotal"), scales.trigrams),
  };
}

export type Distance = (x: Pool, y: Pool, layout: Layout) => number;

/** A habit that is measured, and how. */
export interface Channel {
  readonly id: string;
  readonly title: string;
  readonly definition: string;
  readonly distance: Distance;
}

const histogram = (section: Parameters<Layout["part"]>[1], measure: typeof wasserstein): Distance => (x, y, layout) =>
  measure(layout.part(x.row, section), layout.part(y.row, section));

/** The four channels of the transfer score. */
export const CHANNELS: readonly Channel[] = [
  {
    id: "function_words",
    title: "Function words",
    definition: "Cosine Delta: 1 − cosine of z-scores of the 150 most frequent function words (Evert et al. 2017)",
    distance: (x, y) => cosineDistance(x.wordScores, y.wordScores),
  },
  {
    id: "character_trigrams",
    title: "Character 3-grams",
    definition:
      "1 − cosine of z-scores of the 2,000 most frequent character 3-grams, content words and names masked (Stamatatos 2017)",
    distance: (x, y) => cosineDistance(x.trigramScores, y.trigramScores),
  },
  {
    id: "sentence_length",
    title: "Sentence length",
    definition: "Wasserstein-1 distance of the distributions of sentence lengths, in words",
    distance: histogram("sentenceLengths", wasserstein),
  },
  {
    id: "marks",
    title: "Punctuation and markup",
    definition: 'Jensen-Shannon distance (base 2) over . , ; : ? ! — … " ( ) *italics* and the lengths of paragraphs',
    distance: histogram("marks", jensenShannon),
  },
];

/** Share of sentences without a verb. */
function fragmentRate(row: Row, layout: Layout): number {
  const [whole = 0, fragments = 0] = layout.part(row, "fragments");
  return fragments / (whole + fragments);
}

/** The channels of sentence structure. */
export const STRUCTURE: readonly Channel[] = [
  {
    id: "sentence_length",
    title: "Sentence length",
    definition: "Wasserstein-1 distance, in words",
    distance: histogram("sentenceLengths", wasserstein),
  },
  {
    id: "sentences_per_paragraph",
    title: "Sentences a paragraph",
    definition: "Wasserstein-1 distance, in sentences",
    distance: histogram("sentencesPerParagraph", wasserstein),
  },
  {
    id: "commas",
    title: "Commas a sentence",
    definition: "Wasserstein-1 distance, in commas",
    distance: histogram("commas", wasserstein),
  },
  {
    id: "fragments",
    title: "Fragments",
    definition: "Difference of the shares of sentences without a verb (tagged by wink-nlp)",
    distance: (x, y, layout) => Math.abs(fragmentRate(x.row, layout) - fragmentRate(y.row, layout)),
  },
  {
    id: "openers",
    title: "Sentence openers",
    definition: "Jensen-Shannon distance (base 2) of the word classes that sentences begin with",
    distance: histogram("openers", jensenShannon),
  },
];

/** Reported beside the channels and part of no score. */
export const BESIDE: readonly Channel[] = [
  {
    id: "burrows",
    title: "Burrows' Delta",
    definition: "mean |difference of z-scores| over the same function words (Burrows 2002)",
    distance: (x, y) => burrowsDelta(x.wordScores, y.wordScores),
  },
  {
    id: "eder",
    title: "Eder's Delta",
    definition: "the same, summed with weights (n + 2 − rank) / n, as in stylo",
    distance: (x, y) => ederDelta(x.wordScores, y.wordScores),
  },
  {
    id: "argamon",
    title: "Argamon's Delta",
    definition: "√Σ(difference of z-scores)² / n (Argamon 2008)",
    distance: (x, y) => argamonDelta(x.wordScores, y.wordScores),
  },
  {
    id: "sentence_length_ks",
    title: "Sentence length, KS",
    definition: "largest gap between the distribution functions of sentence length (Kolmogorov and Smirnov)",
    distance: histogram("sentenceLengths", kolmogorovSmirnov),
  },
];

/** Words of a pool. */
export function wordsOfRow(row: Row, layout: Layout): number {
  return total(layout.part(row, "words"));
}
