/** What is usual: means and deviations of the features over many hands, fixed before any system is looked at. */
import { z } from "zod";
import { createCounter, type Frame } from "./counts.ts";
import { distort, trigramsOf } from "./distort.ts";
import { FUNCTION_WORDS } from "./function_words.ts";
import { wordsOf } from "./words.ts";

const Moments = z.object({ mean: z.array(z.number()), deviation: z.array(z.number()) });
export type Moments = z.infer<typeof Moments>;

export const Background = z.object({
  /** Where it comes from, in a sentence. */
  source: z.string(),
  /** Texts behind it. */
  texts: z.int().min(2),
  /** Function words, most frequent first. */
  words: z.array(z.string()).min(1),
  wordShares: Moments,
  /** Trigrams of distorted text, most frequent first. */
  trigrams: z.array(z.string()).min(1),
  trigramShares: Moments,
});
export type Background = z.infer<typeof Background>;

/** Features that are counted: as Eder and Rybicki found enough for novels, and as is usual for character n-grams. */
const WORDS = 150, TRIGRAMS = 2000;

/** The most frequent function words and trigrams over texts, by the mean of their shares, so that no long text rules. */
export function chooseFeatures(texts: readonly string[]): Pick<Frame, "words" | "trigrams"> {
  const words = new Map<string, number>(), trigrams = new Map<string, number>();
  for (const text of texts) {
    const all = wordsOf(text);
    for (const { text: word } of all) if (FUNCTION_WORDS.has(word)) add(words, word, 1 / all.length);
    const all3 = trigramsOf(distort(text));
    for (const trigram of all3) add(trigrams, trigram, 1 / all3.length);
  }
  const top = (shares: Map<string, number>, count: number) =>
    [...shares].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, count).map(([feature]) => feature);
  return { words: top(words, WORDS), trigrams: top(trigrams, TRIGRAMS) };
}

function add(shares: Map<string, number>, feature: string, share: number): void {
  shares.set(feature, (shares.get(feature) ?? 0) + share);
}

/** Mean and deviation of each feature over texts. @throws {RangeError} for fewer than two texts. */
export function makeBackground(
  texts: readonly string[],
  features: Pick<Frame, "words" | "trigrams">,
  source: string,
): Background {
  if (texts.length < 2) throw new RangeError(`Cannot make a background of ${texts.length} texts: it takes two`);
  const shares = texts.map((text) => sharesOf(text, features));
  return {
    source,
    texts: texts.length,
    words: [...features.words],
    wordShares: momentsOf(shares.map(({ words }) => words)),
    trigrams: [...features.trigrams],
    trigramShares: momentsOf(shares.map(({ trigrams }) => trigrams)),
  };
}

/** Shares of the features in a text. */
export interface Shares {
  readonly words: readonly number[];
  readonly trigrams: readonly number[];
}

export function sharesOf(text: string, features: Pick<Frame, "words" | "trigrams">): Shares {
  const counter = createCounter(features);
  const row = counter.count({ text, words: wordsOf(text).map(({ text }) => text), ...NOTHING });
  const over = (part: Float64Array, total: Float64Array) => Array.from(part, (count) => count / Math.max(1, total[0]!));
  return {
    words: over(counter.part(row, "functionWords"), counter.part(row, "words")),
    trigrams: over(counter.part(row, "trigrams"), counter.part(row, "trigramTotal")),
  };
}

const NOTHING = { sentences: [], paragraphs: [], marks: [], windows: [] };

function momentsOf(rows: readonly (readonly number[])[]): Moments {
  const n = rows.length;
  const mean = (rows[0] ?? []).map((_, at) => rows.reduce((sum, row) => sum + row[at]!, 0) / n);
  const deviation = mean.map((middle, at) =>
    Math.sqrt(rows.reduce((sum, row) => sum + (row[at]! - middle) ** 2, 0) / (n - 1))
  );
  return { mean, deviation };
}

/** The background with one text more: the author's reference text belongs to it. (Welford 1962.) */
export function withText(background: Background, { words, trigrams }: Shares): Background {
  const joined = ({ mean, deviation }: Moments, shares: readonly number[]): Moments => {
    const n = background.texts;
    return {
      mean: mean.map((value, at) => (n * value + shares[at]!) / (n + 1)),
      deviation: deviation.map((value, at) =>
        Math.sqrt(((n - 1) * value ** 2 + (shares[at]! - mean[at]!) ** 2 * n / (n + 1)) / n)
      ),
    };
  };
  return {
    ...background,
    texts: background.texts + 1,
    wordShares: joined(background.wordShares, words),
    trigramShares: joined(background.trigramShares, trigrams),
  };
}

/** What makes z-scores of counts. */
export interface Scale {
  readonly mean: Float64Array;
  /** One over the deviation; 0 for a feature that never varies, which says nothing. */
  readonly inverse: Float64Array;
}

export function scaleOf({ mean, deviation }: Moments): Scale {
  return {
    mean: Float64Array.from(mean),
    inverse: Float64Array.from(deviation, (spread) => spread > 0 ? 1 / spread : 0),
  };
}

/** z-scores of counts among `total`, written to `into`. */
export function zScores(
  counts: Float64Array,
  total: number,
  { mean, inverse }: Scale,
  into = new Float64Array(counts.length),
): Float64Array {
  const share = 1 / Math.max(1, total);
  for (let at = 0; at < counts.length; at++) into[at] = (counts[at]! * share - mean[at]!) * inverse[at]!;
  return into;
}

/** The scales of a background. */
export interface Scales {
  readonly words: Scale;
  readonly trigrams: Scale;
}

export function scalesOf(background: Background): Scales {
  return { words: scaleOf(background.wordShares), trigrams: scaleOf(background.trigramShares) };
}
