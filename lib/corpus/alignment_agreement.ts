/** Whether two judges of the same passages agree: the keyword filter, and alignment by embeddings. */
import type { Table } from "./theme_tables.ts";

/** One passage as both judges see it. */
export interface JudgedPassage {
  readonly id: string;
  readonly excerpt: string;
  /** Whether the keyword filter keeps it. */
  readonly kept: boolean;
  /** Keywords per 1,000 characters, by category in the order of the themes. */
  readonly density: readonly number[];
  /** Alignment, in the same order. */
  readonly scores: readonly number[];
  readonly best: string;
  readonly max: number;
}

export interface CategoryAgreement {
  category: string;
  /** Passages with at least one keyword of the category. */
  with_keywords: number;
  /** Spearman's rank correlation of keyword density and alignment; undefined where one of them does not vary. */
  spearman: number | undefined;
  /** Chance that a passage with keywords is aligned better than one without; undefined where there is only one kind. */
  auc: number | undefined;
  /** Alignment that 10, 50 and 90 % of the passages do not exceed. */
  p10: number;
  p50: number;
  p90: number;
}

export interface Agreement {
  passages: number;
  kept: number;
  dropped: number;
  /** Chance that a passage that the keyword filter keeps is aligned better than one that it drops. */
  auc: number | undefined;
  categories: CategoryAgreement[];
  /** Passages by their highest alignment, in bins that start at `from`: for a chart. */
  histogram: { from: number; to: number; kept: number; dropped: number }[];
  /** Kept for their words although their meaning is elsewhere. */
  doubtful: Pick<JudgedPassage, "id" | "excerpt" | "best" | "max">[];
  /** Dropped for want of words although their meaning is near. */
  missed: Pick<JudgedPassage, "id" | "excerpt" | "best" | "max">[];
}

const BIN = 0.05;
const SHOWN = 5;

/** Compares the judges on a sample of passages. */
export function agreementOf(categories: readonly string[], passages: readonly JudgedPassage[]): Agreement {
  const kept = passages.filter((passage) => passage.kept);
  const dropped = passages.filter((passage) => !passage.kept);
  const brief = ({ id, excerpt, best, max }: JudgedPassage) => ({ id, excerpt, best, max });
  return {
    passages: passages.length,
    kept: kept.length,
    dropped: dropped.length,
    auc: areaUnderCurve(passages.map(({ max }) => max), passages.map((passage) => passage.kept)),
    categories: categories.map((category, index) => {
      const density = passages.map((passage) => passage.density[index] ?? 0);
      const scores = passages.map((passage) => passage.scores[index] ?? 0);
      const sorted = scores.toSorted((a, b) => a - b);
      const quantile = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
      return {
        category,
        with_keywords: density.filter((value) => value > 0).length,
        spearman: spearman(density, scores),
        auc: areaUnderCurve(scores, density.map((value) => value > 0)),
        p10: quantile(0.1),
        p50: quantile(0.5),
        p90: quantile(0.9),
      };
    }),
    histogram: histogramOf(passages),
    doubtful: kept.toSorted((a, b) => a.max - b.max).slice(0, SHOWN).map(brief),
    missed: dropped.toSorted((a, b) => b.max - a.max).slice(0, SHOWN).map(brief),
  };
}

function histogramOf(passages: readonly JudgedPassage[]): Agreement["histogram"] {
  const bins = passages.map(({ max }) => Math.floor(max / BIN + 1e-9));
  const first = bins.reduce((a, b) => Math.min(a, b), Infinity);
  const last = bins.reduce((a, b) => Math.max(a, b), -Infinity);
  if (first > last) return [];
  const at = (bin: number) => Math.round(bin * BIN * 100) / 100;
  const rows = Array.from({ length: last - first + 1 }, (_, i) => ({
    from: at(first + i),
    to: at(first + i + 1),
    kept: 0,
    dropped: 0,
  }));
  passages.forEach((passage, i) => {
    const row = rows[(bins[i] ?? 0) - first];
    if (row) row[passage.kept ? "kept" : "dropped"]++;
  });
  return rows;
}

/** Ranks from 1; ties share the mean of theirs. */
export function ranks(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const result = new Array<number>(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end++;
    for (let i = start; i < end; i++) result[order[i] ?? 0] = (start + 1 + end) / 2;
    start = end;
  }
  return result;
}

/**
 * Spearman's rank correlation: Pearson's of the ranks, so that ties count right. Undefined where one side does not vary.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { spearman } from "@/corpus/alignment_agreement.ts";
 *
 * equal(spearman([1, 2, 3], [10, 100, 1000]), 1);
 * equal(spearman([1, 1, 1], [1, 2, 3]), undefined);
 * ```
 */
export function spearman(a: readonly number[], b: readonly number[]): number | undefined {
  const [x, y] = [ranks(a), ranks(b)];
  const mean = (x.length + 1) / 2;
  let xx = 0, yy = 0, xy = 0;
  for (let i = 0; i < x.length; i++) {
    const dx = (x[i] ?? 0) - mean, dy = (y[i] ?? 0) - mean;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  return xx === 0 || yy === 0 ? undefined : xy / Math.sqrt(xx * yy);
}

/**
 * Area under the ROC curve by the Mann-Whitney statistic: the chance that a positive has a higher score than a negative,
 * ties counting half. Undefined where one of the two is missing.
 */
export function areaUnderCurve(scores: readonly number[], positive: readonly boolean[]): number | undefined {
  const positives = positive.filter(Boolean).length;
  const negatives = positive.length - positives;
  if (positives === 0 || negatives === 0) return undefined;
  const sum = ranks(scores).reduce((total, rank, index) => total + (positive[index] ? rank : 0), 0);
  return (sum - positives * (positives + 1) / 2) / (positives * negatives);
}

/** The agreement as tables, for a terminal and a notebook. */
export function agreementTables(agreement: Agreement): Table[] {
  const number = (value: number | undefined) => value === undefined ? "" : value.toFixed(2);
  const passageRow = ({ id, best, max, excerpt }: Agreement["missed"][number]) => [id, best, max.toFixed(2), excerpt];
  const columns = ["passage", "nearest theme", "alignment", "begins"];
  return [
    {
      title: "Alignment and keywords by theme (rank correlation; AUC: chance that a passage with keywords is nearer)",
      columns: ["theme", "with keywords", "correlation", "AUC", "p10", "median", "p90"],
      rows: agreement.categories.map((row) => [
        row.category,
        row.with_keywords,
        number(row.spearman),
        number(row.auc),
        number(row.p10),
        number(row.p50),
        number(row.p90),
      ]),
    },
    {
      title: "Highest alignment of a passage",
      columns: ["from", "to", "kept by keywords", "dropped by keywords"],
      rows: agreement.histogram.map(({ from, to, kept, dropped }) => [from.toFixed(2), to.toFixed(2), kept, dropped]),
    },
    { title: "Kept by keywords, but farthest from every theme", columns, rows: agreement.doubtful.map(passageRow) },
    { title: "Dropped by keywords, but nearest to a theme", columns, rows: agreement.missed.map(passageRow) },
  ].filter(({ rows }) => rows.length > 0);
}
