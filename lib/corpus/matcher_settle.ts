/**
 * What happens where a word has ended that begins or is a match: rare beside the reading of all other words, so that it
 * may take its time.
 */
import type { Automaton } from "./matcher_dfa.ts";

/** What was found in one text; used again for the next text. */
export interface Hits {
  /**
   * Four numbers a match, in `data[0 … 4 * length]`: the pattern's number; the place in the source where the match's
   * first word ends; the same and the end of the match as offsets in UTF-16 units of the text. Ends are exclusive.
   */
  data: Int32Array;
  length: number;
}

/** Reads the characters of a text one by one, in whatever form the text is. */
export interface Reader {
  /** The class of the character at a place; the class of the edge at the end. */
  classAt(place: number): number;
  /** How many places the character takes that was read last. */
  width: number;
  /** How many UTF-16 units it takes. */
  units: number;
}

export interface Settler {
  readonly hits: Hits;
  /** Forgets the text before. */
  reset(): void;
  /**
   * Adds the matches of which the first word has ended.
   *
   * @param outcome The automaton's outcome at the character that ended it.
   * @param place Where it ended, and `end`: the same in UTF-16 units.
   * @param nextPlace Behind the character that ended it, and `next`: the same in UTF-16 units.
   */
  settle(outcome: number, place: number, end: number, nextPlace: number, next: number): void;
  /** Adds the matches that begin at the beginning of a word: a place, and the same in UTF-16 units. */
  begin(place: number, unit: number): void;
}

/**
 * In each category matches do not overlap: the leftmost wins, and of those that begin together the longest; where
 * several patterns end there, the one that is listed first.
 *
 * @param categoryOf The category of each pattern, as a number from 0.
 */
export function createSettler(automaton: Automaton, categoryOf: readonly number[], reader: Reader): Settler {
  const { table, limit, gap, goesOn, accepted, acceptedFrom } = automaton;
  const categories = Math.max(0, ...categoryOf) + 1;
  const category = Int32Array.from(categoryOf);
  /** Per category: where its last match ended. */
  const taken = new Int32Array(categories);
  /** Per category, while one start is looked at: the longest match so far. */
  const bestEnd = new Int32Array(categories);
  const bestPattern = new Int32Array(categories);
  const hits: Hits = { data: new Int32Array(4 * 64), length: 0 };

  function add(pattern: number, place: number, firstEnd: number, end: number): void {
    const at = 4 * hits.length++;
    if (at + 4 > hits.data.length) {
      const larger = new Int32Array(hits.data.length * 2);
      larger.set(hits.data);
      hits.data = larger;
    }
    hits.data[at] = pattern;
    hits.data[at + 1] = place;
    hits.data[at + 2] = firstEnd;
    hits.data[at + 3] = end;
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

  function settle(outcome: number, place: number, end: number, nextPlace: number, next: number): void {
    let row = goesOn[outcome]!;
    if (row === 0) {
      for (let i = acceptedFrom[outcome]!; i < acceptedFrom[outcome + 1]!; i++) {
        const pattern = accepted[i]!;
        // A word that ends behind an earlier match also begins behind it, since matches end with words.
        if (end > taken[category[pattern]!]!) {
          taken[category[pattern]!] = end;
          add(pattern, place, end, end);
        }
      }
      return;
    }
    let found = keep(outcome, end, false);
    for (let at = nextPlace, unit = next; row > 0;) {
      row = table[row + reader.classAt(at)]!;
      if (row >= limit) {
        found = keep(row - limit, unit, found);
        row = goesOn[row - limit]!;
      } else if (row === gap) {
        break;
      }
      at += reader.width;
      unit += reader.units;
    }
    if (!found) return; // As after most of "the", when a pattern is "the people".
    for (let i = 0; i < categories; i++) {
      if (bestEnd[i]! > 0 && end > taken[i]!) {
        taken[i] = bestEnd[i]!;
        add(bestPattern[i]!, place, end, bestEnd[i]!);
      }
    }
  }

  return {
    hits,
    reset() {
      hits.length = 0;
      taken.fill(0);
    },
    settle,
    begin(place, unit) {
      let row = gap;
      while (true) {
        row = table[row + reader.classAt(place)]!;
        if (row >= limit) return settle(row - limit, place, unit, place + reader.width, unit + reader.units);
        if (row === 0 || row === gap) return;
        place += reader.width;
        unit += reader.units;
      }
    },
  };
}
