import { UserError } from "./errors.ts";
import { fileError } from "./files.ts";
import { lastNewline } from "./newline.ts";

const NEWLINE = 0x0a;

/** Whole lines of a file; `ended` is false only for the last batch of a file without a newline at its end. */
export interface Batch {
  bytes: Uint8Array<ArrayBuffer>;
  ended: boolean;
}

/** Buffers that go round between threads instead of being made anew. Odd large ones are freed. */
export interface Pool {
  /** Bytes of the largest that it was given. */
  readonly largest: number;
  take(size: number): Uint8Array<ArrayBuffer>;
  give(bytes: Uint8Array<ArrayBuffer>): void;
}

/** A pool that keeps at most `count` buffers of at most `limit` bytes. */
export function createPool(count: number, limit: number): Pool {
  const free: Uint8Array<ArrayBuffer>[] = [];
  let largest = 0;
  return {
    get largest() {
      return largest;
    },
    take(size) {
      const index = free.findIndex((bytes) => bytes.length >= size);
      // Where all are too small, one makes room for the larger one that will come back.
      const [bytes] = free.splice(Math.max(index, 0), 1);
      if (bytes && index >= 0) return bytes;
      if (bytes) release(bytes.buffer);
      return new Uint8Array(size);
    },
    give({ buffer }) {
      if (buffer.byteLength > limit || free.length >= count) return release(buffer);
      largest = Math.max(largest, buffer.byteLength);
      free.push(new Uint8Array(buffer));
    },
  };
}

/** Gives memory back at once: a thread that makes few objects does not collect its garbage for a long time. */
export function release(buffer: ArrayBuffer): void {
  buffer.transfer(0);
}

/**
 * A file in batches of about `size` bytes, cut at newlines. A line that is longer than that makes its batch as long as
 * itself; every byte is looked at once and copied a bounded number of times, so that one long line costs linear time.
 *
 * @throws {UserError} the file is missing, a folder or not readable, or a line is longer than `longestLine` bytes.
 */
export async function* readBatches(
  path: string,
  { size, longestLine, pool }: { size: number; longestLine: number; pool: Pool },
): AsyncGenerator<Batch> {
  try {
    using file = await Deno.open(path);
    let buffer = pool.take(size);
    let filled = 0;
    let searched = 0; // No newline lies before this.
    while (true) {
      const read = await file.read(buffer.subarray(filled, filled + size));
      if (read === null) break;
      filled += read;
      if (filled < size && filled < buffer.length) continue;
      const newline = lastNewline(buffer, searched, filled);
      if (newline >= 0) {
        const cut = newline + 1;
        const next = pool.take(Math.max(size, filled - cut));
        next.set(buffer.subarray(cut, filled));
        searched = filled = filled - cut;
        yield { bytes: buffer.subarray(0, cut), ended: true };
        buffer = next;
      } else {
        searched = filled;
      }
      if (filled < buffer.length) continue;
      if (filled >= longestLine) throw tooLong(path, longestLine);
      const larger = pool.take(Math.min(buffer.length * 2, longestLine));
      larger.set(buffer);
      pool.give(buffer);
      buffer = larger;
    }
    if (filled > 0) yield { bytes: buffer.subarray(0, filled), ended: buffer[filled - 1] === NEWLINE };
  } catch (error) {
    throw fileError("read", path, error);
  }
}

function tooLong(path: string, limit: number): UserError {
  return new UserError(`Cannot read "${path}": a line is longer than ${limit >> 20} MiB`, {
    exitCode: 2,
    hint: "JSON Lines has one row a line: is a newline missing between the rows?",
  });
}

/** The same values, each asked for while what takes them is busy with the one before. */
export async function* readAhead<T>(values: AsyncGenerator<T>): AsyncGenerator<T> {
  const ask = () => {
    const next = values.next();
    next.catch(() => {}); // Told when its turn comes.
    return next;
  };
  try {
    for (let next = ask();;) {
      const { done, value } = await next;
      if (done) return;
      next = ask();
      yield value;
    }
  } finally {
    await values.return(undefined);
  }
}
