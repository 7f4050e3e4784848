import { createCeiling } from "./controller_ceiling.ts";
import { hasChanged, hasMoreRoom, isAsGood, isWorse, type Level, room, smoothed } from "./controller_level.ts";
import { createFaultWatch } from "./scheduler_faults.ts";
import { createMeter, type Outcome, type Reading } from "./scheduler_meter.ts";

export type { Outcome } from "./scheduler_meter.ts";

/** What a controller is about; `easing` tries fewer, because some only wait. */
export type Phase = "fixed" | "climbing" | "settled" | "easing" | "probing" | "backing off";

/**
 * Decides how many requests one server gets at a time. Has no clock: every call carries the time, in milliseconds of any
 * clock that does not run backwards.
 */
export interface Controller {
  readonly limit: number;
  readonly phase: Phase;
  /** As last measured; 0 before. */
  readonly tokensPerSecond: number;
  sent(id: number, at: number): void;
  /** Tokens of a request as they come. Without it the controller learns from ended requests only, which takes longer. */
  tokens(id: number, at: number, count: number): void;
  done(id: number, at: number, outcome: Outcome): void;
  /** The server was away: what was measured may no longer hold. */
  restart(at: number): void;
}

export interface ControllerOptions {
  /** A number fixes the limit. @default {"auto"} */
  readonly concurrency?: "auto" | number;
  /** Most requests at a time that are tried. @default {256: what vLLM takes} */
  readonly most?: number;
}

/** Growth of the rate for which twice the requests are worth it, and that shows in a short look already. */
const CLIMB = 1.05, CLEAR = 1.25;
/** Gain that makes a probe stay up. */
const GAIN = 1.03;
/** Measurements between two probes: at first, and at most, since each failed one doubles it. */
const PROBE_AFTER = 6, PROBE_AFTER_MOST = 24;

/**
 * Climbs by doubling while output tokens per second grow, steps back to what the server really works on (and one more, so
 * that no place waits for our next request, and so that a longer or shorter wait shows when its places change), and tries
 * more and fewer now and then.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { createController } from "@/llm/controller.ts";
 *
 * const controller = createController({ concurrency: "auto" });
 * equal(controller.limit, 1);
 * equal(createController({ concurrency: 4 }).limit, 4);
 * ```
 */
