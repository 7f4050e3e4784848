/**
 * Counting for the statistics of themes: one pass over the chunks, in as many threads as there are, in memory that does
 * not grow with their number. Plain data, so that it crosses threads and adds up.
 */
import type { Chunk } from "../records.ts";
import type { Hits } from "./matcher_settle.ts";
import type { Themes } from "./themes.ts";

/** Counts of some group of chunks: a book, a year, all of them. Arrays have one place for each category. */
export interface Group {
  chunks: number;
  /** Chunks whose score reaches the threshold. */
  kept: number;
  matches: number;
  categoryMatches: number[];
  /** Chunks with at least one match of the category. */
  categoryChunks: number[];
}

/** How often each value occurs, in all chunks and in those that are kept. */
export interface Spread {
  all: Map<number, number>;
  kept: Map<number, number>;
}

export interface ThemeTally {
  total: Group;
  /** By pattern, in the order of the file. */
  patternMatches: number[];
  patternChunks: number[];
  /** Kept chunks that would not be kept without the pattern. */
  patternAlone: number[];
  /** `[a * categories + b]`: chunks with a match of both. */
  together: number[];
  books: Map<string, { title: string; author: string | undefined; year: number | undefined; group: Group }>;
  years: Map<number, Group>;
  /** Chunks by number of matches. */
  byTotal: Map<number, number>;
  chars: Spread;
  words: Spread;
  tokens: Spread;
}

export function createTally(themes: Themes): ThemeTally {
  const spread = (): Spread => ({ all: new Map(), kept: new Map() });
  const zeros = () => themes.patterns.map(() => 0);
  return {
    total: createGroup(themes.categories.length),
    patternMatches: zeros(),
    patternChunks: zeros(),
    patternAlone: zeros(),
    together: new Array(themes.categories.length ** 2).fill(0),
    books: new Map(),
    years: new Map(),
    byTotal: new Map(),
    chars: spread(),
    words: spread(),
    tokens: spread(),
  };
}

export function createGroup(categories: number): Group {
  const zeros = () => new Array<number>(categories).fill(0);
  return { chunks: 0, kept: 0, matches: 0, categoryMatches: zeros(), categoryChunks: zeros() };
}

/** What the tally uses of a chunk. */
export interface TalliedChunk extends Pick<Chunk, "source_id" | "source_title" | "author" | "year" | "tokens"> {
  /** Length of the text in UTF-16 units and in words. */
  chars: number;
  words: number;
}

/**
 * Adds one chunk.
 *
 * @param hits What the scanner found in its text.
 * @param threshold The score from which a chunk is kept, in thousandths.
 */
export function tallyChunk(
  tally: ThemeTally,
  themes: Themes,
  chunk: TalliedChunk,
  hits: Hits,
  threshold: number,
): void {
  const { patterns, categories } = themes;
  const inCategory = new Array<number>(categories.length).fill(0);
  const inPattern = new Map<number, number>();
  let score = 0;
  for (let i = 0; i < hits.length; i++) {
    const number = hits.data[4 * i] ?? 0;
    const pattern = patterns[number];
    if (!pattern) continue;
    inCategory[pattern.category] = (inCategory[pattern.category] ?? 0) + 1;
    inPattern.set(number, (inPattern.get(number) ?? 0) + 1);
    score += pattern.weight;
  }
  const kept = score >= threshold;

  addChunk(tally.total, inCategory, hits.length, kept);
  addChunk(bookOf(tally, chunk, categories.length), inCategory, hits.length, kept);
  if (chunk.year !== undefined) {
    const year = tally.years.get(chunk.year) ?? createGroup(categories.length);
    tally.years.set(chunk.year, year);
    addChunk(year, inCategory, hits.length, kept);
  }
  for (const [number, count] of inPattern) {
    tally.patternMatches[number] = (tally.patternMatches[number] ?? 0) + count;
    tally.patternChunks[number] = (tally.patternChunks[number] ?? 0) + 1;
    if (kept && score - count * (patterns[number]?.weight ?? 0) < threshold) {
      tally.patternAlone[number] = (tally.patternAlone[number] ?? 0) + 1;
    }
  }
  for (let a = 0; a < categories.length; a++) {
    if (!inCategory[a]) continue;
    for (let b = 0; b < categories.length; b++) {
      const at = a * categories.length + b;
      if (inCategory[b]) tally.together[at] = (tally.together[at] ?? 0) + 1;
    }
  }
  increase(tally.byTotal, hits.length);
  measure(tally.chars, chunk.chars, kept);
  measure(tally.words, chunk.words, kept);
  if (chunk.tokens !== undefined) measure(tally.tokens, chunk.tokens, kept);
}

function addChunk(group: Group, inCategory: readonly number[], matches: number, kept: boolean): void {
  group.chunks++;
  if (kept) group.kept++;
  group.matches += matches;
  for (let i = 0; i < inCategory.length; i++) {
    const count = inCategory[i] ?? 0;
    if (count === 0) continue;
    group.categoryMatches[i] = (group.categoryMatches[i] ?? 0) + count;
    group.categoryChunks[i] = (group.categoryChunks[i] ?? 0) + 1;
  }
}

function bookOf(tally: ThemeTally, chunk: TalliedChunk, categories: number): Group {
  const key = String(chunk.source_id);
  let book = tally.books.get(key);
  if (!book) {
    const { source_title: title, author, year } = chunk;
    book = { title, author, year, group: createGroup(categories) };
    tally.books.set(key, book);
  }
  return book.group;
}

function increase(counts: Map<number, number>, value: number, by = 1): void {
  counts.set(value, (counts.get(value) ?? 0) + by);
}

/** Large values keep three digits, so that no input can make the map large. */
function measure(spread: Spread, value: number, kept: boolean): void {
  const coarse = value < 10_000 ? value : Number(value.toPrecision(3));
  increase(spread.all, coarse);
  if (kept) increase(spread.kept, coarse);
}

/** Adds what another thread has counted. */
export function mergeTallies(into: ThemeTally, from: ThemeTally): void {
  mergeGroup(into.total, from.total);
  for (const key of ["patternMatches", "patternChunks", "patternAlone", "together"] as const) {
    mergeArray(into[key], from[key]);
  }
  for (const [id, book] of from.books) {
    const here = into.books.get(id);
    if (here) mergeGroup(here.group, book.group);
    else into.books.set(id, book);
  }
  for (const [year, group] of from.years) {
    const here = into.years.get(year);
    if (here) mergeGroup(here, group);
    else into.years.set(year, group);
  }
  mergeCounts(into.byTotal, from.byTotal);
  for (const key of ["chars", "words", "tokens"] as const) {
    mergeCounts(into[key].all, from[key].all);
    mergeCounts(into[key].kept, from[key].kept);
  }
}

export function mergeGroup(into: Group, from: Group): void {
  into.chunks += from.chunks;
  into.kept += from.kept;
  into.matches += from.matches;
  mergeArray(into.categoryMatches, from.categoryMatches);
  mergeArray(into.categoryChunks, from.categoryChunks);
}

function mergeArray(into: number[], from: readonly number[]): void {
  from.forEach((count, i) => into[i] = (into[i] ?? 0) + count);
}

export function mergeCounts(into: Map<number, number>, from: ReadonlyMap<number, number>): void {
  for (const [value, count] of from) increase(into, value, count);
}
