import { DISPLAY, type Displayable } from "../core/display.ts";
import { yearText } from "../core/format.ts";
import { escapeHtml } from "./escape.ts";
import { unicodeWidth } from "@std/cli/unicode-width";
import { cut, pad } from "../core/width.ts";

export type Row = Readonly<Record<string, unknown>>;

/** Rows under named columns, as `statsTables` in corpus/theme_tables.ts makes them. */
export interface Grid {
  readonly title?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

export interface TableOptions {
  readonly title?: string;
  /** Which columns of the rows, in which order; default: all, in the order of their first appearance. */
  readonly columns?: readonly string[];
  /** Rows shown; how many more there are is told. Default 50. */
  readonly limit?: number;
  /** Longest cell in HTML, in characters. Default 240. */
  readonly widest?: number;
}

/** A table for a notebook (HTML), a terminal (`text()`) and a page (`html()`). Everything in it is escaped. */
export interface Table extends Displayable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  text(): string;
  html(): string;
}

/** Longest cell of a text table and of an HTML table, in characters. */
const WIDEST = { text: 44, html: 240 };

/**
 * A table out of objects, one a row, or out of a grid.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { table } from "@/view/tables.ts";
 *
 * const books = table([{ title: "Aelita", words: 62000, year: 1923 }, { title: "We", words: 58100, year: 1924 }]);
 * equal(books.text(), "title    words  year\nAelita  62,000  1923\nWe      58,100  1924");
 * ```
 */
export function table(source: readonly Row[] | Grid, options: TableOptions = {}): Table {
  const grid = "rows" in source ? source : fromRows(source, options.columns);
  const title = options.title ?? grid.title;
  const shown = grid.rows.slice(0, options.limit ?? 50);
  const more = grid.rows.length - shown.length;
  const note = more > 0 ? `${more.toLocaleString("en-US")} more ${more === 1 ? "row" : "rows"}` : "";
  const right = grid.columns.map((_, i) => shown.length > 0 && shown.every((row) => isNumeric(row[i])));
  const written = shown.map((row) => grid.columns.map((column, i) => write(row[i], column)));
  const text = () => textOf(grid.columns, written, right, title, note);
  const headings = "rows" in source ? grid.columns : grid.columns.map((name) => name.replaceAll("_", " "));
  const html = () => htmlOf(headings, written, right, title, note, options.widest);
  return {
    columns: grid.columns,
    rows: grid.rows,
    text,
    html,
    [DISPLAY]: () => ({ "text/html": html(), "text/plain": text() }),
  };
}

/** A few named figures, one under the other. */
export function facts(values: Row, title?: string): Table {
  const rows = Object.entries(values).map(([name, value]) => [name.replaceAll("_", " "), value]);
  return table({ ...(title ? { title } : {}), columns: ["", " "], rows });
}

function fromRows(rows: readonly Row[], chosen: readonly string[] | undefined): Grid {
  const names = chosen ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return { columns: names, rows: rows.map((row) => names.map((name) => row[name])) };
}

function isNumeric(value: unknown): boolean {
  return value === undefined || value === null || typeof value === "number" || typeof value === "bigint" ||
    typeof value === "string" && /^-?[\d.,]*%?$/.test(value);
}

/** Numbers as people read them; those that name something (years, ids) without separators. */
function write(value: unknown, column: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") {
    if (/(^|_)year$/i.test(column)) return yearText(value);
    if (/(^|_)(id|decade)$/i.test(column)) return String(value);
    const digits = Number.isInteger(value) ? 0 : Math.abs(value) < 1 ? 3 : 2;
    return value.toLocaleString("en-US", { maximumFractionDigits: digits });
  }
  if (typeof value === "bigint") return value.toLocaleString("en-US");
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function textOf(
  names: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly boolean[],
  title: string | undefined,
  note: string,
): string {
  const lines = [names, ...rows].map((row) => row.map((cell) => cut(cell.replace(/[\p{Cc}\s]+/gu, " "), WIDEST.text)));
  const widths = names.map((_, i) => Math.max(...lines.map((row) => unicodeWidth(row[i] ?? ""))));
  return [
    ...(title ? [title] : []),
    ...lines.map((row) =>
      row.map((cell, i) => pad(cell, widths[i] ?? 0, right[i] ? "right" : "left")).join("  ").trimEnd()
    ),
    ...(note ? [note] : []),
  ].join("\n");
}

/** Styles are inline: a notebook's page has none of ours. */
function htmlOf(
  names: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly boolean[],
  title: string | undefined,
  note: string,
  widest: number = WIDEST.html,
): string {
  const cell = (tag: "th" | "td", text: string, i: number) => {
    const align = right[i]
      ? "text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap"
      : "text-align:left";
    return `<${tag} style="${align};padding:.25em .8em;vertical-align:top">${escapeHtml(cut(text, widest))}</${tag}>`;
  };
  const caption = title
    ? `<caption style="caption-side:top;text-align:left;font-weight:600;padding:.3em 0">${escapeHtml(title)}</caption>`
    : "";
  const head = `<thead><tr>${names.map((name, i) => cell("th", name, i)).join("")}</tr></thead>`;
  const body = rows.map((row) => `<tr>${row.map((text, i) => cell("td", text, i)).join("")}</tr>`).join("\n");
  return `<table style="border-collapse:collapse;margin:0">${caption}${head}<tbody>${body}</tbody></table>` +
    (note ? `<div style="opacity:.7">${escapeHtml(note)}</div>` : "");
}
