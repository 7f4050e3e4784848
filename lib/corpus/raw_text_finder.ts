/** Feeds a text in JSON to the kernel of raw_text_kernel.ts, piece by piece. */
import { assemble } from "../core/wasm.ts";
import type { Offsets } from "./offsets.ts";
import {
  BROKEN,
  BYTES,
  END,
  ENDS,
  ENDS_END,
  finder,
  LINE_MARKS,
  LONGEST,
  MARK,
  MARKS_END,
  OPEN,
  PADDING,
  PIECE,
  QUOTE,
  SHIFT,
  STARTS,
  STARTS_END,
  TEXT_MARKS,
} from "./raw_text_kernel.ts";

/** What reading a text finds. */
export interface Found {
  /** Offset of the closing quotation mark in the line. */
  closing: number;
  /** UTF-16 units of the text. */
  length: number;
  /** Of paragraphs, in the text. */
  starts: Offsets;
  ends: Offsets;
  /**
   * Marks: the same places in the line and in the text. They stand where paragraphs begin and end, and in front of what
   * is not plain ASCII. Such things lie in the STRIDE bytes from a mark on; behind them all is plain up to the next mark.
   */
  inLine: Offsets;
  inText: Offsets;
}

/**
 * Fills `found` with what there is in the string of which the content begins at `start`; answers false where it is no
 * JSON or no UTF-8, or holds white space other than spaces and line feeds.
 */
export type TextFinder = (line: Uint8Array<ArrayBuffer>, start: number, found: Found) => boolean;

export function createTextFinder(): TextFinder {
  const { memory, find } = new WebAssembly.Instance(assemble({}, () => ({ find: finder }))).exports as {
    memory: WebAssembly.Memory;
    find(base: number, limit: number): number;
  };
  memory.grow(Math.ceil(END / 65536) - 1);
  const bytes = new Uint8Array(memory.buffer, BYTES, PIECE + PADDING);
  const known = new Int32Array(memory.buffer, 0, BYTES / 4);
  const drain = (offsets: Offsets, from: number, length: number) =>
    offsets.append(new Int32Array(memory.buffer, from, length));

  return (line, start, found) => {
    const { starts, ends, inLine, inText } = found;
    for (const offsets of [starts, ends, inLine, inText]) offsets.length = 0;
    inLine.append(Int32Array.of(start));
    inText.append(Int32Array.of(0));
    known[SHIFT / 4] = known[MARK / 4] = start;
    known[OPEN / 4] = 0;
    for (let from = start;;) {
      const to = Math.min(from + PIECE, line.length);
      bytes.set(line.subarray(from, to));
      bytes.fill(0, to - from, to - from + PADDING);
      const end = BYTES + to - from;
      const place = find(from - BYTES, to === line.length ? end : end - LONGEST);
      if (place === BROKEN) return false;
      drain(starts, STARTS, known[STARTS_END / 4]! - STARTS >> 2);
      drain(ends, ENDS, known[ENDS_END / 4]! - ENDS >> 2);
      const marks = known[MARKS_END / 4]! - LINE_MARKS >> 2;
      drain(inLine, LINE_MARKS, marks);
      drain(inText, TEXT_MARKS, marks);
      if (bytes[place - BYTES] === QUOTE) {
        found.closing = from + place - BYTES;
        found.length = found.closing - known[SHIFT / 4]!;
        return true;
      }
      if (place === BYTES) return false; // White space longer than a piece.
      from += place - BYTES;
    }
  };
}
