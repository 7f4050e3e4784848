/** Pictures and tables of theme statistics: what phase 2 found. */
import type { ThemeStats } from "../corpus/theme_stats.ts";
import { bars, type Bin, type Chart, heatmap, histogram, lines } from "./charts.ts";
import { recent } from "./years.ts";
import { type Table, table } from "./tables.ts";

function namesOf(stats: ThemeStats): string[] {
  return stats.categories.map(({ category }) => category);
}

/** The share of chunks in which each category is found. */
export function hitRates(stats: ThemeStats): Chart {
  const { chunks, kept, kept_share } = stats.all;
  return bars(stats.categories, {
    label: "category",
    value: "share",
    color: "category",
    domain: namesOf(stats),
    format: ".1%",
    xTitle: "share of chunks with a match",
    title: "Hit rates",
    subtitle: `${kept.toLocaleString("en-US")} of ${chunks.toLocaleString("en-US")} chunks (${
      (100 * kept_share).toFixed(1)
    } %) reach a score of ${stats.min_matches}`,
  });
}

/** Hit rates of each book; the books with most to keep come first. */
export function hitRatesByBook(stats: ThemeStats, books = 25): Chart {
  const rows = stats.books.slice(0, books).flatMap(({ title, hit_rates, kept_share }) => [
    ...namesOf(stats).map((category) => ({ book: title, category, share: hit_rates[category] ?? 0 })),
    { book: title, category: "kept", share: kept_share },
  ]);
  return heatmap(rows, {
    x: "category",
    y: "book",
    value: "share",
    format: ".0%",
    title: "Which book speaks of what",
    subtitle: "share of the book's chunks with a match, and share that is kept",
  });
}

/** Hit rates over the decades of first publication. */
export function hitRatesByDecade(stats: ThemeStats): Chart {
  const { shown, note } = recent(stats.decades.map((of) => ({ ...of, year: of.decade })));
  const rows = shown.flatMap(({ decade, hit_rates, chunks }) =>
    namesOf(stats).map((category) => ({ decade, category, share: hit_rates[category] ?? 0, chunks }))
  );
  return lines(rows, {
    x: "decade",
    y: "share",
    color: "category",
    domain: namesOf(stats),
    format: ".0%",
    yTitle: "share of chunks",
    title: "Hit rates by decade of first publication",
    ...(note ? { subtitle: note } : {}),
  });
}

/** How many chunks carry two categories at once; the diagonal is each by itself. */
export function together(stats: ThemeStats): Chart {
  const names = namesOf(stats);
  const rows = names.flatMap((a) =>
    names.map((b) => ({
      a,
      b,
      chunks: a === b
        ? stats.categories.find(({ category }) => category === a)?.chunks ?? 0
        : stats.together.find((pair) => (pair.a === a && pair.b === b) || (pair.a === b && pair.b === a))?.chunks ?? 0,
    }))
  );
  return heatmap(rows, { x: "a", y: "b", value: "chunks", format: ",d", title: "Categories in the same chunk" });
}

/** How long chunks are, and how many of each length are kept. */
export function lengths(stats: ThemeStats, unit: "chars" | "words" | "tokens"): Chart {
  const found = stats.lengths[unit];
  const width = (found?.bins[0]?.to ?? 1) - (found?.bins[0]?.from ?? 0);
  // The last bin holds all that is longer: drawn as wide as the others, or its area would say too much.
  const bins = (found?.bins ?? []).map(({ from, all, kept }): Bin => ({
    from,
    to: from + width,
    kept,
    left_out: all - kept,
  }));
  const spoken = unit === "chars" ? "characters" : unit;
  return histogram(bins, {
    series: ["kept", "left_out"],
    xTitle: spoken,
    yTitle: "chunks",
    title: `Length of a chunk in ${spoken}`,
    ...(found
      ? { subtitle: `median ${found.median}, nine in ten up to ${found.p90}, longest ${found.max} (in the last bar)` }
      : {}),
  });
}

/** How many matches a chunk has. */
export function matchesPerChunk(stats: ThemeStats): Chart {
  const bins = stats.by_total.filter(({ total }) => total < 30)
    .map(({ total, chunks }): Bin => ({ from: total - 0.5, to: total + 0.5, chunks }));
  return histogram(bins, { series: ["chunks"], xTitle: "matches", yTitle: "chunks", title: "Matches in a chunk" });
}

/** The patterns that bring in most: `alone` counts the chunks that would not be kept without this one. */
export function patternsTable(stats: ThemeStats, limit = 15): Table {
  const rows = [...stats.patterns].sort((a, b) => b.alone - a.alone || b.matches - a.matches)
    .map(({ category, pattern, weight, matches, chunks, alone }) => ({
      category,
      pattern,
      weight,
      matches,
      chunks,
      alone,
    }));
  return table(rows, { limit });
}

/** The patterns that could be cut: they match nothing here, or bring in nothing alone. */
export function idlePatternsTable(stats: ThemeStats, limit = 15): Table {
  const rows = stats.patterns.filter(({ alone }) => alone === 0).sort((a, b) => a.matches - b.matches)
    .map(({ category, pattern, matches, chunks }) => ({ category, pattern, matches, chunks }));
  return table(rows, { limit });
}
