import type { Context, StepEvent } from "@/core/step.ts";

/** A context for tests: keeps the events, and its clock jumps instead of sleeping. */
export function fakeContext(
  overrides: Partial<Context> = {},
): Context & { events: StepEvent[]; slept: number[] } {
  const events: StepEvent[] = [];
  const slept: number[] = [];
  let now = Date.UTC(1969, 6, 20);
  return {
    signal: new AbortController().signal,
    fetch: () => Promise.reject(new TypeError("no network in tests")),
    clock: {
      now: () => now,
      sleep: (ms, signal) => {
        signal?.throwIfAborted();
        slept.push(ms);
        now += ms;
        return Promise.resolve();
      },
    },
    env: {},
    emit: (event) => void events.push(event),
    events,
    slept,
    ...overrides,
  };
}
