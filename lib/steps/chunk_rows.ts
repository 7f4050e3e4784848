/** The row work of the step `chunk`: a Work in, its chunks out. */
import { type ByteBuffer, put, putNumber, putText, reserve, written } from "../core/byte_buffer.ts";
import { checkRow, RowError, type RowSink, type StartRows } from "../core/parallel_batch.ts";
import { CHARS, chunkInto, type ChunkOptions, type PassageSink, tokenUnit, type Unit, WORDS } from "../corpus/chunk.ts";
import type { Tokenizer } from "../corpus/tokens.ts";
import { type TextSource, textSource } from "../corpus/paragraphs.ts";
import { createRawTextReader, findStringMember, type RawText } from "../corpus/raw_text.ts";
import type { Work } from "../records.ts";

const NEWLINE = 0x0a;
const encoder = new TextEncoder();
const TEXT = encoder.encode('","text":"');
const START = encoder.encode(',"start":');
const END = encoder.encode(',"end":');
const TOKENS = encoder.encode(',"tokens":');
const CLOSE = encoder.encode("}");
/** Bytes of these and of the numbers between them, at most. */
const OTHERS = 100;

/** Options that cross to a thread. */
export interface ChunkRowOptions {
  size: number;
  minSize: number;
  overlap: number;
  unit: Unit["name"];
  method: "paragraph" | "window";
  /** `o200k` or a folder. */
  tokenizer?: string;
}

export const start: StartRows<ChunkRowOptions> = async (options) => {
  const tokenizer = options.tokenizer === undefined
    ? undefined
    : await (await import("../corpus/tokens.ts")).loadTokenizer(options.tokenizer);
  if (options.unit === "tokens" && !tokenizer) throw new Error("a unit of tokens needs a tokenizer");
  const unit = options.unit === "words" ? WORDS : options.unit === "tokens" && tokenizer ? tokenUnit(tokenizer) : CHARS;
  const chunkOptions = { ...options, unit };
  const readRawText = createRawTextReader();

  const write = createWriter(chunkOptions, tokenizer);

  const cut = (work: Work, sink: RowSink): void => {
    const { chapters, text } = work;
    for (const { title, start, end } of chapters) {
      if (start <= end && end <= text.length) continue; // Others would cut the text at wrong places in silence.
      throw new RowError(
        `chapter "${title}" runs from ${start} to ${end}, but the text has ${text.length} characters`,
      );
    }
    write(work, textSource(text), (start, end) => JSON.stringify(text.slice(start, end)).slice(1, -1), sink);
  };

  return {
    raw(bytes, start, sink) {
      const opened = openWork(bytes, start, readRawText);
      if (!opened) return undefined;
      write(opened.work, opened.text, opened.text.bytes, sink);
      return opened.end;
    },
    row: (row, sink) => isWork(row) ? cut(row, sink) : checkRow(row, workSchema).then((work) => cut(work, sink)),
  };
};

const workSchema = async () => (await import("../records.ts")).Work;

