/** How varied the words of a text are, in ways that its length does not decide. Reported, never a target. */

/**
 * Moving-average type-token ratio (Covington and McFall 2010): the mean share of distinct words over all windows of
 * `window` words.
 *
 * @returns NaN for fewer words than a window.
 */
export function mattr(words: readonly string[], window = 50): number {
  if (words.length < window) return NaN;
  const counts = new Map<string, number>();
  let sum = 0;
  for (const [at, word] of words.entries()) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
    const gone = words[at - window];
    if (gone !== undefined) {
      const left = (counts.get(gone) ?? 0) - 1;
      if (left === 0) counts.delete(gone);
      else counts.set(gone, left);
    }
    if (at >= window - 1) sum += counts.size / window;
  }
  return sum / (words.length - window + 1);
}

/**
 * Measure of textual lexical diversity (McCarthy and Jarvis 2010): words that it takes, on average, until the share of
 * distinct ones falls to `threshold`; the mean of reading forwards and backwards.
 *
 * @returns NaN without words; Infinity where no word comes twice.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { mtld } from "@/evaluation/style/diversity.ts";
 *
 * equal(mtld("the door and the door and the door".split(" ")), 8);
 * ```
 */
export function mtld(words: readonly string[], threshold = 0.72): number {
  return (oneWay(words, threshold) + oneWay([...words].reverse(), threshold)) / 2;
}

function oneWay(words: readonly string[], threshold: number): number {
  const seen = new Set<string>();
  let read = 0, factors = 0;
  for (const word of words) {
    seen.add(word);
    read++;
    // A factor ends at or below the threshold, as in the authors' own implementation.
    if (seen.size / read <= threshold) {
      factors++;
      seen.clear();
      read = 0;
    }
  }
  if (read > 0) factors += (1 - seen.size / read) / (1 - threshold);
  return words.length === 0 ? NaN : words.length / factors;
}
