/** Tables of contents and lists of illustrations: found, dropped, and their titles kept for finding the chapters. */
import { type Block, blockIndent, type Counts, dropBlock, flat } from "./blocks.ts";
import { titleKey } from "./chapters.ts";

/** A line of a table of contents without the number of its page. */
function entryTitle(line: string): string {
  return line.replace(/(?:\s{2,}|\.{2,}|(?:\. ){2,}|\s\D{0,3}\.)\s*(?:\d{1,4}|[ivxl]{1,6})(?:[-–]\d{1,4})?\s*$/, "");
}

const CONTENTS =
  /^[\W_]*(?:(?:the\s+)?(?:table of |list of )?contents(?: of (?:the )?(?:volume|book|vol)\b.{0,30})?|(?:list of |table of )?(?:the )?(?:illustrations|plates|maps|diagrams|figures|tables|engravings|openings|portraits)|names of players|inhalt(?:sverzeichnis)?|table des mati[èe]res|indice|índice|table|synopsis|errata|dramatis person[æa]e?)[\W_]*$/i;
const CONTENTS_HEAD =
  /^[\W_]*(?:chapter|chap|page|pages|section|no|number|book|part)s?(?:[\W_]+(?:chapter|page|title|chap)s?)*[\W_]*$/i;

/**
 * Drops tables of contents and lists of illustrations, in place, and returns the keys of the titles they held. A table
 * ends at prose, or where its own first entry comes again: that is the book itself beginning.
 */
export function dropContents(blocks: readonly Block[], removed: Counts): Set<string> {
  const titles = new Set<string>();
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    const line = block.lines[0] ?? "";
    if (line.length > 90 || !CONTENTS.test(line)) continue;
    const end = contentsEnd(blocks, i, titles);
    for (let j = i; j < end; j++) {
      const entry = blocks[j];
      if (entry !== undefined) dropBlock(entry, "contents", removed, entry.lines.length);
    }
    i = Math.max(i, end - 1);
  }
  return titles;
}

/** Where a table ends that begins at a block; the keys of its entries go into `titles`. */
function contentsEnd(blocks: readonly Block[], at: number, titles: Set<string>): number {
  const found: { block: number; key: string }[] = [];
  let end = at;
  for (; end < blocks.length; end++) {
    const block = blocks[end];
    if (block === undefined) break;
    if (block.drop !== undefined) continue;
    if (end > at) {
      const first = found[0]?.key;
      if (first !== undefined && repeats(titleKey(entryTitle(block.lines[0] ?? "")), first, found.length)) break;
      if (found.length > 0 && CONTENTS.test(block.lines[0] ?? "")) break;
      if (looksLikeProse(block)) {
        end = backToHeadings(blocks, at, end);
        break;
      }
    }
    for (const line of end === at ? block.lines.slice(1) : block.lines) {
      const key = titleKey(entryTitle(line));
      if (key !== "" && !CONTENTS_HEAD.test(line)) found.push({ block: end, key });
    }
  }
  for (const { block, key } of found) {
    if (block >= end) break;
    titles.add(key);
    titles.add(key.replace(/^(?:chapter |book |part |section )?(?:[ivxlcdm]+|\d+) /, ""));
  }
  return end;
}

/** Prose has been reached: the headings right above it belong to it and not to the table. */
function backToHeadings(blocks: readonly Block[], at: number, prose: number): number {
  let back = prose;
  // A wide gap shortly before the prose, and no numbers of pages after it: the book's own half-title stands there.
  for (let i = Math.max(at + 1, prose - 6); i < prose; i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined || block.before < 4) continue;
    if (!blocks.slice(i, prose).some(({ lines }) => lines.some((line) => /\d$/.test(line)))) return i;
  }
  for (let steps = 0; back - 1 > at && steps < 4; steps++) {
    const above = blocks[back - 1];
    if (above === undefined || above.drop !== undefined || above.lines.length > 3) break;
    const repeated = occursTwice(titleKey(flat(above)), blocks, at, back - 1);
    if (!repeated && above.before < 2) break;
    back--;
  }
  return back;
}

function repeats(key: string, first: string, entries: number): boolean {
  if (key === "") return false;
  return key === first || (entries > 1 && first.startsWith(`${key} `));
}

function occursTwice(key: string, blocks: readonly Block[], from: number, to: number): boolean {
  if (key === "") return false;
  for (let i = from; i < to; i++) {
    for (const line of blocks[i]?.lines ?? []) {
      const other = titleKey(entryTitle(line));
      if (other === key || other.startsWith(`${key} `) || other.endsWith(` ${key}`)) return true;
    }
  }
  return false;
}

/** Prose, for the end of a table: a paragraph of full lines, or one sentence. */
export function looksLikeProse(block: Block): boolean {
  const indent = blockIndent(block);
  const text = flat(block);
  if (/\d\s*$/.test(text) || indent >= 8) return false;
  const small = text.match(/(?:^|\s)\p{Ll}{2,}/gu)?.length ?? 0;
  const words = text.split(/\s+/).length;
  if (small < words * 0.45) return false;
  const last = /[.!?:;,]["”'’)_]*$|--$|—$/.test(text);
  if (block.lines.length === 1) return last && words >= 6 && !/^\s*(?:[IVXLC]+|\d+)\.\s/.test(text);
  const numbered = block.lines.filter((line) => /^\s*(?:\d{1,3}|[IVXLC]{1,7})[.:)\s]/.test(line)).length;
  if (numbered >= block.lines.length * 0.4) return false;
  const widest = Math.max(...block.lines.slice(0, 40).map((line) => line.length - indent));
  return widest >= 45 && (last || block.lines.length >= 4) && !/\.{4,}|(?:\. ){3,}/.test(text) &&
    !/^\s*[IVXLC]+\.\s[\p{Lu} ]{4,}/u.test(block.lines[0] ?? "");
}
