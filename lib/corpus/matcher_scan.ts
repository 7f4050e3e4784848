/** Runs a text through an automaton. This is the part that must be fast: one look-up per character, no allocation. */
import { astralClass } from "./matcher_classes.ts";
import type { Automaton } from "./matcher_dfa.ts";
import { createSettler, type Hits, type Reader } from "./matcher_settle.ts";

/** Where a match begins: the automaton does not keep it, see {@linkcode wordStart}. */
const UNKNOWN = -1;

/** Finds all matches in a text (offsets in UTF-16 units); the hits that it answers are valid until its next call. */
export type Scanner = (text: string) => Hits;

/**
 * Makes a scanner for texts.
 *
 * @param categoryOf The category of each pattern, as a number from 0.
 */
export function createScanner(automaton: Automaton, categoryOf: readonly number[]): Scanner {
  const { table, limit, gap } = automaton;
  const { units, edge, surrogate } = automaton.classes;
  let source = "";
  const reader: Reader = {
    width: 1,
    units: 1,
    classAt(at) {
      reader.width = reader.units = 1;
      if (at >= source.length) return edge;
      const read = units[source.charCodeAt(at)]!;
      if (read !== surrogate) return read;
      const code = source.codePointAt(at)!;
      if (code <= 0xffff) return edge; // Half a pair is no character.
      reader.width = reader.units = 2;
      return astralClass(automaton.classes, code);
    },
  };
  const { hits, reset, settle } = createSettler(automaton, categoryOf, reader);

  return (text) => {
    reset();
    source = text;
    const length = text.length;
    let row = gap;
    for (let i = 0; i < length; i++) {
      let next = table[row + units[text.charCodeAt(i)]!]!;
      if (next >= limit) {
        const end = i;
        if (next === limit) {
          next = table[row + reader.classAt(i)]!;
          i += reader.width - 1;
        }
        if (next >= limit) {
          settle(next - limit, UNKNOWN, end, i + 1, i + 1);
          next = gap;
        }
      }
      row = next;
    }
    const last = table[row + edge]!;
    if (last >= limit) settle(last - limit, UNKNOWN, length, length, length);
    return hits;
  };
}

/** Where the word that ends at `end` begins. */
export function wordStart({ classes }: Automaton, text: string, end: number): number {
  const { units, isWord } = classes;
  let start = end;
  while (start > 0) {
    const unit = text.charCodeAt(start - 1);
    if (unit >= 0xdc00 && unit <= 0xdfff && start > 1) {
      const code = text.codePointAt(start - 2) ?? 0;
      if (code <= 0xffff || !isWord[astralClass(classes, code)]) break;
      start -= 2;
    } else if (isWord[units[unit] ?? 0]) start--;
    else break;
  }
  return start;
}
