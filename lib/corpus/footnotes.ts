/** Footnotes that stand as paragraphs of their own: at the end of a chapter or of the book, or below their paragraph. */
import { type Block, blockRunningWords, count, type Counts, dropBlock, flat, indentOf } from "./blocks.ts";

const SECTION = /^[\W_]*(?:(?:foot-?|end-?)notes?|notes)[\W_]*$/i;
const DEFINITION = /^\s*(?:\[(\d{1,4}[a-z]?|[A-Za-z]|[*†‡§]{1,3})\]|\{(\d{1,4}[a-z]?)\})\s*\S/;
const STARRED = /^\s*(?:\*{1,3}|†{1,2}|‡|§)\s?(?:\(\d{1,2}\)\s)?["“'‘]?\p{Lu}/u;
/** A star after a word, or alone between two words; not one of several in a row. */
const STAR_MARK =
  /(?<=[\p{L}\d.,;:!?"”'’)_]) ?(?<![*†‡] ?)(?:\*{1,2}|[†‡])(?:\s?\(\d{1,2}\))?(?! ?[*†‡])(?=[\s.,;:!?"”'’)—-]|$)/gu;

/** What was found out about a book's footnotes. */
export interface Footnotes {
  /** Running words that they held. */
  words: number;
  /** Their marks look like `{3}`. */
  braces: boolean;
  /** Their marks are stars. */
  stars: boolean;
}

/** Takes the stars that mark footnotes out of one paragraph. */
export function dropStars(text: string, removed: Counts): string {
  if (!/[*†‡]/.test(text)) return text;
  return text.replace(STAR_MARK, () => {
    count(removed, "footnote_marks");
    return "";
  });
}

/**
 * Drops footnote paragraphs, in place. A paragraph that opens with `[3]` is a
 * footnote when the same mark stands elsewhere in the text, or under a heading FOOTNOTES; `{3}` likewise (alone it is
 * the number of a page).
 */
export function dropFootnotes(
  blocks: readonly Block[],
  text: string,
  removed: Counts,
): Footnotes {
  const marks = countMarks(text);
  let words = 0;
  let braces = false;
  let stars = false;
  let section = false;
  let open = false;
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    const line = block.lines[0] ?? "";
    // Most paragraphs begin with a letter or a quotation mark and are done with at once.
    if (!open && !section && !/^\s*[[{*†‡§_FfNnEe]/.test(line)) continue;
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
      braces ||= definition[2] !== undefined;
    } else if (STARRED.test(line) && isStarredNote(blocks, i)) {
      open = true;
      stars = true;
    } else if (open && continuesNote(block, section, blocks[i - 1])) {
      // a second paragraph of the note above
    } else {
      open = false;
      section = false;
      continue;
    }
    words += blockRunningWords(block);
    dropBlock(block, "footnotes", {});
    if (definition !== null || STARRED.test(line)) count(removed, "footnotes");
  }
  return { words, braces, stars };
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
    if (block !== undefined && block.lines.length < 200 && flat(block).search(STAR_MARK) >= 0) return true;
  }
  return false;
}

function continuesNote(block: Block, section: boolean, above: Block | undefined): boolean {
  if (block.before > 1) return false;
  if (section) return true;
  const indent = indentOf(block.lines[0] ?? "");
  return indent >= 2 && above !== undefined && indentOf(above.lines[0] ?? "") >= 2;
}
