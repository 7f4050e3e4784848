/** Curves of a training: losses, learning rate, gradient norm, speed and memory over the steps; of one run or several. */
import { count, duration } from "../core/format.ts";
import type { TrainingPoint } from "../training/history.ts";
import type { Run } from "../training/runs.ts";
import { type Chart, chart, type Spec } from "./charts.ts";
import { colorsOf, PALETTE } from "./colors.ts";
import { type Table, table } from "./tables.ts";

/** The panels, each with its lines and their colours. */
const PANELS: readonly { title: string; lines: Readonly<Record<string, string>>; height: number; format?: string }[] = [
  { title: "loss", lines: { loss: "#8fb8d6", eval_loss: PALETTE[1] ?? "" }, height: 190 },
  { title: "learning rate", lines: { learning_rate: PALETTE[2] ?? "" }, height: 70, format: ".1~e" },
  { title: "gradient norm", lines: { grad_norm: PALETTE[3] ?? "" }, height: 70 },
  { title: "tokens / s", lines: { tokens_per_second: PALETTE[4] ?? "" }, height: 70 },
  { title: "memory, GB", lines: { memory_bytes: PALETTE[6] ?? "" }, height: 70 },
];

/** Points of one line that a picture can show. */
const POINTS = 240;

/** The curves of one run. @param options.total Steps that there will be, so that the picture does not shrink while it grows. */
export function trainingChart(
  points: readonly TrainingPoint[],
  options: { title?: string; subtitle?: string; total?: number } = {},
): Chart {
  const rows = drawable(points).map((point) => ({ ...point, run: "" }));
  const last = rows.reduce((most, { step }) => Math.max(most, step), 0);
  const end = Math.max(1, options.total ?? 0, last);
  const has = new Set(rows.map(({ series }) => series));
  const panels = PANELS.filter(({ lines }, at) => at === 0 || Object.keys(lines).some((series) => has.has(series)));
  return chart({
    title: { text: options.title ?? "The training", subtitle: options.subtitle ?? subtitle(points, end) },
    data: { values: rows },
    spacing: 12,
    resolve: { scale: { color: "independent" } },
    vconcat: panels.map((panel, at) => {
      const names = Object.keys(panel.lines).filter((series) => has.has(series) || at === 0);
      return {
        ...frame(panel, names, { end, last: at === panels.length - 1, empty: rows.length === 0 }),
        layer: lossLayers(names, {
          field: "series",
          type: "nominal",
          scale: { domain: names, range: names.map((name) => panel.lines[name]) },
          legend: names.length > 1
            ? { orient: "top", direction: "horizontal", title: null, labelExpr: SPOKEN_SERIES }
            : null,
        }),
      };
    }),
  });
}

/** A run among others. */
export interface NamedRun {
  readonly name: string;
  readonly points: readonly TrainingPoint[];
}

/** Series that are worth a comparison, each a panel. */
const COMPARED: readonly { title: string; series: string; height: number; format?: string }[] = [
  { title: "loss", series: "loss", height: 170 },
  { title: "evaluation loss", series: "eval_loss", height: 170 },
  { title: "learning rate", series: "learning_rate", height: 70, format: ".1~e" },
  { title: "gradient norm", series: "grad_norm", height: 70 },
  { title: "tokens / s", series: "tokens_per_second", height: 70 },
];

/** The curves of several runs over each other, a colour each. */
export function compareChart(runs: readonly NamedRun[]): Chart {
  const names = runs.map(({ name }) => name);
  const rows = runs.flatMap(({ name, points }) => drawable(points).map((point) => ({ ...point, run: name })));
  const end = rows.reduce((most, { step }) => Math.max(most, step), 1);
  const has = new Set(rows.map(({ series }) => series));
  const colors = colorsOf(names);
  const panels = COMPARED.filter(({ series }, at) => at === 0 || has.has(series));
  return chart({
    title: { text: "Trainings compared", subtitle: names.join(", ") },
    data: { values: rows },
    spacing: 12,
    resolve: { scale: { color: "shared" }, legend: { color: "shared" } },
    vconcat: panels.map((panel, at) => ({
      ...frame({ ...panel, lines: { [panel.series]: "" } }, [panel.series], {
        end,
        last: at === panels.length - 1,
        empty: !has.has(panel.series),
      }),
      layer: lossLayers([panel.series], {
        field: "run",
        type: "nominal",
        scale: { domain: names, range: names.map((name) => colors[name]) },
        legend: { orient: "top", direction: "vertical", title: null, labelLimit: 520 },
      }),
    })),
  });
}

const SPOKEN_SERIES = "datum.label == 'eval_loss' ? 'evaluation' : datum.label == 'loss' ? 'training' : datum.label";

