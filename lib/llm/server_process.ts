/** A server that is started, watched until it is ready, and ended with all that it started. */
import { messageOf, ToolError, UsageError, UserError } from "../core/errors.ts";
import { delay, runProcess } from "../core/python_process.ts";
import type { Context } from "../core/step.ts";
import { supervised } from "./llama_server_process.ts";

export interface ServerProcess extends AsyncDisposable {
  /** Resolves when the process has ended: with the reason, or undefined after `stop`. */
  readonly ended: Promise<UserError | undefined>;
  /** Ends the process and all that it started; resolves when they are gone. */
  stop(): Promise<void>;
}

export interface ServerProcessOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Answers with a good status as soon as requests are taken. */
  readonly health: string;
  /** Milliseconds between two looks at it. @default {50} */
  readonly pollMs?: number;
  /** Milliseconds that it may use to end itself. */
  readonly graceMs?: number;
  /** The error for a server that ended by itself: how, its last lines, its exit code. */
  failed(how: string, lines: readonly string[], code: number): UserError;
  /** Called with each line that it writes until it is ready. */
  onLine?(line: string): void;
}

const KEPT_LINES = 20;

/**
 * Starts a server and waits until it is ready. It ends with `stop`, by `await using`, when the context's signal fires, and
 * with this process, however it ends.
 *
 * @throws {UserError} what `failed` makes of a server that ended before it was ready; the signal's reason when it fired.
 */
export async function startServerProcess(options: ServerProcessOptions, context: Context): Promise<ServerProcess> {
  const halt = new AbortController();
  const signal = AbortSignal.any([context.signal, halt.signal]);
  const last: string[] = [];
  let over = false, ready = false;
  const ended = (async (): Promise<UserError | undefined> => {
    try {
      const [command, line] = supervised(options.program, options.args);
      const more = {
        ...(options.env ? { env: options.env } : {}),
        ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
      };
      for await (const { line: said } of runProcess(command, line, { signal, ...more })) {
        if (said.trim() === "") continue;
        last.push(said);
        if (last.length > KEPT_LINES) last.shift();
        if (!ready) options.onLine?.(said);
      }
      return options.failed("it ended by itself", last, 0);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof ToolError) {
        return options.failed(`it ended with exit code ${error.code}`, last, error.code);
      }
      return error instanceof UserError ? error : new UserError(messageOf(error), { cause: error });
    } finally {
      over = true;
    }
  })();
  const stop = async () => {
    halt.abort();
    await ended;
  };
  try {
    while (!over && !await isReady(options.health, context.fetch, signal)) {
      await Promise.race([delay(options.pollMs ?? 50), ended]);
    }
    context.signal.throwIfAborted();
    if (over) throw await ended ?? options.failed("it ended by itself", last, 0);
    ready = true;
  } catch (error) {
    await stop();
    throw error;
  }
  return { ended, stop, [Symbol.asyncDispose]: stop };
}

/** True where a server takes requests at the address of its health. */
export async function isReady(health: string, fetch: Context["fetch"], signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(health, { signal });
    await response.body?.cancel();
    return response.ok; // llama-server: 503 while it loads; vLLM: no connection until it has loaded.
  } catch (error) {
    // A task without the right to this host would wait for ever.
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/** A port of this machine that nobody listens on; 0 is any. @throws {UsageError} somebody does. */
export function freePort(wanted: number, server: string, host = "127.0.0.1"): number {
  try {
    using listener = Deno.listen({ hostname: host, port: wanted });
    return listener.addr.port;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new UsageError(
      `Cannot start ${server} on port ${wanted}: another program listens there`,
      "End it, or choose another port; 0 is any that is free.",
    );
  }
}
