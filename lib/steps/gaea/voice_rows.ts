/** Answers as they are kept while they come: each durable at once, so that a stopped run goes on where it was. */
import { dirname } from "node:path";
import { z } from "zod";
import { fileError } from "../../core/files.ts";
import { readJsonl } from "../../core/jsonl.ts";

/** A continuation with all that it takes to ask for it again. */
export const VoiceRow = z.object({
  prompt_id: z.string(),
  prompt: z.string(),
  sample: z.int(),
  text: z.string(),
  /** What was cut off: a prompt that was repeated, a sentence that ended in the middle. */
  cut: z.object({ echo: z.string().optional(), unfinished: z.string().optional() }),
  words: z.int(),
  seed: z.int(),
  /** Times that it was asked for: an empty answer is asked for again, with another seed. */
  tries: z.int(),
  model: z.string(),
  finish_reason: z.string(),
  completion_tokens: z.number().optional(),
  seconds: z.number(),
  /** How the author went on. */
  author: z.string(),
});
export type VoiceRow = z.infer<typeof VoiceRow>;

/** An answer that is none. */
export const RejectedAnswer = z.object({
  reason: z.enum(["empty", "echo"]),
  prompt_id: z.string(),
  sample: z.int(),
  seed: z.int(),
  detail: z.string(),
});
export type RejectedAnswer = z.infer<typeof RejectedAnswer>;

/** Rows that are added one by one, each synced to the disk before `add` resolves. */
export interface RowFile<T> extends AsyncDisposable {
  /** What was there before. */
  readonly before: readonly T[];
  add(row: T): Promise<void>;
}

/**
 * Opens a file of rows for adding. A last line that a crash tore is cut off.
 *
 * @throws {UserError} the file cannot be written, or holds rows of another shape.
 */
export async function openRows<T>(path: string, schema: z.ZodType<T>): Promise<RowFile<T>> {
  let file: Deno.FsFile;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    file = await Deno.open(path, { read: true, write: true, create: true });
  } catch (error) {
    throw fileError("write", path, error);
  }
  let before: T[];
  try {
    before = await Array.fromAsync(readJsonl(path, schema));
    await cutTornLine(file, path);
    await file.seek(0, Deno.SeekMode.End);
  } catch (error) {
    file.close();
    throw error;
  }
  let writing = Promise.resolve();
  const add = (row: T) => {
    const bytes = new TextEncoder().encode(JSON.stringify(row) + "\n");
    // One after another: rows that come at once must not run into each other.
    const written = writing.then(async () => {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
      await file.syncData();
    }).catch((error) => {
      throw fileError("write", path, error);
    });
    writing = written.catch(() => {});
    return written;
  };
  return {
    before,
    add,
    async [Symbol.asyncDispose]() {
      await writing;
      file.close();
    },
  };
}

async function cutTornLine(file: Deno.FsFile, path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end === bytes.length) return;
  // A last line that is whole but for its newline was read as a row: it only needs its end.
  if (isJson(bytes.subarray(end))) {
    await file.seek(0, Deno.SeekMode.End);
    await file.write(new Uint8Array([0x0a]));
  } else await file.truncate(end);
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}
