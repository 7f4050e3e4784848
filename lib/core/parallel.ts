/**
 * JSON Lines file to file on all cores, in constant memory: the main thread reads blocks and cuts them at newlines,
 * worker threads decode, check and transform the rows, and the main thread writes what comes back in the order of the
 * input. The transformation is a module, so that threads can load it.
 */
import { resolve } from "node:path";
import type { Context } from "./step.ts";
import { UsageError, UserError } from "./errors.ts";
import { createFile, fileError, refuseFolder } from "./files.ts";
import type { Note } from "./parallel_batch.ts";
import { type Done, type Lane, openLane, openThread } from "./parallel_lanes.ts";
import { createPool, type Pool, readAhead, readBatches, release } from "./parallel_read.ts";

/** Bytes of a batch: large enough that messages cost nothing, small enough that many in flight stay small. */
const BATCH = 1 << 20;
/** Memory for larger batches is not kept for the next. */
const LARGEST_KEPT = 8 << 20;
/** Under this size of input, starting threads costs more than they save. */
const THREADS_FROM = 2 << 20;
/** Batches that are cut ahead of the work, for all threads together. */
const AHEAD = 2;
/** V8's longest string holds 2^29 - 24 units; a line must fit with its batch. */
const LONGEST_LINE = 500 << 20;
/** Each thread costs some 40 MB, and all together must stay below 300 MB. */
const MOST_THREADS = 3;

/** What to transform, and how. */
export interface TransformOptions<Options extends object> {
  /** One file, or several that follow each other. */
  input: string | readonly string[];
  output: string;
  /** Where dropped rows go, one `{"reason","id","detail"}` a line; without it they are only counted. */
  rejects?: string;
  /** A module that exports `start`, a StartRows<Options>: `new URL("./chunk_rows.ts", import.meta.url)`. */
  module: URL;
  /** Handed to `start` in every thread: plain data, or what makes it, called while the threads load the module. */
  options: Options | (() => Options);
  context: Pick<Context, "signal" | "emit">;
  /** Name of the progress bar. */
  label: string;
  /** Threads; 1 stays on the main thread. Default: by the size of the input and the cores, at most 3. */
  workers?: number;
  /**
   * Called for each batch in the order of the input, for what depends on earlier rows; answers the bytes to be written.
   */
  inOrder?(output: Uint8Array<ArrayBuffer>, notes: readonly Note[]): Uint8Array<ArrayBuffer>;
}

/** What was done. */
export interface TransformResult {
  /** Rows read. */
  rows: number;
  /** Rows written. */
  written: number;
  /** Bytes of the input. */
  bytes: number;
  drops: Record<string, number>;
  counts: Record<string, number>;
  /** What each thread's `finish` answered; in no set order. */
  finished: unknown[];
}

/**
 * Transforms JSON Lines files into another. Both outputs appear whole or not at all. Drops are emitted once, summed
 * by reason. Blank lines and byte order marks are skipped; a torn last line is skipped, told and counted as a drop.
 *
 * @throws {UserError} a file cannot be read or written, the input has no rows, or a row is bad: the message names
 * `file:line`. An AbortError when the context's signal fires: the threads are ended, temp files removed.
 *
 * @example
 * ```ts ignore
 * // upper_rows.ts
 * export const start: StartRows<{ suffix: string }> = ({ suffix }) => ({
 *   async row(row, sink) {
 *     const { id, text } = isNote(row) ? row : await checkRow(row, noteSchema);
 *     if (text === "") return sink.drop("empty", id);
 *     sink.write(JSON.stringify({ id, text: text.toUpperCase() + suffix }));
 *   },
 * });
 *
 * // upper.ts
 * const module = new URL("./upper_rows.ts", import.meta.url);
 * await transformJsonl({ input, output, module, options: { suffix: "!" }, context, label: "upper" });
 * ```
 */
