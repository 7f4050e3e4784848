import { type Chart, chart, type Spec } from "./chart.ts";
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
import { PALETTE } from "./colors.ts";
import type { Row } from "./tables.ts";

/** A grid of shades with the values written into them. */
export function heatmap(
  rows: readonly Row[],
  options: ChartOptions & { readonly x: string; readonly y: string; readonly value: string },
): Chart {
  const { x, y, value } = options;
  const columns = domainOf(rows, x);
  const largest = rows.reduce((most, row) => Math.max(most, Number(row[value]) || 0), 0);
  const axis = (name: string, title: string | undefined, more: Spec) => ({
    field: field(name),
    type: "nominal",
    sort: null,
    title: title ?? null,
    axis: { ...NAMES, domain: false, ...more },
  });
  const encoding = {
    x: axis(x, options.xTitle, { labelAngle: -30, orient: "bottom" }),
    y: axis(y, options.yTitle, {}),
  };
  return chart({
    ...frame(rows, { ...options, width: options.width ?? Math.min(720, 84 * columns.length) }, { step: 38 }),
    layer: [
      {
        mark: { type: "rect", stroke: "#ffffff", strokeWidth: 2, cornerRadius: 3 },
        encoding: {
          ...encoding,
          color: { field: field(value), type: "quantitative", scale: { scheme: "blues", zero: true }, legend: null },
          tooltip: tooltips(rows, [y, x, value], options.format),
        },
      },
      {
        mark: { type: "text", fontSize: 12 },
        encoding: {
          ...encoding,
          text: { field: field(value), type: "quantitative", format: options.format ?? ",.3~r" },
          // White on the dark half of the scale, dark on the light one.
          color: {
            condition: { test: `datum[${JSON.stringify(value)}] > ${largest * 0.6}`, value: "#ffffff" },
            value: "#222222",
          },
        },
      },
    ],
  });
}

/** Lines over a number such as the year, with points where the data are. */
export function lines(
  rows: readonly Row[],
  options: ChartOptions & {
    readonly x: string;
    readonly y: string;
    readonly color?: string;
    readonly domain?: readonly string[];
    /** How the numbers of the x axis are written; default "d": years. */
    readonly xFormat?: string;
  },
): Chart {
  const { x, y, color } = options;
  return chart({
    ...frame(rows, options, 260),
    mark: { type: "line", point: { size: 40, filled: true }, clip: false },
    encoding: {
      x: {
        field: field(x),
        type: "quantitative",
        scale: { zero: false, nice: false, padding: 10 },
        title: options.xTitle ?? null,
        axis: { format: options.xFormat ?? "d", grid: false, tickCount: 8 },
      },
      y: numbers(y, options.yTitle, options),
      color: color ? colored(color, options.domain ?? domainOf(rows, color)) : { value: PALETTE[0] },
      tooltip: tooltips(rows, [x, y, ...(color ? [color] : [])], options.format),
    },
  });
}

/** One dot a row on a line of its group: works on the years, say. Dots are see-through, so that heaps show. */
export function dots(
  rows: readonly Row[],
  options: ChartOptions & {
    readonly x: string;
    readonly group: string;
    readonly groups?: readonly string[];
    /** Shown when a dot is pointed at. */
    readonly label?: string;
    /** A field whose values give the dots their sizes. */
    readonly size?: string;
    readonly xFormat?: string;
  },
): Chart {
  const { x, group, label, size } = options;
  const groups = options.groups ?? domainOf(rows, group);
  return chart({
    ...frame(rows, options, { step: 34 }),
    mark: { type: "circle", opacity: 0.65, ...(size ? {} : { size: 90 }) },
    encoding: {
      x: {
        field: field(x),
        type: "quantitative",
        scale: { zero: false, padding: 14 },
        title: options.xTitle ?? null,
        axis: { format: options.xFormat ?? "d", tickCount: 8 },
      },
      y: {
        field: field(group),
        type: "nominal",
        sort: groups,
        title: null,
        axis: { ...NAMES, grid: true },
      },
      color: { ...colored(group, groups), legend: null },
      ...(size
        ? {
          size: {
            field: field(size),
            type: "quantitative",
            title: spoken(size),
            scale: { range: [25, 500] },
            legend: { orient: "right", symbolFillColor: "#999999", values: roundValues(rows, size) },
          },
        }
        : {}),
      tooltip: tooltips(rows, [...(label ? [label] : []), group, x, ...(size ? [size] : [])], options.format),
    },
  });
}

/** Three round sizes for a legend. */
function roundValues(rows: readonly Row[], name: string): number[] {
  const largest = rows.reduce((most, row) => Math.max(most, Number(row[name]) || 0), 0);
  const power = 10 ** Math.floor(Math.log10(largest || 1));
  const top = Math.max(1, Math.floor(largest / power)) * power;
  return [top / 4, top / 2, top];
}

/** Box plots: median, quartiles, whiskers to the furthest value within 1.5 times the quartiles' distance (Tukey). */
export function boxes(
  rows: readonly Row[],
  options: ChartOptions & { readonly value: string; readonly group: string; readonly groups?: readonly string[] },
): Chart {
  const { value, group } = options;
  const groups = options.groups ?? domainOf(rows, group);
  return chart({
    ...frame(rows, options, { step: 30 }),
    mark: { type: "boxplot", size: 14, outliers: { size: 12, opacity: 0.5 }, median: { color: "#ffffff" } },
    encoding: {
      x: { ...numbers(value, options.xTitle, options), scale: { zero: false, padding: 8 } },
      y: {
        field: field(group),
        type: "nominal",
        sort: groups,
        title: options.yTitle ?? null,
        axis: { ...NAMES },
      },
      color: { ...colored(group, groups), legend: null },
    },
  });
}
