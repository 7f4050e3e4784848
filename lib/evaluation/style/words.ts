/** Words as stylometry counts them. */
import type { Range } from "../../corpus/paragraphs.ts";

export interface Word extends Range {
  /** Lower-cased, with straight apostrophes. */
  readonly text: string;
  /** Written with a capital. */
  readonly capital: boolean;
}

const OTHER = 1, LETTER = 2, APOSTROPHE = 3;
/** What each UTF-16 unit is, filled in as units are met; 0 is not yet known. */
const KINDS = new Uint8Array(0x10000);

function kindOf(unit: number): number {
  const sign = String.fromCharCode(unit);
  // Halves of letters beyond the basic plane count as letters.
  const letter = /[\p{L}\p{N}\p{M}]/u.test(sign) || (unit >= 0xd800 && unit < 0xe000);
  return KINDS[unit] = letter ? LETTER : /['\u2019\u02bc]/.test(sign) ? APOSTROPHE : OTHER;
}

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
  // By hand: a regular expression with Unicode classes takes five times as long, and texts are read often.
  const kindAt = (at: number) => {
    const unit = text.charCodeAt(at);
    return KINDS[unit] || kindOf(unit);
  };
  for (let at = 0; at < text.length; at++) {
    if (kindAt(at) !== LETTER) continue;
    const start = at;
    let curly = false;
    for (at++; at < text.length; at++) {
      const kind = kindAt(at);
      if (kind === LETTER) continue;
      if (kind !== APOSTROPHE || at + 1 >= text.length || kindAt(at + 1) !== LETTER) break;
      curly ||= text[at] !== "'";
    }
    const written = text.slice(start, at);
    const small = written.toLowerCase();
    words.push({
      text: curly ? small.replace(/[\u2019\u02bc]/g, "'") : small,
      capital: small.charCodeAt(0) !== written.charCodeAt(0),
      start,
      end: at,
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
