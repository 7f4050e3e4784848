/** What cleaning may take: the share of a book's running words that has to be left. */
import { type Block, blockRunningWords, type Extent, measure } from "./blocks.ts";
import { RefusedBook } from "./refused_book.ts";

/** A book that would lose more of its running words than this is refused: the rules have misread it. */
const MOST_LOST = 0.2;
/** Where footnotes hold more of the running words than this, something else was taken for footnotes. */
const MOST_NOTES = 0.5;
/** Where less than this of a book's words is left, it is data and not prose; an analysis of chess openings keeps 14%. */
const LEAST_PROSE = 0.08;
/** Running words that title page, credits and notes of transcribers may hold in one book before they count as lost. */
const MOST_FRONT = 400;
/** Running words outside the markers: the header with its small print has about 1,500, the licence about 3,300. */
const MOST_OUTSIDE = 5000;
/** Running words between the END marker and the licence: more is a book that goes on there. */
const MOST_BETWEEN = 1000;

const DATA = new Set([
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
const FRONT = new Set(["credits", "transcriber_notes", "title_page", "colophon"]);
const LICENCE = /full license|small print|updated editions will (?:replace|be renamed)|file should be named/i;

/** What went into a book's cleaning and came out of it. */
export interface Balance {
  /** The body between the markers. */
  body: Extent;
  /** Its blocks, marked with what they are. */
  blocks: readonly Block[];
  /** Running words of all footnotes and side notes, and of those that are no blocks. */
  notes: number;
  /** What lies outside the markers. */
  outside: readonly string[][];
  /** The cleaned text. */
  left: Extent;
}

/**
 * The share of a body's running words that is left, 0 to 1.
 *
 * Boards, scores of games, tables, contents, an index and notes are data or apparatus and not body: they are left out on
 * both sides. Title page, credits and notes of transcribers are so, too, up to a measure. What lies outside the markers
 * and is longer than header and licence ever are counts as body that is lost.
 *
 * @throws {RefusedBook} `empty`, `no_prose` or `too_much_lost`.
 */
export function checkLoss({ body, blocks, notes, outside, left }: Balance): number {
  if (left.words === 0) {
    throw new RefusedBook("empty", "Cannot clean this text: there is no prose between its markers");
  }
  if (left.words < body.words * LEAST_PROSE) {
    throw new RefusedBook(
      "no_prose",
      `Cannot clean this text: only ${left.words} of its ${body.words} words are prose, the rest is boards, tables or lists`,
    );
  }
  const due = body.running - exemptWords(blocks) + outsideWords(outside);
  // A text all in capitals has no running words.
  const share = due <= 0 ? 1 : Math.min(1, left.running / due);
  if (share < 1 - MOST_LOST) {
    const lost = Math.round((1 - share) * 100);
    throw new RefusedBook(
      "too_much_lost",
      `Cannot clean this text: ${lost}% of its body would be lost, and at most ${MOST_LOST * 100}% may be`,
    );
  }
  if (notes > (left.running + notes) * MOST_NOTES) {
    throw new RefusedBook(
      "too_much_lost",
      "Cannot clean this text: more than half of its words would be lost as footnotes",
    );
  }
  return share;
}

function exemptWords(blocks: readonly Block[]): number {
  let data = 0;
  let front = 0;
  for (const block of blocks) {
    if (block.drop === undefined) continue;
    if (DATA.has(block.drop)) data += blockRunningWords(block);
    else if (FRONT.has(block.drop)) front += blockRunningWords(block);
  }
  return data + Math.min(front, MOST_FRONT);
}

function outsideWords(outside: readonly string[][]): number {
  let words = 0;
  outside.forEach((lines, index) => {
    const licence = index === 0 ? 0 : lines.findIndex((line) => LICENCE.test(line));
    const at = licence < 0 ? lines.length : licence;
    words += Math.max(0, measure(lines.slice(0, at).join("\n")).running - MOST_BETWEEN);
    words += Math.max(0, measure(lines.slice(at).join("\n")).running - MOST_OUTSIDE);
  });
  return words;
}
