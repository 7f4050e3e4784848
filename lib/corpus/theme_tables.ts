/** The statistics of themes as tables: for the terminal as text, for a notebook as rows. */
import { yearText } from "../core/format.ts";
import { textTable } from "../core/text_table.ts";
import type { GroupStats, ThemeStats } from "./theme_stats.ts";

export interface Table {
  title: string;
  columns: string[];
  rows: (string | number)[][];
}

/**
 * The tables of the statistics.
 *
 * @param options.patterns Rows of the table of patterns that bring in most; default: 20.
 */
export function statsTables(stats: ThemeStats, options: { patterns?: number } = {}): Table[] {
  const names = stats.categories.map(({ category }) => category);
  const groupColumns = ["chunks", "kept", "kept %", ...names.map((name) => `${name} %`)];
  const groupRow = (of: GroupStats) => [
    of.chunks,
    of.kept,
    percent(of.kept_share),
    ...names.map((name) => percent(of.hit_rates[name] ?? 0)),
  ];
  const useful = [...stats.patterns].filter(({ matches }) => matches > 0).sort((a, b) => b.alone - a.alone);
  const idle = useful.filter(({ alone }) => alone === 0);
  const tables: Table[] = [
    {
      title: `Chunks (kept from a score of ${stats.min_matches})`,
      columns: ["chunks", "kept", "kept %", "matches"],
      rows: [[stats.all.chunks, stats.all.kept, percent(stats.all.kept_share), stats.all.matches]],
    },
    {
      title: "Categories",
      columns: ["category", "matches", "chunks", "chunks %", "matches per chunk"],
      rows: stats.categories.map(({ category, matches, chunks, share, matches_per_chunk }) => [
        category,
        matches,
        chunks,
        percent(share),
        twoDecimals(matches_per_chunk),
      ]),
    },
    {
      title: "Patterns that bring in most (alone: chunks kept only because of this one)",
      columns: ["category", "pattern", "weight", "matches", "chunks", "alone"],
      rows: useful.slice(0, options.patterns ?? 20).map(patternRow),
    },
    {
      title: "Patterns that match but bring in nothing alone",
      columns: ["category", "pattern", "weight", "matches", "chunks", "alone"],
      rows: idle.map(patternRow),
    },
    {
      title: "Patterns that never match",
      columns: ["category", "pattern"],
      rows: stats.unused_patterns.map(({ category, pattern }) => [category, pattern]),
    },
    {
      title: "Books",
      columns: ["book", "year", ...groupColumns],
      rows: stats.books.map((
        book,
      ) => [book.title, book.year === undefined ? "" : yearText(book.year), ...groupRow(book)]),
    },
    {
      title: "Decades of first publication",
      columns: ["decade", ...groupColumns],
      rows: stats.decades.map((decade) => [
        decade.decade < 0 ? `from ${yearText(decade.decade)}` : `${decade.decade}s`,
        ...groupRow(decade),
      ]),
    },
    {
      title: "Categories in the same chunk (lift: times more often than by chance)",
      columns: ["category", "category", "chunks", "chunks %", "lift"],
      rows: stats.together.map(({ a, b, chunks, share, lift }) => [a, b, chunks, percent(share), twoDecimals(lift)]),
    },
    {
      title: "Matches in a chunk",
      columns: ["matches", "chunks", "chunks %"],
      rows: totalRows(stats),
    },
    {
      title: "Length of a chunk",
      columns: ["in", "chunks", "shortest", "mean", "median", "nine in ten up to", "longest"],
      rows: Object.entries(stats.lengths).map(([unit, { chunks, min, mean, median, p90, max }]) => [
        unit,
        chunks,
        min,
        Math.round(mean),
        median,
        p90,
        max,
      ]),
    },
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

function patternRow({ category, pattern, weight, matches, chunks, alone }: ThemeStats["patterns"][number]) {
  return [category, pattern, weight, matches, chunks, alone];
}

/** 0 … 9 matches one by one, then ten and more. */
function totalRows({ by_total, all }: ThemeStats): (string | number)[][] {
  const rows: { name: string; chunks: number }[] = [];
  for (const { total, chunks } of by_total) {
    const name = total < 10 ? String(total) : "10 and more";
    const last = rows.at(-1);
    if (last?.name === name) last.chunks += chunks;
    else rows.push({ name, chunks });
  }
  return rows.map(({ name, chunks }) => [name, chunks, percent(all.chunks === 0 ? 0 : chunks / all.chunks)]);
}

function percent(share: number): number {
  return Math.round(share * 1000) / 10;
}

function twoDecimals(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Longest text in a cell; the JSON file has it all. */
const WIDEST = 44;

/** A table for a terminal. */
export function tableText({ title, columns, rows }: Table): string {
  const cut = (cell: string | number) =>
    typeof cell === "string" && cell.length > WIDEST ? `${cell.slice(0, WIDEST - 1)}…` : cell;
  return `${title}\n${textTable(columns, rows.map((row) => row.map(cut)))}`;
}
