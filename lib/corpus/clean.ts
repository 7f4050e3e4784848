/** One Project Gutenberg text to prose and chapters: every step of `cleanBook`, in order. */
import type { Chapter } from "../records.ts";
import { dropBrackets } from "./apparatus.ts";
import {
  type Block,
  blockRunningWords,
  bookWidth,
  count,
  type Counts,
  type Extent,
  measure,
  splitBlocks,
} from "./blocks.ts";
import { findBody, findResidue, type Header } from "./boilerplate.ts";
import { assemble } from "./assemble.ts";
import { dropContents } from "./chapters.ts";
import { dropChess, mayHoldMoves } from "./chess.ts";
import { dropCredits } from "./credits.ts";
import { decodeText } from "./decode.ts";
import { dropFootnotes } from "./footnotes.ts";
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

/** A book that would lose more of its running words than this is refused: the rules misread it. */
const MOST_LOST = 0.2;
/** Where footnotes hold more of the running words than this, something else was taken for footnotes. */
const MOST_NOTES = 0.5;
/** A header runs to about 1,500 words with the small print, the licence to about 3,300: more than this is a lost book. */
const OUTSIDE_WORDS = 6000;
/** Where less than this of a book's words is left, it is data and not prose. */
const LEAST_PROSE = 0.08;

/**
 * Cleans one Project Gutenberg text.
 *
 * What counts as lost: of the body between the markers, *running words* (two letters and more, beginning with a small
 * letter) are counted. Boards, scores of games, tables, contents, illustrations and notes are data or apparatus: their
 * words are left out on both sides and they are counted in `removed`. The rest must be kept to four fifths.
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
  const { book, extent, exempt, notes } = cleanBody(body, header, removed);
  const lostOutside = outside.reduce(
    (sum, part) => sum + Math.max(0, measure(part.join("\n")).running - OUTSIDE_WORDS),
    0,
  );
  const left = measure(book.text);
  const kept = checkLoss(left, extent, exempt, notes, lostOutside);
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

/** A body to text and chapters; the blocks come along for whoever wants to see what became of each. */
export function cleanBody(body: string, header: Header, removed: Counts): {
  book: { text: string; chapters: Chapter[] };
  blocks: Block[];
  extent: Extent;
  exempt: number;
  notes: number;
} {
  const chess = mayHoldMoves(body);
  const lexicon = buildLexicon(body);
  const bracketed = dropBrackets(body, removed);
  const blocks = splitBlocks(bracketed.text.split("\n"));
  const width = bookWidth(blocks);
  const extent = measure(bracketed.text);
  dropCredits(blocks, header, removed);
  const { words, braces, stars } = dropFootnotes(blocks, bracketed.text, removed);
  dropChess(blocks, chess, removed);
  const titles = dropContents(blocks, removed);
  dropTail(blocks, removed);
  dropFrontMatter(blocks, removed);
  const facts = { width, lexicon, titles, chess, braces, stars, title: header.title ?? "" };
  const book = assemble(blocks, facts, removed);
  return { book, blocks, extent, exempt: exemptWords(blocks), notes: bracketed.notes + words };
}

/** Artefacts that are data or apparatus: their words are no part of the body. */
const EXEMPT = new Set([
  "boards",
  "captions",
  "moves",
  "pgn",
  "fen",
  "tables",
  "drawings",
  "contents",
  "footnotes",
  "index",
]);

function exemptWords(blocks: readonly Block[]): number {
  let words = 0;
  for (const block of blocks) if (block.drop !== undefined && EXEMPT.has(block.drop)) words += blockRunningWords(block);
  return words;
}

function checkLoss(left: Extent, body: Extent, exempt: number, notes: number, lostOutside: number): number {
  if (left.running === 0) {
    throw new RefusedBook("empty", "Cannot clean this text: there is no prose between its markers");
  }
  if (left.words < body.words * LEAST_PROSE) {
    throw new RefusedBook(
      "no_prose",
      `Cannot clean this text: only ${left.words} of its ${body.words} words are prose, the rest is boards, tables or lists`,
    );
  }
  const share = Math.min(1, left.running / Math.max(1, body.running - exempt + lostOutside));
  if (share < 1 - MOST_LOST) {
    throw new RefusedBook(
      "too_much_lost",
      `Cannot clean this text: ${Math.round((1 - share) * 100)}% of its body would be lost, and at most ${
        MOST_LOST * 100
      }% may be`,
    );
  }
  if (notes > (body.running + notes) * MOST_NOTES) {
    throw new RefusedBook(
      "too_much_lost",
      "Cannot clean this text: more than half of its words would be lost as footnotes",
    );
  }
  return share;
}
