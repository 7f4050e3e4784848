/** Blocks to text: paragraphs unwrapped and tidied, headings turned into chapters with offsets. */
import type { Chapter } from "../records.ts";
import { dropMarks, dropNumbers } from "./apparatus.ts";
import { type Block, blockIndent, count, type Counts, dropBlock, flat, type Heading, isAllCaps } from "./blocks.ts";
import { headingOf, isEnding, isTitleBlock, plainTitle, titleKey } from "./chapters.ts";
import { cutFen, cutMoveRuns, dropChessCaptions } from "./chess.ts";
import { isBoxed } from "./credits.ts";
import { dropStars } from "./footnotes.ts";
import { breaksOff, goesOn, isBreak, joinLines, keepLines, type Lexicon, settingOf, tidy } from "./unwrap.ts";

/** What is known about the book as a whole. */
export interface BookFacts {
  width: number;
  lexicon: Lexicon;
  /** Keys of the titles in its table of contents. */
  titles: ReadonlySet<string>;
  /** Whether it may hold moves of chess games. */
  chess: boolean;
  /** Whether `{3}` marks a footnote and not a page. */
  braces: boolean;
  /** Whether stars mark its footnotes. */
  stars: boolean;
  /** The book's title, for text before its first heading. */
  title: string;
}

/** Artefacts whose place was inside the text around them: the paragraph they interrupted is one again. */
const INTERRUPTIONS = new Set([
  "boards",
  "captions",
  "moves",
  "tables",
  "drawings",
  "illustrations",
  "page_numbers",
  "footnotes",
]);

/** Builds the text and its chapters; drops what is no prose on the way, with counts. */
export function assemble(
  blocks: readonly Block[],
  facts: BookFacts,
  removed: Counts,
): { text: string; chapters: Chapter[] } {
  markHeadings(blocks, facts, removed);
  if (facts.chess) dropChessCaptions(blocks, removed);
  const paragraphs: string[] = [];
  const chapters: Chapter[] = [];
  const stack: Heading[] = [];
  let length = 0;
  let start = 0;
  let opened = false;
  let interrupted: string | undefined;
  /** The piece of text written last: looking at it, and not at the paragraph it was joined to, keeps this linear. */
  let last = "";

  const close = () => {
    if (length > start) {
      const end = length;
      const title = opened ? stack.map((entry) => entry.title).join(" — ") : facts.title;
      chapters.push({ title: title === "" ? "Text" : title, start, end });
    }
  };
  for (const block of blocks) {
    if (block.heading !== undefined) {
      const heading = place(block.heading, stack, length > start);
      interrupted = undefined;
      if (heading.level >= 3 && stack.some(({ level }) => level >= 2 && level < heading.level)) continue;
      close();
      while (stack.length > 0 && (stack.at(-1)?.leaf === true || (stack.at(-1)?.level ?? 0) >= heading.level)) {
        stack.pop();
      }
      stack.push(heading);
      opened = true;
      start = length === 0 ? 0 : length + 2;
      continue;
    }
    if (block.drop !== undefined) {
      if (INTERRUPTIONS.has(block.drop) && interrupted !== "moves") interrupted = block.drop;
      continue;
    }
    const paragraph = setParagraph(block, facts, removed);
    if (paragraph === undefined) {
      if (block.drop !== undefined && INTERRUPTIONS.has(block.drop)) interrupted ??= block.drop;
      continue;
    }
    if (interrupted !== undefined && length > start && breaksOff(last) && goesOn(paragraph)) {
      count(removed, "rejoined");
      const joint = interrupted === "moves" ? " … " : " ";
      paragraphs[paragraphs.length - 1] += joint + paragraph;
      length += joint.length + paragraph.length;
    } else {
      length += (paragraphs.length === 0 ? 0 : 2) + paragraph.length;
      paragraphs.push(paragraph);
    }
    last = paragraph;
    interrupted = undefined;
  }
  close();
  return { text: paragraphs.join("\n\n"), chapters };
}

