import type { TopLevelSpec } from "vega-lite";
import { DISPLAY, type Displayable } from "../core/display.ts";
import { PALETTE } from "./colors.ts";
import { table } from "./tables.ts";

/** A Vega-Lite specification; kept loose, since its full type takes the compiler seconds. */
export type Spec = Readonly<Record<string, unknown>>;

/** A picture: interactive in JupyterLab, SVG anywhere else, a table in a terminal. */
export interface Chart extends Displayable {
  readonly spec: Spec;
  svg(): Promise<string>;
  text(): string;
}

/** JupyterLab 4 draws version 5, and no later one; what is used here is the same in both. */
const SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json";
const MIME = "application/vnd.vegalite.v5+json";

const FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif";
const INK = "#333333";

/** How every chart looks: dark text on white whatever the page's theme, a light grid, no frame. */
const CONFIG = {
  font: FONT,
  background: "#ffffff",
  padding: 12,
  view: { stroke: null },
  axis: {
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 500,
    labelColor: INK,
    titleColor: INK,
    gridColor: "#e6e6e6",
    domainColor: "#999999",
    tickColor: "#999999",
    titlePadding: 10,
    // Without a browser text is measured a third too wide, and cut too soon.
    labelLimit: 420,
  },
  axisBand: { grid: false },
  legend: {
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 500,
    labelColor: INK,
    titleColor: INK,
    labelLimit: 260,
  },
  title: {
    anchor: "start",
    fontSize: 15,
    fontWeight: 600,
    color: INK,
    subtitleFontSize: 12,
    subtitleColor: "#666666",
    offset: 14,
  },
  range: { category: PALETTE, heatmap: { scheme: "blues" } },
  bar: { color: PALETTE[0] },
  line: { strokeWidth: 2 },
};

/**
 * A chart out of a Vega-Lite specification with its data in `data.values`; the look is added.
 *
 * @example
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { chart } from "@/view/chart.ts";
 *
 * const picture = chart({
 *   data: { values: [{ book: "We", words: 58100 }] },
 *   mark: "bar",
 *   encoding: { x: { field: "words", type: "quantitative" }, y: { field: "book", type: "nominal" } },
 * });
 * ok((await picture.svg()).startsWith("<svg"));
 * ```
 */
export function chart(body: Spec): Chart {
  const spec: Spec = { $schema: SCHEMA, ...body, config: CONFIG };
  const text = () => textOf(spec);
  return {
    spec,
    svg: () => draw(spec),
    text,
    async [DISPLAY]() {
      return { [MIME]: spec, "image/svg+xml": await draw(spec), "text/plain": text() };
    },
  };
}

/** Draws without a browser. The libraries are loaded by the first chart: nobody else pays for them. */
async function draw(spec: Spec): Promise<string> {
  const names = { vega: "vega", lite: "vega-lite" };
  const [vega, lite] = await Promise.all([
    import(names.vega) as Promise<typeof import("vega")>,
    import(names.lite) as Promise<typeof import("vega-lite")>,
  ]);
  // Vega-Lite tells of a schema of another version, which is on purpose.
  const { $schema: _, ...versionless } = spec;
  const { spec: compiled } = lite.compile(versionless as unknown as TopLevelSpec);
  const view = new vega.View(vega.parse(compiled), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function textOf(spec: Spec): string {
  const title = spec.title as string | { text?: string } | undefined;
  const { values = [] } = (spec.data ?? {}) as { values?: Record<string, unknown>[] };
  const heading = typeof title === "string" ? title : title?.text;
  return table(values, { ...(heading ? { title: heading } : {}), limit: 20 }).text();
}
