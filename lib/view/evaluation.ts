/** What an evaluation found, in pictures and tables. All that models and judges wrote is shown as text. */
import type { Measure, StratumResult } from "../evaluation/measures.ts";
import type { Interval } from "../evaluation/statistics.ts";
import { type Chart, chart, type Spec } from "./chart.ts";
import { NAMES } from "./chart_encoding.ts";
import { PALETTE } from "./colors.ts";
import { page } from "./page.ts";
import { type Table, table } from "./tables.ts";

/** An evaluation, as far as it is shown. */
export interface Evaluated {
  readonly suite: string;
  readonly questions: number;
  readonly models: Readonly<Partial<Record<"tuned" | "base", { readonly name: string; readonly answers: number }>>>;
  readonly judge?: { readonly model: string } | undefined;
  readonly source: string;
  readonly systemPrompt?: string | undefined;
  readonly sampling?: Readonly<Record<string, number>> | undefined;
  readonly measures: readonly Measure[];
  readonly strata: readonly StratumResult[];
}

const SIDES = ["tuned", "base"] as const;
const COLORS = { domain: SIDES, range: [PALETTE[0], "#9aa0a6"] };

/** Shares with their intervals, and the targets that they are held against: left or right of the mark is what counts. */
export function targetsChart({ measures }: Evaluated): Chart {
  const shares = measures.filter(({ unit }) => unit === "share").map((measure) => ({
    ...measure,
    title: measure.target?.sense === "below" ? `${measure.title} (less is better)` : measure.title,
  }));
  const rows = shares.flatMap((measure) => SIDES.flatMap((side) => intervalRow(measure.title, side, measure[side])));
  const targets = shares.flatMap(({ title, target, difference, base }) => {
    if (!target) return [];
    // A target that is relative to the base stands at the base.
    const value = difference ? (base?.estimate ?? NaN) + target.value : target.value;
    return Number.isFinite(value) && value >= 0 ? [{ name: title, target: value, wanted: target.text }] : [];
  });
  return intervals(rows, targets, {
    title: "Targets",
    subtitle: "points are shares of the answers, lines 95 % intervals over questions, dashes the targets",
  });
}

/** Temporal compliance, stratum by stratum. */
export function strataChart({ strata }: Evaluated): Chart {
  const rows = strata.flatMap((result) =>
    SIDES.flatMap((side) => intervalRow(result.stratum.replaceAll("_", " "), side, result[side]))
  );
  const targets = strata.map(({ stratum }) => ({
    name: stratum.replaceAll("_", " "),
    target: 0.95,
    wanted: "> 95 % over all strata",
  }));
  return intervals(rows, targets, {
    title: "Temporal compliance by stratum",
    subtitle: "share of answers without knowledge from after 1969; the dash is the target for all strata together",
  });
}

interface IntervalRow {
  readonly name: string;
  readonly side: string;
  readonly share: number;
  readonly low: number;
  readonly high: number;
  readonly questions: number;
}

function intervalRow(name: string, side: string, interval: Interval | undefined): IntervalRow[] {
  if (!interval || interval.n === 0) return [];
  const { estimate, low, high, n } = interval;
  return [{ name, side, share: estimate, low, high, questions: n }];
}

