/** Where batches are worked on: a lane on the main thread, or one in a worker thread. */
import { UserError } from "./errors.ts";
import { type BatchResult, runBatch, type StartRows } from "./parallel_batch.ts";
import type { Failure, FromWorker, ToWorker } from "./parallel_worker.ts";

/** A result, and the memory of the batch to be used again. */
export interface Done {
  result: BatchResult;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Works on batches one after the other. */
export interface Lane {
  /** Batches given and not yet answered. */
  readonly load: number;
  /** Takes the memory of both arguments with it. */
  run(bytes: Uint8Array<ArrayBuffer>, ended: boolean, spare: Uint8Array<ArrayBuffer>): Promise<Done>;
  finish(): Promise<unknown>;
  end(): void;
}

/** The lane for small inputs and single cores. */
export async function openLane<Options>(href: string, options: Options): Promise<Lane> {
  const module: { start: StartRows<Options> } = await import(href);
  const work = await module.start(options);
  return {
    load: 0,
    run: (bytes, ended, spare) => Promise.try(() => ({ result: runBatch(work, bytes, ended, spare), bytes })),
    finish: () => Promise.try(() => work.finish?.()),
    end() {},
  };
}

/** A lane in a thread of its own. A fault at its start is told by the first batch. */
export function openThread<Options>(href: string, options: Options): Lane {
  const worker = new Worker(new URL("./parallel_worker.ts", import.meta.url), { type: "module" });
  const waiting: PromiseWithResolvers<FromWorker>[] = [];
  let broken: Error | undefined;
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    const next = waiting.shift();
    if (data.type === "failed") next?.reject(errorOf(data.failure));
    else next?.resolve(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    broken = new Error(`a worker thread died: ${event.message}`);
    for (const next of waiting.splice(0)) next.reject(broken);
  };
  const send = (message: ToWorker, transfer: Transferable[] = []): Promise<FromWorker> => {
    if (broken) return Promise.reject(broken);
    const answer = Promise.withResolvers<FromWorker>();
    waiting.push(answer);
    worker.postMessage(message, transfer);
    return answer.promise;
  };
  const ready = send({ type: "start", module: href, options });
  ready.catch(() => {}); // Told by whatever is asked of the lane next.
  return {
    get load() {
      return waiting.length;
    },
    async run(bytes, ended, spare) {
      const answer = send({ type: "batch", bytes, ended, spare }, [bytes.buffer, spare.buffer]);
      answer.catch(() => {});
      await ready;
      const done = await answer;
      if (done.type !== "done") throw new Error(`a worker thread answered a batch with "${done.type}"`);
      return done;
    },
    async finish() {
      await ready;
      const done = await send({ type: "finish" });
      return done.type === "finished" ? done.value : undefined;
    },
    end: () => worker.terminate(),
  };
}

/** The error that a thread met, as the main thread would have thrown it. */
function errorOf({ message, stack, user }: Failure): Error {
  if (user) return new UserError(message, user);
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
