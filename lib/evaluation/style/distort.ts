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

/** The overlapping triples of characters of a distorted text, each handed to `take`. */
export function eachTrigram(distorted: string, take: (trigram: string) => void): void {
  for (let at = 0; at + 3 <= distorted.length; at++) take(distorted.slice(at, at + 3));
}
