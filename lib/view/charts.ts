/**
 * The charts. Each takes rows and the names of the fields to show, and answers a picture that a notebook shows by
 * itself: `bars`, `stackedBars`, `histogram`, `heatmap`, `lines`, `dots`, `boxes`; `chart` draws any Vega-Lite.
 */
export { type Chart, chart, type Spec } from "./chart.ts";
export type { ChartOptions } from "./chart_encoding.ts";
export { bars, type Bin, histogram, stackedBars } from "./charts_bars.ts";
export { boxes, dots, heatmap, lines } from "./charts_fields.ts";
