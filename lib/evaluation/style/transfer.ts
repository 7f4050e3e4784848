/** The transfer score: which share of the way from the base model to the author the tuned one has gone. */
import { deviation, type Interval, intervalOf, mean } from "../statistics.ts";
import type { Channel } from "./channels.ts";

/** Distances from the author's reference text, a number a draw. */
export interface ChannelDraws {
  readonly base: readonly number[];
  readonly tuned: readonly number[];
  /** The author's own held-out text: nobody can be expected to come nearer. */
  readonly hold: readonly number[];
}

export interface ChannelScore {
  readonly id: string;
  readonly title: string;
  readonly definition: string;
  /** Mean distances over the draws. */
  readonly distance: { readonly base: number; readonly tuned: number; readonly hold: number };
  /** Share of the distance closed; undefined where the channel is not valid. */
  readonly closed: Interval | undefined;
  /** Why the channel is not valid. */
  readonly why: string | undefined;
}

export interface TransferScore {
  /** Mean over the valid channels. */
  readonly score: Interval | undefined;
  readonly channels: readonly ChannelScore[];
  /** Why there is no score. */
  readonly why: string | undefined;
}

/** Fewer valid channels make no score. */
const LEAST_CHANNELS = 3;
/** A distance to close that is smaller than this many standard errors is none. */
const GUARD = 2;

/**
 * `T = mean over channels of clip₀¹[(d(B) − d(F)) / (d(B) − d(H))]`, d the mean distance from the author's reference
 * over the draws, B the base, F the tuned model, H the author's held-out text. A channel whose denominator is below two
 * standard errors is not valid: there was nothing to close. The interval is that of the same figure draw by draw.
 *
 * @param n Units behind the draws, for the interval.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { CHANNELS } from "@/evaluation/style/channels.ts";
 * import { transferScore } from "@/evaluation/style/transfer.ts";
 *
 * const draws = { base: [0.9, 1.1], tuned: [0.5, 0.7], hold: [0.1, 0.3] };
 * equal(transferScore(CHANNELS, CHANNELS.map(() => draws), 2).score?.estimate.toFixed(2), "0.50");
 * ```
 */
export function transferScore(
  channels: readonly Channel[],
  draws: readonly ChannelDraws[],
  n: number,
): TransferScore {
  const scored = channels.map((channel, at) =>
    scoreChannel(channel, draws[at] ?? { base: [], tuned: [], hold: [] }, n)
  );
  const valid = scored.flatMap(({ score, perDraw }) => score.closed ? [{ closed: score.closed, perDraw }] : []);
  const all = scored.map(({ score }) => score);
  if (valid.length >= LEAST_CHANNELS) {
    const perDraw = (valid[0]?.perDraw ?? []).map((_, at) => mean(valid.map(({ perDraw }) => perDraw[at] ?? NaN)));
    const estimate = mean(valid.map(({ closed }) => closed.estimate));
    return { score: intervalOf(estimate, perDraw, n), channels: all, why: undefined };
  }
  if (draws.length > 0 && draws.every(isSame)) {
    const nothing: Interval = { estimate: 0, low: 0, high: 0, lower: 0, upper: 0, n };
    return { score: nothing, channels: all, why: undefined }; // Two models that write the same: nothing was closed.
  }
  const left = `${valid.length} of ${channels.length} channels`;
  return {
    score: undefined,
    channels: all,
    why: `in only ${left} the base is clearly further from the author than the author's own held-out text ` +
      `(${LEAST_CHANNELS} are needed): there is too little to close, or too little text to see it`,
  };
}

function scoreChannel(
  { id, title, definition }: Channel,
  { base, tuned, hold }: ChannelDraws,
  n: number,
): { score: ChannelScore; perDraw: readonly number[] } {
  const gaps = base.map((distance, at) => distance - (hold[at] ?? NaN));
  const distance = { base: mean(base), tuned: mean(tuned), hold: mean(hold) };
  const gap = distance.base - distance.hold;
  const error = deviation(gaps);
  const named = { id, title, definition, distance };
  if (!(gap > 0 && gap >= GUARD * error)) {
    const why = Number.isFinite(gap)
      ? `the base is ${gap > 0 ? `only ${(gap / error).toFixed(1)} standard errors` : "not"} further from the author ` +
        "than the author's own held-out text"
      : "there is nothing to measure";
    return { score: { ...named, closed: undefined, why }, perDraw: [] };
  }
  const perDraw = gaps.map((gap, at) => closedShare((base[at] ?? NaN) - (tuned[at] ?? NaN), gap));
  const estimate = closedShare(distance.base - distance.tuned, gap);
  return { score: { ...named, closed: intervalOf(estimate, perDraw, n), why: undefined }, perDraw };
}

/** In a draw by which the base is no further than the author, nothing can be closed. */
function closedShare(closed: number, gap: number): number {
  return gap > 0 ? Math.min(1, Math.max(0, closed / gap)) : 0;
}

function isSame({ base, tuned }: ChannelDraws): boolean {
  return base.length > 0 && base.every((distance, at) => distance === tuned[at]);
}
