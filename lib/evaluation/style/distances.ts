/** Distances between distributions and between profiles. Each has a named source; none depends on the order of its arguments. */

type Numbers = ArrayLike<number>;

/**
 * Wasserstein-1 distance of two histograms over 0, 1, 2 …: the area between their distribution functions, `∫|F_x − F_y|`,
 * in the unit of the values (words, say). As SciPy's `wasserstein_distance`.
 *
 * @returns NaN where one of them is empty.
 */
export function wasserstein(x: Numbers, y: Numbers): number {
  return overFunctions(x, y, (sum, gap) => sum + gap);
}

/** Kolmogorov and Smirnov's statistic of two histograms: the largest gap between their distribution functions. */
export function kolmogorovSmirnov(x: Numbers, y: Numbers): number {
  return overFunctions(x, y, Math.max);
}

function overFunctions(x: Numbers, y: Numbers, fold: (sum: number, gap: number) => number): number {
  const sumX = total(x), sumY = total(y);
  if (sumX === 0 || sumY === 0) return NaN;
  let gap = 0, folded = 0;
  for (let at = 0; at < Math.max(x.length, y.length); at++) {
    gap += (x[at] ?? 0) / sumX - (y[at] ?? 0) / sumY;
    folded = fold(folded, Math.abs(gap));
  }
  return folded;
}

/**
 * Jensen and Shannon's distance: the square root of their divergence to base 2, 0 to 1 (Endres and Schindelin 2003).
 * Counts are made shares here. As SciPy's `jensenshannon(p, q, base=2)`; some libraries answer the divergence instead.
 *
 * @returns NaN where one of them is empty.
 */
export function jensenShannon(x: Numbers, y: Numbers): number {
  const sumX = total(x), sumY = total(y);
  if (sumX === 0 || sumY === 0) return NaN;
  let divergence = 0;
  for (let at = 0; at < Math.max(x.length, y.length); at++) {
    const p = (x[at] ?? 0) / sumX, q = (y[at] ?? 0) / sumY;
    const middle = (p + q) / 2;
    if (p > 0) divergence += p * Math.log2(p / middle) / 2;
    if (q > 0) divergence += q * Math.log2(q / middle) / 2;
  }
  return Math.sqrt(Math.max(0, divergence));
}

/** `1 − x·y / (|x||y|)`: 0 for one direction, 1 for none in common, 2 for opposite ones; NaN for a profile of zeros. */
export function cosineDistance(x: Numbers, y: Numbers): number {
  let product = 0, squareX = 0, squareY = 0;
  for (let at = 0; at < x.length; at++) {
    const a = x[at]!, b = y[at]!;
    product += a * b;
    squareX += a * a;
    squareY += b * b;
  }
  return squareX === 0 || squareY === 0 ? NaN : 1 - product / Math.sqrt(squareX * squareY);
}

/** Burrows' Delta (2002) of two rows of z-scores: the mean of their absolute differences. */
export function burrowsDelta(x: Numbers, y: Numbers): number {
  return sumOver(x, y, (difference) => Math.abs(difference)) / x.length;
}

/**
 * Eder's Delta, as stylo's `dist.eder` reckons it: `Σ w|x − y|` with `w = (n + 2 − i) / n` for the i-th most frequent
 * word, i from 1. (R reads the `1+n:1` of its source as 1 + (n:1).) It is not divided by n.
 */
export function ederDelta(x: Numbers, y: Numbers): number {
  const n = x.length;
  return sumOver(x, y, (difference, at) => Math.abs(difference) * (n + 1 - at) / n);
}

/** Argamon's linear Delta (2008): `√Σ(x − y)² / n`. */
export function argamonDelta(x: Numbers, y: Numbers): number {
  return Math.sqrt(sumOver(x, y, (difference) => difference * difference)) / x.length;
}

function sumOver(x: Numbers, y: Numbers, term: (difference: number, at: number) => number): number {
  let sum = 0;
  for (let at = 0; at < x.length; at++) sum += term(x[at]! - y[at]!, at);
  return sum;
}

export function total(counts: Numbers): number {
  let sum = 0;
  for (let at = 0; at < counts.length; at++) sum += counts[at]!;
  return sum;
}