export function createController({ concurrency = "auto", most = 256 }: ControllerOptions = {}): Controller {
  const meter = createMeter();
  const watch = createFaultWatch();
  const fixed = concurrency !== "auto";
  let limit = fixed ? concurrency : 1;
  let phase: Phase = fixed ? "fixed" : "climbing";
  let shown = 0;
  /** Last level that was worth climbing to. */
  let lower: { limit: number; rate: number; long: boolean } | undefined;
  /** The settled level, smoothed. */
  let base: Level | undefined;
  /** The settled level with the best rate since the server last changed. */
  let best: { limit: number; rate: number } | undefined;
  /** Where easing or probing started. */
  let from = { limit: 1, rate: 0 };
  let interval = PROBE_AFTER, untilProbe = PROBE_AFTER, downNext = false;
  /** Measurements for which nothing is eased, after it brought less. */
  let heldFor = 0, hold = 1;
  const ceiling = createCeiling(PROBE_AFTER, 8 * PROBE_AFTER);
  let lastCut = -Infinity;

  const go = (next: number, to: Phase, at: number) => {
    limit = Math.max(1, Math.min(most, Math.round(next)));
    phase = to;
    meter.begin(limit, at);
  };
  const settle = (next: number, at: number, probeAfter = interval) => {
    base = undefined;
    lower = undefined;
    untilProbe = probeAfter;
    downNext ||= probeAfter < interval;
    go(next, "settled", at);
  };

  function climb(reading: Reading, at: number): void {
    const { rate, inFlight, busy, waitMs } = reading;
    if (inFlight < 0.8 * limit) return meter.again(at); // There was not enough to do.
    const long = !meter.live || reading.ended >= Math.max(6, limit);
    if (lower) {
      const growth = rate / lower.rate;
      const waiting = (inFlight - busy) / limit;
      if (meter.live && waiting > 0.4 && reading.ended >= Math.max(3, limit / 4) && room(reading) < limit) {
        from = { limit, rate };
        return go(room(reading), "easing", at);
      }
      // A short look is enough for clear growth only.
      if (growth < CLEAR && !long || !meter.live && waiting > 0.1 && reading.ended < limit) return;
      // Too many cost waiting, too few cost throughput: from here, fewer are tried with care.
      if (limit > 2 && waiting > 0.3 && growth < 1.4 || growth < CLIMB && lower.long) return settle(limit, at, 1);
    }
    if (waitMs !== undefined) meter.calm(waitMs);
    const next = Math.min(limit * 2, ceiling.highest(most));
    if (next <= limit) return settle(limit, at, 1);
    lower = { limit, rate, long };
    go(next, "climbing", at);
  }

  function watchOver(reading: Reading, at: number): void {
    const { rate, inFlight, busy, waitMs } = reading;
    meter.again(at);
    if (inFlight < 0.85 * limit) return;
    const queued = inFlight - busy;
    if (waitMs !== undefined && queued < 0.5) meter.calm(waitMs);
    ceiling.passed();
    if (heldFor > 0) heldFor--;
    const before = base;
    if (before && hasChanged(before, rate, queued)) {
      base = { rate, queued, rounds: 1 };
      best = { limit, rate };
      interval = PROBE_AFTER;
      return probe(at, hasMoreRoom(before, rate, queued) ? "up" : "either");
    }
    base = smoothed(before, rate, queued);
    if (!best || base.rate >= best.rate || limit === best.limit) best = { limit, rate: base.rate };
    if (limit < best.limit && isWorse(base, best.rate, reading.ended)) {
      heldFor = hold *= 2;
      return settle(best.limit, at);
    }
    if (queued >= Math.max(1.75, 0.2 * limit) && heldFor === 0 && room(reading) < limit) {
      from = { limit, rate: base.rate };
      return go(room(reading), "easing", at);
    }
    if (--untilProbe <= 0) probe(at, "either");
  }

  function probe(at: number, direction: "up" | "either"): void {
    if (!base) return;
    from = { limit, rate: base.rate };
    untilProbe = interval;
    // Fewer are of no use where the last one waits anyway.
    const down = direction === "either" && downNext && limit > 1 && base.queued < 0.5;
    downNext = direction === "either" && !downNext;
    const up = Math.min(Math.max(limit + 1, ceiling.above(limit)), ceiling.highest(most));
    const next = down ? Math.min(limit - 1, limit * 0.8) : up;
    if (Math.round(next) !== limit && next >= 1) go(next, "probing", at);
  }

  function judgeProbe(reading: Reading, at: number): void {
    const { rate, inFlight, busy } = reading;
    if (inFlight < 0.85 * limit) return settle(from.limit, at);
    const up = limit > from.limit;
    const grown = rate / from.rate;
    // More that only wait bring nothing, whatever the rate did meanwhile.
    const worked = busy > from.limit || inFlight - busy < 0.5 * (limit - from.limit);
    if (up ? grown >= GAIN && worked : asGood(reading)) {
      interval = PROBE_AFTER;
      const next = up && !ceiling.isSet ? Math.min(limit * 2, ceiling.highest(most)) : limit;
      if (next <= limit) {
        settle(limit, at);
        // Back up again, step by step, without waiting between the steps.
        if (up && ceiling.isSet) [untilProbe, downNext] = [1, false];
        ceiling.reached(limit);
        return;
      }
      lower = { limit, rate, long: true };
      return go(next, "climbing", at);
    }
    interval = Math.min(interval * 2, PROBE_AFTER_MOST);
    settle(from.limit, at);
  }

  /** Whether fewer do as well as more did, before and at best. */
  function asGood(reading: Reading): boolean {
    return isAsGood(reading, Math.max(from.rate, best?.rate ?? 0));
  }

  function judgeEasing(reading: Reading, at: number): void {
    if (asGood(reading)) return settle(limit, at);
    heldFor = hold *= 2; // Some waited, and yet fewer brought less.
    settle(from.limit, at);
  }

  /** Whether a measurement is long enough. */
  function enough(reading: Reading): boolean {
    if (phase !== "climbing") return reading.ended >= Math.max(10, limit);
    if (!meter.live) return reading.ended >= Math.max(1, limit / 2);
    return reading.ms >= 300 && reading.perStream >= 24 || reading.ended >= Math.max(6, limit);
  }

  function consider(at: number): void {
    if (phase === "backing off") return;
    const reading = meter.read(at);
    if (!reading || !enough(reading)) return;
    shown = reading.rate * meter.scale;
    if (phase === "fixed") meter.again(at);
    else if (phase === "climbing") climb(reading, at);
    else if (phase === "settled") watchOver(reading, at);
    else if (phase === "probing") judgeProbe(reading, at);
    else judgeEasing(reading, at);
  }

  function heed(outcome: Outcome, sentAt: number, at: number): void {
    if (outcome.kind === "neutral" || sentAt < lastCut) return;
    const verdict = watch.record(limit, outcome.kind === "answer" ? undefined : outcome.kind);
    if (verdict === "go on") return;
    if (verdict === "ask less") {
      lastCut = at;
      // A probe that went too far goes back to where it came from.
      const back = phase === "probing" && from.limit < limit ? from.limit : Math.floor(limit / 2);
      return go(back, "backing off", at);
    }
    const before = watch.trialFrom ?? limit;
    watch.close();
    if (verdict === "ask less no longer") {
      lower = undefined;
      ceiling.forget();
      return go(before, "climbing", at);
    }
    ceiling.set(before);
    interval = PROBE_AFTER;
    downNext = false;
    settle(limit, at);
    untilProbe = 2;
  }

  return {
    get limit() {
      return limit;
    },
    get phase() {
      return phase;
    },
    get tokensPerSecond() {
      return shown;
    },
    sent: (id, at) => meter.sent(id, at),
    tokens(id, at, count) {
      meter.tokens(id, at, count);
      consider(at);
    },
    done(id, at, outcome) {
      const sentAt = meter.done(id, at, outcome);
      if (!fixed) heed(outcome, sentAt, at);
      consider(at);
    },
    restart(at) {
      if (fixed) return;
      lower = undefined;
      go(Math.ceil(limit / 2), "climbing", at);
    },
  };
}
