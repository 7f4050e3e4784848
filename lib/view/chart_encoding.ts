/** What the charts share: options, sizes, and the channels of Vega-Lite that they fill in the same way. */
import type { Spec } from "./chart.ts";
import { colorsOf } from "./colors.ts";
import type { Row } from "./tables.ts";

/** What every chart takes besides its fields. */
export interface ChartOptions {
  readonly title?: string;
  readonly subtitle?: string;
  /** Of the plot, in pixels; default 560. */
  readonly width?: number;
  readonly height?: number;
  /** Axis titles; default: the names of the fields. */
  readonly xTitle?: string;
  readonly yTitle?: string;
  /** How numbers are written, as d3-format says: ".0%" for shares. */
  readonly format?: string;
}

const WIDTH = 560;

/** Field names are paths to Vega-Lite: a dot or a bracket in one must be escaped. */
export function field(name: string): string {
  return name.replace(/[.[\]\\]/g, "\\$&");
}

/** `keyword_counts` → `keyword counts`, on axes and in legends. */
export const SPOKEN = { labelExpr: "replace(datum.label, /_/g, ' ')" };

/** The axis of names: no ticks, and some air between the names and the marks. */
export const NAMES = { ...SPOKEN, ticks: false, labelPadding: 6 };

export function spoken(name: string): string {
  return name.replaceAll("_", " ");
}

export function frame(rows: readonly Row[], options: ChartOptions, height?: number | { step: number }): Spec {
  return {
    data: { values: rows },
    width: options.width ?? WIDTH,
    ...(options.height ?? height ? { height: options.height ?? height } : {}),
    ...(options.title
      ? { title: { text: options.title, ...(options.subtitle ? { subtitle: options.subtitle } : {}) } }
      : {}),
  };
}

export function numbers(name: string, title: string | undefined, options: ChartOptions): Spec {
  const format = options.format ? { format: options.format } : {};
  return { field: field(name), type: "quantitative", title: title ?? spoken(name), axis: { ...format, tickCount: 6 } };
}

export function tooltips(rows: readonly Row[], names: readonly string[], format: string | undefined): Spec[] {
  return names.map((name) => {
    const numeric = rows.some((row) => typeof row[name] === "number");
    const plain = /(^|_)(id|year|decade)$/i.test(name);
    return {
      field: field(name),
      type: numeric ? "quantitative" : "nominal",
      title: spoken(name),
      ...(numeric && !plain ? { format: format ?? ",.4~r" } : {}),
    };
  });
}

/** Distinct values of a field in the order of the rows. */
export function domainOf(rows: readonly Row[], name: string): string[] {
  return [...new Set(rows.map((row) => String(row[name])))];
}

export function colored(
  name: string,
  domain: readonly string[],
  colors: Record<string, string> = colorsOf(domain),
): Spec {
  return {
    field: field(name),
    type: "nominal",
    title: spoken(name),
    scale: { domain, range: domain.map((value) => colors[value]) },
    legend: { ...SPOKEN, orient: "top", direction: "horizontal", title: null, columns: legendColumns(domain) },
  };
}

/** One row where the names fit over the plot, else rows of four: about eight pixels a letter, and the mark. */
function legendColumns(names: readonly string[]): number {
  const pixels = names.reduce((sum, name) => sum + 8 * name.length + 36, 0);
  return pixels <= WIDTH + 60 ? names.length : 4;
}
