/**
 * The inside of a worker thread of parallel.ts: imports a module of row work, then answers each batch with its result.
 * Memory travels back and forth and is used again.
 */
import { type BatchResult, type RowWork, runBatch, type StartRows } from "./parallel_batch.ts";
import { messageOf, UserError } from "./errors.ts";

/** From the main thread. */
export type ToWorker =
  | { type: "load"; module: string }
  | { type: "start"; options: unknown }
  | { type: "batch"; bytes: Uint8Array<ArrayBuffer>; ended: boolean; spare: Uint8Array<ArrayBuffer> | undefined }
  | { type: "finish" };

/** To the main thread: one answer for each message, in order. */
export type FromWorker =
  | { type: "ready" }
  | { type: "done"; result: BatchResult; bytes: Uint8Array<ArrayBuffer> }
  | { type: "finished"; value: unknown }
  | { type: "failed"; failure: Failure };

/** An error in a form that crosses the border between threads. */
export interface Failure {
  message: string;
  stack: string | undefined;
  user?: { exitCode: 1 | 2; hint?: string };
}

function failureOf(error: unknown): Failure {
  const failure = { message: messageOf(error), stack: error instanceof Error ? error.stack : undefined };
  if (!(error instanceof UserError)) return failure;
  const { exitCode, hint } = error;
  return { ...failure, user: hint === undefined ? { exitCode } : { exitCode, hint } };
}

interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope; // The types of the project are those of a window.
let module: { start: StartRows<unknown> } | undefined;
let work: RowWork | undefined;

async function answer(message: ToWorker): Promise<[FromWorker, Transferable[]]> {
  if (message.type === "load") {
    module = await import(message.module);
    return [{ type: "ready" }, []];
  }
  if (message.type === "start") {
    work = await module?.start(message.options);
    return [{ type: "ready" }, []];
  }
  if (!work) throw new Error("a worker was given rows before it was started");
  if (message.type === "finish") return [{ type: "finished", value: work.finish?.() }, []];
  const { bytes, ended, spare } = message;
  const result = await runBatch(work, bytes, ended, spare);
  return [{ type: "done", result, bytes }, [bytes.buffer, result.output.buffer, result.rejects.buffer]];
}

let queue = Promise.resolve();
scope.onmessage = ({ data }) => {
  queue = queue.then(async () => {
    try {
      scope.postMessage(...await answer(data));
    } catch (error) {
      scope.postMessage({ type: "failed", failure: failureOf(error) });
    }
  });
};
