/** Time as the scheduler needs it: one alarm, and the part of the wall time that each request takes. */
import type { Clock } from "../core/step.ts";

/** One alarm; an earlier one replaces a later one, and it goes off once. */
export function createAlarm(clock: Clock, signal: AbortSignal, ring: () => void): (at: number) => void {
  let set: { readonly at: number; readonly cancel: AbortController } | undefined;
  return (at) => {
    if (!Number.isFinite(at) || set && set.at <= at) return;
    set?.cancel.abort();
    const mine = set = { at, cancel: new AbortController() };
    clock.sleep(at - clock.now(), AbortSignal.any([signal, mine.cancel.signal])).then(() => {
      if (set === mine) set = undefined;
      ring();
    }, () => {});
  };
}

/** Requests under way, and how much of the wall time one of them takes: with four under way, a quarter of each second. */
export interface Shares {
  readonly underWay: number;
  /** Milliseconds for each request that has been under way since the beginning. */
  readonly each: number;
  change(by: number): void;
}

export function createShares(clock: Clock): Shares {
  let underWay = 0, each = 0, at = clock.now();
  return {
    get underWay() {
      return underWay;
    },
    get each() {
      return each;
    },
    change(by) {
      const now = clock.now();
      if (underWay > 0) each += Math.max(0, now - at) / underWay;
      at = now;
      underWay += by;
    },
  };
}
