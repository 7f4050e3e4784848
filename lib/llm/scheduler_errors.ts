/** What faults say: of a server's load, and of whether a run makes sense. */
import { UserError } from "../core/errors.ts";
import type { Outcome } from "./controller.ts";
import { ChatError } from "./errors.ts";

/** What a request that got no answer tells of the server's load. */
export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof ChatError)) return { kind: "neutral" };
  if (error.kind === "rate_limited") return { kind: "pushback" };
  if (error.kind === "server") {
    const busy = error.status === 503 || /\b503\b|unavailable|overload|busy/i.test(error.message);
    return { kind: busy ? "pushback" : "poor" };
  }
  const poor = ["timeout", "empty", "truncated", "bad_response"];
  return { kind: poor.includes(error.kind) ? "poor" : "neutral" };
}

export interface ErrorRate {
  /** One try that ended at `at`, well or with an error. Returns why the run should end, if it should. */
  record(error: ChatError | undefined, at: number, limit: number): UserError | undefined;
}

/** Tries that are looked at together, at least: with a fifth failing, half of 60 fail by chance once in 10 million times. */
const WINDOW = 60;
/** And for so long: a server asked too much fails fast for moments, until the controller asks less. */
const WINDOW_MS = 60_000;

/**
 * Ends a run whose errors persist: nothing but errors from the start, or for many tries in a row, or too large a share of
 * the last ones. Requests under way together fail together, so all grow with the limit.
 */
export function createErrorRate(most: number): ErrorRate {
  const last: { error: ChatError | undefined; at: number }[] = [];
  let start = 0, errors = 0, since: number | undefined, answered = false, inRow = 0;
  return {
    record(error, at, limit) {
      const window = Math.max(WINDOW, 4 * limit);
      since ??= at;
      last.push({ error, at });
      if (error) errors++;
      for (; last.length - start > window; start++) {
        const oldest = last[start];
        if (!oldest || oldest.at >= at - WINDOW_MS) break;
        if (oldest.error) errors--;
      }
      if (start > last.length / 2) {
        last.splice(0, start);
        start = 0;
      }
      inRow = error ? inRow + 1 : 0;
      answered ||= !error;
      if (!error) return undefined;
      const persists = inRow >= (answered ? Math.max(20, 3 * limit) : Math.max(10, 3 * limit));
      const size = last.length - start;
      const many = size >= window && at - since >= WINDOW_MS && errors > most * size;
      if (!persists && !many) return undefined;
      const failed = last.slice(start).flatMap(({ error }) => error ?? []);
      const counts = new Map<string, number>();
      for (const { message } of failed) counts.set(message, (counts.get(message) ?? 0) + 1);
      const [commonest = error.message, times = 1] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
      const hint = failed.find(({ message }) => message === commonest)?.hint;
      return new UserError(
        `${failed.length} of the last ${size} requests failed, ${times} of them with: ${commonest}`,
        { cause: error, ...(hint === undefined ? {} : { hint }) },
      );
    },
  };
}
