/** What matcher_kernel.ts and those who fill its memory agree upon. */

import type { Automaton } from "./matcher_dfa.ts";

/** The kernel's memory, in bytes: what it answers beside its result, its tables, and JSON. */
export const UNITS = 0;
/** How many matches there are in the string, also of those beyond MOST_HITS. */
export const COUNT = 4;
/** Whether a match may begin with a character of which these are the low six bits of the first two bytes: 64 × 64. */
export const LEADS = 1024;
/**
 * For the low five bits of a word's first two bytes, how many of its bytes make its window, as a mask of 64 bits: the
 * table is 32 × 32.
 */
export const MASKS = 8192;
/** One bit for each hash of a window: whether a match may begin with it. */
export const WINDOWS = 16384;
export const WINDOW_BITS = 17;
/** Which column of the automaton's table each byte reads, as a number of 16 bits. */
export const COLUMNS = WINDOWS + (1 << WINDOW_BITS) / 8;
/** The automaton's table; behind it lies what {@linkcode layoutOf} tells. */
export const TABLE = COLUMNS + 2 * 256;
/** Bytes that must follow JSON, none of which is printable ASCII. */
export const PADDING = 96;
/** Matches of one string for which there is room; a passage has tens. */
export const MOST_HITS = 1 << 16;

/** Bytes of the memory that is set aside for others; what they do not use is not taken. */
const FREE = 4 << 20;

/** Where the rest lies whose size depends on the automaton; all are numbers of 32 bits. */
export interface Layout {
  /** As in {@linkcode Automaton}. */
  goesOn: number;
  acceptedFrom: number;
  accepted: number;
  /** By pattern. */
  categoryOf: number;
  /** By category: see createSettler. */
  taken: number;
  bestEnd: number;
  bestPattern: number;
  /** The matches: four numbers each, see Hits in matcher_settle.ts. */
  hits: number;
  /** Memory for those who work on the same JSON. */
  free: number;
  /** JSON. */
  text: number;
}

export function layoutOf(automaton: Automaton, categoryOf: readonly number[]): Layout {
  const categories = Math.max(0, ...categoryOf) + 1;
  let end = TABLE;
  const after = (count: number) => end += 4 * count;
  const goesOn = after(automaton.table.length);
  const acceptedFrom = after(automaton.goesOn.length);
  const accepted = after(automaton.acceptedFrom.length);
  const ofPattern = after(automaton.accepted.length);
  const taken = after(categoryOf.length);
  const bestEnd = after(categories);
  const bestPattern = after(categories);
  const hits = after(categories);
  const free = after(4 * MOST_HITS);
  const text = free + FREE;
  return { goesOn, acceptedFrom, accepted, categoryOf: ofPattern, taken, bestEnd, bestPattern, hits, free, text };
}

/** Results of `scan` that are no places: no JSON string in UTF-8; or one with rare escapes, to be read otherwise. */
export const BROKEN = -1;
export const RARE = -2;

/** In a window, this bit of each byte does not count: it tells small letters from capital ones. */
export const FOLD = 0x20;
/** Knuth's multiplicative hash (The Art of Computer Programming, vol. 3, 6.4) of a window as a little-endian number. */
export const FACTOR = 0x9e3779b97f4a7c15n;
export const HASH_SHIFT = BigInt(64 - WINDOW_BITS);
export function hashOf(window: bigint): number {
  return Number(BigInt.asUintN(64, window * FACTOR) >> HASH_SHIFT);
}
