/** Data files of JSON: lines, or one array. */
import { createFile } from "../core/files.ts";
import type { Example, ExampleSource } from "../records.ts";

/** A data file that appears whole, or not at all. */
export interface RowWriter extends AsyncDisposable {
  write(example: Example, source: ExampleSource | undefined): void | Promise<void>;
  commit(): Promise<void>;
}

/** Characters that are written at once. */
const BLOCK = 1 << 16;

/** @throws {UserError} the file cannot be written. */
export async function createRows(
  path: string,
  rowOf: (example: Example) => unknown,
  form: "lines" | "array",
): Promise<RowWriter> {
  const file = await createFile(path);
  const encoder = new TextEncoder();
  let pending = form === "array" ? "[\n" : "";
  let rows = 0;
  const flush = async () => {
    const text = pending;
    pending = "";
    if (text) await file.write(encoder.encode(text));
  };
  return {
    async write(example) {
      const row = JSON.stringify(rowOf(example));
      pending += form === "lines" ? `${row}\n` : `${rows++ > 0 ? ",\n" : ""}${row}`;
      if (pending.length > BLOCK) await flush();
    },
    async commit() {
      if (form === "array") pending += "\n]\n";
      await flush();
      await file.commit();
    },
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}
