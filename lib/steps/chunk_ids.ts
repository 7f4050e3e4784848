/** Keeps the ids of chunks unique where an input holds the same work more than once, as joined corpora do. */
import type { Note } from "../core/parallel_batch.ts";

const NEWLINE = 0x0a;

/** Sees the chunks of all works in order. */
export interface IdKeeper {
  /** Works whose id an earlier one had. */
  readonly repeated: number;
  /**
   * The rows with the ids of repeated works marked: `chunk_35_00001` of the second work 35 becomes `chunk_35-2_00001`.
   * `notes` hold the id of each work and where its rows begin.
   */
  keepApart(rows: Uint8Array<ArrayBuffer>, notes: readonly Note[]): Uint8Array<ArrayBuffer>;
}

export function createIdKeeper(): IdKeeper {
  const seen = new Map<Note["value"], number>();
  let repeated = 0;
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
      return marks.every((mark) => mark === "") ? rows : markRows(rows, notes, marks);
    },
  };
}

/** Bytes only: decoding the rows would cost as much as making them. */
function markRows(
  rows: Uint8Array<ArrayBuffer>,
  notes: readonly Note[],
  marks: readonly string[],
): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  let copied = 0;
  for (const [index, { value, at }] of notes.entries()) {
    const mark = new TextEncoder().encode(marks[index]);
    if (mark.length === 0) continue;
    const prefix = `{"id":"chunk_${value}`.length;
    const end = notes[index + 1]?.at ?? rows.length;
    for (let row = at; row < end; row = rows.indexOf(NEWLINE, row) + 1) {
      pieces.push(rows.subarray(copied, row + prefix), mark);
      copied = row + prefix;
    }
  }
  pieces.push(rows.subarray(copied));
  const marked = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    marked.set(piece, at);
    at += piece.length;
  }
  return marked;
}
