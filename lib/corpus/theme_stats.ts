/** The statistics of themes over chunks: which hit where, together with which, and which of them could be cut. */
import {
  createGroup,
  createTally,
  type Group,
  mergeGroup,
  type Spread,
  tallyChunk,
  type ThemeTally,
} from "./theme_tally.ts";
import type { Themes } from "./themes.ts";
import { wordsIn } from "./white_space.ts";
import type { Chunk } from "../records.ts";

export { statsTables, type Table, tableText } from "./theme_tables.ts";

/** How the themes fare in some group of chunks. Shares are of 1. */
export interface GroupStats {
  chunks: number;
  kept: number;
  kept_share: number;
  matches: number;
  /** By category: the share of chunks with at least one match. */
  hit_rates: Record<string, number>;
}

/** Values of chunks, sorted into bins; `from` is in the bin, `to` is not. */
export interface Distribution {
  chunks: number;
  min: number;
  mean: number;
  median: number;
  p90: number;
  max: number;
  bins: { from: number; to: number; all: number; kept: number }[];
}

/** What `--stats` writes. */
export interface ThemeStats {
  min_matches: number;
  all: GroupStats;
  categories: { category: string; matches: number; chunks: number; share: number; matches_per_chunk: number }[];
  /**
   * `alone`: kept chunks whose score would be too low without this pattern's matches (another pattern that matches in
   * the same place is not put in).
   */
  patterns: {
    category: string;
    pattern: string;
    weight: number;
    matches: number;
    chunks: number;
    share: number;
    alone: number;
  }[];
  unused_patterns: { category: string; pattern: string }[];
  books: ({ source_id: string; title: string; author?: string; year?: number } & GroupStats)[];
  years: ({ year: number } & GroupStats)[];
  decades: ({ decade: number } & GroupStats)[];
  /** `lift`: how many times more often the two meet than if they knew nothing of each other. */
  together: { a: string; b: string; chunks: number; share: number; lift: number }[];
  by_total: { total: number; chunks: number }[];
  lengths: { chars?: Distribution; words?: Distribution; tokens?: Distribution };
}

/**
 * The statistics of themes over chunks in memory, as a notebook wants them.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { themeStats } from "@/corpus/theme_stats.ts";
 * import { compileThemes, ThemeFile } from "@/corpus/themes.ts";
 *
 * const themes = compileThemes(ThemeFile.parse({ categories: { science: { patterns: ["rockets?", "steam"] } } }));
 * const chunk = { text: "Rocket after rocket rose.", source_id: 1, source_title: "Ascent" };
 * const stats = themeStats(themes, [chunk], { minMatches: 2 });
 * equal(stats.patterns[0]?.alone, 1);
 * equal(stats.unused_patterns[0]?.pattern, "steam");
 * ```
 */
export function themeStats(
  themes: Themes,
  chunks: Iterable<Pick<Chunk, "text" | "source_id" | "source_title" | "author" | "year" | "tokens">>,
  options: { minMatches?: number } = {},
): ThemeStats {
  const { minMatches = 3 } = options;
  const tally = createTally(themes);
  const threshold = Math.round(minMatches * 1000);
  for (const chunk of chunks) {
    const { text } = chunk;
    tallyChunk(tally, themes, { ...chunk, chars: text.length, words: wordsIn(text) }, themes.scan(text), threshold);
  }
  return summarize(themes, tally, minMatches);
}

