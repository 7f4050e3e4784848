/**
 * What happens to one batch of lines, wherever it happens: in a worker thread or on the main one. Everything that a
 * module of row work needs is exported here.
 */
import type { z } from "zod";
import { type ByteBuffer, put, putText, reserve, written } from "./byte_buffer.ts";
import { messageOf } from "./errors.ts";
import { excerpt, explain } from "./explain.ts";

/** Where the work on a row puts what it makes. */
export interface RowSink {
  /** Adds one row to the output: its JSON text in parts, without a newline. */
  write(...parts: (string | Uint8Array)[]): void;
  /** Adds so many rows that are ready, each with its newline. */
  writeRows(rows: Uint8Array, count: number): void;
  /** Leaves something out: counted by reason, and kept as a line of the rejects file where there is one. */
  drop(reason: string, id: string, detail?: string): void;
  /** Adds to a counter of the result. */
  count(name: string, by?: number): void;
  /** Leaves a word for `inOrder`, with the place in the output where the next row will stand. */
  note(value: string | number): void;
}

/** What a module of row work does. One of these lives in every thread and sees some of the rows, in no set order. */
export interface RowWork {
  /**
   * @param row What JSON.parse made of the line: check it, with {@linkcode checkRow} where a quick look does not do.
   * @param json The line itself, to splice a row from without writing it anew.
   * @throws {RowError} the row is bad: the message will name file and line.
   */
  row(row: unknown, sink: RowSink, json: string): void | Promise<void>;
  /**
   * Tried before `row` where it exists, on the bytes of a batch from the start of a line on: a quick way for rows that
   * need not be decoded, and of which the end shows while they are read.
   *
   * @returns Where the line ends: the offset of its newline, or the number of bytes; undefined, having put nothing into
   * the sink, where the row must go the ordinary way.
   */
  raw?(bytes: Uint8Array<ArrayBuffer>, start: number, sink: RowSink): number | undefined;
  /**
   * Tried before all else where it exists: a quick way for a whole batch of lines of which none need be decoded.
   *
   * @param spare Memory for the output, used where it is enough.
   * @returns undefined, having counted nothing, where the batch must go the ordinary way.
   */
  batch?(bytes: Uint8Array<ArrayBuffer>, spare: Uint8Array<ArrayBuffer>): BatchResult | undefined;
  /** Called once after the last row; what it answers (plain data) is one element of the result's `finished`. */
  finish?(): unknown;
}

/** The one export of a module of row work. `options` cross a thread border: plain data. */
export type StartRows<Options> = (options: Options) => RowWork | Promise<RowWork>;

/** A bad row. The place is added by whoever knows it. */
export class RowError extends Error {
  override readonly name = "RowError";
}

/**
 * The row as the schema makes it, for one that a quick guard does not know: the schema fills in defaults or says what is
 * wrong. zod is thorough but slow, so the guard goes first, and threads load the schema only when they need it.
 *
 * @throws {RowError} the row has another shape.
 */
export async function checkRow<T>(row: unknown, schema: () => Promise<z.ZodType<T>>): Promise<T> {
  const parsed = (await schema()).safeParse(row);
  if (!parsed.success) throw new RowError(`the row has another shape: ${explain(parsed.error)}`);
  return parsed.data;
}

/** What became of a batch. Line numbers count from 1 within it. */
export interface BatchResult {
  lines: number;
  rows: number;
  written: number;
  output: Uint8Array<ArrayBuffer>;
  rejects: Uint8Array<ArrayBuffer>;
  drops: Record<string, number>;
  counts: Record<string, number>;
  notes: Note[];
  /** The last line of the file, when it was cut off by a crash. */
  torn?: number;
  /** The first bad line; nothing after it was done. */
  fault?: { line: number; cause: string };
}

/** A word that {@linkcode RowSink.note} left, and the offset in the batch's output where it was left. */
export interface Note {
  value: string | number;
  at: number;
}

