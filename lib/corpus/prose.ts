/** Paragraphs of prose as writers type them: parted by blank lines, or a line each. */
import { type Range, skipSpace, splitParagraphs, trimEnd } from "./paragraphs.ts";

/** Lines that were broken by hand or by a program are no longer than this; a paragraph on one line soon is. */
const LONGEST_WRAPPED = 100;
/** Where blocks between blank lines hold so many lines on average, blank lines do not part paragraphs there. */
const LINES_A_BLOCK = 3;

/**
 * The paragraphs of a manuscript, without the white space around them. Blank lines part them; in a file of long lines
 * without blank lines between them, each line is one.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { proseParagraphs } from "@/corpus/prose.ts";
 *
 * equal(proseParagraphs("You wait.\nStill you wait.\n\nNothing comes.").length, 2);
 * ```
 */
export function proseParagraphs(text: string): Range[] {
  const blocks = splitParagraphs(text);
  return isLinewise(text, blocks.length) ? linesOf(text) : blocks;
}

/** True where every line is a paragraph. */
function isLinewise(text: string, blocks: number): boolean {
  let lines = 0, long = 0;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\n", at);
    const stop = end < 0 ? text.length : end;
    const length = trimEnd(text, skipSpace(text, at, stop), stop) - at;
    if (length > 0) lines++;
    if (length > LONGEST_WRAPPED) long++;
    at = stop + 1;
  }
  return lines >= blocks * LINES_A_BLOCK && long * 5 > lines;
}

function linesOf(text: string): Range[] {
  const lines: Range[] = [];
  for (let at = 0; at < text.length;) {
    const found = text.indexOf("\n", at);
    const stop = found < 0 ? text.length : found;
    const start = skipSpace(text, at, stop);
    const end = trimEnd(text, start, stop);
    if (end > start) lines.push({ start, end });
    at = stop + 1;
  }
  return lines;
}
