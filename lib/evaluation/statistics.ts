/** What a handful of answers says about all answers: intervals for shares and for means, seeded, so that a report repeats. */
import { seededRandom } from "../dialogue/random.ts";

/** An estimate and how far it can be trusted. */
export interface Interval {
  readonly estimate: number;
  /** Two-sided, 95 %. */
  readonly low: number;
  readonly high: number;
  /** One-sided, 95 %: what a claim of "more than" or "less than" is held against. */
  readonly lower: number;
  readonly upper: number;
  /** Independent units behind it. */
  readonly n: number;
}

/** Quantiles of the normal distribution: two-sided 95 % and one-sided 95 %. */
const Z_TWO_SIDED = 1.959963984540054;
const Z_ONE_SIDED = 1.6448536269514722;

/**
 * Wilson's score interval of a share (Wilson 1927; `(p̂ + z²/2n ± z√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)`). It holds where
 * the textbook's fails: few trials, and shares near 0 or 1.
 *
 * @param successes May be a fraction, where a unit succeeds in part (several samples of one prompt).
 * @throws {RangeError} for fewer than no or more than all successes.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { wilson } from "@/evaluation/statistics.ts";
 *
 * equal(wilson(99, 100).lower > 0.95, true); // One failure in a hundred still shows "more than 95 %" …
 * equal(wilson(98, 100).lower > 0.95, false); // … two do not.
 * ```
 */
export function wilson(successes: number, n: number): Interval {
  if (!(n >= 0 && successes >= 0 && successes <= n + 1e-9)) {
    throw new RangeError(`Cannot make a share of ${successes} in ${n}: it must lie between 0 and 1`);
  }
  if (n === 0) return { estimate: NaN, low: 0, high: 1, lower: 0, upper: 1, n };
  const share = Math.min(1, successes / n);
  const [low, high] = bounds(share, n, Z_TWO_SIDED);
  const [lower, upper] = bounds(share, n, Z_ONE_SIDED);
  return { estimate: share, low, high, lower, upper, n };
}