/** Puts counts into the form that people and charts read. */
export function summarize(themes: Themes, tally: ThemeTally, minMatches: number): ThemeStats {
  const { categories } = themes;
  const { total } = tally;
  const group = (of: Group): GroupStats => ({
    chunks: of.chunks,
    kept: of.kept,
    kept_share: share(of.kept, of.chunks),
    matches: of.matches,
    hit_rates: Object.fromEntries(categories.map((name, i) => [name, share(of.categoryChunks[i], of.chunks)])),
  });
  const patterns = themes.patterns.map(({ category, pattern, weight }, i) => ({
    category: categories[category] ?? "",
    pattern,
    weight: weight / 1000,
    matches: tally.patternMatches[i] ?? 0,
    chunks: tally.patternChunks[i] ?? 0,
    share: share(tally.patternChunks[i], total.chunks),
    alone: tally.patternAlone[i] ?? 0,
  }));
  const byNumber = (a: { year: number }, b: { year: number }) => a.year - b.year;
  const years = [...tally.years].map(([year, of]) => ({ year, of })).sort(byNumber);
  const decades = new Map<number, Group>();
  for (const { year, of } of years) {
    const decade = Math.floor(year / 10) * 10;
    const here = decades.get(decade) ?? createGroup(categories.length);
    decades.set(decade, here);
    mergeGroup(here, of);
  }
  const chars = distribution(tally.chars);
  const words = distribution(tally.words);
  const tokens = distribution(tally.tokens);
  return {
    min_matches: minMatches,
    all: group(total),
    categories: categories.map((category, i) => ({
      category,
      matches: total.categoryMatches[i] ?? 0,
      chunks: total.categoryChunks[i] ?? 0,
      share: share(total.categoryChunks[i], total.chunks),
      matches_per_chunk: share(total.categoryMatches[i], total.chunks),
    })),
    patterns,
    unused_patterns: patterns.filter(({ matches }) => matches === 0)
      .map(({ category, pattern }) => ({ category, pattern })),
    books: [...tally.books].map(([source_id, { title, author, year, group: of }]) => ({
      source_id,
      title,
      ...(author === undefined ? {} : { author }),
      ...(year === undefined ? {} : { year }),
      ...group(of),
    })).sort((a, b) => b.kept_share - a.kept_share || (a.source_id < b.source_id ? -1 : 1)),
    years: years.map(({ year, of }) => ({ year, ...group(of) })),
    decades: [...decades].map(([decade, of]) => ({ decade, ...group(of) })),
    together: pairsOf(themes, tally),
    by_total: [...tally.byTotal].sort((a, b) => a[0] - b[0]).map(([total, chunks]) => ({ total, chunks })),
    lengths: { ...(chars ? { chars } : {}), ...(words ? { words } : {}), ...(tokens ? { tokens } : {}) },
  };
}

/** To five digits: more would only be noise in a file that people compare. */
function share(part: number | undefined, whole: number): number {
  return whole === 0 ? 0 : Number(((part ?? 0) / whole).toPrecision(5));
}

function pairsOf({ categories }: Themes, { together, total }: ThemeTally): ThemeStats["together"] {
  const both = (a: number, b: number) => together[a * categories.length + b] ?? 0;
  return categories.flatMap((nameA, a) =>
    categories.slice(a + 1).map((nameB, rest) => {
      const b = a + 1 + rest;
      return {
        a: nameA,
        b: nameB,
        chunks: both(a, b),
        share: share(both(a, b), total.chunks),
        lift: share(both(a, b) * total.chunks, both(a, a) * both(b, b)),
      };
    })
  );
}

/** Bins of a round width, about twenty of them up to the 99th percentile; what is longer lies in the last. */
function distribution({ all, kept }: Spread): Distribution | undefined {
  const values = [...all].sort((a, b) => a[0] - b[0]);
  const [first, last] = [values[0], values.at(-1)];
  if (!first || !last) return undefined;
  const chunks = values.reduce((sum, [, count]) => sum + count, 0);
  const quantile = (q: number) => {
    let seen = 0;
    return values.find(([, count]) => (seen += count) >= q * chunks)?.[0] ?? last[0];
  };
  const width = roundWidth((quantile(0.99) + 1) / 20);
  const number = Math.floor(quantile(0.99) / width) + 1;
  const bins = Array.from({ length: number }, (_, i) => ({ from: i * width, to: (i + 1) * width, all: 0, kept: 0 }));
  for (const [value, count] of values) {
    const bin = bins[Math.min(number - 1, Math.floor(value / width))];
    if (!bin) continue;
    bin.all += count;
    bin.kept += kept.get(value) ?? 0;
    bin.to = Math.max(bin.to, value + 1);
  }
  return {
    chunks,
    min: first[0],
    mean: share(values.reduce((sum, [value, count]) => sum + value * count, 0), chunks),
    median: quantile(0.5),
    p90: quantile(0.9),
    max: last[0],
    bins,
  };
}

/** The next of 1, 2, 5, 10, 20, 50 … */
function roundWidth(width: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, width)));
  return ([1, 2, 5].find((step) => step * power >= width) ?? 10) * power;
}