function frame(
  { title, height, format }: { title: string; height: number; format?: string; lines: object },
  names: readonly string[],
  { end, last, empty }: { end: number; last: boolean; empty: boolean },
): Spec {
  return {
    width: 560,
    height,
    transform: [{ filter: { field: "series", oneOf: names } }],
    encoding: {
      x: {
        field: "step",
        type: "quantitative",
        scale: { domain: [0, end], nice: false },
        title: last ? "step" : null,
        axis: { grid: false, tickCount: 8, labels: last, format: ",d" },
      },
      y: {
        field: "value",
        type: "quantitative",
        title,
        // An axis needs an extent even when there is nothing yet.
        scale: { zero: false, ...(empty ? { domain: [0, 1] } : {}) },
        axis: { tickCount: height > 100 ? 5 : 3, format: format ?? ",.4~r" },
      },
    },
  };
}

/** Lines; evaluations are few, so each is a dot too. */
function lossLayers(names: readonly string[], color: Spec): Spec[] {
  const tooltip = ["run", "series", "step", "value"].map((field) => ({
    field,
    type: field === "step" || field === "value" ? "quantitative" : "nominal",
    ...(field === "value" ? { format: ",.4~r" } : {}),
  }));
  const lines = { mark: { type: "line", interpolate: "linear", strokeWidth: 1.8 }, encoding: { color } };
  if (!names.includes("eval_loss")) return [{ ...lines, encoding: { color, tooltip } }];
  return [lines, {
    transform: [{ filter: { field: "series", equal: "eval_loss" } }],
    mark: { type: "point", filled: true, size: 36 },
    encoding: { color, tooltip },
  }];
}

/** What a picture can show: few enough points, memory in GB. */
function drawable(points: readonly TrainingPoint[]): TrainingPoint[] {
  const series = new Map<string, TrainingPoint[]>();
  for (const point of points) series.set(point.series, [...(series.get(point.series) ?? []), point]);
  return [...series].flatMap(([name, all]) => {
    const every = Math.ceil(all.length / POINTS);
    return all.filter((_, at) => at % every === 0 || at === all.length - 1)
      .map((point) => name === "memory_bytes" ? { ...point, value: point.value / 1e9 } : point);
  });
}

function subtitle(points: readonly TrainingPoint[], end: number): string {
  const last = (series: string) => points.findLast((point) => point.series === series)?.value;
  const losses = [
    last("loss") === undefined ? "" : `loss ${last("loss")?.toFixed(3)}`,
    last("eval_loss") === undefined ? "" : `evaluation ${last("eval_loss")?.toFixed(3)}`,
  ].filter(Boolean);
  return [`${count(end)} steps`, ...losses].join(", ");
}

/** First, last and lowest losses, last speed: the curves in figures. */
export function historyTable(runs: readonly NamedRun[]): Table {
  return table(runs.map(({ name, points }) => {
    const of = (series: string) => points.filter((point) => point.series === series);
    const evals = of("eval_loss");
    const best = evals.reduce<TrainingPoint | undefined>(
      (low, point) => low === undefined || point.value < low.value ? point : low,
      undefined,
    );
    const speeds = of("tokens_per_second").map(({ value }) => value);
    return {
      run: name,
      steps: points.reduce((most, { step }) => Math.max(most, step), 0),
      loss: of("loss").at(-1)?.value.toFixed(4),
      lowest_evaluation: best?.value.toFixed(4),
      at_step: best?.step,
      tokens_per_second: speeds.length > 0
        ? Math.round(speeds.reduce((sum, value) => sum + value, 0) / speeds.length)
        : undefined,
    };
  }));
}

/** Where the recipes of runs differ, a column each. */
export function differencesTable(
  names: readonly string[],
  differences: readonly { readonly option: string; readonly values: readonly string[] }[],
): Table {
  if (differences.length === 0) {
    return table({ columns: ["different"], rows: [["nothing: recipes and data are the same"]] });
  }
  return table({
    columns: ["different", ...names],
    rows: differences.map(({ option, values }) => [option, ...values]),
  });
}

/** Runs as the registry lists them. */
export function runsTable(runs: readonly Run[]): Table {
  return table(runs.map(({ name, state, record, step, maxSteps, loss, best, seconds }) => ({
    run: name,
    state,
    base: record?.base.name ?? "",
    rows: record?.dataset.train.rows,
    data: record?.dataset.train.sha256.slice(0, 8) ?? "",
    steps: maxSteps === undefined ? String(step ?? "") : `${step ?? 0} of ${maxSteps}`,
    loss: loss?.toFixed(3) ?? "",
    lowest_evaluation: best ? `${best.loss.toFixed(3)} at ${best.step}` : "",
    time: seconds === undefined ? "" : duration(seconds),
  })));
}