function bounds(share: number, n: number, z: number): [number, number] {
  const scale = 1 + z * z / n;
  const centre = (share + z * z / (2 * n)) / scale;
  const half = z * Math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale;
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/**
 * The interval of a share where a unit was tried several times (a prompt, several samples). Answers to one prompt
 * resemble each other, by how much nobody knows beforehand: the units count, not the answers, which errs on the safe side.
 *
 * @param units One list of outcomes a unit; those without any are left out.
 */
export function clusteredShare(units: readonly (readonly boolean[])[]): Interval {
  const tried = units.filter((outcomes) => outcomes.length > 0);
  const shares = tried.map((outcomes) => outcomes.filter(Boolean).length / outcomes.length);
  return wilson(sum(shares), tried.length);
}

/**
 * The difference `second − first` of two shares on the same units, by recovering variances from their Wilson intervals
 * with their correlation (Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions
 * based on paired data", method 10). Unlike a bootstrap it claims nothing from a few units that all agree.
 *
 * @param pairs Each unit's share of successes under both, 0 to 1.
 */
export function shareDifference(pairs: readonly { readonly first: number; readonly second: number }[]): Interval {
  const n = pairs.length;
  const [a, b] = [pairs.map(({ first }) => first), pairs.map(({ second }) => second)];
  const [x, y] = [wilson(sum(a), n), wilson(sum(b), n)];
  const phi = Math.max(0, correlation(a, b));
  const half = (down: number, up: number) => Math.sqrt(Math.max(0, down ** 2 - 2 * phi * down * up + up ** 2));
  const estimate = y.estimate - x.estimate;
  return {
    estimate,
    low: Math.max(-1, estimate - half(y.estimate - y.low, x.high - x.estimate)),
    high: Math.min(1, estimate + half(y.high - y.estimate, x.estimate - x.low)),
    lower: Math.max(-1, estimate - half(y.estimate - y.lower, x.upper - x.estimate)),
    upper: Math.min(1, estimate + half(y.upper - y.estimate, x.estimate - x.lower)),
    n,
  };
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [middleA, middleB] = [mean(a), mean(b)];
  const both = sum(a.map((value, at) => (value - middleA) * ((b[at] ?? 0) - middleB)));
  const spread = Math.sqrt(
    sum(a.map((value) => (value - middleA) ** 2)) * sum(b.map((value) => (value - middleB) ** 2)),
  );
  return spread > 0 ? both / spread : 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The most failures in `n` trials with which "more than `target`" is still shown; -1 where even none are too many. */
export function failuresAllowed(n: number, target: number): number {
  let failures = -1;
  while (failures < n && wilson(n - failures - 1, n).lower > target) failures++;
  return failures;
}

/**
 * The trials after which a share observed as `rate` would show "more than `target`": Wilson's bound solved for n,
 * `z² t(1−t)/(p̂−t)²`. Undefined where the rate itself is not above the target.
 */
export function trialsNeeded(rate: number, target: number): number | undefined {
  if (!(rate > target)) return undefined;
  let n = Math.max(1, Math.floor(Z_ONE_SIDED ** 2 * target * (1 - target) / (rate - target) ** 2));
  while (!(wilson(rate * n, n).lower > target)) n++;
  return n;
}

/** The arithmetic mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** The standard deviation of a sample (n − 1); NaN of fewer than two values. */
export function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(sum(values.map((value) => (value - middle) ** 2)) / (values.length - 1));
}

/** The q-quantile, between neighbours in proportion (type 7 of Hyndman and Fan 1996, as R and NumPy); NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  return quantileOfSorted([...values].sort((a, b) => a - b), q);
}

function quantileOfSorted(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const before = sorted[Math.floor(at)] ?? NaN, after = sorted[Math.ceil(at)] ?? NaN;
  return before + (after - before) * (at - Math.floor(at));
}

/** As many units as there are, drawn with replacement. */
export function resample<T>(units: readonly T[], random: () => number): T[] {
  return units.map(() => units[Math.floor(random() * units.length)] as T);
}

export interface BootstrapOptions {
  readonly seed: number;
  /** Drawn samples. @default {2000} */
  readonly resamples?: number;
}

/**
 * The percentile bootstrap (Efron 1979) over whole units: what is not independent of each other (the samples of a
 * prompt, the votes of a rater) belongs into one unit. Draws for which the statistic is NaN are left out.
 *
 * @param statistic Of a list of units, with repetitions.
 * @throws {RangeError} without units.
 *
 * @example
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { bootstrap, mean } from "@/evaluation/statistics.ts";
 *
 * const lengths = [[3, 4], [5], [4, 6, 5]]; // Of the answers to three prompts.
 * const { estimate, low, high } = bootstrap(lengths, (prompts) => mean(prompts.flat()), { seed: 1 });
 * ok(low < estimate && estimate < high);
 * ```
 */
export function bootstrap<T>(
  units: readonly T[],
  statistic: (units: readonly T[]) => number,
  options: BootstrapOptions,
): Interval {
  if (units.length === 0) throw new RangeError("Cannot bootstrap without units");
  const random = seededRandom(options.seed, "bootstrap");
  const draws = Array.from({ length: options.resamples ?? 2000 }, () => statistic(resample(units, random)));
  return intervalOf(statistic(units), draws, units.length);
}

/** The interval around an estimate, out of the values that a bootstrap drew. */
export function intervalOf(estimate: number, draws: readonly number[], n: number): Interval {
  const sorted = draws.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const at = (q: number) => quantileOfSorted(sorted, q);
  return { estimate, low: at(0.025), high: at(0.975), lower: at(0.05), upper: at(0.95), n };
}

/**
 * The mean of `second − first` over pairs (the same chunk, the same prompt, under two models), with a bootstrap over the
 * pairs, or over the units that `unitOf` names.
 *
 * @throws {RangeError} without pairs.
 */
export function pairedDifference<T extends { readonly first: number; readonly second: number }>(
  pairs: readonly T[],
  options: BootstrapOptions & { readonly unitOf?: (pair: T) => string },
): Interval {
  const { unitOf } = options;
  const units = unitOf ? [...Map.groupBy(pairs, unitOf).values()] : pairs.map((pair) => [pair]);
  return bootstrap(units, (drawn) => mean(drawn.flat().map(({ first, second }) => second - first)), options);
}
