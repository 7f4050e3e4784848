/**
 * A text as it stands in a line of JSON: escaped, in UTF-8. Chunking copies nearly all of a text as it is, so decoding
 * a whole book and encoding it again is work for nothing, and takes several times its size in memory.
 */
import { Offsets } from "./offsets.ts";
import type { TextSource } from "./paragraphs.ts";
import { createTextFinder, type Found } from "./raw_text_finder.ts";
import { STRIDE } from "./raw_text_kernel.ts";

/** A text whose offsets are UTF-16 units, as if it were decoded, and whose content is JSON. Good until the next read. */
export interface RawText extends TextSource {
  /** Offset of the closing quotation mark in the line. */
  readonly closing: number;
  /** `slice(start, end)` as the content of a JSON string; a view of the line. */
  bytes(start: number, end: number): Uint8Array<ArrayBuffer>;
  /** Whether an offset lies within a paragraph. */
  splits(offset: number): boolean;
}

const QUOTE = 0x22, BACKSLASH = 0x5c, SPACE = 0x20, FEED = 0x0a, LETTER_U = 0x75;

/** What begins with a byte of a good text. */
const PLAIN = 0, ESCAPE = 1, TWO = 2, THREE = 3, FOUR = 4;
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === BACKSLASH) return ESCAPE;
  if (byte < 0x80) return PLAIN;
  if (byte < 0xe0) return TWO;
  return byte < 0xf0 ? THREE : FOUR;
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
  const find = createTextFinder();
  return (line, start) => find(line, start, found) ? rawText(line, found) : undefined;
}

function rawText(line: Uint8Array<ArrayBuffer>, found: Found): RawText {
  const { starts, ends, inLine, inText } = found;
  let near = 0; // A text is read from its beginning to its end.
  const lineOffset = (offset: number): number => {
    const mark = near = inText.lastUpTo(offset, near);
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
    eachParagraph(start, end, tell) {
      for (let index = starts.lastUpTo(start - 1) + 1; index < starts.length; index++) {
        const from = starts.at(index);
        if (from >= end) break;
        tell(from, ends.at(index));
      }
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
  for (let quote = start; quote < line.length; quote++) {
    const byte = line[quote]!;
    if (byte === FEED) break;
    if (byte !== QUOTE || line[quote + 1] !== wanted[0]) continue;
    if (!wanted.every((byte, index) => line[quote + 1 + index] === byte)) continue;
    if (line[quote + 1 + wanted.length] !== QUOTE || line[quote - 1] === BACKSLASH) continue;
    const colon = skipSpaces(quote + wanted.length + 2);
    const value = skipSpaces(colon + 1);
    if (line[colon] === 0x3a && line[value] === QUOTE) return value + 1;
  }
  return undefined;
}