/** Adds a line. */
function putLine(buffer: ByteBuffer, parts: readonly (string | Uint8Array)[]): void {
  for (const part of parts) {
    reserve(buffer, typeof part === "string" ? part.length * 3 : part.length);
    if (typeof part === "string") putText(buffer, part);
    else put(buffer, part);
  }
  reserve(buffer, 1);
  buffer.bytes[buffer.length++] = NEWLINE;
}

const NEWLINE = 0x0a;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Does the work on whole lines.
 *
 * @param ended Whether a newline ends the last line; if not, and it is not whole JSON, it was torn and is skipped.
 * @param spare Memory for the output, used where it is enough.
 * @throws whatever the work throws, but not its RowErrors: these are the result's `fault`.
 */
export async function runBatch(
  work: RowWork,
  bytes: Uint8Array<ArrayBuffer>,
  ended: boolean,
  spare: Uint8Array<ArrayBuffer> = new Uint8Array(bytes.length + 1024),
): Promise<BatchResult> {
  const quick = work.batch?.(bytes, spare);
  if (quick) return quick;
  const output: ByteBuffer = { bytes: spare, length: 0 };
  const rejects: ByteBuffer = { bytes: new Uint8Array(0), length: 0 };
  const result: BatchResult = {
    lines: 0,
    rows: 0,
    written: 0,
    output: output.bytes,
    rejects: rejects.bytes,
    drops: {},
    counts: {},
    notes: [],
  };
  const sink: RowSink = {
    write(...parts) {
      putLine(output, parts);
      result.written++;
    },
    writeRows(rows, count) {
      reserve(output, rows.length);
      put(output, rows);
      result.written += count;
    },
    drop(reason, id, detail) {
      result.drops[reason] = (result.drops[reason] ?? 0) + 1;
      putLine(rejects, [JSON.stringify({ reason, id, detail })]);
    },
    count(name, by = 1) {
      result.counts[name] = (result.counts[name] ?? 0) + by;
    },
    note(value) {
      result.notes.push({ value, at: output.length });
    },
  };
  try {
    // To decode all at once is three times as fast as line by line.
    const text = work.raw === undefined ? decode(bytes) : undefined;
    const { length } = text ?? bytes;
    for (let start = 0, end = 0; start < length; start = end + 1) {
      result.lines++;
      const quickEnd = work.raw?.(bytes, start, sink);
      if (quickEnd !== undefined) {
        end = quickEnd;
        result.rows++;
        continue;
      }
      const newline = text === undefined ? bytes.indexOf(NEWLINE, start) : text.indexOf("\n", start);
      end = newline < 0 ? length : newline;
      const json = text === undefined ? decode(bytes.subarray(start, end)) : text.slice(start, end);
      const row = json === undefined ? new RowError("the line is not UTF-8 text") : parseLine(json);
      if (row === BLANK) continue;
      if (row instanceof RowError) {
        if (ended || end + 1 < length) throw row;
        result.torn = result.lines;
        break;
      }
      result.rows++;
      const later = work.row(row, sink, json ?? "");
      if (later) await later;
    }
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    result.fault = { line: result.lines, cause: error.message };
  }
  result.output = written(output);
  result.rejects = written(rejects);
  return result;
}

/** Bytes as text; undefined where they are not UTF-8. */
function decode(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

const BLANK = Symbol("blank line");

/** The value of a line, or what is wrong with it. A byte order mark may stand where files were joined. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    const text = line.startsWith("\uFEFF") ? line.slice(1) : line;
    if (text.trim() === "") return BLANK;
    if (text !== line) return parseLine(text);
    if (text.includes("\0")) return new RowError("the line holds NUL bytes");
    // V8 quotes the text in its message; a line may be a whole book.
    const said = messageOf(error).replace(/, (\.\.\.)?".*$/s, "");
    return new RowError(`the line is not JSON: ${said} in ${excerpt(text)}`);
  }
}
