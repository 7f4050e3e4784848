/** Prose out of speeches and chess books: without markup, without what the hall did, without scores and boards. */
import { type Counts, splitBlocks } from "../corpus/blocks.ts";
import { cutFen, cutMoveRuns, dropChess } from "../corpus/chess.ts";
import type { Chapter } from "../records.ts";

/** A text of paragraphs parted by blank lines, with the headings that it had. */
export interface Prose {
  readonly text: string;
  readonly chapters: Chapter[];
}

const HEADING = /^#{1,6}\s+(.+?)\s*#*$/;
/** What stenographers note in brackets: "(Prolonged applause.)", "[Laughter on the left]". */
const HALL =
  /\s*[([][^()[\]]{0,60}\b(?:applause|cheers?|cheering|laughter|ovation|hear,? hear|cries of|a voice|interruption|all rise)\b[^()[\]]{0,80}[)\]]/gi;

/**
 * A speech as its words alone.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { speechProse } from "@/dialogue/source_prose.ts";
 *
 * equal(speechProse("We have *bread*. (Applause.)\nWe have light.").text, "We have bread. We have light.");
 * ```
 */
export function speechProse(body: string): Prose {
  return proseOf(body, false);
}

/** Chess prose without boards, positions and scores of games; a move named in a sentence stays. */
export function chessProse(body: string): Prose {
  return proseOf(body, true);
}

/** A text without all that stands between two marks, and without the marks; a mark that is never closed stays. */
export function cutBetween(text: string, open: string, close: string): string {
  let kept = "";
  let from = 0;
  while (true) {
    const start = text.indexOf(open, from);
    const end = start < 0 ? -1 : text.indexOf(close, start + open.length);
    if (end < 0) return kept + text.slice(from);
    kept += text.slice(from, start);
    from = end + close.length;
  }
}

function proseOf(body: string, chess: boolean): Prose {
  const plain = cutBetween(cutBetween(body, "<!--", "-->"), "```", "```");
  const blocks = splitBlocks(plain.split("\n"));
  const removed: Counts = {};
  if (chess) dropChess(blocks, true, removed);
  const paragraphs: string[] = [];
  const headings: { title: string; start: number }[] = [];
  let length = 0;
  for (const { lines, drop } of blocks) {
    if (drop !== undefined) continue;
    // A heading may stand right on top of its paragraph.
    const [, title] = HEADING.exec(lines[0]?.trim() ?? "") ?? [];
    if (title !== undefined) headings.push({ title: unmarked(title), start: length });
    const flat = unmarked((title === undefined ? lines : lines.slice(1)).map(unquoted).join(" "));
    const text = (chess ? cutFen(cutMoveRuns(flat, removed), removed) : flat.replace(HALL, "")).trim();
    if (text === "" || /^[-*_=\s]+$/.test(text)) continue;
    paragraphs.push(text);
    length += text.length + 2;
  }
  const text = paragraphs.join("\n\n");
  const chapters = headings.map(({ title, start }, at): Chapter => ({
    title,
    start: Math.min(start, text.length),
    end: Math.min(headings[at + 1]?.start ?? text.length, text.length),
  }));
  return { text, chapters: chapters.filter(({ start, end }) => end > start) };
}

/** A line of a quotation or of a list, without its mark. */
function unquoted(line: string): string {
  return line.trim().replace(/^(?:>\s*)+/, "").replace(/^(?:[-*+]|\d{1,2}\.)\s+(?=\p{L})/u, "");
}

/** Text without Markdown's marks and without tags. */
function unmarked(text: string): string {
  return text
    .replace(/!\[[^\]]*\]\([^)]*\)/g, "")
    .replace(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replace(/<\/?[a-z][^<>]{0,200}>/gi, "")
    .replace(/(\*{1,3}|_{1,3})(?=\S)([^*_]+?)\1/g, "$2")
    .replace(/\s+/g, " ")
    .trim();
}
