/**
 * The same as matcher_scan.ts for a text that still is the inside of a JSON string in UTF-8: most rows of a file are
 * only counted and dropped, and need neither be decoded nor parsed for that.
 */
import { BROKEN, createJsonChars, QUOTE } from "./json_chars.ts";
import { astralClass } from "./matcher_classes.ts";
import type { Automaton } from "./matcher_dfa.ts";
import { createFinder } from "./matcher_finder.ts";
import { BROKEN as NO_STRING, MOST_HITS, RARE } from "./matcher_layout.ts";
import { createSettler, type Hits, type Reader } from "./matcher_settle.ts";

/** Scans JSON strings; `hits` are those of the last one, with where they begin. */
export interface JsonScanner {
  readonly hits: Hits;
  /**
   * Takes the bytes in which the next strings stand. Answers them where they are scanned, good until the next call: in the
   * kernel's memory, where the processor has them at hand; or as they are where they are too many for it.
   */
  load(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  /**
   * @param from The first byte behind the opening quote.
   * @returns The offset of the closing quote; -1 where this is no JSON string in UTF-8.
   */
  scan(from: number): number;
  /** Length of the last string's text in UTF-16 units. */
  readonly units: number;
  /** What others may do in the memory in which it works. */
  readonly kernel: {
    memory: WebAssembly.Memory;
    /** Where the bytes lie that were loaded, and the hits. */
    text: number;
    hits: number;
    free: { from: number; to: number };
  };
}

/** Larger batches than this are scanned where they lie: what WebAssembly's memory has taken, it keeps. */
const MOST = 16 << 20;

/**
 * Makes a scanner for JSON strings.
 *
 * @param categoryOf The category of each pattern, as a number from 0.
 */
export function createJsonScanner(automaton: Automaton, categoryOf: readonly number[]): JsonScanner {
  const { table, limit, gap } = automaton;
  const { units, edge, surrogate, isWord } = automaton.classes;
  const chars = createJsonChars();
  // All that is not one plain byte takes the way of surrogate pairs: "look closer".
  const plain = Uint16Array.from(
    { length: 256 },
    (_, byte) => chars.isPlain(byte) ? units[byte] ?? surrogate : surrogate,
  );
  const classOf = (code: number) =>
    code > 0xffff ? astralClass(automaton.classes, code) : code >= 0xd800 && code < 0xe000 ? edge : units[code]!;
  const reader: Reader = {
    width: 1,
    units: 1,
    classAt(place) {
      const code = chars.read(place);
      reader.width = chars.width;
      reader.units = code > 0xffff ? 2 : 1;
      return code === BROKEN ? edge : classOf(code);
    },
  };
  let first = 0;
  let textUnits = 0;
  let loaded = false;
  const finder = createFinder(automaton, categoryOf, plain, MOST, (start, end, entry, shift) => {
    const from = start - text;
    if (from > first && chars.source[from - 1]! >= 0x80 && isWord[classOf(chars.readBefore(from, first))]) return;
    hits.length = finder.count;
    if (entry === limit) begin(from, start - shift); // Not all plain.
    else settle(entry - limit, start - shift, end - shift, end + 1 - text, end + 1 - shift);
    finder.count = hits.length;
  });
  const { text, hits: hitsAt, free } = finder.layout;
  const { hits, reset, settle, begin } = createSettler(automaton, categoryOf, reader, finder);

  /** Where the word begins that ends at a place, and `unit`: the same in UTF-16 units, in which it answers. */
  function wordStart(place: number, unit: number): number {
    while (place > first) {
      const code = chars.readBefore(place, first);
      if (!isWord[classOf(code)]) break;
      place -= chars.width;
      unit -= code > 0xffff ? 2 : 1;
    }
    return unit;
  }

  /** All of it here, character by character: for what the kernel does not read. */
  function scanHere(): number {
    const bytes = chars.source;
    const length = bytes.length;
    let shift = first; // From places to UTF-16 units.
    let row = gap;
    for (let i = first; i < length; i++) {
      let next = table[row + plain[bytes[i]!]!]!;
      if (next >= limit) {
        const place = i;
        const end = i - shift;
        if (next === limit) {
          const code = chars.read(i);
          if (code === BROKEN) {
            if (bytes[i] !== QUOTE) return -1;
            textUnits = end;
            const last = table[row + edge]!;
            if (last >= limit) settle(last - limit, wordStart(place, end), end, place, end);
            return place;
          }
          next = table[row + classOf(code)]!;
          i += chars.width - 1;
          shift += chars.width - (code > 0xffff ? 2 : 1);
        }
        if (next >= limit) {
          settle(next - limit, wordStart(place, end), end, i + 1, i + 1 - shift);
          next = gap;
        }
      }
      row = next;
    }
    return -1;
  }

  return {
    hits,
    kernel: { memory: finder.memory, text, hits: hitsAt, free: { from: free, to: text } },
    get units() {
      return textUnits;
    },
    load(bytes) {
      loaded = bytes.length <= MOST;
      const source = loaded ? finder.load(bytes) : bytes;
      chars.source = source;
      return source;
    },
    scan(from) {
      reset();
      first = from;
      if (!loaded) return scanHere();
      const end = finder.scan(text + from, text + chars.source.length);
      if (end === RARE || finder.count > MOST_HITS) {
        reset();
        return scanHere();
      }
      if (end === NO_STRING) return -1;
      hits.length = finder.count;
      textUnits = finder.units;
      return end - text;
    },
  };
}
