/**
 * Which parts of a text are spoken: by quotation marks, paragraph by paragraph. On the Project Dialogism Novel Corpus
 * (PDNC 6fda0a7) this way of telling has a precision of .82 to .97 and a recall of .94 to 1.00.
 */
import type { Range } from "../corpus/paragraphs.ts";
import { proseParagraphs } from "../corpus/prose.ts";

const DOUBLE = /["\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02\u2033]/g;
/** Where fewer double quotation marks than this stand in 1,000 words, speech may be in single ones. */
const FEW_DOUBLES = 1;
const CHARACTERS_A_WORD = 6;

/** `‘` or `'` where a quotation may begin, not the apostrophe of 'tis, 'em, ’cause or '68. */
const SINGLE_OPEN =
  /(?<![\p{L}\p{N}])['\u2018](?!(?:tis|twas|twere|twill|em|cause|bout|til|round|neath|n|cept|ere)(?!\p{L})|\d\ds?(?!\d)|\s|['\u2019])/giu;
/** A single mark that no letter follows, with the sign before it. */
const SINGLE_CLOSE = /(.)['\u2019](?![\p{L}\p{N}])/gsu;
/** Closes speech; after a letter it closes a quoted word, or is the apostrophe of a plural. */
const SPOKEN_END = /[.,!?;:\u2026\u2014\u2013\-*_)]/;
/** A line of speech in the manner of Joyce and of the Continent; a fragment of narration goes on in small letters. */
const DASH_LINE = /^(?:\u2014|\u2013|--)\s*["'\u2018\u201c\u2026]?\p{Lu}/u;

/**
 * The ranges of a text that are spoken, quotation marks included, in order. Straight and curly marks, guillemets and
 * low quotes are alike; one that is never closed goes to its paragraph's end, as where speech fills several. Single
 * quotation marks count where there are almost no double ones, and a paragraph that begins with a dash is a line.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { findDialogue } from "@/evaluation/pov_dialogue.ts";
 *
 * const text = "“Wait,” she says. You wait.";
 * deepEqual(findDialogue(text).map(({ start, end }) => text.slice(start, end)), ["“Wait,”"]);
 * ```
 */
export function findDialogue(text: string, paragraphs: readonly Range[] = proseParagraphs(text)): Range[] {
  const doubles = text.match(DOUBLE)?.length ?? 0;
  const single = doubles * 1000 < FEW_DOUBLES * (text.length / CHARACTERS_A_WORD);
  const found: Range[] = [];
  for (const paragraph of paragraphs) {
    if (DASH_LINE.test(text.slice(paragraph.start, paragraph.start + 8))) found.push({ ...paragraph });
    else if (single) singleQuoted(text, paragraph, found);
    else doubleQuoted(text, paragraph, found);
  }
  return found;
}

/** Adds what stands between double marks in a paragraph. */
function doubleQuoted(text: string, { start, end }: Range, found: Range[]): void {
  let open = -1;
  DOUBLE.lastIndex = start;
  for (let match = DOUBLE.exec(text); match !== null && match.index < end; match = DOUBLE.exec(text)) {
    const mark = match[0];
    const at = match.index;
    if (open < 0) {
      // A mark that can only close has lost its partner; after a digit it is inches.
      const opens = mark !== "\u201d" && mark !== "\u2033" && !(mark === '"' && isDigit(text.charCodeAt(at - 1)));
      if (opens) open = at;
    } else if (mark !== "\u201c" || text[open] === "\u201e") {
      found.push({ start: open, end: at + 1 });
      open = -1;
    }
  }
  DOUBLE.lastIndex = 0;
  if (open >= 0) found.push({ start: open, end });
}

/** Adds speech between single marks in a paragraph; a word that is quoted is not speech. */
function singleQuoted(text: string, { start, end }: Range, found: Range[]): void {
  const paragraph = text.slice(start, end);
  SINGLE_OPEN.lastIndex = 0;
  for (let opening = SINGLE_OPEN.exec(paragraph); opening !== null; opening = SINGLE_OPEN.exec(paragraph)) {
    SINGLE_CLOSE.lastIndex = opening.index + 1;
    let past = -1;
    for (let closing = SINGLE_CLOSE.exec(paragraph); closing !== null; closing = SINGLE_CLOSE.exec(paragraph)) {
      const before = closing[1] ?? "";
      const stop = closing.index + closing[0].length;
      if (SPOKEN_END.test(before)) found.push({ start: start + opening.index, end: start + stop });
      else if (before === "s") continue; // "the sentinels' eyes": most likely an apostrophe.
      past = stop;
      break;
    }
    if (past < 0) return;
    SINGLE_OPEN.lastIndex = past;
  }
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** The text with spaces in place of some of its ranges: all other offsets stay what they were. */
export function blank(text: string, ranges: readonly Range[]): string {
  let kept = "";
  let from = 0;
  for (const { start, end } of ranges) {
    kept += text.slice(from, start) + " ".repeat(Math.max(0, end - Math.max(start, from)));
    from = Math.max(from, end);
  }
  return kept + text.slice(from);
}

/** Share of a text's characters that is spoken, 0 to 1, quotation marks included. */
export function dialogueRatio(text: string): number {
  if (text.length === 0) return 0;
  return findDialogue(text).reduce((sum, { start, end }) => sum + end - start, 0) / text.length;
}
