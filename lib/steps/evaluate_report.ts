/** An evaluation as people read it in a terminal. */
import { count } from "../core/format.ts";
import { textTable } from "../core/text_table.ts";
import { type Measure, tally } from "../evaluation/measures.ts";
import type { Interval } from "../evaluation/statistics.ts";
import type { Evaluation } from "./evaluate.ts";

/** A figure with its two-sided 95 % interval, in the measure's own unit. */
export function figure(interval: Interval | undefined, unit: Measure["unit"]): string {
  if (!interval || interval.n === 0) return "";
  const { estimate, low, high } = interval;
  if (unit === "share") return `${percent(estimate)} % (${percent(low)}–${percent(high)})`;
  const digits = unit === "mark" ? 2 : 3;
  return `${estimate.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** How the figure that the target is about is written: the difference where there is one. */
export function compared({ difference, unit }: Measure): string {
  if (!difference) return "";
  const sign = (value: number) => value < 0 ? "−" : "+";
  const { estimate } = difference;
  return unit === "share"
    ? `${sign(estimate)}${percent(Math.abs(estimate))} points`
    : `${sign(estimate)}${Math.abs(estimate).toFixed(3)}`;
}

export function evaluationText(evaluation: Evaluation): string {
  const { models, measures, strata, questions, judge } = evaluation;
  const named = (["tuned", "base"] as const).flatMap((side) => {
    const model = models[side];
    return model ? [`${side}: ${model.name}, ${count(model.answers)} answers`] : [];
  });
  const table = textTable(
    ["Measure", "Tuned", "Base", "Difference", "Target", "Verdict"],
    measures.map((measure) => [
      measure.title,
      figure(measure.tuned, measure.unit),
      figure(measure.base, measure.unit),
      compared(measure),
      measure.target?.text ?? "",
      measure.verdict === "no target" ? "" : measure.verdict,
    ]),
  );
  const reasons = measures.filter(({ why }) => why !== "").map(({ title, verdict, why }) =>
    `  ${title}: ${verdict}; ${why}`
  );
  const counts = tally(measures);
  const targets = measures.filter(({ verdict }) => verdict !== "no target").length;
  return [
    `${count(questions)} questions; ${named.join("; ")}${judge ? `; judge: ${judge.model}` : "; no judge"}`,
    "",
    table,
    "",
    ...(strata.length > 0
      ? [
        textTable(
          ["Temporal compliance", "Tuned", "Base", "Violations"],
          strata.map(({ stratum, tuned, base }) => [
            stratum.replaceAll("_", " "),
            figure(tuned, "share"),
            figure(base, "share"),
            [tuned, base].map((side) => side ? String(side.violations) : "–").join(" / "),
          ]),
        ),
        "",
      ]
      : []),
    ...reasons,
    "",
    `${counts.met} of ${targets} targets are shown to be met; ${counts["not met"]} are not met, ` +
    `${counts["not shown"]} not shown, ${counts["not measured"]} not measured.`,
  ].join("\n");
}
