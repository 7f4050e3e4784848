import type { z } from "zod";
import { messageOf, UserError } from "./errors.ts";
import { excerpt, explain } from "./explain.ts";
import { createFile, fileError } from "./files.ts";

export { excerpt, explain };

const NEWLINE = 0x0a;

/** A line of a file as bytes, its number (from 1), and whether a newline ended it. */
export interface Line {
  bytes: Uint8Array;
  number: number;
  ended: boolean;
}

/**
 * The lines of a file without their newlines, in constant memory; a single line may be as long as memory allows.
 *
 * @throws {UserError} missing, a folder, or not readable.
 */
export async function* readLines(path: string, signal?: AbortSignal): AsyncGenerator<Line> {
  let number = 0;
  let held: Uint8Array[] = [];
  const take = (last: Uint8Array): Uint8Array => {
    if (held.length === 0) return last;
    const line = new Uint8Array(held.reduce((sum, part) => sum + part.length, last.length));
    let at = 0;
    for (const part of [...held, last]) {
      line.set(part, at);
      at += part.length;
    }
    held = [];
    return line;
  };
  for await (const block of readBlocks(path)) {
    signal?.throwIfAborted();
    let start = 0;
    for (let end = block.indexOf(NEWLINE); end >= 0; end = block.indexOf(NEWLINE, start)) {
      yield { bytes: take(block.subarray(start, end)), number: ++number, ended: true };
      start = end + 1;
    }
    if (start < block.length) held.push(block.subarray(start));
  }
  if (held.length > 0) yield { bytes: take(new Uint8Array()), number: ++number, ended: false };
}

async function* readBlocks(path: string): AsyncGenerator<Uint8Array> {
  try {
    using file = await Deno.open(path);
    while (true) {
      const block = new Uint8Array(1 << 18);
      const read = await file.read(block);
      if (read === null) return;
      yield block.subarray(0, read);
    }
  } catch (error) {
    throw fileError("read", path, error);
  }
}

/**
 * The rows of a JSON Lines file, each checked against `schema`. Blank lines and a byte order mark are skipped. A last
 * line without a newline that is not whole JSON was torn by a crash: it is skipped and told to `onTorn`.
 *
 * @throws {UserError} the file cannot be read, or a row is bad: the message names `file:line` and the cause.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { z } from "zod";
 * import { readJsonl } from "@/core/jsonl.ts";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, '{"n":1}\n{"n":2}\n{"n":');
 * const rows = await Array.fromAsync(readJsonl(path, z.object({ n: z.number() })));
 * deepEqual(rows, [{ n: 1 }, { n: 2 }]);
 * await Deno.remove(path);
 * ```
 */
export async function* readJsonl<T>(
  path: string,
  schema: z.ZodType<T>,
  options: { signal?: AbortSignal; onTorn?: (line: number) => void } = {},
): AsyncGenerator<T> {
  for await (const { bytes, number, ended } of readLines(path, options.signal)) {
    const bad = (cause: string) => new UserError(`Cannot read "${path}:${number}": ${cause}`, { exitCode: 2 });
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes); // Strips a byte order mark.
    } catch {
      if (!ended) return options.onTorn?.(number);
      throw bad("the line is not UTF-8 text");
    }
    if (text.trim() === "") continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      if (!ended) return options.onTorn?.(number);
      throw bad(
        text.includes("\0")
          ? "the line holds NUL bytes"
          : `the line is not JSON: ${messageOf(error)} in ${excerpt(text)}`,
      );
    }
    const row = schema.safeParse(value);
    if (!row.success) throw bad(`the row has another shape: ${explain(row.error)}`);
    yield row.data;
  }
}

/** A JSON Lines file that appears whole, or not at all. */
export interface JsonlWriter extends AsyncDisposable {
  /** Adds a row; await it, so that a slow disk slows the writer and not memory. */
  write(row: unknown): Promise<void>;
  /** Makes the file durable under its name and answers its number of rows. */
  commit(): Promise<number>;
}

/**
 * Opens a JSON Lines file for writing beside its final name.
 *
 * @throws {UserError} no permission, read-only or full disk.
 *
 * @example
 * ```ts ignore
 * await using out = await createJsonl("dataset.jsonl");
 * for (const row of rows) await out.write(row);
 * await out.commit();
 * ```
 */
export async function createJsonl(path: string): Promise<JsonlWriter> {
  const file = await createFile(path);
  const encoder = new TextEncoder();
  let rows = 0;
  let pending = "";
  const flush = async () => {
    const text = pending;
    pending = "";
    if (text) await file.write(encoder.encode(text));
  };
  return {
    async write(row) {
      pending += JSON.stringify(row) + "\n";
      rows++;
      if (pending.length > 1 << 16) await flush();
    },
    async commit() {
      await flush();
      await file.commit();
      return rows;
    },
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

/** Writes rows to a JSON Lines file, whole or not at all; answers how many. */
export async function writeJsonl(path: string, rows: Iterable<unknown>): Promise<number> {
  await using out = await createJsonl(path);
  for (const row of rows) await out.write(row);
  return await out.commit();
}
