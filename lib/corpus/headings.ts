/** Which blocks of a book are headings, seen together: numbers and their titles, titles from the contents, letters. */
import { type Block, blockIndent, count, type Counts, dropBlock, flat, type Heading, isAllCaps } from "./blocks.ts";
import { headingOf, isEnding, isTitleBlock, plainTitle, titleKey } from "./chapters.ts";

/**
 * Marks the blocks that are headings, in place; a block with a title right after a bare number belongs to it.
 *
 * @param titles Keys of the titles in the table of contents.
 * @param title The book's own title.
 */
export function markHeadings(
  blocks: readonly Block[],
  titles: ReadonlySet<string>,
  title: string,
  removed: Counts,
): void {
  const own = titleKey(title);
  const alphabet = lettersAlone(blocks);
  const letters = letteredHeadings(blocks);
  let listed = 2;

  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    const next = blocks[i + 1];
    const heading = headingOf(block, next);
    if (heading !== undefined && isLetter(heading, alphabet, letters)) {
      if (heading.bare) dropBlock(block, "headings", removed);
      continue;
    }
    if (heading !== undefined) {
      // Beside numbered chapters, a title without a number is one of their sections.
      if (heading.level === 2) listed = 3;
      let name = heading.title;
      if (heading.bare && next !== undefined && next.drop === undefined && isSubtitle(next, blocks[i + 2], titles)) {
        name = `${name.replace(/[.:]$/, "")}: ${subtitle(next)}`;
        dropBlock(next, "headings", removed);
      }
      block.heading = { level: heading.level, title: name, ...(heading.leaf === true ? { leaf: true } : {}) };
      count(removed, "headings");
    } else if (block.before >= 2 && block.lines.length <= 3 && own !== "" && titleKey(flat(block)) === own) {
      // The half-title.
      dropBlock(block, "title_page", removed);
    } else if (isPlainHeading(block, next, titles)) {
      block.heading = { level: titles.has(titleKey(flat(block))) ? listed : 4, title: plainTitle(flat(block)) };
      count(removed, "headings");
    }
  }
}

/** A letter that is no number (in a book in order of the alphabet), or the initial of a name. */
function isLetter(heading: Heading & { bare: boolean }, alphabet: boolean, letters: ReadonlySet<number>): boolean {
  if (heading.bare) return alphabet && /^[IVXLCDM][.:]?$/.test(heading.title);
  const code = heading.title.charCodeAt(0);
  return heading.level === 5 && !letters.has(code - 1) && !letters.has(code + 1);
}

/** True where letters that are no Roman numbers stand alone in the book, as in a dictionary. */
function lettersAlone(blocks: readonly Block[]): boolean {
  const letters = new Set<string>();
  for (const { lines: [line, more] } of blocks) {
    if (line !== undefined && more === undefined && line.length < 40 && /^\s*[ABEFGHJKNOP]\.?$/.test(line)) {
      letters.add(line.trim().charAt(0));
    }
  }
  return letters.size >= 2;
}

/** The letters of all headings like "B. Of the Rope". */
function letteredHeadings(blocks: readonly Block[]): Set<number> {
  const letters = new Set<number>();
  for (const block of blocks) {
    if (
      block.lines.length === 1 && /^\s*[A-H]\.\s/.test(block.lines[0] ?? "") && headingOf(block, undefined)?.level === 5
    ) {
      letters.add(flat(block).charCodeAt(0));
    }
  }
  return letters;
}

function isSubtitle(block: Block, next: Block | undefined, titles: ReadonlySet<string>): boolean {
  const heading = headingOf(block, next);
  if (heading !== undefined && (heading.level !== 1 || heading.bare)) return false;
  if (titles.has(titleKey(flat(block)))) return true;
  if (next === undefined) return false;
  if (isTitleBlock(block)) return true;
  // An indented synopsis above unindented text.
  return block.lines.length <= 4 && blockIndent(block) >= 2 && blockIndent(block) < 20 && blockIndent(next) === 0 &&
    !/^\s*["“'‘]/.test(block.lines[0] ?? "") && block.lines.every((line) => line.length < 60);
}

function subtitle(block: Block): string {
  const text = plainTitle(flat(block));
  return block.lines.length > 1 && !isAllCaps(text) && block.lines.every((line) => line.length < 50)
    ? block.lines.map((line) => plainTitle(line)).join("; ")
    : text;
}

/** A heading without number or keyword: listed in the contents, or in capitals with space around it. */
function isPlainHeading(block: Block, next: Block | undefined, titles: ReadonlySet<string>): boolean {
  if (block.lines.length > 3 || next === undefined) return false;
  const text = flat(block);
  if (text.length > 100 || (/[.,;:!?"”’]$/.test(text) && !isAllCaps(text)) || isEnding(text)) return false;
  if (titles.size > 0 && titles.has(titleKey(text)) && isTitleBlock(block)) return true;
  return block.before >= 2 && isAllCaps(plainTitle(text)) && /\p{Lu}{2}/u.test(text) && !/[!?,;:"”]$/.test(text);
}
