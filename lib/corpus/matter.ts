/** What stands before and after a book's own text: title pages, imprints, advertisements, an index, "THE END". */
import { type Block, blockRunningWords, type Counts, dropBlock, flat } from "./blocks.ts";
import { headingOf, isEnding, titleKey } from "./chapters.ts";
import { looksLikeProse } from "./contents.ts";

const IMPRINT =
  /^[\W_]*(?:copyright|©|\(c\)|all rights reserved|printed in|entered according to act|first (?:published|printed|edition|issued)|(?:re)?printed\b.{0,40}\b\d{4}|published by|(?:first|second|third|\w+th|new|revised|popular) (?:edition|impression|printing)|no part of this (?:publication|book)|to be had of|price\b|dedicated to|authori[sz]ed translation|translated (?:from|by)|by the same author|works by|also by|other books by|illustrated by)/i;

/** How many blocks at the head may belong to title pages. */
const FRONT_BLOCKS = 80;

/**
 * Drops title pages, imprints, mottoes and lists of other works before the first heading or the first prose, in place. A
 * dedication or a letter there that runs to sentences is the author's own and stays.
 *
 * @param titles Keys of the titles in the table of contents.
 * @param title The book's own title.
 */
export function dropFrontMatter(
  blocks: readonly Block[],
  titles: ReadonlySet<string>,
  title: string,
  removed: Counts,
): void {
  const own = titleKey(title);
  let seen = 0;
  for (let i = 0; i < blocks.length && seen < FRONT_BLOCKS; i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    seen++;
    const text = flat(block);
    if (IMPRINT.test(text) && block.lines.length <= 12) {
      dropBlock(block, "title_page", removed, block.lines.length);
      continue;
    }
    const level = headingOf(block, blocks[i + 1])?.level ?? 0;
    if (level > 0) return;
    const key = titleKey(text);
    if (block.lines.length <= 3 && key !== own && titles.has(key)) return;
    if (looksLikeProse(block)) {
      dropImprints(blocks, i + 1, removed);
      return;
    }
    // A sentence, unless it is a motto.
    if (
      /[.!?…]["”'’]?$/.test(text) && !/^\s{2}|^\s*["“‘']/.test(block.lines[0] ?? "") && blockRunningWords(block) >= 8
    ) return;
    if (blockRunningWords(block) >= 25) continue;
    dropBlock(block, "title_page", removed, block.lines.length);
  }
}

/** Drops imprints that stand behind a motto or a dedication, up to the first heading. */
function dropImprints(blocks: readonly Block[], from: number, removed: Counts): void {
  for (let i = from; i < Math.min(from + 12, blocks.length); i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    if (headingOf(block, blocks[i + 1]) !== undefined) return;
    if (block.lines.length <= 4 && IMPRINT.test(flat(block))) {
      dropBlock(block, "title_page", removed, block.lines.length);
    }
  }
}

const INDEX =
  /^[\W_]*(?:(?:general |alphabetical |analytical )?index(?: (?:of|to) .{1,60})?|register|index of names|glossary of names)[\W_]*$/i;
const ADVERTISEMENT =
  /^[\W_]*(?:advertisements?|publisher['’]?s['’]? (?:advertisements?|announcements?|catalogue|list)|a selection from|catalogue of|by the same author|other (?:works|books) by|works by|books by|new (?:books|novels))\b.{0,60}$/i;

/** Drops, in place: an index, advertisements and whatever follows "THE END" near the end of the book. */
export function dropTail(blocks: readonly Block[], removed: Counts): void {
  const total = blocks.reduce((sum, block) => sum + lettersOf(block), 0);
  let end = blocks.length;
  let after = 0;
  const dropFrom = (from: number, kind: string) => {
    for (let i = from; i < end; i++) {
      const block = blocks[i];
      if (block !== undefined) dropBlock(block, kind, removed, block.lines.length);
    }
    end = from;
  };
  for (let i = blocks.length - 1; i >= 0 && after <= total * 0.25; i--) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    if (block.lines.length <= 3) {
      const text = flat(block);
      if (INDEX.test(text)) {
        if (isIndex(blocks, i + 1)) dropFrom(i, "index");
      } else if (isEnding(text) && after <= total * 0.1) {
        dropBlock(block, "the_end", removed);
        if (!goesOnAfter(blocks, i + 1, end)) dropFrom(i + 1, "advertisements");
      } else if (ADVERTISEMENT.test(text) && block.before >= 2 && after <= total * 0.05) {
        dropFrom(i, "advertisements");
      }
    }
    after += lettersOf(block);
  }
}

function lettersOf(block: Block): number {
  return block.drop === undefined ? block.lines.reduce((sum, line) => sum + line.length, 0) : 0;
}

/** True where a chapter still comes after "THE END": an appendix, an epilogue, another part. */
function goesOnAfter(blocks: readonly Block[], from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    const heading = headingOf(block, blocks[i + 1]);
    if (heading !== undefined && (heading.level <= 2 || heading.bare)) return true;
  }
  return false;
}

/** An index: of the lines that follow, most hold the number of a page. */
function isIndex(blocks: readonly Block[], from: number): boolean {
  let lines = 0;
  let numbered = 0;
  for (let i = from; i < blocks.length && lines < 400; i++) {
    for (const line of blocks[i]?.lines ?? []) {
      lines++;
      if (/\d[\d\s,;.\-–ff]*$/.test(line)) numbered++;
    }
  }
  return lines > 4 && numbered >= lines * 0.4;
}
