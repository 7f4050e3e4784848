/**
 * Text distortion (Stamatatos 2017, "DV-MA"): every letter of a content word becomes a mask, function words and signs stay.
 * What is left is how a writer joins words, whatever they are about.
 */
import { foldSigns } from "./marks.ts";
import { FUNCTION_WORDS } from "./function_words.ts";
import { wordsOf } from "./words.ts";

const MASK = "~";
const DIGIT = "#";

/**
 * Masks content words and numbers, and folds case, white space and the shapes of signs.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { distort } from "@/evaluation/style/distort.ts";
 *
 * equal(distort("You turn; the Gate\nis  shut at 9."), "you ~~~~; the ~~~~ is ~~~~ at #.");
 * ```
 */
export function distort(text: string): string {
  const folded = foldSigns(text);
  let distorted = "";
  let from = 0;
  for (const { text: word, start, end } of wordsOf(folded)) {
    distorted += folded.slice(from, start);
    distorted += FUNCTION_WORDS.has(word) ? word : maskOf(folded.slice(start, end));
    from = end;
  }
  return (distorted + folded.slice(from)).replace(/\s+/g, " ").trim();
}

function maskOf(word: string): string {
  return /^\d+$/.test(word) ? DIGIT.repeat(word.length) : MASK.repeat(word.length);
}

/** Adds to `counts` how often each of the trigrams occurs in a distorted text. */
export type TrigramCounter = (distorted: string, counts: Float64Array) => void;

/**
 * A counter of the trigrams of a list. Their signs are few, so that three of them are a place in a table: ten times as
 * fast as a map of strings.
 */
export function trigramCounter(trigrams: readonly string[]): TrigramCounter {
  const signs = [...new Set(trigrams.join(""))];
  const size = signs.length + 1; // 0: any other sign.
  const signAt = new Uint8Array(0x10000);
  if (size > 256) throw new RangeError(`Cannot count trigrams of ${signs.length} signs: there may be 255`);
  for (const [at, sign] of signs.entries()) signAt[sign.charCodeAt(0)] = at + 1;
  const place = (first: number, second: number, third: number) => (first * size + second) * size + third;
  const table = new Int16Array(size ** 3).fill(-1);
  for (const [at, trigram] of trigrams.entries()) {
    const [a = 0, b = 0, c = 0] = [0, 1, 2].map((i) => signAt[trigram.charCodeAt(i)]);
    table[place(a, b, c)] = at;
  }
  return (distorted, counts) => {
    let first = 0, second = 0;
    for (let at = 0; at < distorted.length; at++) {
      const third = signAt[distorted.charCodeAt(at)]!;
      const found = at < 2 ? -1 : table[place(first, second, third)]!;
      if (found >= 0) counts[found]! += 1;
      first = second;
      second = third;
    }
  };
}

/** The overlapping triples of characters of a distorted text. */
export function trigramsOf(distorted: string): string[] {
  return Array.from({ length: Math.max(0, distorted.length - 2) }, (_, at) => distorted.slice(at, at + 3));
}
