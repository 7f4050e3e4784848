/** What matcher_kernel.ts and those who fill its memory agree upon. */

/** The kernel's memory, in bytes: what it answers beside its result, its tables, and JSON. */
export const UNITS = 0;
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
/** The automaton's table; JSON lies behind it. */
export const TABLE = COLUMNS + 2 * 256;
/** Bytes that must follow it, none of which is printable ASCII. */
export const PADDING = 96;

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
