/** The quick way of the step `filter`: whole batches of lines, from bytes to bytes. */
import { type ByteBuffer, put, reserve, written as bytesOf } from "../core/byte_buffer.ts";
import type { BatchResult } from "../core/parallel_batch.ts";
import { MOST_HITS } from "../corpus/matcher_layout.ts";
import type { Themes } from "../corpus/themes.ts";
import { wordsInJson } from "../corpus/white_space.ts";
import { createTally, mergeCounts, mergeTallies, tallyChunk, type ThemeTally } from "../corpus/theme_tally.ts";
import { type ChunkRest, createLineReader } from "./filter_line.ts";
import { openRowTables, type Room } from "./filter_tables.ts";

const NEWLINE = 0x0a;
/** The kernel's numbers. */
const MOST = 2 ** 31 - 1;

/** What a thread counts over all of its batches, and answers at its end. */
export interface FilterCounts {
  /** Chunks by number of matches. */
  byTotal: Map<number, number>;
  /** Where there are to be statistics. */
  tally: ThemeTally | undefined;
}

/**
 * Makes the quick way.
 *
 * @param threshold The score from which a chunk is kept, in thousandths.
 * @param isRest See {@linkcode createLineReader}.
 * @param counts Added to only by batches that went the quick way.
 * @returns A function that answers undefined for a batch that holds any line of another form, or too long a line.
 */
export function createBatchFilter(
  themes: Themes,
  threshold: number,
  isRest: (members: unknown) => members is ChunkRest,
  counts: FilterCounts,
): (bytes: Uint8Array<ArrayBuffer>, spare: Uint8Array<ArrayBuffer>) => BatchResult | undefined {
  const { json, patterns } = themes;
  const { hits } = json;
  const { text } = json.kernel;
  const weights = Int32Array.from(patterns, ({ weight }) => weight);
  const tables = openRowTables(themes);
  if (!tables) return () => undefined;
  const { kernel, rowSize, rejectSize } = tables;
  const line = createLineReader(tables, text, (from) => json.scan(from), isRest);

  function scoreOf(): number {
    let score = 0;
    for (let i = 0; i < hits.length; i++) score += weights[hits.data[4 * i]!]!;
    return score;
  }

  /** Lines in memory, and what takes them from there. */
  const writer = ({ from, to }: Room, into: ByteBuffer) => ({
    at: from,
    /** Makes room for so many bytes more; answers false where there is none. */
    reserve(more: number): boolean {
      if (this.at + more > to) this.drain();
      return this.at + more <= to;
    },
    drain(): void {
      reserve(into, this.at - from);
      put(into, tables.bytes.subarray(from, this.at));
      this.at = from;
    },
  });

  /** Rejects of the batch before: the next has about as many, and growing would leave garbage. */
  let usual = 0;

  return (given, spare) => {
    if (given.at(-1) !== NEWLINE) return undefined;
    const bytes = json.load(given);
    if (bytes === given) return undefined; // Not in memory.
    const out: ByteBuffer = { bytes: spare, length: 0 };
    const dropped: ByteBuffer = { bytes: new Uint8Array(usual), length: 0 };
    const kept = writer(tables.rows, out);
    const rejects = writer(tables.rejects, dropped);
    const totals = new Map<number, number>();
    const tally = counts.tally && createTally(themes);
    let rows = 0;
    let written = 0;
    for (let start = 0; start < bytes.length; start = line.end + 1) {
      if (!line.read(bytes, start) || hits.length > MOST_HITS) return undefined;
      rows++;
      totals.set(hits.length, (totals.get(hits.length) ?? 0) + 1);
      if (tally) {
        const words = wordsInJson(bytes, line.textFrom, line.textTo);
        tallyChunk(tally, themes, { ...line.rest(bytes), chars: json.units, words }, hits, threshold);
      }
      const score = scoreOf();
      if (score >= threshold) {
        if (!kept.reserve(line.end - start + rowSize(hits.length))) return undefined;
        kept.at = kernel.keep(text + start, text + line.end, hits.length, kept.at);
        written++;
      } else {
        if (score > MOST || !rejects.reserve(line.idTo - line.idFrom + rejectSize)) return undefined;
        rejects.at = kernel.leaveOut(text + line.idFrom, text + line.idTo, hits.length, score, rejects.at);
      }
    }
    kept.drain();
    rejects.drain();
    usual = Math.ceil(dropped.length * 1.1);
    mergeCounts(counts.byTotal, totals);
    if (counts.tally && tally) mergeTallies(counts.tally, tally);
    return {
      lines: rows,
      rows,
      written,
      output: bytesOf(out),
      rejects: bytesOf(dropped),
      drops: rows === written ? {} : { too_few_matches: rows - written },
      counts: {},
      notes: [],
    };
  };
}
