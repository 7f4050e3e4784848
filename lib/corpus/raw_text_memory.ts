/** The memory in which the kernel of raw_text_kernel.ts reads a text in JSON. */
import { assemble } from "../core/wasm.ts";
import { BROKEN, BYTES, find, LENGTH, MARK, PADDING, place, STARTS_END, STRIDE, TABLES } from "./raw_text_kernel.ts";
import { ENTRY, read, sentenceTables, stops } from "./sentence_kernel.ts";

const PAGE = 1 << 16;
/** Bytes of a paragraph at least: one, and a blank line's two feeds of two. */
const SHORTEST = 5;
/** More is left to JSON.parse: with all lists, six times as much memory is asked for. */
const LONGEST = 64 << 20;
/** Bytes of a paragraph, each of which may be a stop. */
const LONGEST_PARAGRAPH = 1 << 16;
const LIST = LONGEST_PARAGRAPH * ENTRY * 4;

/** What reading a text finds; good until the next read. */
export interface Found {
  /** Offset of the closing quotation mark in the lines. */
  closing: number;
  /** UTF-16 units of the text. */
  length: number;
  paragraphs: number;
  /** Where in the memory the lists are of where these start and end in the text. */
  starts: number;
  ends: number;
}

export interface TextMemory {
  /** It grows, and then what was a view of it is none any more. */
  readonly memory: WebAssembly.Memory;
  /** Takes the lines in which the next texts stand; answers false where they are too many for it. */
  load(lines: Uint8Array): boolean;
  /**
   * Reads the string whose content begins at an offset in the lines; answers undefined where it is no JSON or no UTF-8,
   * or holds white space other than spaces and line feeds.
   */
  read(at: number): Found | undefined;
  /** Where a place in the text is in the memory. */
  place(unit: number): number;
  /**
   * Lists the stops in a paragraph, as entries of sentence_kernel.ts, good until the next call; undefined where it is
   * very long or holds unusual escapes.
   */
  stops(start: number, end: number): Int32Array | undefined;
  /** Makes room for so many bytes behind the lines and what was found in the text; answers where. */
  room(size: number): number;
}

export function openTextMemory(): TextMemory {
  const module = assemble({}, (_, own) => ({ find, place, read, stops: stops(TABLES, own("read")) }));
  const { memory, ...kernel } = new WebAssembly.Instance(module).exports as {
    memory: WebAssembly.Memory;
    find(text: number, starts: number, ends: number, marks: number): number;
    place(unit: number): number;
    stops(from: number, to: number, unit: number, list: number): number;
  };
  const reserve = (end: number) => {
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  };
  reserve(BYTES);
  new Uint8Array(memory.buffer).set(sentenceTables(), TABLES);
  /** Where the lists begin, and what is behind them. */
  let [starts, ends, marks, free] = [0, 0, 0, 0];
  return {
    memory,
    place: kernel.place,
    stops(start, end) {
      const [from, to] = [kernel.place(start), kernel.place(end)];
      const list = free - LIST;
      const listEnd = to - from > LONGEST_PARAGRAPH ? 0 : kernel.stops(from, to, start, list);
      return listEnd === 0 ? undefined : new Int32Array(memory.buffer, list, listEnd - list >> 2);
    },
    room(size) {
      reserve(free + size);
      return free;
    },
    load(lines) {
      const { length } = lines;
      if (length > LONGEST) return false;
      // What is not used of this memory is not taken from the machine either: nobody needs to look how much it must be.
      const paragraphs = Math.ceil(length / SHORTEST) + 1;
      starts = BYTES + (length + PADDING + 3 & ~3);
      ends = starts + 4 * paragraphs;
      marks = ends + 4 * paragraphs;
      free = marks + MARK * (2 * paragraphs + Math.ceil(length / STRIDE) + 1) + LIST;
      reserve(free);
      const all = new Uint8Array(memory.buffer);
      all.set(lines, BYTES);
      all.fill(0, BYTES + length, BYTES + length + PADDING);
      return true;
    },
    read(at) {
      const closing = kernel.find(BYTES + at, starts, ends, marks);
      if (closing === BROKEN) return undefined;
      const known = new DataView(memory.buffer);
      return {
        closing: closing - BYTES,
        length: known.getInt32(LENGTH, true),
        paragraphs: known.getInt32(STARTS_END, true) - starts >> 2,
        starts,
        ends,
      };
    },
  };
}
