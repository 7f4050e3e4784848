/** Blocks to text: paragraphs unwrapped and tidied, headings turned into chapters with offsets. */
import type { Chapter } from "../records.ts";
import { dropMarks, dropNumbers } from "./apparatus.ts";
import { type Block, count, type Counts, dropBlock, flat, type Heading } from "./blocks.ts";
import { isEnding } from "./chapters.ts";
import { cutFen, cutMoveRuns, dropChessCaptions } from "./chess.ts";
import { isBoxed } from "./credits.ts";
import { dropStars } from "./footnotes.ts";
import { markHeadings } from "./headings.ts";
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
  markHeadings(blocks, facts.titles, facts.title, removed);
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
      if (heading.level >= 5 || heading.level >= 3 && stack.some(({ level }) => level >= 2 && level < heading.level)) {
        continue;
      }
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
  text = dropNumbers(dropMarks(text, removed), facts.braces, removed);
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
