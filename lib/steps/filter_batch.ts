/** The quick way of the step `filter`: whole batches of lines, from bytes to bytes. */
import { type ByteBuffer, put, putNumber, putSome, putText, reserve, written as bytesOf } from "../core/byte_buffer.ts";
import type { BatchResult } from "../core/parallel_batch.ts";
import type { Themes } from "../corpus/themes.ts";
import { wordsInJson } from "../corpus/white_space.ts";
import { createTally, mergeCounts, mergeTallies, tallyChunk, type ThemeTally } from "../corpus/theme_tally.ts";
import { type ChunkRest, createLineReader } from "./filter_line.ts";

const NEWLINE = 0x0a;
const encoder = new TextEncoder();
const LEFT_OUT = encoder.encode('{"reason":"too_few_matches","id":"');
const MATCHES = encoder.encode('","detail":"matches ');
const SCORE = encoder.encode(", score ");
const END_LEFT_OUT = encoder.encode('"}\n');
const COUNTS = encoder.encode(',"keyword_counts":{');
const TOTAL = encoder.encode('"total":');
const LIST = encoder.encode('},"matches":[');
const END_MATCH = encoder.encode(',"end":');
const END_LIST = encoder.encode("]}\n");
const [COMMA = 0, CLOSE = 0] = encoder.encode(",}");
/** Bytes that a match takes at most beside its pattern and category: two offsets of ten digits, names and signs. */
const MATCH_SIZE = 64;

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
 * @returns A function that answers undefined for a batch that holds any line of another form.
 */
export function createBatchFilter(
  themes: Themes,
  threshold: number,
  isRest: (members: unknown) => members is ChunkRest,
  counts: FilterCounts,
): (bytes: Uint8Array<ArrayBuffer>, spare: Uint8Array<ArrayBuffer>) => BatchResult | undefined {
  const { json, patterns, categories } = themes;
  const { hits } = json;
  const weights = Int32Array.from(patterns, ({ weight }) => weight);
  const categoryOf = Int32Array.from(patterns, ({ category }) => category);
  const names = categories.map((name) => encoder.encode(`${JSON.stringify(name)}:`));
  const heads = patterns.map(({ category, pattern }) =>
    encoder.encode(
      `{"category":${JSON.stringify(categories[category])},"pattern":${JSON.stringify(pattern)},"start":`,
    )
  );
  const longestHead = Math.max(...heads.map((head) => head.length)) + MATCH_SIZE;
  const longestCounts = names.reduce((sum, name) => sum + name.length + 11, 100);
  const inCategory = new Int32Array(categories.length);
  const line = createLineReader((from) => json.scan(from), isRest);

  function scoreOf(): number {
    let score = 0;
    for (let i = 0; i < hits.length; i++) score += weights[hits.data[4 * i]!]!;
    return score;
  }

  function keep(out: ByteBuffer, bytes: Uint8Array, start: number): void {
    reserve(out, line.end - start + longestCounts + hits.length * longestHead);
    put(out, bytes.subarray(start, line.end - 1)); // Without the brace that closes it.
    const { data, length } = hits;
    inCategory.fill(0);
    for (let i = 0; i < length; i++) inCategory[categoryOf[data[4 * i]!]!]!++;
    put(out, COUNTS);
    for (let i = 0; i < names.length; i++) {
      if (inCategory[i] === 0) continue;
      put(out, names[i]!);
      putNumber(out, inCategory[i]!);
      out.bytes[out.length++] = COMMA;
    }
    put(out, TOTAL);
    putNumber(out, length);
    put(out, LIST);
    for (let i = 0; i < length; i++) {
      if (i > 0) out.bytes[out.length++] = COMMA;
      put(out, heads[data[4 * i]!]!);
      putNumber(out, data[4 * i + 1]!);
      put(out, END_MATCH);
      putNumber(out, data[4 * i + 3]!);
      out.bytes[out.length++] = CLOSE;
    }
    put(out, END_LIST);
  }

  function leaveOut(rejects: ByteBuffer, bytes: Uint8Array, score: number): void {
    reserve(rejects, line.idTo - line.idFrom + 200);
    put(rejects, LEFT_OUT);
    putSome(rejects, bytes, line.idFrom, line.idTo);
    put(rejects, MATCHES);
    putNumber(rejects, hits.length);
    put(rejects, SCORE);
    if (score >= 0 && score % 1000 === 0) putNumber(rejects, score / 1000);
    else putText(rejects, String(score / 1000));
    put(rejects, END_LEFT_OUT);
  }

  /** Rejects of the batch before: the next has about as many, and growing would leave garbage. */
  let usual = 0;

  return (given, spare) => {
    if (given.at(-1) !== NEWLINE) return undefined;
    const bytes = json.load(given);
    const out: ByteBuffer = { bytes: spare, length: 0 };
    const rejects: ByteBuffer = { bytes: new Uint8Array(usual), length: 0 };
    const totals = new Map<number, number>();
    const tally = counts.tally && createTally(themes);
    let rows = 0;
    let written = 0;
    for (let start = 0; start < bytes.length; start = line.end + 1) {
      if (!line.read(bytes, start)) return undefined;
      rows++;
      totals.set(hits.length, (totals.get(hits.length) ?? 0) + 1);
      if (tally) {
        const words = wordsInJson(bytes, line.textFrom, line.textTo);
        tallyChunk(tally, themes, { ...line.rest(bytes), chars: json.units, words }, hits, threshold);
      }
      const score = scoreOf();
      if (score >= threshold) {
        keep(out, bytes, start);
        written++;
      } else leaveOut(rejects, bytes, score);
    }
    usual = Math.ceil(rejects.length * 1.1);
    mergeCounts(counts.byTotal, totals);
    if (counts.tally && tally) mergeTallies(counts.tally, tally);
    return {
      lines: rows,
      rows,
      written,
      output: bytesOf(out),
      rejects: bytesOf(rejects),
      drops: rows === written ? {} : { too_few_matches: rows - written },
      counts: {},
      notes: [],
    };
  };
}
