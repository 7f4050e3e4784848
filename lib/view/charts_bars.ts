import { type Chart, chart } from "./chart.ts";
import {
  type ChartOptions,
  colored,
  domainOf,
  field,
  frame,
  NAMES,
  numbers,
  spoken,
  tooltips,
} from "./chart_encoding.ts";
import { colorsOf, PALETTE } from "./colors.ts";
import type { Row } from "./tables.ts";

/** Horizontal bars with their values at the end, in the order of the rows: sort the rows as they should be read. */
export function bars(
  rows: readonly Row[],
  options: ChartOptions & {
    readonly label: string;
    readonly value: string;
    /** A field whose values give colours. */
    readonly color?: string;
    /** Values of `color` in the order of their colours. */
    readonly domain?: readonly string[];
  },
): Chart {
  const { label, value, color } = options;
  const y = {
    field: field(label),
    type: "nominal",
    sort: null,
    title: options.yTitle ?? null,
    axis: { ...NAMES, domain: false },
  };
  const encoding = {
    y,
    x: numbers(value, options.xTitle, options),
    tooltip: tooltips(rows, [label, value, ...(color && color !== label ? [color] : [])], options.format),
  };
  const format = options.format ?? ",.4~r";
  return chart({
    ...frame(rows, options, { step: 22 }),
    layer: [
      {
        mark: { type: "bar", cornerRadiusEnd: 2, height: { band: 0.75 } },
        encoding: color
          ? {
            ...encoding,
            color: color === label
              ? { ...colored(color, options.domain ?? domainOf(rows, color)), legend: null }
              : colored(color, options.domain ?? domainOf(rows, color)),
          }
          : encoding,
      },
      {
        mark: { type: "text", align: "left", dx: 4, color: "#333333", fontSize: 11 },
        encoding: { y, x: encoding.x, text: { field: field(value), type: "quantitative", format } },
      },
    ],
  });
}

/** Horizontal bars, each made of parts. */
export function stackedBars(
  rows: readonly Row[],
  options: ChartOptions & {
    readonly label: string;
    readonly value: string;
    readonly part: string;
    readonly parts?: readonly string[];
    /** Each bar as shares of 1. */
    readonly normalize?: boolean;
  },
): Chart {
  const { label, value, part } = options;
  const parts = options.parts ?? domainOf(rows, part);
  return chart({
    ...frame(rows, options, { step: 22 }),
    // The stack follows the order of the parts, not of the alphabet.
    transform: [{ calculate: `indexof(${JSON.stringify(parts)}, datum[${JSON.stringify(part)}])`, as: "part_order" }],
    mark: { type: "bar", height: { band: 0.75 } },
    encoding: {
      y: {
        field: field(label),
        type: "nominal",
        sort: null,
        title: options.yTitle ?? null,
        axis: { ...NAMES, domain: false },
      },
      x: { ...numbers(value, options.xTitle, options), stack: options.normalize ? "normalize" : "zero" },
      color: colored(part, parts),
      order: { field: "part_order", type: "quantitative" },
      tooltip: tooltips(rows, [label, part, value], options.format),
    },
  });
}

/** A bin of a distribution: `from` is in it, `to` is not. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly [series: string]: number;
}

/**
 * A distribution: out of values, which are sorted into bins here, or out of bins. `series` names the columns of the
 * bins that are stacked.
 */
export function histogram(
  source: readonly number[] | readonly Bin[],
  options: ChartOptions & { readonly series?: readonly string[]; readonly bins?: number } = {},
): Chart {
  const found = isValues(source) ? binsOf(source, options.bins ?? 24) : source;
  const bins = found.length > 0 ? found : [{ from: 0, to: 1 }]; // An axis needs an extent even when there is nothing.
  const series = options.series ?? ["count"];
  const rows = bins.flatMap((bin) =>
    series.map((name, order) => ({ from: bin.from, to: bin.to, series: spoken(name), count: bin[name] ?? 0, order }))
  );
  return chart({
    ...frame(rows, options, 220),
    mark: { type: "bar", binSpacing: 1 },
    encoding: {
      x: { field: "from", type: "quantitative", bin: { binned: true }, title: options.xTitle ?? null },
      x2: { field: "to" },
      y: {
        field: "count",
        type: "quantitative",
        stack: "zero",
        title: options.yTitle ?? null,
        axis: { tickCount: 5, ...(options.format ? { format: options.format } : {}) },
      },
      ...(series.length > 1
        ? {
          color: colored("series", series.map(spoken), partColors(series.map(spoken))),
          order: { field: "order", type: "quantitative" },
        }
        : { color: { value: PALETTE[0] } }),
      tooltip: tooltips(rows, ["from", "to", ...(series.length > 1 ? ["series"] : []), "count"], options.format),
    },
  });
}

/** What matters in colour, the rest of the whole in grey. */
function partColors(series: readonly string[]): Record<string, string> {
  return { ...colorsOf(series), ...(series.length === 2 ? { [series[1] ?? ""]: "#c4c9ce" } : {}) };
}

function isValues(source: readonly number[] | readonly Bin[]): source is readonly number[] {
  return typeof source[0] === "number" || source.length === 0;
}

function binsOf(values: readonly number[], count: number): Bin[] {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (values.length === 0) return [];
  const width = (high - low) / count || 1;
  const bins = Array.from(
    { length: count },
    (_, i) => ({ from: low + i * width, to: low + (i + 1) * width, count: 0 }),
  );
  for (const value of values) {
    const bin = bins[Math.min(count - 1, Math.floor((value - low) / width))];
    if (bin) bin.count++;
  }
  return bins;
}
