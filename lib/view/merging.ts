/** How a merge and a GGUF came out, for a notebook. */
import { UserError } from "../core/errors.ts";
import { ADAPTER_FLOOR, type MergeFigures, mergeLimits } from "../training/merge_gate.ts";
import type { Candidate } from "../training/candidates.ts";
import type { GgufRecord } from "../training/gguf_record.ts";
import type { Finding } from "../training/preflight/finding.ts";
import { type Chart, chart } from "./chart.ts";
import { PALETTE } from "./colors.ts";
import { type Table, table } from "./tables.ts";

const [BLUE = "", ORANGE = "", GREEN = "", , AMBER = "", , GREY = ""] = PALETTE;

/** Every adapter that a run saved or only evaluated, the chosen one marked. */
export function candidateTable(candidates: readonly Candidate[]): Table {
  return table(
    candidates.map(({ name, step, evalLoss, folder, chosen, why }) => ({
      "": chosen ? "→" : "",
      candidate: name,
      step,
      evaluation_loss: evalLoss,
      saved: folder === undefined ? "no" : "yes",
      why,
    })),
  );
}

/** Evaluation loss over the steps: what was saved can be merged, what was only evaluated is lost. */
export function candidateChart(candidates: readonly Candidate[]): Chart {
  const kind = ({ chosen, folder }: Candidate) => chosen ? "merged" : folder === undefined ? "not saved" : "saved";
  const rows = candidates.flatMap((candidate) =>
    candidate.step === undefined || candidate.evalLoss === undefined
      ? []
      : [{ step: candidate.step, loss: candidate.evalLoss, candidate: candidate.name, state: kind(candidate) }]
  );
  const x = { field: "step", type: "quantitative", title: "step" };
  const y = { field: "loss", type: "quantitative", title: "evaluation loss", scale: { zero: false } };
  return chart({
    data: { values: rows },
    width: 560,
    height: 220,
    title: { text: "Which checkpoint", subtitle: "The lowest loss among those that were saved" },
    layer: [
      { mark: { type: "line", color: GREY, opacity: 0.5 }, encoding: { x, y } },
      {
        mark: { type: "point", filled: true, size: 110, opacity: 1 },
        encoding: {
          x,
          y,
          color: {
            field: "state",
            type: "nominal",
            title: null,
            scale: { domain: ["merged", "saved", "not saved"], range: [ORANGE, BLUE, "#bbbbbb"] },
          },
          tooltip: [{ field: "candidate", type: "nominal" }, { field: "loss", type: "quantitative", format: ".4f" }],
        },
      },
    ],
  });
}

/** What was looked at and what was found, worst first. */
export function findingTable(findings: readonly Finding[]): Table {
  const order = ["error", "warning", "ok"];
  return table(
    findings.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level)).map((
      { check, level, message, remedy },
    ) => ({ check, "": level, found: level === "ok" || !remedy ? message : `${message}. ${remedy}` })),
  );
}

/** Divergences below this are the noise of the arithmetic, and drawn at it. */
const FLOOR = 1e-12;

/**
 * Divergences on one scale of powers of ten. What merging changed must lie left of its limit; what the adapter
 * brought must lie a factor of ten or more to the right of what merging changed.
 *
 * @throws {UserError} for a model that was merged without being measured.
 */
export function mergeScale({ figures, dtype }: { figures: MergeFigures | null; dtype: string }): Chart {
  if (!figures) {
    throw new UserError("Cannot draw this merge: it was not measured", { hint: "Merge again with verify: true." });
  }
  const limit = mergeLimits(dtype).meanKl;
  const fourBit = figures.fourBit && "meanKl" in figures.fourBit ? figures.fourBit : undefined;
  const at = (value: number) => Math.max(FLOOR, value);
  const rows = [
    { what: "changed by merging", kl: at(figures.meanKl), exact: figures.meanKl },
    { what: "brought by the adapter", kl: at(figures.adapterKl), exact: figures.adapterKl },
    { what: "seen in the merged model", kl: at(figures.baseKl), exact: figures.baseKl },
    ...fourBit ? [{ what: "other than beside a 4-bit base", kl: at(fourBit.meanKl), exact: fourBit.meanKl }] : [],
  ];
  const names = rows.map(({ what }) => what);
  const marks = [
    { kl: limit, mark: `limit ${limit.toExponential(0)}`, height: 2 },
    { kl: at(ADAPTER_FLOOR * figures.meanKl), mark: `floor: ${ADAPTER_FLOOR} × merging`, height: 126 },
  ];
  const x = {
    field: "kl",
    type: "quantitative",
    title: "mean KL divergence, nats",
    scale: { type: "log", domain: [FLOOR / 10, 10] },
    axis: { format: ".0e", tickCount: 7 },
  };
  const y = { field: "what", type: "nominal", sort: names, title: null, axis: { ticks: false, labelPadding: 6 } };
  return chart({
    width: 560,
    height: 140 + (fourBit ? 46 : 0),
    title: {
      text: "What merging changed, and what the adapter brought",
      subtitle: "The first point belongs left of the limit, the next two together and right of the floor" +
        (fourBit ? "; the last tells what 4 bits were" : ""),
    },
    layer: [
      {
        data: { values: marks },
        mark: { type: "rule", strokeDash: [4, 4], color: GREY },
        encoding: { x },
      },
      {
        data: { values: marks },
        mark: { type: "text", align: "left", baseline: "top", dx: 4, fontSize: 11, color: GREY },
        encoding: { x, y: { field: "height", type: "quantitative", scale: null, axis: null }, text: { field: "mark" } },
      },
      {
        data: { values: rows },
        mark: { type: "point", filled: true, size: 150, opacity: 1 },
        encoding: {
          x,
          y,
          color: {
            field: "what",
            type: "nominal",
            legend: null,
            scale: { domain: names, range: [BLUE, GREEN, ORANGE, GREY] },
          },
          tooltip: [{ field: "what", type: "nominal" }, { field: "exact", type: "quantitative", format: ".2e" }],
        },
      },
    ],
  });
}

