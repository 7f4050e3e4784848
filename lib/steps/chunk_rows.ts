/** The row work of the step `chunk`: a Work in, its chunks out. */
import { checkRow, RowError, type RowSink, type StartRows } from "../core/parallel_batch.ts";
import { CHARS, chunkInto, type ChunkOptions, type PassageSink, tokenUnit, type Unit, WORDS } from "../corpus/chunk.ts";
import type { Tokenizer } from "../corpus/tokens.ts";
import { findStringMember, type RawText, readRawText } from "../corpus/raw_text.ts";
import { openTextMemory, type TextMemory } from "../corpus/raw_text_memory.ts";
import { type TextSource, textSource } from "../corpus/text_source.ts";
import type { Work } from "../records.ts";
import { NO_TOKENS, openRowWriter, type Rows } from "./chunk_kernel.ts";

const NEWLINE = 0x0a;

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
  const memory = openTextMemory();
  const kernel = openRowWriter(memory);
  let loaded = false;
  const write = createWriter(chunkOptions, tokenizer);

  const cut = (work: Work, sink: RowSink): void => {
    const { chapters, text } = work;
    for (const { title, start, end } of chapters) {
      if (start <= end && end <= text.length) continue; // Others would cut the text at wrong places in silence.
      throw new RowError(
        `chapter "${title}" runs from ${start} to ${end}, but the text has ${text.length} characters`,
      );
    }
    write(work, textSource(text), decodedRows(work, sink), sink);
  };

  return {
    raw(bytes, start, sink) {
      if (start === 0) loaded = memory.load(bytes);
      const opened = loaded ? openWork(bytes, start, memory) : undefined;
      if (!opened) return undefined;
      const { work, text, end } = opened;
      kernel.begin(text.closing - start, headOf(work), sink.writeRows);
      write(work, text, kernel, sink);
      kernel.end();
      return end;
    },
    row: (row, sink) => isWork(row) ? cut(row, sink) : checkRow(row, workSchema).then((work) => cut(work, sink)),
  };
};

const workSchema = async () => (await import("../records.ts")).Work;

/** For a text that was decoded. */
function decodedRows(work: Work, sink: RowSink): Rows {
  const head = headOf(work);
  let tail = "";
  return {
    section: (next) => tail = next,
    row(number, start, end, tokens) {
      const content = JSON.stringify(work.text.slice(start, end)).slice(1, -1);
      const serial = String(number).padStart(5, "0");
      const counted = tokens === NO_TOKENS ? "" : `,"tokens":${tokens}`;
      sink.write(`${head}${serial}","text":"${content}${tail}${start},"end":${end}${counted}}`);
    },
  };
}

/** Makes what cuts a work and hands its passages on. */
function createWriter(options: ChunkOptions, tokenizer: Tokenizer | undefined) {
  return (work: Omit<Work, "text">, text: TextSource, rows: Rows, sink: RowSink): void => {
    const about = aboutOf(work);
    let passages = 0;
    let leftOut = 0;
    const tokensOf = (start: number, end: number, size: number) => {
      if (!tokenizer) return NO_TOKENS;
      return options.unit.name === "tokens" ? size : tokenizer.count(text.slice(start, end));
    };
    const toRows: PassageSink = {
      section(chapter) {
        const member = chapter === undefined ? "" : `,"chapter":${JSON.stringify(chapter)}`;
        rows.section(`"${about}${member},"start":`);
      },
      passage: (start, end, size) => rows.row(++passages, start, end, tokensOf(start, end, size)),
      leftOut(start, end, reason) {
        leftOut++;
        sink.drop(reason, `${work.id}:${start}-${end}`, text.slice(start, Math.min(end, start + EXCERPT)));
      },
      cutSentence: () => sink.count("cut_sentences"),
    };
    sink.note(work.id);
    chunkInto(text, work.chapters, options, toRows);
    if (passages + leftOut === 0) sink.drop("no_text", String(work.id), work.title);
  };
}

/**
 * A work whose text stays as it stands in the line that begins at `start`, and where that line ends; undefined where the
 * line is unusual in any way.
 */
function openWork(
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  memory: TextMemory,
): { work: Omit<Work, "text">; text: RawText; end: number } | undefined {
  const at = findStringMember(bytes, "text", start);
  const text = at === undefined ? undefined : readRawText(memory, at);
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

/** What the rows of a work begin with, before their number. */
const headOf = ({ id }: Pick<Work, "id">) => `{"id":"chunk_${id}_`;

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
