/** Fills the memory of filter_kernel.ts, which is a part of the matcher's. */
import { STEP } from "../core/wasm_write.ts";
import type { JsonScanner } from "../corpus/matcher_json.ts";
import type { Themes } from "../corpus/themes_open.ts";
import { BEFORE_ID, BEHIND_ID, END, NUMBER, openRowKernel, type RowKernel, STRING } from "./filter_kernel.ts";

const encoder = new TextEncoder();
const [QUOTE, BACKSLASH, COMMA, COLON, CLOSE, ZERO, NINE] = [0x22, 0x5c, 0x2c, 0x3a, 0x7d, 0x30, 0x39];
/** What must follow the text of a chunk. */
const SHORTEST_REST = encoder.encode(',"source_id":0,"source_title":""}');
/** What follows it in a line that the step `chunk` wrote has some ten members. */
const MOST_PARTS = 64;
const LONGEST_REST = 1 << 14;
const REJECTS = 1 << 18;
/** Less room than this for rows is too little. */
const LEAST_ROOM = 1 << 20;
/** Bytes that a match takes at most beside its pattern and category: two offsets of ten digits, names and signs. */
const MATCH_SIZE = 64;
const COUNT_SIZE = 11;

/** A part of the memory into which rows are written, one behind the other. */
export interface Room {
  from: number;
  to: number;
}

/** A kernel that is ready for use. */
export interface RowTables {
  kernel: RowKernel;
  /** All of the memory. */
  bytes: Uint8Array;
  rows: Room;
  rejects: Room;
  /** Bytes that a row takes at most beside its line, and its reject beside the line's id. */
  rowSize(matches: number): number;
  rejectSize: number;
  /** Takes what follows the text of a good line, up to its newline, as the form that others have: if it is not too long. */
  learn(rest: Uint8Array): void;
}

/** @returns undefined where there are so many patterns that the memory has no room for rows. */
export function openRowTables({ json, patterns, categories }: Themes): RowTables | undefined {
  const { memory, free, hits }: JsonScanner["kernel"] = json.kernel;
  const bytes = new Uint8Array(memory.buffer);
  const view = new DataView(memory.buffer);
  const names = categories.map((name) => encoder.encode(`${JSON.stringify(name)}:`));
  const heads = patterns.map(({ category, pattern }) =>
    encoder.encode(
      `{"category":${JSON.stringify(categories[category])},"pattern":${JSON.stringify(pattern)},"start":`,
    )
  );
  const lengthOf = (texts: Uint8Array[]) => texts.reduce((sum, { length }) => sum + length + STEP, 0);
  const size = LONGEST_REST + 12 * (MOST_PARTS + heads.length + names.length) +
    lengthOf([...heads, ...names]) + REJECTS + LEAST_ROOM;
  if (free.from + size > free.to) return undefined;

  let end = free.from;
  const take = (length: number) => {
    end += length;
    return end - length;
  };
  const put = (text: Uint8Array) => {
    const at = take(text.length + STEP);
    bytes.set(text, at);
    return at;
  };
  const entry = (at: number, numbers: number[]) =>
    numbers.forEach((number, i) => view.setInt32(at + 4 * i, number, true));
  const table = (texts: Uint8Array[], third: (index: number) => number) => {
    const at = take(12 * texts.length);
    texts.forEach((text, i) => entry(at + 12 * i, [put(text), text.length, third(i)]));
    return at;
  };
  const rest = take(12 * MOST_PARTS);
  const known = take(LONGEST_REST + STEP);
  const kernel = openRowKernel(memory, {
    rest,
    patterns: table(heads, (index) => patterns[index]?.category ?? 0),
    categories: table(names, () => 0),
    categoryCount: names.length,
    hits,
  });
  const rejects = { from: take(REJECTS), to: end };
  const longestHead = Math.max(...heads.map((head) => head.length)) + MATCH_SIZE;
  const longestCounts = names.reduce((sum, { length }) => sum + length + COUNT_SIZE, 100);

  const learn = (good: Uint8Array) => {
    const parts = partsOf(good);
    if (parts.length > MOST_PARTS || good.length > LONGEST_REST) return;
    bytes.set(good, known);
    parts.forEach(({ from, to, then }, i) => entry(rest + 12 * i, [known + from, to - from, then]));
  };
  learn(SHORTEST_REST);
  return {
    kernel,
    bytes,
    rows: { from: end, to: free.to },
    rejects,
    rowSize: (matches) => longestCounts + matches * longestHead + STEP,
    rejectSize: BEFORE_ID + BEHIND_ID + 200 + STEP,
    learn,
  };
}

/** A part that is the same in all lines, and what comes then. */
interface Part {
  from: number;
  to: number;
  then: number;
}

/**
 * Of members that follow others, all but whole numbers and the insides of strings: in their place any others may stand,
 * since the good ones were checked for no more than their type.
 */
function partsOf(rest: Uint8Array): Part[] {
  const parts: Part[] = [];
  let from = 0;
  const vary = (start: number, end: number, then: number) => {
    parts.push({ from, to: start, then });
    from = end;
  };
  for (let at = 0; rest[at] === COMMA && rest[at + 1] === QUOTE;) {
    const value = stringEnd(rest, at + 1) + 1;
    if (rest[value - 1] !== COLON) break;
    if (rest[value] === QUOTE) {
      at = stringEnd(rest, value);
      vary(value + 1, at - 1, STRING);
    } else {
      at = numberEnd(rest, value);
      if (at === value) break;
      vary(value, at, NUMBER);
    }
  }
  return [...parts, { from, to: rest.length, then: END }];
}

/** Behind the string that opens at a quotation mark. */
function stringEnd(bytes: Uint8Array, quote: number): number {
  let at = quote + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** The end of a whole number that is one in JSON and exact in JavaScript; `at` where there is none. */
function numberEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  for (let byte = bytes[end] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[end] ?? 0) end++;
  const whole = end > at && end - at <= 15 && (bytes[at] !== ZERO || end - at === 1);
  return whole && (bytes[end] === COMMA || bytes[end] === CLOSE) ? end : at;
}
