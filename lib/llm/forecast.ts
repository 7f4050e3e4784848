/** How long a run will take and what it will use, from what was measured so far. */
import { count, duration } from "../core/format.ts";

/** What one item took, all its requests together. */
export interface Measured {
  /** @default {1} */
  readonly requests?: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Its share of the wall time, as the scheduler tells it; one at a time, simply its duration. */
  readonly shareMs: number;
}

/** The expected value and an interval that holds the truth with the forecast's confidence. */
export interface Range {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}

export interface Forecast {
  /** Items to come. */
  readonly items: number;
  /** Items that this rests on. */
  readonly measured: number;
  readonly confidence: number;
  readonly requests: Range;
  readonly promptTokens: Range;
  readonly outputTokens: Range;
  readonly seconds: Range;
}

export interface Forecaster {
  add(measured: Measured): void;
  readonly measured: number;
  /** Absent with fewer than two items measured. */
  forecast(items: number): Forecast | undefined;
}

/** Items that a forecast rests on at most: the latest, since servers and passages change over a night. */
const LATEST = 400;
/** Share of the first items that is left out: measured while the number of requests at a time was still sought. */
const WARM_UP = 0.2;
/** Batches into which many items are put, so that slow spells of a server, which last, widen the interval as they should. */
const BATCHES = 20;
const CONFIDENCE = 0.9;

/**
 * Forecasts sums of items to come by the prediction interval for the mean of n further observations,
 * x̄ ± t(m−1) s √(1/m + 1/n) (Hahn & Meeker, Statistical Intervals, 1991, chapter 4), over batch means where there are many.
 *
 * @example
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { createForecaster } from "@/llm/forecast.ts";
 *
 * const forecaster = createForecaster();
 * for (const seconds of [9, 10, 11, 10, 9, 11]) {
 *   forecaster.add({ promptTokens: 900, outputTokens: 200, shareMs: seconds * 1000 });
 * }
 * const { seconds } = forecaster.forecast(360) ?? { seconds: { low: 0, mid: 0, high: 0 } };
 * ok(seconds.low < 3600 && 3600 < seconds.high && seconds.high < 4000);
 * ```
 */
export function createForecaster(): Forecaster {
  const latest: Measured[] = [];
  let measured = 0;
  return {
    get measured() {
      return measured;
    },
    add(one) {
      measured++;
      latest.push(one);
      if (latest.length > 2 * LATEST) latest.splice(0, latest.length - LATEST);
    },
    forecast(items) {
      const early = Math.floor(measured * WARM_UP) - (measured - latest.length);
      const used = latest.slice(Math.max(0, early, latest.length - LATEST));
      if (used.length < 2) return undefined;
      const range = (value: (one: Measured) => number) => sumRange(used.map(value), items);
      return {
        items,
        measured,
        confidence: CONFIDENCE,
        requests: range(({ requests = 1 }) => requests),
        promptTokens: range(({ promptTokens }) => promptTokens),
        outputTokens: range(({ outputTokens }) => outputTokens),
        seconds: range(({ shareMs }) => shareMs / 1000),
      };
    },
  };
}

/** The sum of `n` further values like these. */
function sumRange(values: readonly number[], n: number): Range {
  const size = values.length >= 3 * BATCHES ? Math.floor(values.length / BATCHES) : 1;
  const means: number[] = [];
  for (let at = values.length % size; at < values.length; at += size) means.push(meanOf(values.slice(at, at + size)));
  const mean = meanOf(means);
  const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (means.length - 1);
  // Values to come in units of batches.
  const spread = n > 0 ? studentT(means.length - 1) * Math.sqrt(variance * (1 / means.length + size / n)) : 0;
  return { low: Math.max(0, n * (mean - spread)), mid: n * mean, high: n * (mean + spread) };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** 95th percentile of Student's t, for intervals of 90 %; Cornish–Fisher expansion, exact to 1 % from 3 degrees on. */
function studentT(degrees: number): number {
  const exact = [Infinity, 6.314, 2.92];
  const z = 1.6449;
  return exact[degrees] ?? z + (z ** 3 + z) / (4 * degrees) +
      (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
      (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3);
}

/** One line: `4,950 requests, 6.1–6.3 M tokens in, 1.0–1.1 M out, 2 h 05 min (1 h 50 min to 2 h 20 min)`. */
export function forecastLine({ requests, promptTokens, outputTokens, seconds, measured }: Forecast): string {
  const time = `${duration(seconds.mid)} (${duration(seconds.low)} to ${duration(seconds.high)})`;
  return `${count(Math.round(requests.mid))} requests, ${short(promptTokens)} tokens in, ${short(outputTokens)} out, ` +
    `${time}; from ${count(measured)} measured`;
}

function short({ low, high }: Range): string {
  const [unit, size] = high >= 1e6 ? [" M", 1e6] : high >= 10_000 ? [" k", 1e3] : ["", 1];
  const [from, to] = [low, high].map((value) => (value / size).toFixed(unit === " M" ? 1 : 0));
  return from === to ? `${from}${unit}` : `${from}–${to}${unit}`;
}

/** What decides whether an item is taken when a run cannot do all. */
export interface Candidate {
  readonly stratum: string;
  /** Higher is taken first. */
  readonly score: number;
}

/**
 * Picks what fits a budget: as many items as surely fit (by the slow end of what one takes), parted over the strata in
 * proportion to their size (but at least one each while there are enough), best first within each, in the order they came.
 *
 * @param secondsEach What one item takes; its `high` is what counts.
 */
export function planSubset<C extends Candidate>(
  budgetSeconds: number,
  candidates: readonly C[],
  secondsEach: Range,
): C[] {
  const fits = secondsEach.high > 0 ? Math.floor(budgetSeconds / secondsEach.high) : candidates.length;
  if (fits >= candidates.length) return [...candidates];
  const strata = new Map<string, number[]>();
  for (const [at, { stratum }] of candidates.entries()) {
    const members = strata.get(stratum) ?? [];
    members.push(at);
    strata.set(stratum, members);
  }
  const shares = [...strata.values()].map((members) => ({
    members,
    fair: fits * members.length / candidates.length,
    places: fits >= strata.size ? 1 : 0,
  }));
  for (let left = fits - shares.reduce((sum, { places }) => sum + places, 0); left > 0; left--) {
    const behind = shares.filter(({ places, members }) => places < members.length)
      .reduce((most, one) => one.fair - one.places > most.fair - most.places ? one : most);
    behind.places++;
  }
  const score = (at: number) => candidates[at]?.score ?? 0;
  const taken = new Set(
    shares.flatMap(({ members, places }) => members.toSorted((a, b) => score(b) - score(a) || a - b).slice(0, places)),
  );
  return candidates.filter((_, at) => taken.has(at));
}
