/** What a number of requests at a time brings, and when another number, or another moment, brings more or less. */
import type { Reading } from "./scheduler_meter.ts";

/** A settled level, smoothed over measurements. */
export interface Level {
  readonly rate: number;
  /** Requests that only waited. */
  readonly queued: number;
  readonly rounds: number;
}

/** Share of the best rate seen that fewer requests must reach, and below which that best level is gone back to … */
const AS_GOOD = 0.985, WORSE = 0.97;
/** … less what chance does to a measurement of n requests: this divided by √n. */
const CHANCE = 0.1;
/** Change of rate at the same limit after which the server counts as changed. */
const CHANGED = 0.15;

/** A level with one measurement more. */
export function smoothed(before: Level | undefined, rate: number, queued: number): Level {
  if (!before) return { rate, queued, rounds: 1 };
  return {
    rate: before.rate + (rate - before.rate) * 0.3,
    queued: before.queued + (queued - before.queued) * 0.3,
    rounds: before.rounds + 1,
  };
}

/** Whether the server is another than it was: of another rate, or the one that always waited waits no more. */
export function hasChanged(before: Level, rate: number, queued: number): boolean {
  if (before.rounds < 2) return false;
  return Math.abs(rate / before.rate - 1) > CHANGED || before.queued > 0.6 && queued < 0.25;
}

/** Whether the change, if it was one, is more room and no slower pace. */
export function hasMoreRoom(before: Level, rate: number, queued: number): boolean {
  return queued < 0.5 && rate > before.rate * (1 - CHANGED);
}

/** Whether fewer requests do as well as more did. */
export function isAsGood({ rate, ended }: Reading, best: number): boolean {
  return rate >= (AS_GOOD - CHANCE / Math.sqrt(ended)) * best;
}

/** Whether a smoothed rate falls short of the best, the last measurement having had so many requests. */
export function isWorse({ rate, rounds }: Level, best: number, ended: number): boolean {
  return rounds > 1 && rate < (WORSE - CHANCE / Math.sqrt(ended)) * best;
}

/** Requests for as many as the server works on, and one that waits for the next place. */
export function room({ busy, most }: Reading): number {
  return Math.ceil(Math.max(busy, most) - 0.2) + 1;
}