/** What a QLoRA was trained as, beside what was made of it; where that was not measured, why. */
export function fourBitTable({ figures }: { figures: MergeFigures | null }): Table {
  const fourBit = figures?.fourBit;
  if (!fourBit) return table([{ what: "not measured", figure: "the adapter was trained beside the whole base" }]);
  if ("missing" in fourBit) return table([{ what: "not measured", figure: fourBit.missing }]);
  const { meanKl, topAgreement, trainedLoss, mergedLoss, lossError, positions } = fourBit;
  return table([
    { what: "places of held-out text", figure: positions },
    { what: "mean KL divergence of the merged model, nats", figure: meanKl.toExponential(1) },
    { what: "same first choice", figure: `${(100 * topAgreement).toFixed(1)} %` },
    { what: "loss beside the base in 4 bit, as it was trained", figure: trainedLoss.toFixed(4) },
    { what: "loss merged into the whole base", figure: mergedLoss.toFixed(4) },
    {
      what: "difference, and its standard error",
      figure: `${(mergedLoss - trainedLoss).toFixed(4)} ± ${lossError.toFixed(4)}`,
    },
  ]);
}

/** The mean divergence of the quantised model as more of the text is read: flat means that the text was long enough. */
export function divergenceCurve(
  { divergence, gguf }: Pick<GgufRecord, "divergence" | "gguf">,
  limits: { klWarn: number; klFail: number },
): Chart {
  const rows = (divergence?.running ?? []).map((kl, at) => ({ chunk: at + 1, kl }));
  const marks = [{ kl: limits.klWarn, what: "warning" }, { kl: limits.klFail, what: "refused" }];
  const top = 1.15 * Math.max(limits.klFail, ...rows.map(({ kl }) => kl));
  const y = {
    field: "kl",
    type: "quantitative",
    title: "mean KL divergence, nats",
    scale: { domain: [Math.min(0, ...rows.map(({ kl }) => kl)), top] },
  };
  const color = {
    field: "what",
    type: "nominal",
    title: null,
    scale: { domain: ["warning", "refused"], range: [AMBER, ORANGE] },
  };
  return chart({
    width: 560,
    height: 200,
    title: {
      text: `${gguf.quantType} against f16`,
      subtitle: divergence
        ? `${divergence.tokens.toLocaleString("en-US")} tokens of ${divergence.text}; same first choice at ` +
          `${(100 * divergence.topAgreement.value).toFixed(1)} %`
        : "not measured",
    },
    layer: [
      {
        data: { values: marks },
        mark: { type: "rule", strokeDash: [4, 4], strokeWidth: 1.5 },
        encoding: { y, color },
      },
      {
        data: { values: rows },
        mark: { type: "line", color: BLUE, point: { filled: true, color: BLUE } },
        encoding: {
          x: { field: "chunk", type: "quantitative", title: "chunks read", axis: { tickMinStep: 1, format: "d" } },
          y,
          tooltip: [{ field: "chunk", type: "quantitative" }, { field: "kl", type: "quantitative", format: ".5f" }],
        },
      },
    ],
  });
}

/** Greedy answers of the model before and after quantising, side by side. */
export function answerTable({ answers, gguf }: Pick<GgufRecord, "answers" | "gguf">): Table {
  return table({
    columns: ["question", "f16", gguf.quantType],
    rows: answers.map(({ question, f16, quantised }) => [question, f16, quantised]),
  });
}
