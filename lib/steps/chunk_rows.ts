/** The row work of the step `chunk`: a Work in, its chunks out. */
import { checkRow, RowError, type RowSink, type StartRows } from "../core/parallel_batch.ts";
import { CHARS, chunkText, tokenUnit, type Unit, WORDS } from "../corpus/chunk.ts";
import { loadTokenizer } from "../corpus/tokens.ts";
import { Work } from "../records.ts";

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
  const tokenizer = options.tokenizer === undefined ? undefined : await loadTokenizer(options.tokenizer);
  if (options.unit === "tokens" && !tokenizer) throw new Error("a unit of tokens needs a tokenizer");
  const unit = options.unit === "words" ? WORDS : options.unit === "tokens" && tokenizer ? tokenUnit(tokenizer) : CHARS;
  const chunkOptions = { ...options, unit };

  return {
    row(row: unknown, sink: RowSink) {
      const work = checkRow(row, isWork, Work);
      const { id, text } = work;
      checkChapters(work);
      sink.note(id);
      if (text.trim() === "") return sink.drop("no_text", String(id), work.title);
      const { passages, leftOut, cutSentences } = chunkText(text, work.chapters, chunkOptions);
      if (cutSentences > 0) sink.count("cut_sentences", cutSentences);
      const about = aboutOf(work);
      let title: string | undefined;
      let chapterJson = "";
      for (const [index, { start, end, chapter, size }] of passages.entries()) {
        if (chapter !== title) {
          title = chapter;
          chapterJson = chapter === undefined ? "" : `,"chapter":${JSON.stringify(chapter)}`;
        }
        const part = text.slice(start, end);
        const tokens = tokenizer ? `,"tokens":${unit.name === "tokens" ? size : tokenizer.count(part)}` : "";
        const number = String(index + 1).padStart(5, "0");
        // By hand: the only part that must be escaped for each row is the text.
        sink.write(
          `{"id":"chunk_${id}_${number}","text":${
            JSON.stringify(part)
          }${about}${chapterJson},"start":${start},"end":${end}${tokens}}`,
        );
      }
      for (const { start, end, reason } of leftOut) {
        sink.drop(reason, `${id}:${start}-${end}`, text.slice(start, Math.min(end, start + EXCERPT)));
      }
    },
  };
};

/** Characters of what was left out that the rejects file shows. */
const EXCERPT = 200;

/** What all chunks of a work share, as JSON members that follow others. */
function aboutOf({ id, title, author, year, category }: Work): string {
  const about = { source_id: id, source_title: title, author: author || undefined, year, category };
  return `,${JSON.stringify(about).slice(1, -1)}`;
}

/** Offsets that lie outside the text would cut it at the wrong places in silence. */
function checkChapters({ chapters, text }: Work): void {
  for (const { title, start, end } of chapters) {
    if (start > end || end > text.length) {
      throw new RowError(`chapter "${title}" runs from ${start} to ${end}, but the text has ${text.length} characters`);
    }
  }
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
