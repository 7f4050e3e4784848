/** Text as blocks: runs of lines between blank lines, each with what later passes decided about it. */

/** A run of lines without a blank line among them. */
export interface Block {
  /** Right-trimmed, indentation kept. */
  lines: string[];
  /** Blank lines above. */
  before: number;
  /** The artefact that it is, when it is to go: a key of `removed`. */
  drop?: string;
  /** Set when the block opens a chapter. */
  heading?: Heading;
}

/**
 * A chapter's heading. Lower levels contain higher ones: 0 volume, 1 book or part, 2 chapter, 3 Roman number or section,
 * 4 Arabic number or title, 5 letter.
 */
export interface Heading {
  level: number;
  title: string;
  /** A preface and the like: no chapter belongs to it. */
  leaf?: boolean;
}

/** How many of each artefact were taken away. */
export type Counts = Record<string, number>;

/** Adds to a count. */
export function count(counts: Counts, kind: string, by = 1): void {
  if (by > 0) counts[kind] = (counts[kind] ?? 0) + by;
}

/** Marks a block as an artefact, unless an earlier pass already did. */
export function dropBlock(block: Block, kind: string, counts: Counts, by = 1): void {
  if (block.drop !== undefined) return;
  block.drop = kind;
  count(counts, kind, by);
}

/** Cuts lines into blocks. */
export function splitBlocks(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let current: string[] = [];
  let blanks = 0;
  let before = 0;
  for (const raw of lines) {
    const line = raw.trimEnd();
    if (line === "") {
      if (current.length > 0) {
        blocks.push({ lines: current, before });
        current = [];
        blanks = 0;
      }
      blanks++;
    } else {
      if (current.length === 0) before = blanks;
      current.push(line);
    }
  }
  if (current.length > 0) blocks.push({ lines: current, before });
  return blocks;
}

/** The lines of a block as one line. */
export function flat(block: Block): string {
  return block.lines.length === 1 ? (block.lines[0] ?? "").trim() : block.lines.map((line) => line.trim()).join(" ");
}

/** Leading spaces of a line. */
export function indentOf(line: string): number {
  let i = 0;
  while (i < line.length && line.charCodeAt(i) === 32) i++;
  return i;
}

/** The smallest indentation among a block's lines. */
export function blockIndent(block: Block): number {
  let least = Infinity;
  for (const line of block.lines) least = Math.min(least, indentOf(line));
  return least === Infinity ? 0 : least;
}

/** The width to which the book was wrapped: the ninetieth percentile of its unindented lines. */
export function bookWidth(blocks: readonly Block[]): number {
  const histogram = new Uint32Array(121);
  let total = 0;
  for (const block of blocks) {
    for (const line of block.lines) {
      if (line.charCodeAt(0) === 32) continue;
      const bin = Math.min(line.length, 120);
      histogram[bin] = (histogram[bin] ?? 0) + 1;
      total++;
    }
  }
  let seen = 0;
  for (let width = 0; width <= 120; width++) {
    seen += histogram[width] ?? 0;
    if (seen >= total * 0.9) return Math.max(width, 40);
  }
  return 72;
}

/** Kinds of characters for counting words: 0 a sign, 1 white space, 2 a small letter, 3 a capital, digit or apostrophe. */
const KIND = new Uint8Array(65536);
for (let code = 0; code < KIND.length; code++) {
  if (code <= 32) KIND[code] = 1;
  else if ((code >= 97 && code <= 122) || (code >= 0xdf && code !== 0xf7 && !(code >= 0x2000 && code < 0x2e00))) {
    KIND[code] = 2;
  } else if ((code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 39) KIND[code] = 3;
}
KIND[0x2019] = 3;

/** How long a text is. */
export interface Extent {
  /** Words parted by white space. */
  words: number;
  /**
   * Running words: two small letters or more, not after a capital, a digit or an apostrophe. Headings, tables, boards,
   * scores of games and lists of names hardly have any, so their number measures prose alone.
   */
  running: number;
}

/**
 * A machine of five states for counting without a branch per character: after white space, after a sign, after a capital,
 * after the first small letter of a running word, and after any other small letter. Each entry, by state and kind, holds
 * the next state, and from bit 4 on what to add: 1 for a word, 2 for a running word.
 */
const AFTER_SPACE = 0, AFTER_SIGN = 1, AFTER_CAPITAL = 2, FIRST_SMALL = 3, LATER_SMALL = 4;
const NEXT = new Uint8Array(20);
for (let state = 0; state < 5; state++) {
  const word = state === AFTER_SPACE ? 16 : 0;
  NEXT[state * 4] = AFTER_SIGN + word;
  NEXT[state * 4 + 1] = AFTER_SPACE;
  NEXT[state * 4 + 2] = state === FIRST_SMALL
    ? LATER_SMALL + 32
    : state >= AFTER_CAPITAL
    ? LATER_SMALL
    : FIRST_SMALL + word;
  NEXT[state * 4 + 3] = AFTER_CAPITAL + word;
}

/** Counts words and running words in one pass. */
export function measure(text: string): Extent {
  let words = 0;
  let running = 0;
  let state = AFTER_SPACE;
  for (let i = 0, end = text.length; i < end; i++) {
    const next = NEXT[state * 4 + (KIND[text.charCodeAt(i)] ?? 0)] ?? 0;
    words += (next >> 4) & 1;
    running += next >> 5;
    state = next & 15;
  }
  return { words, running };
}

/** Running words of a block's lines. */
export function blockRunningWords(block: Block): number {
  let words = 0;
  for (const line of block.lines) words += measure(line).running;
  return words;
}

/** True for a short text in capitals, digits and signs with at least one letter. */
export function isAllCaps(text: string): boolean {
  return /\p{Lu}/u.test(text) && !/\p{Ll}/u.test(text);
}
