/** Rows that are too dear to lose: each is on the disk before the next step is taken. */
import { dirname } from "node:path";
import { fileError } from "./files.ts";

/** A JSON Lines file that grows; a row is durable when its promise resolves. */
export interface JsonlLog extends Disposable {
  add(row: unknown): Promise<void>;
}

/**
 * Opens a JSON Lines file to add to, made where it is missing. A last line that a crash tore is cut off first.
 *
 * @throws {UserError} no permission, read-only or full disk.
 */
export async function openJsonlLog(path: string): Promise<JsonlLog> {
  let file: Deno.FsFile;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    file = await Deno.open(path, { read: true, write: true, create: true });
    await file.truncate(await wholeLines(file));
    await file.seek(0, Deno.SeekMode.End);
  } catch (error) {
    throw fileError("write", path, error);
  }
  const encoder = new TextEncoder();
  let before = Promise.resolve();
  return {
    add(row) {
      before = before.then(async () => {
        try {
          for (let rest = encoder.encode(JSON.stringify(row) + "\n"); rest.length > 0;) {
            rest = rest.subarray(await file.write(rest));
          }
          await file.syncData();
        } catch (error) {
          throw fileError("write", path, error);
        }
      });
      return before;
    },
    [Symbol.dispose]: () => file.close(),
  };
}

/** Bytes up to the end of the last line that has one. */
async function wholeLines(file: Deno.FsFile): Promise<number> {
  const { size } = await file.stat();
  const block = new Uint8Array(1 << 16);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - block.length);
    await file.seek(start, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < end - start) {
      const read = await file.read(block.subarray(filled, end - start));
      if (read === null) break;
      filled += read;
    }
    const newline = block.subarray(0, filled).lastIndexOf(0x0a);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}
