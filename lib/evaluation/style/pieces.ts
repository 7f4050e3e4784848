/** Texts cut into pieces of about one length, at paragraphs, or at sentences where a paragraph is too long. */
import { proseParagraphs } from "../../corpus/prose.ts";
import { splitSentences } from "../../corpus/sentences.ts";
import { countWords } from "../../corpus/paragraphs.ts";

/**
 * Pieces of at least `words` words; what is left at the end joins the last one.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { cutPieces } from "@/evaluation/style/pieces.ts";
 *
 * equal(cutPieces("One two three.\n\nFour five six.\n\nSeven.", 3).length, 2);
 * ```
 */
export function cutPieces(text: string, words: number): string[] {
  const pieces: { start: number; end: number }[] = [];
  let start = -1, last = 0, held = 0;
  for (const paragraph of proseParagraphs(text)) {
    const long = countWords(text, paragraph.start, paragraph.end) > 1.5 * words;
    for (const range of long ? splitSentences(text, paragraph.start, paragraph.end) : [paragraph]) {
      if (start < 0) start = range.start;
      last = range.end;
      held += countWords(text, range.start, range.end);
      if (held < words) continue;
      pieces.push({ start, end: last });
      [start, held] = [-1, 0];
    }
  }
  const rest = pieces.at(-1);
  if (start >= 0 && rest && held < words / 2) rest.end = last;
  else if (start >= 0) pieces.push({ start, end: last });
  return pieces.map(({ start, end }) => text.slice(start, end));
}