/** A preface right under a book's or part's own heading belongs to that book; elsewhere it stands for itself. */
function place(heading: Heading, stack: readonly Heading[], written: boolean): Heading {
  const above = stack.at(-1);
  if (heading.leaf !== true || above === undefined || above.leaf === true || above.level > 1 || written) return heading;
  return { ...heading, level: 2 };
}

/** Gives headings their place; a block with a title right after a bare number belongs to it. */
function markHeadings(blocks: readonly Block[], facts: BookFacts, removed: Counts): void {
  let listed = 2;

  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    const next = blocks[i + 1];
    const heading = headingOf(block, next);
    if (heading !== undefined) {
      // Beside numbered chapters, a title without a number is one of their sections.
      if (heading.level === 2) listed = 3;
      let title = heading.title;
      if (heading.bare && next !== undefined && next.drop === undefined && isSubtitle(next, blocks[i + 2], facts)) {
        title = `${title.replace(/[.:]$/, "")}: ${subtitle(next)}`;
        dropBlock(next, "headings", removed);
      }
      block.heading = { level: heading.level, title, ...(heading.leaf === true ? { leaf: true } : {}) };
      count(removed, "headings");
    } else if (isPlainHeading(block, next, facts)) {
      block.heading = { level: facts.titles.has(titleKey(flat(block))) ? listed : 4, title: plainTitle(flat(block)) };
      count(removed, "headings");
    }
  }
}

function isSubtitle(block: Block, next: Block | undefined, facts: BookFacts): boolean {
  const heading = headingOf(block, next);
  if (heading !== undefined && (heading.level !== 1 || heading.bare)) return false;
  if (facts.titles.has(titleKey(flat(block)))) return true;
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
function isPlainHeading(block: Block, next: Block | undefined, facts: BookFacts): boolean {
  if (block.lines.length > 3 || next === undefined) return false;
  const text = flat(block);
  if (text.length > 100 || (/[.,;:!?"”’]$/.test(text) && !isAllCaps(text)) || isEnding(text)) return false;
  if (facts.titles.size > 0 && facts.titles.has(titleKey(text)) && isTitleBlock(block)) return true;
  return block.before >= 2 && isAllCaps(plainTitle(text)) && /\p{Lu}{2}/u.test(text) && !/[!?,;:"”]$/.test(text);
}

/** What a short block is, if it is no paragraph: a thought break, the number of a page, "THE END". */
function smallArtefact(text: string): string | undefined {
  if (text.length > 100) return undefined;
  if (isBreak(text)) return "thought_breaks";
  if (text.length < 20 && /^[\W_]*(?:page\s+)?\d{1,4}[\W_]*$/i.test(text)) return "page_numbers";
  return isEnding(text) ? "the_end" : undefined;
}

/** One block as a paragraph, or undefined when it is none; then it is marked with what it was. */
function setParagraph(block: Block, facts: BookFacts, removed: Counts): string | undefined {
  const kind = block.lines.length <= 3 ? smallArtefact(flat(block)) : isBoxed(block) ? "drawings" : undefined;
  if (kind !== undefined) {
    dropBlock(block, kind, removed);
    return undefined;
  }
  const setting = settingOf(block, facts.width);
  if (setting === "table" || setting === "drawing") {
    dropBlock(block, setting === "table" ? "tables" : "drawings", removed);
    return undefined;
  }
  let text = setting === "prose" ? joinLines(block.lines, facts.lexicon, removed) : keepLines(block);
  text = dropMarks(dropNumbers(text, facts.braces, removed), removed);
  if (facts.stars) text = dropStars(text, removed);
  if (facts.chess) text = cutMoveRuns(text, removed);
  text = cutFen(text, removed);
  text = setting === "prose"
    ? tidy(text, removed)
    : text.split("\n").map((line) => tidy(line, removed)).filter((line) => line !== "").join("\n");
  if (!/\p{L}/u.test(text)) {
    if (text !== "") dropBlock(block, "drawings", removed);
    else dropBlock(block, "page_numbers", {});
    return undefined;
  }
  return text;
}
