/** Whether a target is met: only a bound says so, never the figure itself. */
import type { Interval } from "../statistics.ts";

export type TargetId = "transfer" | "vocabulary" | "structure" | "markers" | "pov";

export interface Target {
  readonly id: TargetId;
  readonly title: string;
  /** To be exceeded, 0 to 1. */
  readonly goal: number;
  /** What the figure is. */
  readonly definition: string;
  readonly status: "met" | "not met" | "not shown";
  /** Why, in a sentence; empty where it is met. */
  readonly why: string;
  readonly estimate?: number;
  /** One-sided 95 % bounds. */
  readonly lower?: number;
  readonly upper?: number;
  /** The same figure for the base model and for the author's held-out text, where it has one for them. */
  readonly base?: number;
  readonly author?: number;
  /** The figure that the target's words seem to ask for. */
  readonly naive: { readonly value: number; readonly definition: string; readonly differs: string };
}

export type TargetFacts = Omit<Target, "status" | "why" | "estimate" | "lower" | "upper">;

export interface Evidence {
  readonly interval: Interval | undefined;
  /** Words of the tuned model behind it. */
  readonly words: number;
  /** Why nothing can be claimed at all: too little text, no valid channel. */
  readonly obstacles: readonly string[];
  /** Why it cannot be met whatever the figure: a gate that failed, a condition that does not hold. */
  readonly refusals: readonly string[];
}

/**
 * Judges a target.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { judgeTarget } from "@/evaluation/style/targets.ts";
 *
 * const facts = {
 *   id: "pov" as const,
 *   title: "Point of view",
 *   goal: 0.8,
 *   definition: "",
 *   naive: { value: 1, definition: "", differs: "" },
 * };
 * const interval = { estimate: 0.85, low: 0.7, high: 0.95, lower: 0.72, upper: 0.94, n: 20 };
 * const evidence = { interval, words: 6000, obstacles: [], refusals: [] };
 * equal(judgeTarget(facts, evidence).status, "not shown"); // 0.85 is more than 0.80, but the bound is not.
 * ```
 */
export function judgeTarget(facts: TargetFacts, { interval, words, obstacles, refusals }: Evidence): Target {
  const figures = interval && Number.isFinite(interval.estimate)
    ? { estimate: interval.estimate, lower: interval.lower, upper: interval.upper }
    : {};
  const answer = (status: Target["status"], why: string): Target => ({ ...facts, ...figures, status, why });
  if (obstacles.length > 0) return answer("not shown", obstacles.join("; "));
  if (refusals.length > 0) return answer("not met", refusals.join("; "));
  if (!interval || !Number.isFinite(interval.estimate)) return answer("not shown", "there is nothing to measure");
  const { estimate, lower } = interval;
  const shown = (share: number) => `${(100 * share).toFixed(1)} %`;
  if (lower > facts.goal) return answer("met", "");
  if (estimate <= facts.goal) return answer("not met", `${shown(estimate)} is not more than ${shown(facts.goal)}`);
  // The interval shrinks with the root of the words, if what is added is like what is there.
  const needed = words * ((estimate - lower) / (estimate - facts.goal)) ** 2;
  const more = Math.ceil((needed - words) / 100 - 1e-9) * 100;
  return answer(
    "not shown",
    `n too small: ${shown(estimate)}, but the lower bound is ${shown(lower)}; about ` +
      `${more.toLocaleString("en-US")} words more a side would show it, if they are like these`,
  );
}

/** Why a pool of text is too small, if it is. */
export function tooFewWords(name: string, words: number, least: number): string[] {
  if (words >= least) return [];
  const figure = (value: number) => value.toLocaleString("en-US");
  return [`n too small: ${name} has ${figure(words)} words, ${figure(least - words)} words more are needed`];
}
