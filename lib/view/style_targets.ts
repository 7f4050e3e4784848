/** Targets of a voice and what became of them, in tables and a picture. */
import type { Judged } from "../evaluation/decision.ts";
import type { Comparison } from "../evaluation/style/compare.ts";
import { type Chart, chart } from "./chart.ts";
import { PALETTE } from "./colors.ts";
import { type Table, table } from "./tables.ts";

const VERDICTS = { met: PALETTE[2] ?? "", "not shown": PALETTE[4] ?? "", "not met": PALETTE[1] ?? "" };

const percent = (share: number | undefined | null) =>
  share === undefined || share === null || !Number.isFinite(share) ? "–" : `${(100 * share).toFixed(1)}\u00a0%`;

/** The targets with their verdicts. */
export function targetsTable({ targets }: Pick<Comparison, "targets">): Table {
  return table(
    targets.map(({ title, goal, estimate, lower, base, author, status, why }) => ({
      target: title,
      goal: `>\u00a0${100 * goal}\u00a0%`,
      tuned: percent(estimate),
      "lower bound": percent(lower),
      base: percent(base),
      author: percent(author),
      verdict: status.replace(" ", "\u00a0"),
      why,
    })),
    { widest: 2000 },
  );
}

/** What each figure is, and the naive one beside it. */
export function definitionsTable({ targets }: Pick<Comparison, "targets">): Table {
  return table(targets.map(({ title, definition, naive }) => ({
    target: title,
    definition,
    "naive figure": percent(naive.value),
    "which is": naive.definition,
    "why it differs": naive.differs,
  })));
}

export function gatesTable({ gates }: Pick<Comparison, "gates">): Table {
  return table(
    gates.map(({ title, status, why, definition }) => ({ gate: title, outcome: status, found: why, definition })),
  );
}

/** Figure, one-sided bounds and goal of each target. */
export function targetsChart({ targets }: { readonly targets: readonly Judged[] }): Chart {
  const rows = targets.map(({ title, goal, estimate, lower, upper, status }) => ({
    target: title,
    goal,
    verdict: status,
    ...(estimate !== undefined && Number.isFinite(estimate) ? { estimate, lower, upper } : {}),
  }));
  const y = {
    field: "target",
    type: "nominal",
    sort: targets.map(({ title }) => title),
    title: null,
    axis: { ticks: false, domain: false, labelPadding: 8 },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: null,
    scale: { domain: [0, 1] },
    axis: { format: ".0%", tickCount: 6 },
  });
  const color = {
    field: "verdict",
    type: "nominal",
    scale: { domain: Object.keys(VERDICTS), range: Object.values(VERDICTS) },
    legend: { orient: "top", direction: "horizontal", title: null },
  };
  const known = { filter: "isValid(datum.estimate)" };
  return chart({
    title: {
      text: "Targets",
      subtitle: "the figure with its one-sided 95 % bounds; met when the whole bar is right of the goal",
    },
    data: { values: rows },
    width: 520,
    height: { step: 40 },
    layer: [
      {
        transform: [known],
        mark: { type: "bar", height: 10, opacity: 0.45 },
        encoding: { y, x: x("lower"), x2: { field: "upper" }, color },
      },
      {
        transform: [known],
        mark: { type: "point", filled: true, size: 110 },
        encoding: {
          y,
          x: x("estimate"),
          color,
          tooltip: ["target", "estimate", "lower", "goal"].map((field) => ({
            field,
            type: field === "target" ? "nominal" : "quantitative",
            ...(field === "target" ? {} : { format: ".1%" }),
          })),
        },
      },
      { mark: { type: "tick", thickness: 2.5, size: 28, color: "#333333" }, encoding: { y, x: x("goal") } },
      {
        mark: { type: "text", dy: -20, fontSize: 11, color: "#666666" },
        encoding: { y, x: x("goal"), text: { field: "goal", type: "quantitative", format: ".0%" } },
      },
    ],
  });
}
