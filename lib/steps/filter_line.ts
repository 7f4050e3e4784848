/**
 * The quick look at a chunk's line: in the form in which the step `chunk` writes it, a line can be counted, checked and
 * passed on or dropped as it stands. Whatever looks otherwise is left to the ordinary way, which parses it and tells
 * what is wrong with it.
 */
import type { Chunk } from "../records.ts";
import { BEFORE_ID, BEHIND_ID } from "./filter_kernel.ts";
import type { RowTables } from "./filter_tables.ts";

const [COMMA, CLOSE, NEWLINE] = [0x2c, 0x7d, 0x0a];

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
 * @param base Where in the tables' memory the lines' first byte lies.
 * @param scanText Reads the text from its first byte; answers the offset of its closing quote, or -1.
 * @param isRest Whether members are those of a chunk beside id and text, and no others that matter.
 */
export function createLineReader(
  { kernel, learn }: Pick<RowTables, "kernel" | "learn">,
  base: number,
  scanText: (from: number) => number,
  isRest: (members: unknown) => members is ChunkRest,
): LineReader {
  /** The end of a line's rest, or -1. In the lines of one work only numbers and titles change. */
  function restEnd(bytes: Uint8Array, at: number): number {
    const end = kernel.rest(base + at);
    if (end > 0) return end - base;
    const newline = bytes.indexOf(NEWLINE, at);
    if (newline < 0 || bytes[at] !== COMMA || bytes[newline - 1] !== CLOSE) return -1;
    try {
      if (!isRest(parseRest(bytes, at, newline))) return -1;
    } catch {
      return -1;
    }
    learn(bytes.subarray(at, newline));
    return newline;
  }

  const reader: LineReader = {
    idFrom: 0,
    idTo: 0,
    textFrom: 0,
    textTo: 0,
    end: 0,
    read(bytes, start) {
      const text = kernel.open(base + start);
      if (text === 0) return false;
      const from = text - base;
      const quote = scanText(from);
      if (quote <= from) return false;
      reader.idFrom = start + BEFORE_ID;
      reader.idTo = from - BEHIND_ID;
      reader.textFrom = from;
      reader.textTo = quote;
      reader.end = restEnd(bytes, quote + 1);
      return reader.end >= 0;
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