/** Makes what writes the passages of a work. */
function createWriter(options: ChunkOptions, tokenizer: Tokenizer | undefined) {
  let sink: RowSink;
  let text: TextSource;
  let contentOf: ContentOf;
  let id = 0;
  let head = new Uint8Array(0);
  let passages = 0;
  let leftOut = 0;
  /** What stands between the text of a passage and its place: the same for all of a work, then for all of a chapter. */
  const behind: ByteBuffer = { bytes: new Uint8Array(0), length: 0 };
  let ofWork = 0;
  let tail = new Uint8Array(0);

  const toRows: PassageSink = {
    section(chapter) {
      const member = chapter === undefined ? "" : `,"chapter":${JSON.stringify(chapter)}`;
      behind.length = ofWork;
      reserve(behind, member.length * 3 + START.length);
      putText(behind, member);
      put(behind, START);
      tail = written(behind);
    },
    passage(start, end, size) {
      const content = contentOf(start, end);
      const most = typeof content === "string" ? content.length * 3 : content.length;
      const out = sink.open(head.length + most + tail.length + OTHERS);
      put(out, head);
      putNumber(out, ++passages, 5);
      put(out, TEXT);
      if (typeof content === "string") putText(out, content);
      else put(out, content);
      put(out, tail);
      putNumber(out, start);
      put(out, END);
      putNumber(out, end);
      if (tokenizer) {
        put(out, TOKENS);
        putNumber(out, options.unit.name === "tokens" ? size : tokenizer.count(text.slice(start, end)));
      }
      put(out, CLOSE);
      sink.close();
    },
    leftOut(start, end, reason) {
      leftOut++;
      sink.drop(reason, `${id}:${start}-${end}`, text.slice(start, Math.min(end, start + EXCERPT)));
    },
    cutSentence: () => sink.count("cut_sentences"),
  };

  return (work: Omit<Work, "text">, source: TextSource, ofSource: ContentOf, into: RowSink): void => {
    [sink, text, contentOf, id, passages, leftOut] = [into, source, ofSource, work.id, 0, 0];
    sink.note(id);
    head = encoder.encode(`{"id":"chunk_${id}_`);
    const about = `"${aboutOf(work)}`;
    behind.length = 0;
    reserve(behind, about.length * 3);
    putText(behind, about);
    ofWork = behind.length;
    chunkInto(text, work.chapters, options, toRows);
    if (passages + leftOut === 0) sink.drop("no_text", String(id), work.title);
  };
}

/** A part of a text as the content of a JSON string. */
type ContentOf = (start: number, end: number) => string | Uint8Array;

/**
 * A work whose text stays as it stands in the line that begins at `start`, and where that line ends; undefined where the
 * line is unusual in any way.
 */
function openWork(
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  readRawText: ReturnType<typeof createRawTextReader>,
): { work: Omit<Work, "text">; text: RawText; end: number } | undefined {
  const at = findStringMember(bytes, "text", start);
  const text = at === undefined ? undefined : readRawText(bytes, at);
  if (at === undefined || text === undefined) return undefined;
  const newline = bytes.indexOf(NEWLINE, text.closing);
  const end = newline < 0 ? bytes.length : newline;
  try {
    // The line with its text taken out is an ordinary row. Where another "text" was found, this one is not empty.
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const work: unknown = JSON.parse(
      decoder.decode(bytes.subarray(start, at)) + decoder.decode(bytes.subarray(text.closing, end)),
    );
    if (!isWork(work) || work.text !== "") return undefined;
    const regular = work.chapters.every(({ start, end }) =>
      start <= end && end <= text.length && !text.splits(start) && !text.splits(end)
    );
    return regular ? { work, text, end } : undefined;
  } catch {
    return undefined; // JSON.parse of the whole line will tell what is wrong.
  }
}

/** Characters of what was left out that the rejects file shows. */
const EXCERPT = 200;

/** What all chunks of a work share, as JSON members that follow others. */
function aboutOf({ id, title, author, year, category }: Omit<Work, "text">): string {
  const about = { source_id: id, source_title: title, author: author || undefined, year, category };
  return `,${JSON.stringify(about).slice(1, -1)}`;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;

/** A quick look at what chunking uses of a work; the schema has the last word on rows that fail it. */
function isWork(row: unknown): row is Work {
  if (typeof row !== "object" || row === null) return false;
  const { id, title, author, year, category, text, chapters }: Record<string, unknown> = { ...row };
  return isCount(id) && isText(title) && title !== "" && isText(author) && isText(text) &&
    (year === undefined || Number.isInteger(year)) && (category === undefined || isText(category)) &&
    Array.isArray(chapters) && chapters.every(isChapter);
}

function isChapter(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { title, start, end }: Record<string, unknown> = { ...value };
  return isText(title) && isCount(start) && isCount(end);
}
