/** Keeps the ids of chunks unique where an input holds the same work more than once, as joined corpora do. */
import type { Note } from "../core/parallel_batch.ts";

const NEWLINE = 0x0a;

/** Sees the chunks of all works in order. */
export interface IdKeeper {
  /** Works whose id an earlier one had. */
  readonly repeated: number;
  /**
   * The rows with the ids of repeated works marked: `chunk_35_00001` of the second work 35 becomes `chunk_35-2_00001`.
   * `notes` hold the id of each work and where its rows begin. The answer is good until the next call.
   */
  keepApart(rows: Uint8Array<ArrayBuffer>, notes: readonly Note[]): Uint8Array<ArrayBuffer>;
}

export function createIdKeeper(): IdKeeper {
  const seen = new Map<Note["value"], number>();
  let repeated = 0;
  let memory = new Uint8Array(0);
  return {
    get repeated() {
      return repeated;
    },
    keepApart(rows, notes) {
      const marks = notes.map(({ value }) => {
        const times = (seen.get(value) ?? 0) + 1;
        seen.set(value, times);
        if (times > 1) repeated++;
        return times > 1 ? `-${times}` : "";
      });
      if (marks.every((mark) => mark === "")) return rows;
      if (memory.length < rows.length * 2) memory = new Uint8Array(rows.length * 2);
      return markRows(rows, notes, marks, memory);
    },
  };
}

/**
 * Works on bytes, because decoding the rows would cost as much as making them. A mark is much shorter than a row, so that
 * `memory` of twice the size of the rows will do.
 */
function markRows(
  rows: Uint8Array<ArrayBuffer>,
  notes: readonly Note[],
  marks: readonly string[],
  memory: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  let read = 0;
  let written = 0;
  const copyTo = (end: number) => {
    memory.set(rows.subarray(read, end), written);
    written += end - read;
    read = end;
  };
  for (const [index, { value, at }] of notes.entries()) {
    const mark = new TextEncoder().encode(marks[index]);
    if (mark.length === 0) continue;
    const prefix = `{"id":"chunk_${value}`.length;
    const end = notes[index + 1]?.at ?? rows.length;
    for (let row = at; row < end; row = rows.indexOf(NEWLINE, row + prefix) + 1) {
      copyTo(row + prefix);
      for (const byte of mark) memory[written++] = byte;
    }
  }
  copyTo(rows.length);
  return memory.subarray(0, written);
}
