/** One Project Gutenberg text to prose and chapters: every step of `cleanBook`, in order. */
import type { Chapter } from "../records.ts";
import { dropBrackets, dropMarks, dropNumbers } from "./apparatus.ts";
import {
  type Block,
  blockRunningWords,
  bookWidth,
  count,
  countRunningWords,
  type Counts,
  countWords,
  dropBlock,
  flat,
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
  const chess = mayHoldMoves(body);
  const lexicon = buildLexicon(body);

  const bracketed = dropBrackets(body, removed);
  const blocks = splitBlocks(bracketed.text.split("\n"));
  const width = bookWidth(blocks);
  const bodyWords = blocks.reduce((sum, block) => sum + blockRunningWords(block), 0);

  dropCredits(blocks, header, removed);
  const notes = bracketed.notes + dropFootnotes(blocks, bracketed.text, removed);
  dropChess(blocks, chess, removed);
  const titles = dropContents(blocks, removed);
  dropTail(blocks, removed);
  dropFrontMatter(blocks, removed);
  const book = assemble(blocks, { width, lexicon, titles, chess, title: header.title ?? "" }, removed);

  const exempt = EXEMPT_SUM(blocks);
  const lostOutside = outside.reduce(
    (sum, part) => sum + Math.max(0, countRunningWords(part.join("\n")) - OUTSIDE_WORDS),
    0,
  );
  const kept = checkLoss(book.text, bodyWords, exempt, notes, lostOutside, countWords(body));
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
    words: countWords(book.text),
    header,
    kept,
  };
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

function EXEMPT_SUM(blocks: readonly Block[]): number {
  let words = 0;
  for (const block of blocks) if (block.drop !== undefined && EXEMPT.has(block.drop)) words += blockRunningWords(block);
  return words;
}

function checkLoss(
  text: string,
  bodyWords: number,
  exempt: number,
  notes: number,
  lostOutside: number,
  allWords: number,
): number {
  const keptWords = countRunningWords(text);
  if (keptWords === 0) throw new RefusedBook("empty", "Cannot clean this text: there is no prose between its markers");
  if (countWords(text) < allWords * LEAST_PROSE) {
    throw new RefusedBook(
      "no_prose",
      `Cannot clean this text: only ${
        countWords(text)
      } of its ${allWords} words are prose, the rest is boards, tables or lists`,
    );
  }
  const body = bodyWords - exempt + lostOutside;
  const share = Math.min(1, keptWords / Math.max(1, body));
  if (share < 1 - MOST_LOST || notes > (bodyWords + notes) * MOST_NOTES) {
    const lost = Math.round((1 - share) * 100);
    throw new RefusedBook(
      "too_much_lost",
      lost > MOST_LOST * 100
        ? `Cannot clean this text: ${lost}% of its body would be lost, and at most ${MOST_LOST * 100}% may be`
        : `Cannot clean this text: more than half of its words would be lost as footnotes`,
    );
  }
  return share;
}

void dropBlock;
void flat;
void dropMarks;
void dropNumbers;