export async function transformJsonl<Options extends object>(
  options: TransformOptions<Options>,
): Promise<TransformResult> {
  const { output, rejects, context } = options;
  const inputs = [options.input].flat();
  const outputs = [output, ...(rejects === undefined ? [] : [rejects])];
  const paths = [...inputs, ...outputs];
  if (new Set(paths.map((path) => resolve(path))).size < paths.length) {
    throw new UsageError(`Cannot write "${output}": input, output and rejects must be different files`);
  }
  const { signal } = context;
  signal.throwIfAborted();
  let total = 0;
  for (const path of inputs) total += await sizeOf(path);
  for (const path of outputs) await refuseFolder(path, `${options.label}.jsonl`);
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {}); // It may reject when nobody waits any more.
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const lanes: Lane[] = [];
  try {
    const workers = options.workers ??
      (total < THREADS_FROM ? 1 : Math.min(navigator.hardwareConcurrency, MOST_THREADS));
    const { href } = options.module;
    for (let i = 0; i < workers; i++) lanes.push(workers === 1 ? openLane(href) : openThread(href));
    const rowOptions = typeof options.options === "function" ? options.options() : options.options;
    for (const lane of lanes) lane.start(rowOptions);

    await using out = await createFile(output);
    await using dropped = rejects === undefined ? undefined : await createFile(rejects);
    const result: TransformResult = { rows: 0, written: 0, bytes: 0, drops: {}, counts: {}, finished: [] };
    const buffers = createPool(lanes.length + AHEAD + 2, LARGEST_KEPT);
    const spares = createPool(lanes.length + AHEAD, LARGEST_KEPT);
    const write = collector(options, { total, result, out, dropped, buffers, spares });

    // The batches under way, oldest first: their number bounds memory and is what slows the reader.
    const underWay: (() => Promise<void>)[] = [];
    for (const input of inputs) {
      const batches = readBatches(input, { size: BATCH, longestLine: LONGEST_LINE, pool: buffers });
      for await (const batch of readAhead(batches)) {
        signal.throwIfAborted();
        const lane = lanes.reduce((least, other) => other.load < least.load ? other : least);
        const size = batch.bytes.length; // Gone once the memory has moved to a thread.
        const done = lane.run(batch.bytes, batch.ended, spares.take(Math.max(size, spares.largest)));
        done.catch(() => {}); // Told when its turn comes.
        underWay.push(async () => await write(input, size, await Promise.race([done, aborted.promise])));
        if (underWay.length >= lanes.length + AHEAD) await underWay.shift()?.();
      }
    }
    for (const next of underWay) await next();
    if (result.rows === 0) {
      throw new UserError(`Cannot read "${inputs.join('", "')}": the file holds no rows`, {
        exitCode: 2,
        hint: "Run the step that makes it first.",
      });
    }
    result.finished = await Promise.race([Promise.all(lanes.map((lane) => lane.finish())), aborted.promise]);
    signal.throwIfAborted();
    await dropped?.commit();
    await out.commit();
    for (const [reason, count] of Object.entries(result.drops)) context.emit({ type: "drop", reason, count });
    return result;
  } finally {
    signal.removeEventListener("abort", abort);
    for (const lane of lanes) lane.end();
  }
}

/** Where results go. */
interface Sinks {
  total: number;
  result: TransformResult;
  out: Pick<Awaited<ReturnType<typeof createFile>>, "write">;
  dropped: Sinks["out"] | undefined;
  buffers: Pool;
  spares: Pool;
}

/** Makes what adds results, in the order of the input, to the outputs and sums. */
function collector<Options extends object>(
  { context, label, inOrder }: TransformOptions<Options>,
  { total, result, out, dropped, buffers, spares }: Sinks,
): (input: string, size: number, done: Done) => Promise<void> {
  let reading: string | undefined;
  let lines = 0;
  return async (input, size, { result: batch, bytes }) => {
    if (input !== reading) [reading, lines] = [input, 0];
    const { fault, torn, output, rejects } = batch;
    if (fault) throw new UserError(`Cannot read "${input}:${lines + fault.line}": ${fault.cause}`, { exitCode: 2 });
    result.bytes += size;
    result.rows += batch.rows;
    result.written += batch.written;
    add(result.drops, batch.drops);
    add(result.counts, batch.counts);
    await out.write(inOrder?.(output, batch.notes) ?? output);
    await dropped?.write(rejects);
    if (torn !== undefined) {
      const id = `${input}:${lines + torn}`;
      const message = `${id}: the last line is torn (a write was cut off) and was skipped`;
      context.emit({ type: "log", level: "warn", message });
      add(result.drops, { torn_line: 1 });
      await dropped?.write(new TextEncoder().encode(JSON.stringify({ reason: "torn_line", id }) + "\n"));
    }
    lines += batch.lines;
    buffers.give(bytes);
    spares.give(output);
    release(rejects.buffer);
    context.emit({ type: "progress", label, done: result.bytes, total, unit: "bytes" });
  };
}

/** @throws {UserError} missing or a folder; told before anything is made. */
async function sizeOf(path: string): Promise<number> {
  try {
    const { size, isDirectory } = await Deno.stat(path);
    if (isDirectory) throw new Deno.errors.IsADirectory();
    return size;
  } catch (error) {
    throw fileError("read", path, error);
  }
}

function add(sums: Record<string, number>, more: Record<string, number>): void {
  for (const [key, value] of Object.entries(more)) sums[key] = (sums[key] ?? 0) + value;
}
