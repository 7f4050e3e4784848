/**
 * The same as matcher_scan.ts for a text that still is the inside of a JSON string in UTF-8: most rows of a file are
 * only counted and dropped, and need neither be decoded nor parsed for that.
 */
import type { Automaton } from "./matcher_dfa.ts";
import { createSettler, type Hits, type Reader } from "./matcher_settle.ts";

/** Scans JSON strings; `hits` are those of the last one, with offsets into its bytes. */
export interface JsonScanner {
  readonly hits: Hits;
  /**
   * @param from The first byte behind the opening quote.
   * @returns The offset of the closing quote; -1 where this is no JSON string in UTF-8.
   */
  scan(bytes: Uint8Array, from: number): number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What the letter behind a backslash stands for. */
const ESCAPES = new Map(
  Object.entries({ n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", '"': '"', "\\": "\\", "/": "/" })
    .map(([name, char]) => [name.charCodeAt(0), char.charCodeAt(0)]),
);
/** Not a character: the string is no JSON or no UTF-8. */
const BROKEN = -1;

/**
 * Makes a scanner for JSON strings.
 *
 * @param categoryOf The category of each pattern, as a number from 0.
 */
export function createJsonScanner(automaton: Automaton, categoryOf: readonly number[]): JsonScanner {
  const { table, limit, gap } = automaton;
  const { units, edge, surrogate, astral } = automaton.classes;
  // All that is not one plain byte takes the way of surrogate pairs: "look closer".
  const plain = Uint16Array.from(
    { length: 256 },
    (_, byte) => byte < 0x20 || byte >= 0x80 || byte === QUOTE || byte === BACKSLASH ? surrogate : units[byte]!,
  );
  let source: Uint8Array = new Uint8Array();

  const classOf = (code: number) =>
    code > 0xffff ? astral(code) : code >= 0xd800 && code < 0xe000 ? edge : units[code]!;
  const hex = (at: number) => {
    let code = 0;
    for (let i = at; i < at + 4; i++) {
      const byte = source[i] ?? 0;
      const digit = byte >= 0x30 && byte <= 0x39
        ? byte - 0x30
        : (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
        ? (byte | 0x20) - 0x57
        : BROKEN;
      if (digit === BROKEN) return BROKEN;
      code = code * 16 + digit;
    }
    return code;
  };
  /** Behind a backslash at `at`. */
  const escape = (at: number): number => {
    const name = source[at + 1] ?? 0;
    const code = ESCAPES.get(name);
    reader.width = 2;
    if (code !== undefined) return code;
    const unit = name === 0x75 ? hex(at + 2) : BROKEN;
    reader.width = 6;
    if (unit < 0xd800 || unit > 0xdbff || source[at + 6] !== BACKSLASH || source[at + 7] !== 0x75) return unit;
    const low = hex(at + 8);
    if (low < 0xdc00 || low > 0xdfff) return unit; // Half a pair; what follows is read by itself.
    reader.width = 12;
    return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  };
  /** A character of two to four bytes, with all that UTF-8 forbids (RFC 3629). */
  const decode = (at: number, lead: number): number => {
    const width = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4) return BROKEN;
    let code = lead & (0xff >> (width + 1));
    for (let i = 1; i < width; i++) {
      const byte = source[at + i] ?? 0;
      if ((byte & 0xc0) !== 0x80) return BROKEN;
      code = (code << 6) | (byte & 0x3f);
    }
    reader.width = width;
    const least = width === 2 ? 0x80 : width === 3 ? 0x800 : 0x10000;
    return code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? BROKEN : code;
  };
  /** The character at `at`; BROKEN also for the closing quote and the end of the bytes. */
  const codeAt = (at: number): number => {
    reader.width = 1;
    const byte = source[at] ?? 0;
    if (byte >= 0x80) return decode(at, byte);
    if (byte === BACKSLASH) return escape(at);
    return byte < 0x20 || byte === QUOTE ? BROKEN : byte;
  };
  const reader: Reader = {
    width: 1,
    classAt(at) {
      const code = codeAt(at);
      return code === BROKEN ? edge : classOf(code);
    },
  };
  const { hits, reset, settle } = createSettler(automaton, categoryOf, reader);

  return {
    hits,
    scan(bytes, from) {
      reset();
      source = bytes;
      const length = bytes.length;
      let row = gap;
      for (let i = from; i < length; i++) {
        let next = table[row + plain[bytes[i]!]!]!;
        if (next >= limit) {
          const end = i;
          if (next === limit) {
            const code = codeAt(i);
            if (code === BROKEN) {
              if (bytes[i] !== QUOTE) return -1;
              const last = table[row + edge]!;
              if (last >= limit) settle(end, end, last - limit);
              return end;
            }
            next = table[row + classOf(code)]!;
            i += reader.width - 1;
          }
          if (next >= limit) {
            settle(end, i + 1, next - limit);
            next = gap;
          }
        }
        row = next;
      }
      return -1;
    },
  };
}
