/**
 * A text as it stands in a line of JSON: escaped, in UTF-8. Chunking copies nearly all of a text as it is, so decoding
 * a whole book and encoding it again is work for nothing, and takes several times its size in memory.
 */
import { Offsets } from "./offsets.ts";
import { isSpace, type Range, type TextSource } from "./paragraphs.ts";
import { createUnusualBytes, type UnusualBytes } from "./unusual_bytes.ts";

/** A text whose offsets are UTF-16 units, as if it were decoded, and whose content is JSON. Good until the next read. */
export interface RawText extends TextSource {
  /** Offset of the closing quotation mark in the line. */
  readonly closing: number;
  /** `slice(start, end)` as the content of a JSON string; a view of the line. */
  bytes(start: number, end: number): Uint8Array<ArrayBuffer>;
  /** Whether an offset lies within a paragraph. */
  splits(offset: number): boolean;
}

const QUOTE = 0x22, BACKSLASH = 0x5c, SPACE = 0x20, FEED = 0x0a, LETTER_N = 0x6e, LETTER_U = 0x75;

/** What begins with a byte. */
const PLAIN = 0, END = 1, ESCAPE = 2, TWO = 3, THREE = 4, FOUR = 5, BAD = 6;
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === QUOTE) return END;
  if (byte === BACKSLASH) return ESCAPE;
  if (byte < SPACE) return BAD;
  if (byte < 0x80) return PLAIN;
  if (byte >= 0xc2 && byte <= 0xdf) return TWO;
  if (byte >= 0xe0 && byte <= 0xef) return THREE;
  return byte >= 0xf0 && byte <= 0xf4 ? FOUR : BAD;
});

/** Not a fatal one, which takes twice as long: what it decodes has been checked. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Makes a reader of JSON strings that uses its memory again for each: it is given a line and where in it the content of
 * the string begins, checks that this is UTF-8 and JSON, and finds its paragraphs, in one pass. It answers undefined
 * where the string is broken or holds white space other than spaces and line feeds: JSON.parse will tell what is wrong,
 * or decode it.
 */
export function createRawTextReader(): (line: Uint8Array<ArrayBuffer>, start: number) => RawText | undefined {
  const found: Found = {
    closing: 0,
    length: 0,
    starts: new Offsets(),
    ends: new Offsets(),
    inLine: new Offsets(),
    inText: new Offsets(),
  };
  const unusual = createUnusualBytes();
  return (line, start) => find(line, start, found, unusual) ? rawText(line, found) : undefined;
}

/** Fills `found` with what there is in a string; false where it must be decoded. */
function find(line: Uint8Array<ArrayBuffer>, start: number, found: Found, unusual: UnusualBytes): boolean {
  unusual.open(line);
  for (const offsets of [found.starts, found.ends, found.inLine, found.inText]) offsets.length = 0;
  found.inLine.push(start);
  found.inText.push(0);
  let mark = start; // The last entry of inLine.
  let shift = start; // An offset in the line less the one in the text.
  let open = false; // Whether `at` is in a paragraph.
  let at = start;
  const { length } = line;
  // No closures here: what they share with the loop would be kept in memory instead of registers.
  while (true) {
    if (!open) {
      while (line[at] === SPACE) at++;
    }
    const from = at;
    if (KINDS[line[at]!] === PLAIN) at = unusual.next(at);
    const kind = at < length ? KINDS[line[at]!]! : BAD;
    const feed = kind === ESCAPE && line[at + 1] === LETTER_N;
    if (!open && (at > from || !(feed || kind === END))) {
      open = true;
      found.starts.push(from - shift);
    }
    if (at - mark >= STRIDE) {
      mark = at;
      found.inLine.push(at);
      found.inText.push(at - shift);
    }
    const space = feed ? readSpace(line, at) : undefined;
    if (open && (kind === END || (space && (space.feeds > 1 || line[space.end] === QUOTE)))) {
      open = false;
      let end = at;
      while (line[end - 1] === SPACE) end--;
      found.ends.push(end - shift);
    }
    if (kind === END) break;
    if (space) {
      at = space.end;
      shift += space.feeds; // Each is two bytes and one unit.
      continue;
    }
    const width = kind === ESCAPE ? escapeLength(line, at) : sequenceLength(line, at, kind);
    if (width === 0) return false;
    at += width;
    shift += kind === FOUR ? 2 : width - 1;
  }
  found.closing = at;
  found.length = at - shift;
  return true;
}

/** What reading a text finds. */
interface Found {
  closing: number;
  length: number;
  /** Of paragraphs, in the text. */
  starts: Offsets;
  ends: Offsets;
  /**
   * Marks: the same places in the line and in the text, in front of something other than plain ASCII. Such things lie
   * in the STRIDE bytes from a mark on; behind them all is plain up to the next mark.
   */
  inLine: Offsets;
  inText: Offsets;
}

