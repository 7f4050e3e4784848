/** Where batches are worked on: a lane on the main thread, or one in a worker thread. */
import { UserError } from "./errors.ts";
import { type BatchResult, type RowWork, runBatch, type StartRows } from "./parallel_batch.ts";
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
  /** Before all else: makes the row work. A fault is told by the first batch. */
  start(options: unknown): void;
  /** Takes the memory of both arguments with it. */
  run(bytes: Uint8Array<ArrayBuffer>, ended: boolean, spare: Uint8Array<ArrayBuffer>): Promise<Done>;
  finish(): Promise<unknown>;
  end(): void;
}

/** The lane for small inputs and single cores. */
export function openLane(href: string): Lane {
  let work: Promise<RowWork> | undefined;
  const started = () => {
    if (!work) throw new Error("a lane was given rows before it was started");
    return work;
  };
  return {
    load: 0,
    start(options) {
      work = import(href).then((module: { start: StartRows<unknown> }) => module.start(options));
      work.catch(() => {}); // Told when it is asked for.
    },
    run: async (bytes, ended, spare) => ({ result: await runBatch(await started(), bytes, ended, spare), bytes }),
    finish: async () => (await started()).finish?.(),
    end() {},
  };
}

/** A lane in a thread of its own, which loads the module at once. */
export function openThread(href: string): Lane {
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
  let ready = send({ type: "load", module: href });
  ready.catch(() => {}); // Told by whatever is asked of the lane next.
  return {
    get load() {
      return waiting.length;
    },
    start(options) {
      const started = send({ type: "start", options });
      started.catch(() => {});
      ready = ready.then(() => started);
      ready.catch(() => {});
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
