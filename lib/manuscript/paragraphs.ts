/** What a manuscript is made of: paragraphs of prose, and between them headings and scene breaks. */
import { headingOf } from "../corpus/chapters.ts";
import { countWords, type Range } from "../corpus/paragraphs.ts";
import { proseParagraphs } from "../corpus/prose.ts";
import { findDialogue } from "../evaluation/pov_dialogue.ts";

/** A paragraph of prose. */
export interface Paragraph extends Range {
  readonly words: number;
  /** Parts that are spoken, in order; quoted words that nobody says are none. */
  readonly speech: readonly Range[];
}

/** What stands between two paragraphs, or before the first or behind the last. */
export interface Gap {
  /** A heading's text. */
  readonly chapter?: string;
  /** A scene break's text: `* * *`, or blank lines more than usual. */
  readonly sceneBreak?: string;
}

/** Gap `i` stands before paragraph `i`; the last one behind all. */
export interface Parsed {
  readonly text: string;
  readonly paragraphs: readonly Paragraph[];
  readonly gaps: readonly Gap[];
}

const MARKDOWN_HEADING = /^#{1,6}[ \t]+(\S[^\n]*?)[ \t]*#*$/;
const UNDERLINED = /^([^\n]{1,120})\n[ \t]*(?:={3,}|-{3,})$/;
/** Signs alone: `* * *`, `***`, `---`, `~`, `#`, `⁂`, `· · ·`, `•`, `❦`, also with a backslash as converters write it. */
const BREAK =
  /^(?:\\?[*\-_~#=+.\u00b7\u2022\u2042\u2014\u2013\u2766\u2767\u25c6\u25cf\u2726\u274a\u203b\u2055][ \t]*)+$/;
const LONGEST_HEADING = 120;
/** Blank lines more than usual part scenes, unless more of the gaps than this have them. */
const MOST_BLANK_BREAKS = 0.25;

/** Reads a manuscript's paragraphs, headings and scene breaks. */
export function parseManuscript(text: string): Parsed {
  const ranges = proseParagraphs(text);
  const speechOf = speechFinder(text, ranges);
  const paragraphs: Paragraph[] = [];
  const gaps: Gap[] = [];
  let gap: Gap = {};
  /** By paragraph: blank lines above it. */
  const blanks: number[] = [];
  for (let i = 0; i < ranges.length; i++) {
    const range = ranges[i];
    if (!range) continue;
    const mark = markOf(text, range);
    if (mark) {
      gap = { ...gap, ...mark };
      continue;
    }
    const before = ranges[i - 1];
    blanks.push(before && paragraphs.at(-1)?.end === before.end ? newlines(text, before.end, range.start) - 1 : 0);
    gaps.push(gap);
    gap = {};
    paragraphs.push({ ...range, words: countWords(text, range.start, range.end), speech: speechOf(i) });
  }
  const usual = median(blanks);
  const isWide = (blank = 0) => blank > usual;
  const rare = blanks.filter((blank) => isWide(blank)).length <= MOST_BLANK_BREAKS * blanks.length;
  const marked = gaps.map((gap, i) =>
    rare && isWide(blanks[i]) && !gap.chapter && !gap.sceneBreak ? { sceneBreak: "blank lines" } : gap
  );
  return { text, paragraphs, gaps: [...marked, gap] };
}

/** A heading or a scene break; undefined for prose. */
function markOf(text: string, { start, end }: Range): Gap | undefined {
  if (end - start > 2 * LONGEST_HEADING) return undefined;
  const block = text.slice(start, end);
  if (BREAK.test(block)) return { sceneBreak: block.replace(/\s+/g, " ") };
  const marked = MARKDOWN_HEADING.exec(block) ?? UNDERLINED.exec(block);
  if (marked?.[1]) return { chapter: marked[1] };
  if (block.length > LONGEST_HEADING) return undefined;
  const heading = headingOf({ lines: block.split("\n"), before: 2 }, undefined);
  if (heading && heading.level <= 4) return { chapter: heading.title };
  return isShoutedTitle(block) ? { chapter: block } : undefined;
}

/** `THE CLOCK AT DUNNING`: three words or more in capitals, with no stop at the end. */
function isShoutedTitle(block: string): boolean {
  const words = block.match(/\p{L}+/gu) ?? [];
  return words.length >= 3 && words.length <= 10 && !block.includes("\n") && block === block.toUpperCase() &&
    /^\p{Lu}.*[\p{Lu}\p{N}]$/u.test(block);
}

/** Speech by paragraph: quotation marks that hold a stop, or run to the paragraph's end. */
function speechFinder(text: string, ranges: readonly Range[]): (index: number) => Range[] {
  const speech = findDialogue(text, ranges);
  let at = 0;
  return (index) => {
    const { start, end } = ranges[index] ?? { start: 0, end: 0 };
    const found: Range[] = [];
    while (at < speech.length && (speech[at]?.start ?? 0) < start) at++;
    for (; at < speech.length; at++) {
      const part = speech[at];
      if (!part || part.start >= end) break;
      if (
        part.end === end ||
        /[.,!?;\u2026\u2014\u2013-]["'\u201d\u2019\u00bb\u00ab)*_]*$/.test(text.slice(part.start, part.end))
      ) found.push(part);
    }
    return found;
  };
}

function newlines(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", start); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
