/**
 * Cuts a text into passages. A passage is a range of the text, so that nothing is lost or made up on the way; it never
 * crosses a chapter and never splits a word, and its size is a hard limit in the chosen unit.
 */
import type { Chapter } from "../records.ts";
import { packParagraphs } from "./chunk_paragraphs.ts";
import { slideWindow } from "./chunk_window.ts";
import { countWords, type Range } from "./paragraphs.ts";
import { type TextSource, textSource } from "./text_source.ts";
import type { Tokenizer } from "./tokens.ts";

/** What a size is counted in. */
export interface Unit {
  readonly name: "chars" | "words" | "tokens";
  /** Size of `text.slice(start, end)`. */
  measure(text: TextSource, start: number, end: number): number;
}

/** UTF-16 units, as in offsets. */
export const CHARS: Unit = { name: "chars", measure: (_text, start, end) => end - start };

/** Runs of anything but white space. */
export const WORDS: Unit = { name: "words", measure: (text, start, end) => countWords(text.slice(start, end)) };

/** Tokens of a model, without any before or after the text. */
export function tokenUnit(tokenizer: Pick<Tokenizer, "count">): Unit {
  return { name: "tokens", measure: (text, start, end) => tokenizer.count(text.slice(start, end)) };
}

export interface ChunkOptions {
  /** `paragraph`: whole paragraphs, as many as fit. `window`: as many words as fit, each window overlapping the last. */
  method: "paragraph" | "window";
  unit: Unit;
  /** The largest passage. */
  size: number;
  /** The smallest passage; what is smaller is joined to its neighbour or dropped. */
  minSize: number;
  /** The largest overlap of two windows; smaller than `size`. */
  overlap: number;
}

/** A part of a text that stands for itself. */
export interface Passage extends Range {
  chapter?: string;
  /** In the unit asked for. */
  size: number;
}

/** A part that is in no passage. `word_too_long`: a single word is larger than a passage may be. */
export interface LeftOut extends Range {
  reason: "too_short" | "word_too_long";
}

export interface Chunking {
  /** In the order of the text. */
  passages: Passage[];
  leftOut: LeftOut[];
  /** Sentences longer than a passage, which were cut at clauses or words. */
  cutSentences: number;
}

/**
 * Cuts a text. Paragraphs lie between blank lines. A paragraph is split only where it alone is too long, then at the
 * ends of sentences; a sentence that alone is too long at the ends of clauses, else between words.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { CHARS, chunkText } from "@/corpus/chunk.ts";
 *
 * const text = "The king moved.\n\nThe queen did not. She waited.";
 * const { passages } = chunkText(text, [], { method: "paragraph", unit: CHARS, size: 20, minSize: 1, overlap: 0 });
 * deepEqual(passages.map(({ start, end }) => text.slice(start, end)), [
 *   "The king moved.",
 *   "The queen did not.",
 *   "She waited.",
 * ]);
 * ```
 */
export function chunkText(text: string | TextSource, chapters: readonly Chapter[], options: ChunkOptions): Chunking {
  const chunking: Chunking = { passages: [], leftOut: [], cutSentences: 0 };
  let of: { chapter?: string } = {};
  chunkInto(typeof text === "string" ? textSource(text) : text, chapters, options, {
    section: (chapter) => of = chapter === undefined ? {} : { chapter },
    passage: (start, end, size) => chunking.passages.push({ start, end, size, ...of }),
    leftOut: (start, end, reason) => chunking.leftOut.push({ start, end, reason }),
    cutSentence: () => chunking.cutSentences++,
  });
  return chunking;
}

/** Takes passages, in the order of the text: without making objects of them, of which a book has very many. */
export interface PassageSink {
  /** What follows lies in a chapter, or in none. */
  section(chapter: string | undefined): void;
  passage(start: number, end: number, size: number): void;
  leftOut(start: number, end: number, reason: LeftOut["reason"]): void;
  cutSentence(): void;
}

/** As {@linkcode chunkText}; no more than one chapter is kept in memory. */
export function chunkInto(
  text: TextSource,
  chapters: readonly Chapter[],
  options: ChunkOptions,
  sink: PassageSink,
): void {
  const cut = options.method === "window" ? slideWindow : packParagraphs;
  for (const section of sectionsOf(text.length, chapters)) {
    sink.section(section.chapter);
    cut(text, section, options, sink);
  }
}

/**
 * The text cut wherever a chapter starts or ends. Where chapters lie within one another, the innermost names a section;
 * text outside all of them has no chapter.
 */
function sectionsOf(length: number, chapters: readonly Chapter[]): (Range & { chapter?: string })[] {
  const sorted = chapters.toSorted((a, b) => a.start - b.start || b.end - a.end);
  const cuts = new Set([0, length]);
  for (const { start, end } of chapters) cuts.add(Math.min(start, length)).add(Math.min(end, length));
  const open: Chapter[] = [];
  let next = 0;
  const ordered = [...cuts].sort((a, b) => a - b);
  return ordered.slice(0, -1).map((start, index) => {
    for (let chapter = sorted[next]; chapter && chapter.start <= start; chapter = sorted[++next]) open.push(chapter);
    while (open.length > 0 && (open.at(-1)?.end ?? 0) <= start) open.pop();
    const section = { start, end: ordered[index + 1] ?? length };
    const chapter = open.at(-1)?.title;
    return chapter === undefined ? section : { ...section, chapter };
  });
}
