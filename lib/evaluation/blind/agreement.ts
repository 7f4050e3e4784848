/**
 * Krippendorff's α for nominal data with missing values (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"):
 * 1 − observed / expected disagreement over the coincidences within units. 1 is full agreement, 0 that of chance; from
 * 0.8 it is firm, from 0.667 tentative.
 *
 * @param units The values that raters gave to each unit; units with fewer than two count for nothing.
 * @returns undefined where no unit has two values, or all values are the same.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { krippendorffAlpha } from "@/evaluation/blind/agreement.ts";
 *
 * equal(krippendorffAlpha([["a", "a"], ["b", "b"]]), 1);
 * equal(krippendorffAlpha([["a"], ["b"]]), undefined);
 * ```
 */
export function krippendorffAlpha(units: readonly (readonly string[])[]): number | undefined {
  const totals = new Map<string, number>();
  let pairable = 0, observed = 0;
  for (const values of units) {
    if (values.length < 2) continue;
    pairable += values.length;
    const counts = new Map<string, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    for (const [value, n] of counts) {
      totals.set(value, (totals.get(value) ?? 0) + n);
      observed += n * (values.length - n) / (values.length - 1);
    }
  }
  let expected = 0;
  for (const n of totals.values()) expected += n * (pairable - n) / (pairable - 1);
  return expected === 0 ? undefined : 1 - observed / expected;
}
