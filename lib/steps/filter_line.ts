/**
 * The quick look at a chunk's line: in the form in which the step `chunk` writes it, a line can be counted, checked and
 * passed on or dropped as it stands. Whatever looks otherwise is left to the ordinary way, which parses it and tells
 * what is wrong with it.
 */
import type { Chunk } from "../records.ts";

const encoder = new TextEncoder();
const HEAD = encoder.encode('{"id":"');
const MIDDLE = encoder.encode('","text":"');
const [QUOTE = 0, BACKSLASH = 0, COMMA = 0, COLON = 0, CLOSE = 0, ZERO = 0, NINE = 0] = encoder.encode('"\\,:}09');
const NEWLINE = 0x0a;

/** Where the parts of the line lie that was read last. */
export interface LineReader {
  idFrom: number;
  idTo: number;
  /** The text's first byte, and its closing quote. */
  textFrom: number;
  textTo: number;
  /** The newline. */
  end: number;
  /** @returns false for a line that must go the ordinary way. */
  read(bytes: Uint8Array, start: number): boolean;
  /** The members behind the text of that line. */
  rest(bytes: Uint8Array): ChunkRest;
}

/** A chunk without id and text. */
export type ChunkRest = Omit<Chunk, "id" | "text">;

/**
 * Makes a reader of lines such as `{"id":"…","text":"…","source_id":1,…}`.
 *
 * @param scanText Reads the text from its first byte; answers the offset of its closing quote, or -1.
 * @param isRest Whether members are those of a chunk beside id and text, and no others that matter.
 */
export function createLineReader(
  scanText: (from: number) => number,
  isRest: (members: unknown) => members is ChunkRest,
): LineReader {
  /** What follows the text of a line, parsed and found good; in the lines of one book only numbers change. */
  let known = new Uint8Array(0);

  /** The end of a line's rest, or -1. */
  function restEnd(bytes: Uint8Array, at: number): number {
    const end = sameButNumbers(bytes, at, known);
    if (end >= 0) return end;
    const newline = bytes.indexOf(NEWLINE, at);
    if (newline < 0 || bytes[at] !== COMMA || bytes[newline - 1] !== CLOSE) return -1;
    try {
      if (!isRest(parseRest(bytes, at, newline))) return -1;
    } catch {
      return -1;
    }
    known = bytes.slice(at, newline);
    return newline;
  }

  const reader: LineReader = {
    idFrom: 0,
    idTo: 0,
    textFrom: 0,
    textTo: 0,
    end: 0,
    read(bytes, start) {
      if (!holds(bytes, start, HEAD)) return false;
      const idFrom = start + HEAD.length;
      let at = idFrom;
      while (isPlain(bytes[at])) at++;
      if (at === idFrom || !holds(bytes, at, MIDDLE)) return false;
      const from = at + MIDDLE.length;
      const quote = scanText(from);
      if (quote <= from) return false;
      const end = restEnd(bytes, quote + 1);
      reader.idFrom = idFrom;
      reader.idTo = at;
      reader.textFrom = from;
      reader.textTo = quote;
      reader.end = end;
      return end >= 0;
    },
    rest: (bytes) => parseRest(bytes, reader.textTo + 1, reader.end),
  };
  return reader;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** From the comma behind the text to the end of the line. @throws {Error} not UTF-8 or not JSON. */
function parseRest(bytes: Uint8Array, comma: number, end: number) {
  return JSON.parse(`{${decoder.decode(bytes.subarray(comma + 1, end))}`);
}

function holds(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false;
  return true;
}

/** Printable ASCII that means itself in a JSON string. */
function isPlain(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x20 && byte < 0x7f && byte !== QUOTE && byte !== BACKSLASH;
}

/**
 * Where the line ends that goes on as the good one does, or -1. Whole numbers between `:` and `,` or `}` may differ:
 * in a string they are harmless, elsewhere they are numbers like those that were checked.
 */
function sameButNumbers(bytes: Uint8Array, at: number, good: Uint8Array): number {
  if (good.length === 0) return -1;
  for (let i = 0; i < good.length;) {
    const byte = good[i++];
    if (bytes[at++] !== byte) return -1;
    if (byte !== COLON) continue;
    const other = numberEnd(good, i);
    const mine = other > i ? numberEnd(bytes, at) : at;
    if (mine > at) {
      i = other;
      at = mine;
    }
  }
  return bytes[at] === NEWLINE ? at : -1;
}

/** The end of a whole number that is one in JSON and exact in JavaScript; `at` where there is none. */
function numberEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  for (let byte = bytes[end] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[end] ?? 0) end++;
  const whole = end > at && end - at <= 15 && (bytes[at] !== ZERO || end - at === 1);
  return whole && (bytes[end] === COMMA || bytes[end] === CLOSE) ? end : at;
}
