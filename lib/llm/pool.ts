import type { Clock } from "../core/step.ts";
import type { ChatEngine, ChatReply, ChatRequest } from "./chat.ts";
import { ChatError } from "./errors.ts";

/** How a request that failed on the way is tried again. */
export interface Patience {
  /** Further tries after the first. */
  readonly retries: number;
  readonly clock: Clock;
  onRetry?(error: ChatError, waitMs: number): void;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** A server that asks for more patience than this is waited for no longer than this. */
const LONGEST_RETRY_AFTER_MS = 600_000;

/**
 * Asks until there is an answer: waits 1, 2, 4 … seconds (jittered by half, so that requests that failed together do not
 * come back together), or as long as the server asks for.
 *
 * @throws {ChatError} the last one, when it is not worth another try or the tries are used up.
 */
export async function patiently<T>(ask: () => Promise<T>, patience: Patience, signal: AbortSignal): Promise<T> {
  for (let tried = 0;; tried++) {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ChatError) || !error.retryable || tried >= patience.retries) throw error;
      const backoff = Math.min(FIRST_WAIT_MS * 2 ** tried, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
      const waitMs = Math.round(Math.max(backoff, Math.min(error.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS)));
      patience.onRetry?.(error, waitMs);
      await patience.clock.sleep(waitMs, signal);
    }
  }
}

/** A chat request, asked patiently. @throws {ChatError} as {@linkcode patiently}. */
export async function chatPatiently(
  engine: ChatEngine,
  request: ChatRequest,
  patience: Patience,
  signal: AbortSignal,
): Promise<ChatReply> {
  return await patiently(() => engine.chat(request, signal), patience, signal);
}

/**
 * Works through tasks, a number of them at a time; the first one goes alone, since a server that loads its model on the
 * first request may load it twice for two. On an error or an abort the rest is stopped, waited for, and the error thrown.
 */
export async function workThrough<T>(
  tasks: AsyncIterable<T>,
  concurrency: number,
  work: (task: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const queue = tasks[Symbol.asyncIterator]();
  let failure: { error: unknown } | undefined;
  const workOne = async (): Promise<boolean> => {
    if (both.aborted) return false;
    try {
      const { done, value } = await queue.next();
      if (done || both.aborted) return false; // Stopped while the task was being fetched.
      await work(value, both);
      return true;
    } catch (error) {
      failure ??= { error };
      stop.abort(new DOMException("another task failed", "AbortError"));
      return false;
    }
  };
  try {
    if (await workOne()) {
      await Promise.all(Array.from({ length: concurrency }, async () => {
        while (await workOne());
      }));
    }
  } finally {
    await queue.return?.();
  }
  signal.throwIfAborted();
  if (failure) throw failure.error;
}
