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
  /** What follows the text of a line that was parsed and found good; in the lines of one chapter only numbers change. */
  let known: Rest = { view: new DataView(new ArrayBuffer(0)), parts: [] };

  /** The end of a line's rest, or -1. */
  function restEnd(bytes: Uint8Array, at: number): number {
    const end = endLike(known, bytes, view, at);
    if (end >= 0) return end;
    const newline = bytes.indexOf(NEWLINE, at);
    if (newline < 0 || bytes[at] !== COMMA || bytes[newline - 1] !== CLOSE) return -1;
    try {
      if (!isRest(parseRest(bytes, at, newline))) return -1;
    } catch {
      return -1;
    }
    known = restOf(bytes.slice(at, newline));
    return newline;
  }

  let source: Uint8Array | undefined;
  let view: DataView = new DataView(new ArrayBuffer(0));
  const reader: LineReader = {
    idFrom: 0,
    idTo: 0,
    textFrom: 0,
    textTo: 0,
    end: 0,
    read(bytes, start) {
      if (bytes !== source) {
        source = bytes;
        view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      }
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

/** Members as bytes; `parts` holds where in them the parts begin and end that are not numbers. */
interface Rest {
  view: DataView;
  parts: number[];
}

/** Parts the members at whole numbers between `:` and `,` or `}`: in a string they are harmless, elsewhere they are values. */
function restOf(bytes: Uint8Array<ArrayBuffer>): Rest {
  const parts = [0];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== COLON) continue;
    const end = numberEnd(bytes, i + 1);
    if (end > i + 1) parts.push(i + 1, end);
  }
  return { view: new DataView(bytes.buffer), parts: [...parts, bytes.length] };
}

/** Where the line ends that goes on as the good one does, but for its numbers; or -1. */
function endLike({ view: good, parts }: Rest, bytes: Uint8Array, view: DataView, at: number): number {
  for (let i = 0; i < parts.length; i += 2) {
    if (i > 0) {
      const end = numberEnd(bytes, at);
      if (end === at) return -1;
      at = end;
    }
    const from = parts[i]!;
    const length = parts[i + 1]! - from;
    if (at + length > bytes.length) return -1;
    let done = 0;
    // Four bytes at a time: this looks at a fifth of all bytes.
    for (; done + 4 <= length; done += 4) {
      if (view.getInt32(at + done, true) !== good.getInt32(from + done, true)) return -1;
    }
    for (; done < length; done++) if (view.getUint8(at + done) !== good.getUint8(from + done)) return -1;
    at += length;
  }
  return parts.length > 0 && bytes[at] === NEWLINE ? at : -1;
}

/** The end of a whole number that is one in JSON and exact in JavaScript; `at` where there is none. */
function numberEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  for (let byte = bytes[end] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[end] ?? 0) end++;
  const whole = end > at && end - at <= 15 && (bytes[at] !== ZERO || end - at === 1);
  return whole && (bytes[end] === COMMA || bytes[end] === CLOSE) ? end : at;
}