function intervals(
  rows: readonly IntervalRow[],
  targets: readonly { readonly name: string; readonly target: number; readonly wanted: string }[],
  { title, subtitle }: { title: string; subtitle: string },
): Chart {
  const names = [...new Set(rows.map(({ name }) => name))];
  const y: Spec = {
    field: "name",
    type: "nominal",
    sort: names,
    scale: { domain: names },
    title: null,
    axis: { ...NAMES, domain: false, grid: false },
  };
  const x = (field: string, more: Spec = {}): Spec => ({
    field,
    type: "quantitative",
    title: null,
    scale: { domain: [0, 1] },
    axis: { format: ".0%", tickCount: 6 },
    ...more,
  });
  const side: Spec = {
    yOffset: { field: "side", type: "nominal", scale: { domain: SIDES } },
    color: {
      field: "side",
      type: "nominal",
      scale: COLORS,
      legend: { orient: "top", direction: "horizontal", title: null },
    },
  };
  const tooltip = [
    { field: "name", type: "nominal", title: "measure" },
    { field: "side", type: "nominal" },
    ...["share", "low", "high"].map((field) => ({ field, type: "quantitative", format: ".1%" })),
    { field: "questions", type: "quantitative" },
  ];
  return chart({
    title: { text: title, subtitle },
    data: { values: rows },
    width: 560,
    height: 38 * names.length,
    layer: [
      {
        data: { values: targets.filter(({ name }) => names.includes(name)) },
        mark: { type: "tick", thickness: 2, color: PALETTE[1], height: { band: 0.9 } },
        encoding: { y, x: x("target"), tooltip: [{ field: "wanted", type: "nominal", title: "target" }] },
      },
      {
        mark: { type: "rule", strokeWidth: 3, opacity: 0.5 },
        encoding: { y, x: x("low"), x2: { field: "high" }, ...side, tooltip },
      },
      { mark: { type: "circle", size: 75, opacity: 1 }, encoding: { y, x: x("share"), ...side, tooltip } },
    ],
  });
}

/** Every measure with its figures, its target and what can be said of it. */
export function measuresTable({ measures }: Evaluated): Table {
  return table(measures.map(({ title, unit, tuned, base, difference, target, verdict, why }) => ({
    measure: title,
    tuned: written(tuned, unit),
    base: written(base, unit),
    difference: difference ? signed(difference.estimate, unit) : "",
    target: target?.text ?? "",
    verdict: verdict === "no target" ? "" : verdict,
    why,
  })));
}

function written(interval: Interval | undefined, unit: Measure["unit"]): string {
  if (!interval || interval.n === 0) return "";
  const { estimate, low, high } = interval;
  if (unit === "share") {
    return `${(100 * estimate).toFixed(1)} % (${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)})`;
  }
  const digits = unit === "mark" ? 2 : 3;
  return `${estimate.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

function signed(value: number, unit: Measure["unit"]): string {
  const sign = value < 0 ? "−" : "+", size = Math.abs(value);
  return unit === "share" ? `${sign}${(100 * size).toFixed(1)} points` : `${sign}${size.toFixed(3)}`;
}

/** What each number is, exactly. */
export function definitionsTable({ measures }: Evaluated): Table {
  return table(measures.map(({ title, definition }) => ({ measure: title, definition })), { limit: 40, widest: 1200 });
}

/** Who was asked, and how. */
export function conditionsTable({ suite, questions, models, judge, source, systemPrompt, sampling }: Evaluated): Table {
  const conditions: Record<string, unknown> = {
    suite,
    questions,
    ...Object.fromEntries(SIDES.flatMap((side) => {
      const model = models[side];
      return model ? [[side, `${model.name}, ${model.answers.toLocaleString("en-US")} answers`]] : [];
    })),
    judge: judge?.model ?? "none",
    ...(sampling ? { sampling: Object.entries(sampling).map(([name, value]) => `${name} ${value}`).join(", ") } : {}),
    ...(systemPrompt === undefined ? {} : { system_message: systemPrompt }),
    answers: source,
  };
  const rows = Object.entries(conditions).map(([name, value]) => [name.replaceAll("_", " "), value]);
  return table({ columns: ["", " "], rows }, { widest: 2000 });
}

/** The report as a page of its own. */
export function evaluationPage(evaluation: Evaluated): Promise<string> {
  return page("Evaluation", [
    { parts: [conditionsTable(evaluation), measuresTable(evaluation), targetsChart(evaluation)] },
    ...(evaluation.strata.length > 0 ? [{ heading: "Temporal compliance", parts: [strataChart(evaluation)] }] : []),
    {
      heading: "What the numbers are",
      parts: [
        "A target counts as met only where the one-sided 95 % bound of the interval lies beyond it. Several answers to one " +
        "question count as one, since they resemble each other.",
        definitionsTable(evaluation),
      ],
    },
  ]);
}
