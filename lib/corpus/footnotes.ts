/** Footnotes that stand as paragraphs of their own: at the end of a chapter or of the book, or below their paragraph. */
import { type Block, blockRunningWords, count, type Counts, dropBlock, flat, indentOf } from "./blocks.ts";

const SECTION = /^[\W_]*(?:(?:foot-?|end-?)notes?|notes)[\W_]*$/i;
const DEFINITION = /^\s*(?:\[(\d{1,4}[a-z]?|[A-Za-z]|[*†‡§]{1,3})\]|\{(\d{1,4}[a-z]?)\})\s*\S/;
const STARRED = /^\s*(?:\*{1,3}|†{1,2}|‡|§)\s?["“'‘]?\p{Lu}/u;
const STAR_MARK = /[\p{L}\d.,;:!?"”'’)](?:\*{1,3}|†{1,2}|‡)(?=[\s.,;:!?"”'’)—-]|$)/u;

/**
 * Drops footnote paragraphs, in place, and returns the running words they held. A paragraph that opens with `[3]` is a
 * footnote when the same mark stands elsewhere in the text, or under a heading FOOTNOTES; `{3}` likewise (alone it is
 * the number of a page).
 */
export function dropFootnotes(blocks: readonly Block[], text: string, removed: Counts): number {
  const marks = countMarks(text);
  let words = 0;
  let section = false;
  let open = false;
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    const line = block.lines[0] ?? "";
    if (block.lines.length === 1 && SECTION.test(line)) {
      const next = blocks[i + 1];
      if (next !== undefined && DEFINITION.test(next.lines[0] ?? "")) {
        section = true;
        dropBlock(block, "footnotes", {});
        continue;
      }
    }
    const definition = DEFINITION.exec(line);
    const key = definition?.[1] ?? definition?.[2];
    const repeated = key !== undefined && (marks.get(`${line.trimStart()[0]}${key}`) ?? 0) > 1;
    if (definition !== null && (section || repeated)) {
      open = true;
    } else if (STARRED.test(line) && marks.size >= 0 && isStarredNote(blocks, i)) {
      open = true;
    } else if (open && continuesNote(block, section, blocks[i - 1])) {
      // a second paragraph of the note above
    } else {
      open = false;
      section = false;
      continue;
    }
    words += blockRunningWords(block);
    dropBlock(block, "footnotes", {});
    if (definition !== null) count(removed, "footnotes");
  }
  return words;
}

function countMarks(text: string): Map<string, number> {
  const marks = new Map<string, number>();
  if (!text.includes("[") && !text.includes("{")) return marks;
  for (const match of text.matchAll(/\[(\d{1,4}[a-z]?|[A-Za-z]|[*†‡§]{1,3})\]|\{(\d{1,4}[a-z]?)\}/g)) {
    const key = `${match[0][0]}${match[1] ?? match[2]}`;
    marks.set(key, (marks.get(key) ?? 0) + 1);
  }
  return marks;
}

/** A paragraph that opens with a star is a note when one of the four paragraphs above carries a star after a word. */
function isStarredNote(blocks: readonly Block[], at: number): boolean {
  for (let i = at - 1; i >= Math.max(0, at - 4); i--) {
    const block = blocks[i];
    if (block !== undefined && block.lines.length < 200 && STAR_MARK.test(flat(block))) return true;
  }
  return false;
}

function continuesNote(block: Block, section: boolean, above: Block | undefined): boolean {
  if (block.before > 1) return false;
  if (section) return true;
  const indent = indentOf(block.lines[0] ?? "");
  return indent >= 2 && above !== undefined && indentOf(above.lines[0] ?? "") >= 2;
}
