/** Words as stylometry counts them. */
import type { Range } from "../../corpus/paragraphs.ts";

export interface Word extends Range {
  /** Lower-cased, with straight apostrophes. */
  readonly text: string;
  /** Written with a capital. */
  readonly capital: boolean;
}

const WORD = /[\p{L}\p{N}\p{M}]+(?:['\u2019\u02bc][\p{L}\p{M}]+)*/gu;

/**
 * The words of a text: runs of letters and digits, an apostrophe within them included. A hyphen parts two words.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { wordsOf } from "@/evaluation/style/words.ts";
 *
 * deepEqual(wordsOf("You don’t half-open it.").map(({ text }) => text), ["you", "don't", "half", "open", "it"]);
 * ```
 */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  WORD.lastIndex = 0;
  for (let match = WORD.exec(text); match !== null; match = WORD.exec(text)) {
    const written = match[0];
    const folded = written.toLowerCase();
    words.push({
      text: /[\u2019\u02bc]/.test(folded) ? folded.replace(/[\u2019\u02bc]/g, "'") : folded,
      capital: folded.charCodeAt(0) !== written.charCodeAt(0),
      start: match.index,
      end: WORD.lastIndex,
    });
  }
  return words;
}

/** Ends a sentence as far as capitals go: what follows is written with one, name or not. */
const BREAK = /[.!?\u2026:\n"\u201c\u201d\u2018*_]/;

/**
 * Words that are names: within sentences they stand with a capital more often than without. They belong to a story, not
 * to a voice, and prompts hand them on.
 */
export function namesIn(texts: readonly string[]): Set<string> {
  const seen = new Map<string, { capital: number; small: number }>();
  for (const text of texts) {
    let before = 0;
    for (const { text: word, capital, start, end } of wordsOf(text)) {
      const inner = before > 0 && !BREAK.test(text.slice(before, start));
      before = end;
      if (capital && !inner) continue;
      const counts = seen.get(word) ?? { capital: 0, small: 0 };
      if (capital) counts.capital++;
      else counts.small++;
      seen.set(word, counts);
    }
  }
  return new Set([...seen].filter(([, { capital, small }]) => capital > small).map(([word]) => word));
}
