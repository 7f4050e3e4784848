/** Works through requests on one or more servers, as many at a time as bring something. */
import { isAbort } from "../core/errors.ts";
import type { ChatReply } from "./chat.ts";
import { ChatError } from "./errors.ts";
import { createFleet } from "./scheduler_fleet.ts";
import type { Answer, Call, FleetOptions, FleetState } from "./scheduler_types.ts";

export type { Answer, Call, FleetOptions, FleetState, Server } from "./scheduler_types.ts";

/** An answer with the part of the wall time that it took: with four requests under way, a quarter of each second. */
export type Delivered<R> = Answer<R> & { readonly shareMs: number };

/** Sends a request when a server is free; further requests of the same item go before those of new items. */
export type Ask<T> = <R>(send: (call: Call<T>) => Promise<Answer<R>>) => Promise<Delivered<R>>;

export type Result<Item, R> =
  & { readonly index: number; readonly item: Item }
  & ({ readonly value: R } | { readonly error: ChatError });

export interface RunOptions<T, Item, R> extends FleetOptions<T> {
  /** Gets results as they come, in no certain order; while it works on many, no new items are begun. */
  readonly onResult?: (result: Result<Item, R>) => void | Promise<void>;
}

export interface RunSummary {
  /** `stopped`: the signal fired, and what was done until then is done. */
  readonly ended: "complete" | "stopped";
  readonly done: number;
  readonly failed: number;
  readonly state: FleetState;
}

/** Items that were begun and not delivered: those under way, and as many again that wait for another try. */
const begunAtMost = (limit: number) => 64 + 4 * limit;
/** Results that are worked on, so many that a thread always has some: all that they hold stays in memory meanwhile. */
const TOLD_AT_MOST = 224;

/**
 * One request for each item. Items are begun in order and read only as they are needed. Failed requests are tried again
 * where that may help; what fails for good is delivered with its error.
 *
 * @throws {UserError} when no server can answer, or errors persist.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { systemClock } from "@/core/clock.ts";
 * import { runRequests } from "@/llm/scheduler.ts";
 *
 * const answers: string[] = [];
 * const summary = await runRequests(["a", "b"], (item, { server }) => Promise.resolve({
 *   value: item + server, tokens: 1, firstTokenMs: 1, totalMs: 2,
 * }), {
 *   servers: [{ name: "one", target: "!" }],
 *   signal: new AbortController().signal,
 *   clock: systemClock,
 *   onResult: (result) => void answers.push("value" in result ? result.value.value : ""),
 * });
 * deepEqual([summary.ended, answers], ["complete", ["a!", "b!"]]);
 * ```
 */
export function runRequests<T, Item, R>(
  items: Iterable<Item> | AsyncIterable<Item>,
  send: (item: Item, call: Call<T>) => Promise<Answer<R>>,
  options: RunOptions<T, Item, Delivered<R>>,
): Promise<RunSummary> {
  return runTasks(items, (item, ask: Ask<T>) => ask((call) => send(item, call)), options);
}

/**
 * Like `runRequests`, for items that may need several requests one after the other, or none. `ask` throws a ChatError
 * when a request fails for good; what `work` throws of that kind is delivered, anything else ends the run.
 */
export async function runTasks<T, Item, R>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item, ask: Ask<T>, signal: AbortSignal) => Promise<R>,
  options: RunOptions<T, Item, R>,
): Promise<RunSummary> {
  let wake = Promise.withResolvers<void>();
  const fleet = createFleet(options, () => wake.resolve());
  const begun = new Set<Promise<void>>();
  let index = 0, starting = 0, telling = 0, done = 0, failed = 0;

  const begin = async (item: Item, index: number): Promise<void> => {
    let fresh = true;
    starting++;
    const started = () => {
      if (fresh) starting--;
      fresh = false;
    };
    const ask: Ask<T> = (send) => {
      const urgent = !fresh;
      started();
      return fleet.request(send, urgent);
    };
    let result: Result<Item, R>;
    try {
      result = { index, item, value: await work(item, ask, fleet.signal) };
      done++;
    } catch (error) {
      if (fleet.signal.aborted || isAbort(error)) return;
      if (!(error instanceof ChatError)) return fleet.stop(error);
      result = { index, item, error };
      failed++;
    } finally {
      started();
    }
    telling++;
    try {
      await options.onResult?.(result);
    } catch (error) {
      fleet.stop(error);
    } finally {
      telling--;
    }
  };

  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  try {
    while (!fleet.signal.aborted) {
      const full = begun.size >= begunAtMost(fleet.limit) || telling >= TOLD_AT_MOST;
      if (full || fleet.hungry - starting <= 0) {
        await wake.promise;
        wake = Promise.withResolvers();
        continue;
      }
      const next = await source.next();
      if (next.done) break;
      if (fleet.signal.aborted) break;
      const task: Promise<void> = begin(next.value, index++).finally(() => {
        begun.delete(task);
        wake.resolve();
      });
      begun.add(task);
    }
  } catch (error) {
    fleet.stop(error);
  } finally {
    await Promise.all(begun);
    await source.return?.();
  }
  const { state, signal: { aborted, reason } } = fleet;
  fleet.stop(new DOMException("the run is over", "AbortError")); // No timer stays behind.
  if (options.signal.aborted) return { ended: "stopped", done, failed, state };
  if (aborted) throw reason;
  return { ended: "complete", done, failed, state };
}

/** A reply as the scheduler wants it; a server that does not tell its usage is taken at four characters a token. */
export function answerOf(reply: ChatReply): Answer<ChatReply> {
  const { usage, timing, content, reasoning } = reply;
  const tokens = usage.completionTokens ?? Math.ceil((content.length + reasoning.length) / 4);
  return { value: reply, tokens, ...timing };
}
