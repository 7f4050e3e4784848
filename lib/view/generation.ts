/** Pictures and tables of a generation run: its pace, what was kept, what was left out and why. */
import { DISPLAY, type Displayable } from "../core/display.ts";
import { count, duration } from "../core/format.ts";
import type { Forecast, Range } from "../llm/forecast.ts";
import type { Reject } from "../records.ts";
import { bars, type Chart, chart, heatmap, type Spec } from "./charts.ts";
import { PALETTE } from "./colors.ts";
import { escapeHtml } from "./escape.ts";
import { type Table, table } from "./tables.ts";

/** A figure of a run at a moment. A type and not an interface, which no chart would take. */
export type RunPoint = { seconds: number; series: string; value: number };

/** The panels of a run's chart, each with its lines. */
const PANELS: readonly { title: string; lines: Readonly<Record<string, string>> }[] = [
  { title: "examples", lines: { answered: "#9aa0a6", accepted: PALETTE[0] ?? "", rejected: PALETTE[1] ?? "" } },
  { title: "tokens per second", lines: { tokens_per_second: PALETTE[2] ?? "" } },
  { title: "requests at a time", lines: { concurrency: PALETTE[3] ?? "" } },
];

/** The pace of a run: examples, tokens per second, requests at a time; only what was measured. */
export function runChart(points: readonly RunPoint[]): Chart {
  // A rate at one moment is no line; a count begins at nothing.
  const counted = (series: string) => Object.hasOwn(PANELS[0]?.lines ?? {}, series);
  const times = new Map<string, number>();
  for (const { series } of points) times.set(series, (times.get(series) ?? 0) + 1);
  const measured = new Set([...times].filter(([series, n]) => n > 1 || counted(series)).map(([series]) => series));
  const rows = PANELS.flatMap(({ lines }) => Object.keys(lines)).filter((series) => measured.has(series)).flatMap(
    (series) => {
      const own = points.filter((point) => point.series === series);
      const begin = counted(series) ? [{ seconds: 0, series, value: 0 }] : [];
      return thinned([...begin, ...own]);
    },
  );
  const end = rows.reduce((most, { seconds }) => Math.max(most, seconds), 0.1);
  const panels = PANELS.filter(({ lines }, at) =>
    at === 0 || Object.keys(lines).some((series) => measured.has(series))
  );
  return chart({
    title: { text: "The run", subtitle: duration(end) },
    data: { values: rows },
    spacing: 14,
    resolve: { scale: { color: "independent" } },
    vconcat: panels.map(({ title, lines }, at) => panel(title, lines, measured, end, at === panels.length - 1)),
  });
}

function panel(
  title: string,
  lines: Readonly<Record<string, string>>,
  measured: ReadonlySet<string>,
  end: number,
  last: boolean,
): Spec {
  const names = Object.keys(lines).filter((series) => measured.has(series));
  return {
    width: 560,
    height: names.length > 1 ? 170 : 90,
    transform: [{ filter: { field: "series", oneOf: names } }],
    mark: { type: "line", interpolate: "linear", point: { size: 18, filled: true } },
    encoding: {
      x: {
        field: "seconds",
        type: "quantitative",
        scale: { domain: [0, end] },
        title: last ? "seconds" : null,
        axis: { grid: false, tickCount: 8, labels: last },
      },
      y: {
        field: "value",
        type: "quantitative",
        title,
        scale: { zero: true },
        axis: { tickCount: 4, format: ",.4~r" },
      },
      color: {
        field: "series",
        type: "nominal",
        scale: { domain: names, range: names.map((name) => lines[name]) },
        legend: names.length > 1 ? { orient: "top", direction: "horizontal", title: null } : null,
      },
      tooltip: ["series", "seconds", "value"].map((field) => ({
        field,
        type: field === "series" ? "nominal" : "quantitative",
        ...(field === "series" ? {} : { format: ",.4~r" }),
      })),
    },
  };
}

/** Points of one line that a picture can show; a night has tens of thousands. */
const POINTS = 240;

function thinned(points: readonly RunPoint[]): RunPoint[] {
  const every = Math.ceil(points.length / POINTS);
  return points.filter((_, at) => at % every === 0 || at === points.length - 1);
}

/** What is to come, with the interval that holds it nine times in ten. */
export function forecastTable(forecast: Forecast | undefined): Table {
  if (!forecast) return table([{ forecast: "none: fewer than two examples were measured" }]);
  const row = (what: string, { low, mid, high }: Range, write: (value: number) => string) => ({
    what,
    at_least: write(low),
    expected: write(mid),
    at_most: write(high),
  });
  const whole = (value: number) => count(Math.round(value));
  return table([
    row("requests", forecast.requests, whole),
    row("tokens read", forecast.promptTokens, whole),
    row("tokens written", forecast.outputTokens, whole),
    row("time, one at a time", forecast.seconds, duration),
  ], {
    title: `${count(forecast.items)} examples, from ${count(forecast.measured)} measured`,
  });
}

