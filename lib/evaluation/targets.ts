/** Whether a figure shows what the documents ask for: by the bound of its interval, never by the figure alone. */
import { type Interval, trialsNeeded } from "./statistics.ts";

export interface Target {
  /** As people read it: "> 80 %". */
  readonly text: string;
  readonly sense: "above" | "below";
  readonly value: number;
}

/**
 * `met`: the one-sided 95 % bound lies beyond the target. `not met`: the figure itself does not. `not shown`: the figure
 * does, but there are too few units to say so.
 */
export type Verdict = "met" | "not met" | "not shown" | "not measured" | "no target";

export interface Ruling {
  readonly verdict: Verdict;
  /** In a few words, with the units that would be needed. */
  readonly why: string;
}

type Kind = "share" | "points" | "mean";

/** Fewer units than this show nothing of a mean: its bootstrap is too sure of itself. */
export const LEAST_UNITS = 10;

/**
 * Rules on a figure.
 *
 * @param kind A `share` of units, whose needed number is known; or a difference in `points` or a `mean`, whose intervals
 * narrow with the root of the number.
 * @param unit What is counted, in the plural.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { wilson } from "@/evaluation/statistics.ts";
 * import { ruleOn } from "@/evaluation/targets.ts";
 *
 * const target = { text: "> 95 %", sense: "above", value: 0.95 } as const;
 * equal(ruleOn(wilson(300, 300), target, "share", "questions").verdict, "met");
 * equal(ruleOn(wilson(39, 40), target, "share", "questions").why, "97.5 % of 40 questions is too few: 206 would show it");
 * ```
 */
export function ruleOn(interval: Interval, target: Target, kind: Kind, unit: string): Ruling {
  const { estimate, n } = interval;
  const { sense, value } = target;
  if (n === 0 || Number.isNaN(estimate)) return { verdict: "not measured", why: `no ${unit}` };
  const margin = sense === "above" ? estimate - value : value - estimate;
  const shown = sense === "above" ? interval.lower > value : interval.upper < value;
  const bound = sense === "above"
    ? `at least ${written(interval.lower, kind)}`
    : `at most ${written(interval.upper, kind)}`;
  const enough = kind !== "mean" || n >= LEAST_UNITS;
  if (shown && enough) return { verdict: "met", why: `${bound} with 95 % confidence, ${n} ${unit}` };
  if (!(margin > 0)) return { verdict: "not met", why: `${written(estimate, kind)} of ${n} ${unit}` };
  const half = sense === "above" ? estimate - interval.lower : interval.upper - estimate;
  const needed = kind === "share"
    ? trialsNeeded(sense === "above" ? estimate : 1 - estimate, sense === "above" ? value : 1 - value)
    : Math.max(LEAST_UNITS, Math.ceil(n * (half / margin) ** 2));
  return {
    verdict: "not shown",
    why: `${written(estimate, kind)} of ${n} ${unit} is too few: ${needed?.toLocaleString("en-US")} would show it`,
  };
}

function written(value: number, kind: Kind): string {
  if (kind === "share") return `${(100 * value).toFixed(1)} %`;
  const signed = (size: string) => `${value < 0 ? "−" : "+"}${size}`;
  return kind === "points" ? `${signed((100 * Math.abs(value)).toFixed(1))} points` : value.toFixed(3);
}
