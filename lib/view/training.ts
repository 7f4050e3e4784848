/** Pictures of what a training is about to do: tokens of its rows, steps, learning rate, memory. */
import { count } from "../core/format.ts";
import type { MemoryEstimate } from "../training/memory.ts";
import type { CdfPoint } from "../training/preflight/token_survey.ts";
import type { Schedule } from "../training/schedule.ts";
import { type Chart, chart, stackedBars } from "./charts.ts";
import { PALETTE } from "./colors.ts";

/** Which share of the rows has at most so many tokens, and where rows are cut. */
export function tokenChart(points: readonly CdfPoint[], maxLength: number): Chart {
  const last = points.at(-1)?.tokens ?? 0;
  const end = Math.max(maxLength, last);
  const cut = 1 - (points.findLast(({ tokens }) => tokens <= maxLength)?.share ?? 0);
  return chart({
    title: {
      text: "Tokens of the rows",
      subtitle: cut > 0
        ? `${(100 * cut).toFixed(1)} % are longer than ${count(maxLength)} and are cut`
        : `all fit into ${count(maxLength)}; the longest has ${count(last)}`,
    },
    data: { values: points },
    width: 560,
    height: 220,
    layer: [
      {
        mark: { type: "area", interpolate: "step-after", line: true, opacity: 0.25 },
        encoding: {
          x: {
            field: "tokens",
            type: "quantitative",
            title: "tokens",
            scale: { domain: [0, end] },
            axis: { grid: false, tickCount: 8 },
          },
          y: {
            field: "share",
            type: "quantitative",
            title: "share of the rows",
            stack: null, // Many rows are as long as others, and would be heaped up.
            axis: { format: ".0%", tickCount: 5 },
            scale: { domain: [0, 1] },
          },
          tooltip: [{ field: "tokens", type: "quantitative" }, { field: "share", type: "quantitative", format: ".0%" }],
        },
      },
      {
        data: { values: [{}] }, // Else it is drawn once for each point.
        mark: { type: "rule", color: PALETTE[1], strokeWidth: 2, strokeDash: [5, 3] },
        encoding: { x: { datum: maxLength } },
      },
      {
        data: { values: [{}] },
        mark: { type: "text", align: "right", dx: -6, dy: 10, color: PALETTE[1], baseline: "top" },
        encoding: { x: { datum: maxLength }, y: { datum: 1 }, text: { value: "cut here" } },
      },
    ],
  });
}

/** Points of the learning rate's curve. */
const CURVE_POINTS = 200;

/**
 * The steps to come: how the learning rate goes, where an evaluation and a checkpoint is, and which checkpoints can be
 * found best.
 */
export function scheduleChart(plan: Schedule, shape: "cosine" | "linear" | "constant_with_warmup" = "cosine"): Chart {
  const { totalSteps, warmupSteps, saves, evals, ranked, deleted } = plan;
  const every = Math.max(1, Math.ceil(totalSteps / CURVE_POINTS));
  const curve = Array.from({ length: Math.floor(totalSteps / every) + 1 }, (_, i) => {
    const step = i * every;
    return { step, rate: rateAt(step, totalSteps, warmupSteps, shape) };
  });
  const marks = [
    ...evals.map((step) => ({ step, kind: "evaluation", state: "evaluated" })),
    ...saves.map((step) => ({
      step,
      kind: "checkpoint",
      state: deleted.includes(step) ? "deleted later" : ranked.includes(step) ? "can be best" : "never evaluated",
    })),
  ];
  const states = ["can be best", "never evaluated", "deleted later", "evaluated"];
  const x = (last: boolean) => ({
    field: "step",
    type: "quantitative",
    scale: { domain: [0, totalSteps], nice: false },
    title: last ? "step" : null,
    axis: { grid: false, labels: last, tickCount: 8, format: ",d" },
  });
  return chart({
    title: {
      text: "The steps",
      subtitle: `${count(totalSteps)} steps, ${count(plan.stepsPerEpoch)} an epoch, ${saves.length} checkpoints`,
    },
    // A table in a terminal shows the marks; the curve is drawn from data of its own.
    data: { values: marks },
    spacing: 6,
    vconcat: [
      {
        width: 560,
        height: 110,
        data: { values: curve },
        mark: { type: "area", line: true, opacity: 0.2 },
        encoding: {
          x: x(false),
          y: {
            field: "rate",
            type: "quantitative",
            title: "learning rate",
            axis: { format: ".0%", tickCount: 3 },
            scale: { domain: [0, 1] },
          },
        },
      },
      {
        width: 560,
        height: 70,
        mark: { type: "point", filled: true, size: 70, opacity: 0.9 },
        encoding: {
          x: x(true),
          y: {
            field: "kind",
            type: "nominal",
            title: null,
            sort: ["evaluation", "checkpoint"],
            axis: { ticks: false },
          },
          color: {
            field: "state",
            type: "nominal",
            scale: { domain: states, range: [PALETTE[0], PALETTE[1], "#b8bdc2", PALETTE[2]] },
            legend: { orient: "bottom", direction: "horizontal", title: null },
          },
          tooltip: ["step", "kind", "state"].map((field) => ({
            field,
            type: field === "step" ? "quantitative" : "nominal",
          })),
        },
      },
    ],
  });
}

/** The share of its peak that the learning rate has at a step (transformers' schedules). */
export function rateAt(
  step: number,
  totalSteps: number,
  warmupSteps: number,
  shape: "cosine" | "linear" | "constant_with_warmup",
): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  if (shape === "constant_with_warmup") return 1;
  const done = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return shape === "linear" ? Math.max(0, 1 - done) : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * done)));
}

/** Where the memory goes, in a step and in an evaluation. @param memory Of the GPU, in bytes, where there is one. */
export function memoryChart(estimate: MemoryEstimate, memory?: number): Chart {
  const gib = (value: number) => Number((value / 2 ** 30).toFixed(3));
  const rest = (peak: number) => peak - estimate.weights - estimate.adapter - estimate.overhead;
  const rows = [
    ["weights", estimate.weights, estimate.weights],
    ["LoRA and optimizer", estimate.adapter, estimate.adapter],
    ["activations and logits", rest(estimate.train), rest(estimate.evaluation)],
    ["driver and else", estimate.overhead, estimate.overhead],
  ] as const;
  const limit = memory === undefined ? "" : `; the GPU has ${gib(memory).toFixed(0)} GiB`;
  return stackedBars(
    rows.flatMap(([part, step, evaluation]) => [
      { when: "a step", part, GiB: gib(step) },
      { when: "an evaluation", part, GiB: gib(evaluation) },
    ]),
    {
      label: "when",
      value: "GiB",
      part: "part",
      title: "Memory",
      subtitle: `about ${gib(estimate.total).toFixed(1)} GiB at the peak${limit}`,
      xTitle: "GiB",
    },
  );
}
