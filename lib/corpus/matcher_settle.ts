/**
 * What happens where a word has ended that begins or is a match: rare beside the reading of all other words, so that it
 * may take its time.
 */
import type { Automaton } from "./matcher_dfa.ts";

/** What was found in one text; used again for the next text. */
export interface Hits {
  /**
   * Four numbers a match, in `data[0 … 4 * length]`: the pattern's number; where the match begins, if that is known;
   * where its first word ends; where it ends: as offsets in UTF-16 units of the text. Ends are exclusive.
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
   * @param start Where the word began, if that is known, and `end`: where it ended, in UTF-16 units.
   * @param nextPlace Behind the character that ended it, and `next`: the same in UTF-16 units.
   */
  settle(outcome: number, start: number, end: number, nextPlace: number, next: number): void;
  /** Adds the matches that begin at the beginning of a word: a place, and the same in UTF-16 units. */
  begin(place: number, unit: number): void;
}

/** What a settler shares with the kernel of matcher_kernel.ts, which settles most matches. */
export interface SettlerMemory {
  /** The matches, as in {@linkcode Hits}. */
  data: Int32Array;
  /** Per category: where its last match ended. */
  taken: Int32Array;
}

/**
 * In each category matches do not overlap: the leftmost wins, and of those that begin together the longest; where
 * several patterns end there, the one that is listed first.
 *
 * @param categoryOf The category of each pattern, as a number from 0.
 */
export function createSettler(
  automaton: Automaton,
  categoryOf: readonly number[],
  reader: Reader,
  memory: SettlerMemory = {
    data: new Int32Array(4 * 64),
    taken: new Int32Array(Math.max(0, ...categoryOf) + 1),
  },
): Settler {
  const { table, limit, gap, goesOn, accepted, acceptedFrom } = automaton;
  const category = Int32Array.from(categoryOf);
  const { taken } = memory;
  const categories = taken.length;
  /** Per category, while one start is looked at: the longest match so far. */
  const bestEnd = new Int32Array(categories);
  const bestPattern = new Int32Array(categories);
  const hits: Hits = { data: memory.data, length: 0 };

  function add(pattern: number, start: number, firstEnd: number, end: number): void {
    const at = 4 * hits.length++;
    if (at + 4 > hits.data.length) {
      const larger = new Int32Array(hits.data.length * 2);
      larger.set(hits.data);
      hits.data = larger;
    }
    hits.data[at] = pattern;
    hits.data[at + 1] = start;
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

  function settle(outcome: number, start: number, end: number, nextPlace: number, next: number): void {
    let row = goesOn[outcome]!;
    if (row === 0) {
      for (let i = acceptedFrom[outcome]!; i < acceptedFrom[outcome + 1]!; i++) {
        const pattern = accepted[i]!;
        // A word that ends behind an earlier match also begins behind it, since matches end with words.
        if (end > taken[category[pattern]!]!) {
          taken[category[pattern]!] = end;
          add(pattern, start, end, end);
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
        add(bestPattern[i]!, start, end, bestEnd[i]!);
      }
    }
  }

  return {
    hits,
    reset() {
      hits.length = 0;
      hits.data = memory.data;
      for (let i = 0; i < categories; i++) taken[i] = 0; // A call of `fill` takes longer.
    },
    settle,
    begin(place, start) {
      let unit = start;
      let row = gap;
      while (true) {
        row = table[row + reader.classAt(place)]!;
        if (row >= limit) return settle(row - limit, start, unit, place + reader.width, unit + reader.units);
        if (row === 0 || row === gap) return;
        place += reader.width;
        unit += reader.units;
      }
    },
  };
}