/** Accepted examples by persona and by the strongest theme of their passage. */
export function coverageMap(
  coverage: Readonly<Record<string, Readonly<Record<string, number>>>>,
  personas: readonly { readonly id: string }[],
): Chart {
  const themes = [...new Set(Object.values(coverage).flatMap((row) => Object.keys(row)))];
  const ids = [...personas.map(({ id }) => id), ...Object.keys(coverage)];
  const rows = [...new Set(ids)].flatMap((persona) =>
    themes.map((theme) => ({ persona, theme, examples: coverage[persona]?.[theme] ?? 0 }))
  );
  const gaps = rows.filter(({ examples }) => examples === 0).length;
  return heatmap(rows, {
    x: "theme",
    y: "persona",
    value: "examples",
    format: ",d",
    title: "Coverage",
    subtitle: gaps === 0
      ? "examples by persona and main theme; no gaps"
      : `examples by persona and main theme; ${gaps} of ${rows.length} pairs have none`,
  });
}

/** What a run counts; the statistics file of a dataset has it. */
export interface Outcome {
  readonly examples_generated: number;
  readonly examples_requested: number;
  readonly rejects: Readonly<Record<string, number>>;
}

/** What was left out, by reason. */
export function rejectReasons({ examples_generated, examples_requested, rejects }: Outcome): Chart {
  return bars(Object.entries(rejects).map(([reason, examples]) => ({ reason, examples })), {
    label: "reason",
    value: "examples",
    format: ",d",
    title: "Left out",
    subtitle: `${count(examples_requested - examples_generated)} of ${count(examples_requested)} examples`,
  });
}

/** What changed when the gates did: the kept ones, and those left out by reason, before and after. */
export function gateChange(before: Outcome, after: Outcome): Chart {
  const reasons = [...new Set([...Object.keys(before.rejects), ...Object.keys(after.rejects)])];
  const sides = [["before", before], ["after", after]] as const;
  const rows = sides.flatMap(([gates, outcome]) => [
    { what: "kept", gates, examples: outcome.examples_generated },
    ...reasons.map((what) => ({ what, gates, examples: outcome.rejects[what] ?? 0 })),
  ]);
  const y = { field: "what", type: "nominal", sort: null, title: null };
  const axis = { ticks: false, domain: false, labelPadding: 6, labelExpr: "replace(datum.label, /_/g, ' ')" };
  const yOffset = { field: "gates", type: "nominal", sort: ["before", "after"] };
  const x = { field: "examples", type: "quantitative", title: "examples", axis: { tickCount: 6 } };
  return chart({
    title: {
      text: "What the other gates let through",
      subtitle: `${count(before.examples_generated)} examples before, ${count(after.examples_generated)} after`,
    },
    data: { values: rows },
    width: 560,
    height: { step: 16 },
    layer: [
      {
        mark: { type: "bar", cornerRadiusEnd: 2 },
        encoding: {
          y: { ...y, axis },
          yOffset,
          x,
          color: {
            field: "gates",
            type: "nominal",
            scale: { domain: ["before", "after"], range: ["#c4c9ce", PALETTE[0]] },
            legend: { orient: "top", direction: "horizontal", title: null },
          },
        },
      },
      {
        mark: { type: "text", align: "left", dx: 4, fontSize: 11, color: "#333333" },
        encoding: { y: { ...y, axis }, yOffset, x, text: { field: "examples", type: "quantitative", format: ",d" } },
      },
    ],
  });
}

/** Rejected examples, a fold for each reason. All that they say is shown as text. */
export interface RejectBrowser extends Displayable {
  html(): string;
  text(): string;
}

/** @param limit Examples shown of each reason; how many more there are is told. */
export function rejectBrowser(rejects: readonly Reject[], limit = 5): RejectBrowser {
  const byReason = new Map<string, Reject[]>();
  for (const reject of rejects) byReason.set(reject.reason, [...(byReason.get(reject.reason) ?? []), reject]);
  const folds = [...byReason].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1)).map((
    [reason, rows],
  ) => ({
    heading: `${reason.replaceAll("_", " ")}: ${count(rows.length)}`,
    rows: rejectTable(rows, limit),
  }));
  const html = () =>
    folds.map(({ heading, rows }, at) =>
      `<details${at === 0 ? " open" : ""} style="margin:.3em 0"><summary style="cursor:pointer;font-weight:600">` +
      `${escapeHtml(heading)}</summary>${rows.html()}</details>`
    ).join("") || "<div>nothing was left out</div>";
  const text = () =>
    folds.map(({ heading, rows }) => `${heading}\n${rows.text()}`).join("\n\n") || "nothing was left out";
  return { html, text, [DISPLAY]: () => ({ "text/html": html(), "text/plain": text() }) };
}

/** Rejects as a table: why, and what was said. */
export function rejectTable(rejects: readonly Reject[], limit = 20): Table {
  const rows = rejects.map(({ id, detail, row }) => {
    const { user, assistant } = said(row);
    return { example: id, why: detail ?? "", question: user, answer: assistant };
  });
  return table(rows, { columns: ["example", "why", "question", "answer"], limit });
}

/** Where there is no exchange, what was said instead stands in its place. */
function said(row: unknown): { user: string; assistant: string } {
  if (typeof row !== "object" || row === null) return { user: "", assistant: typeof row === "string" ? row : "" };
  const text = (value: unknown) => typeof value === "string" ? value : "";
  return {
    user: text("user" in row ? row.user : undefined),
    assistant: text("assistant" in row ? row.assistant : undefined),
  };
}