/** Bytes between marks at least: what must be looked at again to find a place, and what marks cost in memory. */
const STRIDE = 64;

/** White space from a line feed on: where it ends, and how many line feeds it holds. */
function readSpace(line: Uint8Array, at: number): { end: number; feeds: number } {
  let feeds = 0;
  while (true) {
    if (line[at] === BACKSLASH && line[at + 1] === LETTER_N) {
      feeds++;
      at += 2;
    } else if (line[at] === SPACE) at++;
    else return { end: at, feeds };
  }
}

/** Bytes of an escape; 0 where it is broken, or white space other than a line feed. */
function escapeLength(line: Uint8Array, at: number): number {
  const letter = line[at + 1];
  if (letter === QUOTE || letter === BACKSLASH || letter === 0x2f) return 2;
  if (letter !== LETTER_U) return 0;
  const digits = decoder.decode(line.subarray(at + 2, at + 6).slice().map((byte) => byte < 0x80 ? byte : 0));
  return /^[0-9A-Fa-f]{4}$/.test(digits) && !isSpace(parseInt(digits, 16)) ? 6 : 0;
}

/** Bytes of a character of UTF-8 beyond ASCII; 0 where it is broken (overlong, a surrogate, cut off) or white space. */
function sequenceLength(line: Uint8Array, at: number, kind: number): number {
  const first = line[at] ?? 0, second = line[at + 1] ?? 0, third = line[at + 2] ?? 0;
  if ((second & 0xc0) !== 0x80) return 0;
  if (kind === TWO) return 2;
  if ((third & 0xc0) !== 0x80) return 0;
  if (kind === THREE) {
    const unit = ((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f);
    return unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) && !isSpace(unit) ? 3 : 0;
  }
  const point = ((first & 0x07) << 18) | ((second & 0x3f) << 12);
  return kind === FOUR && ((line[at + 3] ?? 0) & 0xc0) === 0x80 && point >= 0x10000 && point < 0x110000 ? 4 : 0;
}

function rawText(line: Uint8Array<ArrayBuffer>, found: Found): RawText {
  const { starts, ends, inLine, inText } = found;
  const lineOffset = (offset: number): number => {
    const mark = inText.lastUpTo(offset);
    return skipUnits(line, inLine.at(mark), offset - inText.at(mark));
  };
  const bytes = (start: number, end: number) => line.subarray(lineOffset(start), lineOffset(end));
  return {
    length: found.length,
    closing: found.closing,
    bytes,
    slice(start, end) {
      const content = decoder.decode(bytes(start, end));
      return content.includes("\\") ? String(JSON.parse(`"${content}"`)) : content;
    },
    paragraphs(start, end) {
      const ranges: Range[] = [];
      for (let index = starts.lastUpTo(start - 1) + 1; index < starts.length; index++) {
        const range = { start: starts.at(index), end: ends.at(index) };
        if (range.start >= end) break;
        ranges.push(range);
      }
      return ranges;
    },
    splits(offset) {
      const index = starts.lastUpTo(offset - 1);
      return index >= 0 && offset < ends.at(index);
    },
  };
}

/** The offset in a line that many units behind a mark. */
function skipUnits(line: Uint8Array, mark: number, units: number): number {
  let at = mark;
  while (units > 0) {
    if (at - mark >= STRIDE && KINDS[line[at] ?? 0] === PLAIN) return at + units; // Plain up to the next mark.
    switch (KINDS[line[at] ?? 0]) {
      case PLAIN:
        at++;
        break;
      case ESCAPE:
        at += line[at + 1] === LETTER_U ? 6 : 2;
        break;
      case TWO:
        at += 2;
        break;
      case THREE:
        at += 3;
        break;
      default:
        at += 4;
        units--;
    }
    units--;
  }
  return at;
}

/**
 * Where the content of the string of a member begins, in the line from `start` on that is a JSON object: the first of
 * that name at any depth. A string cannot hold what this looks for, as a quotation mark in a string is escaped.
 */
export function findStringMember(line: Uint8Array, name: string, start = 0): number | undefined {
  const wanted = new TextEncoder().encode(name);
  const skipSpaces = (at: number) => {
    while (line[at] === SPACE) at++;
    return at;
  };
  for (let quote = start; quote < line.length && line[quote] !== FEED; quote++) {
    if (line[quote] !== QUOTE || line[quote + 1] !== wanted[0]) continue;
    if (!wanted.every((byte, index) => line[quote + 1 + index] === byte)) continue;
    if (line[quote + 1 + wanted.length] !== QUOTE || line[quote - 1] === BACKSLASH) continue;
    const colon = skipSpaces(quote + wanted.length + 2);
    const value = skipSpaces(colon + 1);
    if (line[colon] === 0x3a && line[value] === QUOTE) return value + 1;
  }
  return undefined;
}
