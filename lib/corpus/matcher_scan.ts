/** Runs a text through an automaton. This is the part that must be fast: one look-up per character, no allocation. */
import type { Automaton } from "./matcher_dfa.ts";

/** What was found in one text: three numbers a match, in `data[0 … 3 * length]`; used again for the next text. */
export interface Hits {
  /** Number of the pattern; end of the match's first word; end of the match (UTF-16 offsets, exclusive). */
  data: Int32Array;
  length: number;
}

/** A scanner finds all matches in a text; the hits that it answers are valid until its next call. */
export type Scanner = (text: string) => Hits;

/**
 * Makes a scanner. In each category matches do not overlap: the leftmost wins, and of those that begin together the
 * longest; where several patterns end there, the one that is listed first.
 *
 * @param categoryOf The category of each pattern, as a number from 0.
 */
export function createScanner(automaton: Automaton, categoryOf: readonly number[]): Scanner {
  const { table, limit, gap, goesOn, accepted, acceptedFrom } = automaton;
  const { units, edge, surrogate: pairClass, astral } = automaton.classes;
  const categories = Math.max(0, ...categoryOf) + 1;
  const category = Int32Array.from(categoryOf);
  /** Per category: where its last match ended; a match must begin behind that. */
  const taken = new Int32Array(categories);
  /** Per category, while one start is looked at: the longest match so far. */
  const bestEnd = new Int32Array(categories);
  const bestPattern = new Int32Array(categories);
  const hits: Hits = { data: new Int32Array(3 * 64), length: 0 };

  function add(pattern: number, firstEnd: number, end: number): void {
    const at = 3 * hits.length++;
    if (at + 3 > hits.data.length) {
      const larger = new Int32Array(hits.data.length * 2);
      larger.set(hits.data);
      hits.data = larger;
    }
    hits.data[at] = pattern;
    hits.data[at + 1] = firstEnd;
    hits.data[at + 2] = end;
  }

  /** The class of the character that begins with a high surrogate at `at`. */
  function classAt(text: string, at: number): number {
    const code = text.codePointAt(at) ?? 0;
    return code > 0xffff ? astral(code) : edge; // Half a pair is no character.
  }

  /** A word has ended at `end` in an outcome: adds its matches. */
  function settle(text: string, end: number, next: number, outcome: number): void {
    let row = goesOn[outcome]!;
    if (row === 0) {
      for (let i = acceptedFrom[outcome]!; i < acceptedFrom[outcome + 1]!; i++) {
        const pattern = accepted[i]!;
        // A word that ends behind an earlier match also begins behind it, since matches end with words.
        if (end > taken[category[pattern]!]!) {
          taken[category[pattern]!] = end;
          add(pattern, end, end);
        }
      }
      return;
    }
    let found = keep(outcome, end, false);
    for (let at = next; row > 0;) {
      let read = edge;
      let width = 1;
      if (at < text.length) {
        read = units[text.charCodeAt(at)]!;
        if (read === pairClass) {
          read = classAt(text, at);
          if (text.codePointAt(at)! > 0xffff) width = 2;
        }
      }
      row = table[row + read]!;
      if (row >= limit) {
        found = keep(row - limit, at, found);
        row = goesOn[row - limit]!;
      } else if (row === gap) {
        break;
      }
      at += width;
    }
    if (!found) return; // As after most of "the", when a pattern is "the people".
    for (let i = 0; i < categories; i++) {
      if (bestEnd[i]! > 0 && end > taken[i]!) {
        taken[i] = bestEnd[i]!;
        add(bestPattern[i]!, end, bestEnd[i]!);
      }
    }
  }

  /** Notes the patterns that end in an outcome; answers whether any pattern was noted since this start. */
  function keep(outcome: number, end: number, found: boolean): boolean {
    const from = acceptedFrom[outcome]!;
    const to = acceptedFrom[outcome + 1]!;
    if (from === to) return found;
    if (!found) bestEnd.fill(0);
    for (let i = from; i < to; i++) {
      const pattern = accepted[i]!;
      bestEnd[category[pattern]!] = end;
      bestPattern[category[pattern]!] = pattern;
    }
    return true;
  }

  return (text) => {
    hits.length = 0;
    taken.fill(0);
    const length = text.length;
    let row = gap;
    for (let i = 0; i < length; i++) {
      let next = table[row + units[text.charCodeAt(i)]!]!;
      if (next >= limit) {
        const end = i;
        if (next === limit) {
          next = table[row + classAt(text, i)]!;
          if (text.codePointAt(i)! > 0xffff) i++;
        }
        if (next >= limit) {
          settle(text, end, i + 1, next - limit);
          next = gap;
        }
      }
      row = next;
    }
    const last = table[row + edge]!;
    if (last >= limit) settle(text, length, length, last - limit);
    return hits;
  };
}

/** Where the word that ends at `end` begins. */
export function wordStart(automaton: Automaton, text: string, end: number): number {
  const { units, isWord, astral } = automaton.classes;
  let start = end;
  while (start > 0) {
    const unit = text.charCodeAt(start - 1);
    if (unit >= 0xdc00 && unit <= 0xdfff && start > 1) {
      const code = text.codePointAt(start - 2) ?? 0;
      if (code <= 0xffff || !isWord[astral(code)]) break;
      start -= 2;
    } else if (isWord[units[unit] ?? 0]) start--;
    else break;
  }
  return start;
}
