/** The benchmark's results as text, and as rows for a chart. */
import type { BenchmarkResults, BenchmarkRow } from "./benchmark_file.ts";

/** The least rating of a model that generation is advised to use. */
export const GOOD_ENOUGH = 3.0;

/** Puts the models in order: fastest first by tokens per second; those that could not be measured last, by name. */
export function ranked(rows: readonly BenchmarkRow[]): BenchmarkRow[] {
  return [...rows].sort((a, b) =>
    Number(a.error !== undefined) - Number(b.error !== undefined) ||
    (b.tokensPerSecond ?? 0) - (a.tokensPerSecond ?? 0) || (a.model < b.model ? -1 : 1)
  );
}

/** The fastest model that is rated 3.0 or better and whose answers can be used. */
export function recommend(rows: readonly BenchmarkRow[]): string | undefined {
  return ranked(rows).find(usable)?.model;
}

function usable({ error, rating = 0, hoursPer1000 }: BenchmarkRow): boolean {
  return error === undefined && rating >= GOOD_ENOUGH && hoursPer1000 !== undefined;
}

/** A row for a chart: plain numbers, undefined left out. A type and not an interface, which no chart would take. */
export type BenchmarkPoint = {
  model: string;
  tokensPerSecond: number;
  ttftSeconds: number;
  seconds: number;
  hoursPer1000?: number;
  rating?: number;
  recommended: boolean;
};

/** The measured models as rows for `bars` or `dots` of lib/view/charts.ts. */
export function benchmarkPoints({ models, recommended }: BenchmarkResults): BenchmarkPoint[] {
  return models.flatMap(({ model, error, tokensPerSecond = 0, ttftSeconds = 0, seconds = 0, hoursPer1000, rating }) =>
    error !== undefined ? [] : [{
      model,
      tokensPerSecond,
      ttftSeconds,
      seconds,
      ...(hoursPer1000 === undefined ? {} : { hoursPer1000 }),
      ...(rating === undefined ? {} : { rating }),
      recommended: model === recommended,
    }]
  );
}

/** The ranked table, what the evaluator said, and which model to use. */
export function resultsText(results: BenchmarkResults, titles: Readonly<Record<string, string>>): string {
  const { models, recommended, unrated, skipped } = results;
  const longest = Math.max(33, ...models.map(({ model }) => model.length));
  const cells = (...cells: string[]) =>
    cells.map((cell, at) => cell.padEnd([6, longest + 3, 11, 11, 11, 11, 0][at] ?? 0)).join("").trimEnd();
  const header = cells("Rank", "Model", "Tok/s", "TTFT", "Time", "1000 Resp", "Rating");
  const rule = "-".repeat(Math.max(98, header.length));
  const measured = models.filter(({ error }) => error === undefined);
  const failed = models.filter(({ error }) => error !== undefined);
  const lines = [
    header,
    rule,
    ...measured.map((row, index) =>
      cells(
        String(index + 1),
        plain(row.model),
        `${row.estimated ? "~" : ""}${(row.tokensPerSecond ?? 0).toFixed(2)}`,
        `${(row.ttftSeconds ?? 0).toFixed(3)}s`,
        `${(row.seconds ?? 0).toFixed(2)}s`,
        row.hoursPer1000 === undefined ? "none" : `${hours(row.hoursPer1000)}h`,
        row.rating === undefined ? "not rated" : `${row.rating.toFixed(1)}/5`,
      )
    ),
    ...failed.map(({ model, error }) => cells("-", plain(model)) + `  failed: ${plain(error ?? "")}`),
  ];
  if (measured.some((row) => row.estimated)) lines.push("~ the server told no number of tokens; pieces were counted");
  if (skipped.length > 0) lines.push(`left out: ${skipped.map((s) => `${plain(s.model)} (${s.reason})`).join(", ")}`);
  const rated = measured.filter(({ criteria }) => criteria);
  if (rated.length > 0) {
    lines.push(
      "",
      rule,
      "EVALUATION DETAILS:",
      rule,
      ...rated.flatMap((row) => details(row, titles)),
    );
  }
  lines.push("", ...advice(measured, recommended, unrated));
  return lines.join("\n");
}

function details(row: BenchmarkRow, titles: Readonly<Record<string, string>>): string[] {
  const criteria = Object.entries(row.criteria ?? {}).map(([id, mark]) => ({ ...mark, title: titles[id] ?? id }));
  const marks = criteria.map(({ title, score }) => `${title} ${score === undefined ? "missing" : score.toFixed(1)}`);
  const reasons = criteria.filter(({ evidence }) => evidence).map(({ title, evidence }) =>
    `${title}: ${plain(evidence)}`
  );
  const remarks = [
    ...(row.marksMissing ? [`${(row.marksMissing * 100).toFixed(0)} % of the marks could not be read`] : []),
    ...(row.kin ? ["rated by a model of its own family, which models favour"] : []),
  ];
  return [
    "",
    `${plain(row.model)}:`,
    `  Rating: ${
      row.rating === undefined ? "none, since a criterion has no readable mark" : `${row.rating.toFixed(1)}/5.0`
    }`,
    `  Marks: ${marks.join(", ")}`,
    ...(remarks.length > 0 ? [`  Note: ${remarks.join("; ")}`] : []),
    `  Reasoning: ${reasons.join(" ") || "none given"}`,
  ];
}

function advice(measured: readonly BenchmarkRow[], recommended: string | undefined, unrated?: string): string[] {
  if (unrated !== undefined) return [`Not rated: ${plain(unrated)}. So none is recommended.`];
  const best = measured.find(({ model }) => model === recommended);
  if (!best) return [`No model is rated ${GOOD_ENOUGH.toFixed(1)} or better with answers that can be used.`];
  const lines = [
    `Recommended: ${plain(best.model)}, the fastest that is rated ${GOOD_ENOUGH.toFixed(1)} or better.`,
    `  deno task generate --lmstudio-model auto`,
  ];
  // Tokens of reasoning are fast and bring nothing home.
  const need = best.hoursPer1000 ?? 0;
  const [sooner] = measured.filter(usable).sort((a, b) => (a.hoursPer1000 ?? 0) - (b.hoursPer1000 ?? 0));
  if (sooner && sooner !== best && (sooner.hoursPer1000 ?? 0) < need * 0.9) {
    lines.push(
      `${plain(sooner.model)} writes fewer tokens a second, but needs less time for 1,000 responses: ` +
        `${hours(sooner.hoursPer1000 ?? 0)} h instead of ${hours(need)} h, since it writes fewer of them.`,
    );
  }
  return lines;
}

function hours(value: number): string {
  return value.toFixed(value < 0.095 ? 3 : 1);
}

/** One line of text that no model can use to move the cursor. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\s+/g, " ").replace(/[\x00-\x1f\x7f-\x9f]/g, "\ufffd");
}
