/**
 * The General Imposters test (Koppel and Winter 2014; Kestemont et al. 2016, as stylo's `imposters`): is a text nearer to
 * the author than to others who write the same kind of book, whichever features and whichever others one looks at?
 */
import { seededRandom, shuffle } from "../../dialogue/random.ts";
import { type Background, type Scales, scalesOf, zScores } from "./background.ts";
import { type Layout, pool, type Row } from "./counts.ts";

/** Passages of one hand, each counted. */
export interface Hand {
  readonly name: string;
  readonly rows: readonly Row[];
}

export interface ImposterOptions {
  readonly seed: number;
  /** @default {100} */
  readonly iterations?: number;
}

/** Share of the features and of the imposters in an iteration. */
const SHARE = 0.5;

export interface ImposterSetting {
  readonly author: Hand;
  readonly imposters: readonly Hand[];
  /** Words of each text that is compared: longer ones look nearer to everybody. */
  readonly words: number;
  readonly layout: Layout;
  readonly background: Background;
}

/** The share of draws in which a query is nearest to the author, 0 to 1; `besides` is left out of the imposters. */
export type ImposterTest = (query: Hand, besides?: Hand) => number;

/**
 * Prepares the test. Each draw takes half of the features, half of the imposters, and bags of equal length of the query,
 * the author and every imposter. All queries meet the same draws.
 */
export function imposterTest(setting: ImposterSetting, options: ImposterOptions): ImposterTest {
  const { author, imposters, words, layout } = setting;
  const scales = scalesOf(setting.background);
  const features = layout.part(new Float64Array(layout.size), "functionWords").length +
    layout.part(new Float64Array(layout.size), "trigrams").length;
  const draws = Array.from({ length: options.iterations ?? 100 }, (_, number) => ({
    random: (name: string) => seededRandom(options.seed, number, name),
    features: halfOf(features, seededRandom(options.seed, number, "features")),
    author: new Float64Array() as Scores,
    imposters: new Map<Hand, Scores>(),
  }));
  const bagOf = (hand: Hand, random: (name: string) => () => number) =>
    scoresOf(drawBag(hand, words, layout, random(hand.name)), layout, scales);
  for (const draw of draws) {
    draw.author = bagOf(author, draw.random);
    for (const imposter of imposters) {
      // A hand with no more words than a bag gives the same bag each time.
      const same = layout.part(pool(imposter.rows, layout.size), "words")[0]! <= words;
      const known = same ? draws[0]?.imposters.get(imposter) : undefined;
      draw.imposters.set(imposter, known ?? bagOf(imposter, draw.random));
    }
  }
  return (query, besides) => {
    const others = imposters.filter((imposter) => imposter !== besides);
    const half = Math.max(1, Math.ceil(SHARE * others.length));
    const nearest = draws.filter((draw) => {
      const sought = bagOf(query, draw.random);
      const own = distanceOn(draw.features, sought, draw.author);
      return shuffle(others, draw.random("imposters")).slice(0, half)
        .every((other) => own < distanceOn(draw.features, sought, draw.imposters.get(other) ?? draw.author));
    });
    return nearest.length / draws.length;
  };
}

type Scores = Float64Array;

/** z-scores of function words and of masked trigrams, one after the other, of pooled passages. */
function scoresOf(rows: readonly Row[], layout: Layout, scales: Scales): Scores {
  const row = pool(rows, layout.size);
  const of = (section: "words" | "trigramTotal") => layout.part(row, section)[0] ?? 0;
  const words = layout.part(row, "functionWords"), trigrams = layout.part(row, "trigrams");
  const scores = new Float64Array(words.length + trigrams.length);
  zScores(words, of("words"), scales.words, scores.subarray(0, words.length));
  zScores(trigrams, of("trigramTotal"), scales.trigrams, scores.subarray(words.length));
  return scores;
}

/** Draws passages of a hand without replacement until they have `words` words; all of them where there are not so many. */
function drawBag(hand: Hand, words: number, layout: Layout, random: () => number): Row[] {
  const bag: Row[] = [];
  let drawn = 0;
  for (const row of shuffle(hand.rows, random)) {
    if (drawn >= words) break;
    bag.push(row);
    drawn += layout.part(row, "words")[0] ?? 0;
  }
  return bag;
}

/** Places of a random half. */
function halfOf(count: number, random: () => number): Uint32Array {
  const places = Uint32Array.from({ length: count }, (_, at) => at);
  const half = Math.ceil(SHARE * count);
  for (let at = 0; at < half; at++) {
    const other = at + Math.floor(random() * (count - at));
    [places[at], places[other]] = [places[other]!, places[at]!];
  }
  return places.slice(0, half).sort();
}

/** Cosine distance on some of the features. */
function distanceOn(features: Uint32Array, x: Float64Array, y: Float64Array): number {
  let product = 0, squareX = 0, squareY = 0;
  for (let i = 0; i < features.length; i++) {
    const a = x[features[i]!]!, b = y[features[i]!]!;
    product += a * b;
    squareX += a * a;
    squareY += b * b;
  }
  return 1 - product / (Math.sqrt(squareX * squareY) || 1);
}

/** Between `from` and `to` the test does not answer; above `to` the text is the author's, below `from` it is not. */
export interface GreyZone {
  readonly from: number;
  readonly to: number;
  /** c@1 of the known texts (Peñas and Rodrigo 2011): the share that was answered right, leaving out rewarded a little. */
  readonly accuracy: number;
}

/**
 * The grey zone that answers best on texts whose writer is known, as stylo's `imposters.optimize`: of all pairs of
 * thresholds in steps of 0.01 those with the highest c@1, averaged.
 *
 * @param own Scores of the author's texts. @param others Scores of texts by others.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { greyZone } from "@/evaluation/style/imposters.ts";
 *
 * const { from, to, accuracy } = greyZone([0.9, 0.95, 1], [0, 0.1, 0.3]);
 * equal(accuracy, 1);
 * equal(0.3 < to && from <= to && to < 0.9, true);
 * ```
 */
export function greyZone(own: readonly number[], others: readonly number[]): GreyZone {
  const n = own.length + others.length;
  let best = -1, count = 0, sumFrom = 0, sumTo = 0;
  for (let from = 0; from <= 100; from++) {
    for (let to = from; to <= 100; to++) {
      const right = own.filter((score) => score > to / 100).length +
        others.filter((score) => score < from / 100).length;
      const wrong = own.filter((score) => score < from / 100).length +
        others.filter((score) => score > to / 100).length;
      const unanswered = n - right - wrong;
      const accuracy = (right + unanswered * right / n) / n;
      if (accuracy > best + 1e-12) [best, count, sumFrom, sumTo] = [accuracy, 0, 0, 0];
      if (accuracy < best - 1e-12) continue;
      count++;
      sumFrom += from / 100;
      sumTo += to / 100;
    }
  }
  return { from: sumFrom / count, to: sumTo / count, accuracy: n === 0 ? NaN : best };
}
