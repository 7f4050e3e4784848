/** What is usual: means and deviations of the features over many hands, fixed before any system is looked at. */
import { z } from "zod";
import { createCounter, type Frame } from "./counts.ts";
import { distort, trigramsOf } from "./distort.ts";
import { FUNCTION_WORDS } from "./function_words.ts";
import { wordsOf } from "./words.ts";

/** Mean and deviation of each feature. */
export interface Moments {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

export interface Background {
  /** Where it comes from, in a sentence. */
  readonly source: string;
  /** Texts behind it. */
  readonly texts: number;
  /** Function words, most frequent first. */
  readonly words: readonly string[];
  readonly wordShares: Moments;
  /** Trigrams of distorted text, most frequent first. */
  readonly trigrams: readonly string[];
  readonly trigramShares: Moments;
}

const numbers = z.string().transform((text) => text.split(" ").map(Number));
const moments = z.object({ mean: numbers, deviation: numbers });
/** A background as it is kept: a list is one string, or the file would have ten thousand lines. */
export const BackgroundFile = z.object({
  source: z.string(),
  texts: z.int().min(2),
  words: z.string().transform((text) => text.split(" ")),
  wordShares: moments,
  trigrams: z.string().transform((text) => text.match(/.{3}/gsu) ?? []),
  trigramShares: moments,
});

/** As {@linkcode BackgroundFile} reads it; four digits are more than any sample can tell. */
export function backgroundText(background: Background): string {
  const written = ({ mean, deviation }: Moments) => ({
    mean: mean.map((value) => Number(value.toPrecision(4))).join(" "),
    deviation: deviation.map((value) => Number(value.toPrecision(4))).join(" "),
  });
  const file = {
    ...background,
    words: background.words.join(" "),
    wordShares: written(background.wordShares),
    trigrams: background.trigrams.join(""),
    trigramShares: written(background.trigramShares),
  };
  return JSON.stringify(file, null, 2) + "\n";
}

/** Features that are counted: as Eder and Rybicki found enough for novels, and as is usual for character n-grams. */
const WORDS = 150, TRIGRAMS = 2000;
/** What stands in fewer texts belongs to them. */
const LEAST_TEXTS = 3;

/**
 * The most frequent function words and trigrams over texts, by the mean of their shares, so that no long text rules; only
 * such that three texts have.
 */
export function chooseFeatures(texts: readonly string[]): Pick<Frame, "words" | "trigrams"> {
  const words = new Map<string, number[]>(), trigrams = new Map<string, number[]>();
  for (const text of texts) {
    addShares(words, wordsOf(text).map(({ text }) => text), (word) => FUNCTION_WORDS.has(word));
    addShares(trigrams, trigramsOf(distort(text)), () => true);
  }
  const sum = (shares: readonly number[]) => shares.reduce((total, share) => total + share, 0);
  const top = (shares: Map<string, number[]>, count: number) =>
    [...shares].filter(([, list]) => list.length >= LEAST_TEXTS).map(([feature, list]) => ({ feature, sum: sum(list) }))
      .sort((a, b) => b.sum - a.sum || (a.feature < b.feature ? -1 : 1)).slice(0, count).map(({ feature }) => feature);
  return { words: top(words, WORDS), trigrams: top(trigrams, TRIGRAMS) };
}

/** Adds the share of each feature in a text to the list of its shares. */
function addShares(shares: Map<string, number[]>, features: readonly string[], wanted: (feature: string) => boolean) {
  const counts = new Map<string, number>();
  for (const feature of features) if (wanted(feature)) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  for (const [feature, count] of counts) {
    const list = shares.get(feature);
    if (list) list.push(count / features.length);
    else shares.set(feature, [count / features.length]);
  }
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
