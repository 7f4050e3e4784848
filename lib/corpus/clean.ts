/** One Project Gutenberg text to prose and chapters: every step of `cleanBook`, in order. */
import type { Chapter } from "../records.ts";
import { dropBrackets, GAP } from "./apparatus.ts";
import { type Block, bookWidth, count, type Counts, type Extent, measure, splitBlocks } from "./blocks.ts";
import { findBody, findResidue, type Header } from "./boilerplate.ts";
import { assemble } from "./assemble.ts";
import { dropContents } from "./contents.ts";
import { dropChess, mayHoldMoves } from "./chess.ts";
import { dropCredits } from "./credits.ts";
import { decodeText } from "./decode.ts";
import { dropFootnotes } from "./footnotes.ts";
import { checkLoss } from "./loss.ts";
import { dropFrontMatter, dropTail } from "./matter.ts";
import { RefusedBook } from "./refused_book.ts";
import { buildLexicon } from "./unwrap.ts";

export { RefusedBook } from "./refused_book.ts";
export type { RefusalReason } from "./refused_book.ts";

/** A book as it goes on to the next phase. */
export interface CleanBook {
  /** Paragraphs of one line each, parted by blank lines; verse keeps its lines. Headings are in `chapters` only. */
  text: string;
  /** In order, each with its offsets into `text`; together they cover all of it. */
  chapters: Chapter[];
  /** How many of each artefact were taken away. */
  removed: Counts;
  encoding: "utf-8" | "windows-1252";
  words: number;
  header: Header;
  /** Share of the running words of the body that is left, 0 to 1. */
  kept: number;
}

/**
 * Cleans one Project Gutenberg text.
 *
 * What counts as lost, and how much may be, tells `loss.ts`: a fifth at most of the body's running words, where chess
 * boards, scores of games, tables and notes are no body.
 *
 * @throws {RefusedBook} where the text is no book with markers, would lose too much, or keeps words of the licence.
 *
 * @example
 * ```ts
 * import { cleanBook } from "@/corpus/clean.ts";
 *
 * const file = `Title: Tea
 *
 * *** START OF THE PROJECT GUTENBERG EBOOK TEA ***
 *
 * CHAPTER I
 *
 * The kettle had been on the _old_ stove since morning, and nobody
 * in the house could say who had put it there.
 *
 * *** END OF THE PROJECT GUTENBERG EBOOK TEA ***
 * `;
 * const book = cleanBook(new TextEncoder().encode(file));
 * if (!book.text.startsWith("The kettle had been on the old stove since morning, and nobody in")) throw new Error(book.text);
 * if (book.chapters[0]?.title !== "CHAPTER I") throw new Error("no chapter");
 * ```
 */
export function cleanBook(bytes: Uint8Array): CleanBook {
  const decoded = decodeText(bytes);
  const removed: Counts = {};
  count(removed, "byte_order_marks", decoded.bom ? 1 : 0);
  count(removed, "control_characters", decoded.controls);
  const { lines, header, outside } = findBody(decoded.text.split("\n"), removed);
  const body = lines.join("\n");
  const { book, blocks, extent, notes } = cleanBody(body, header, removed);
  const left = measure(book.text);
  const kept = checkLoss({ body: extent, blocks, notes, outside, left });
  const residue = findResidue(book.text);
  if (residue !== undefined) {
    throw new RefusedBook(
      "licence_left",
      `Cannot clean this text: "…${residue}…" is Project Gutenberg's own and would be left in it`,
    );
  }
  return {
    text: book.text,
    chapters: book.chapters,
    removed,
    encoding: decoded.encoding,
    words: left.words,
    header,
    kept,
  };
}

/** A body to text and chapters; its blocks come along, for the check of what was lost and for whoever wants to see what became of each. */
export function cleanBody(body: string, header: Header, removed: Counts): {
  book: { text: string; chapters: Chapter[] };
  blocks: Block[];
  extent: Extent;
  notes: number;
} {
  const chess = mayHoldMoves(body);
  const lexicon = buildLexicon(body);
  const bracketed = dropBrackets(body, removed);
  const blocks = splitBlocks(bracketed.text.split("\n"));
  dropGaps(blocks);
  const width = bookWidth(blocks);
  const extent = measure(bracketed.text);
  dropCredits(blocks, header, removed);
  const { words, braces, stars } = dropFootnotes(blocks, bracketed.text, removed);
  dropChess(blocks, chess, removed);
  const titles = dropContents(blocks, removed);
  dropTail(blocks, removed);
  dropFrontMatter(blocks, titles, header.title ?? "", removed);
  const facts = { width, lexicon, titles, chess, braces, stars, title: header.title ?? "" };
  const book = assemble(blocks, facts, removed);
  return { book, blocks, extent, notes: bracketed.notes + words };
}

/** Brackets that stood alone are gone already: their places matter only to the paragraphs around them. */
function dropGaps(blocks: readonly Block[]): void {
  for (const block of blocks) {
    if (!block.lines.some((line) => line.includes(GAP))) continue;
    const left = block.lines.filter((line) => line.trim() !== GAP);
    if (left.length === 0) block.drop = "illustrations";
    else block.lines = left;
  }
}
