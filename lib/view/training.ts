/** Pictures of what a preflight found, and of what it looked at. All texts come from datasets: shown, never run. */
import { DISPLAY, type Displayable } from "../core/display.ts";
import { count } from "../core/format.ts";
import type { MemoryEstimate } from "../training/memory.ts";
import type { Finding } from "../training/preflight/finding.ts";
import type { LabelledRow } from "../training/preflight/label_xray.ts";
import type { CdfPoint } from "../training/preflight/token_survey.ts";
import type { Schedule } from "../training/schedule.ts";
import { type Chart, chart, stackedBars } from "./charts.ts";
import { pale, PALETTE } from "./colors.ts";
import { escapeHtml } from "./escape.ts";

/** Something that a notebook, a terminal and a page can show. */
export interface View extends Displayable {
  html(): string;
  text(): string;
}

function view(html: () => string, text: () => string): View {
  return { html, text, [DISPLAY]: () => ({ "text/html": html(), "text/plain": text() }) };
}

/** On a page the worst comes first; in a terminal it comes last, where one looks. */
const LEVELS = ["error", "warning", "ok"] as const;
const SIGNS: Readonly<Record<Finding["level"], { sign: string; color: string }>> = {
  error: { sign: "✕ error", color: "#b3261e" },
  warning: { sign: "! warning", color: "#8a5a00" },
  ok: { sign: "✓ ok", color: "#1b6e3c" },
};

/** Columns of a terminal that a finding is written into. */
const WIDTH = 110;

/**
 * Findings, each with its remedy, and what they mean for the training.
 *
 * @param strict Whether warnings stop it too.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { findingsView } from "@/view/training.ts";
 *
 * const { text } = findingsView([{ check: "disk", level: "ok", message: "Room enough" }]);
 * equal(text(), "ok       disk       Room enough\n\nNothing stands in the way of the training.");
 * ```
 */
export function findingsView(findings: readonly Finding[], strict = false): View {
  const sorted = LEVELS.flatMap((level) => findings.filter((finding) => finding.level === level));
  const verdict = verdictOf(findings, strict);
  const text = () => [...sorted.toReversed().map(findingText), ...(sorted.length > 0 ? [""] : []), verdict].join("\n");
  const html = () =>
    `<div style="line-height:1.5">${sorted.map(findingHtml).join("")}` +
    `<div style="font-weight:600;margin-top:.8em">${escapeHtml(verdict)}</div></div>`;
  return view(html, text);
}

/** What the findings mean, in a sentence. */
function verdictOf(findings: readonly Finding[], strict: boolean): string {
  const of = (level: Finding["level"]) => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [of("error"), of("warning")];
  const some = (number: number, name: string) => `${number} ${name}${number === 1 ? "" : "s"}`;
  if (errors > 0 || (strict && warnings > 0)) {
    const what = errors > 0 ? some(errors, "error") : some(warnings, "warning");
    const more = errors > 0 && warnings > 0 ? ` and ${some(warnings, "warning")}` : "";
    return `${what}${more}: the training would not begin.`;
  }
  if (warnings > 0) return `${some(warnings, "warning")}; nothing forbids the training.`;
  return "Nothing stands in the way of the training.";
}

function findingText({ level, check, message, remedy }: Finding): string {
  const indent = 20;
  const head = `${level.padEnd(9)}${check.padEnd(11)}`;
  const lines = [...wrapped(message, WIDTH - indent), ...wrapped(remedy ? `→ ${remedy}` : "", WIDTH - indent)];
  return lines.map((line, i) => (i === 0 ? head : " ".repeat(indent)) + line).join("\n");
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function findingHtml({ level, check, message, remedy }: Finding): string {
  const { sign, color } = SIGNS[level];
  return `<div style="display:grid;grid-template-columns:6.5em 6.5em 1fr;gap:.6em;padding:.35em .6em;` +
    `border-left:4px solid ${color};margin:.25em 0;overflow-wrap:anywhere">` +
    `<span style="color:${color};font-weight:600;white-space:nowrap">${escapeHtml(sign)}</span>` +
    `<span style="opacity:.75">${escapeHtml(check)}</span>` +
    `<span>${escapeHtml(message)}${
      remedy ? `<br><span style="opacity:.85">→ ${escapeHtml(remedy)}</span>` : ""
    }</span></div>`;
}

/** Rows as the trainer sees them: what is learnt on a coloured ground, token by token; the rest grey. */
export function labelsView(rows: readonly LabelledRow[], limit = 5): View {
  const shown = rows.slice(0, limit);
  const head = (row: LabelledRow) =>
    `line ${row.line}: ${count(row.tokens)} tokens, ${count(row.trained)} learnt` +
    (row.cut > 0 ? `, ${count(row.cut)} cut off` : "");
  const html = () =>
    shown.map((row) =>
      `<div style="margin:.6em 0 .2em;font-weight:600">${escapeHtml(head(row))}</div>` +
      `<div style="font-family:ui-monospace,monospace;font-size:.85em;line-height:1.7;overflow-wrap:anywhere">${
        row.spans.map(({ trained, tokens }) =>
          tokens.map(({ text, id, special }, i) => tokenHtml(text, id, special, trained, i)).join("")
        ).join("")
      }</div>`
    ).join("") || "<div>no rows</div>";
  const text = () =>
    shown.map((row) =>
      `${head(row)}\n${
        row.spans.map(({ trained, tokens }) => {
          const said = tokens.map(({ text }) => text).join("");
          return trained ? `⟦${said}⟧` : said;
        }).join("")
      }`
    ).join("\n\n") || "no rows";
  return view(html, text);
}

function tokenHtml(text: string, id: number, special: boolean, trained: boolean, at: number): string {
  // Neighbours differ in shade, so that one sees where a token ends.
  const ground = trained ? pale(PALETTE[0] ?? "", at % 2 === 0 ? 0.26 : 0.14) : "transparent";
  const style = `background:${ground};${trained ? "color:#111" : "opacity:.55"};${special ? "font-weight:700;" : ""}` +
    "border-radius:2px";
  const shown = escapeHtml(text.replaceAll("\n", "⏎")) + "<br>".repeat(text.split("\n").length - 1);
  return `<span title="${id}" style="${style}">${shown}</span>`;
}

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
