/** A chunk as the opening that a writer would type, and what the model is to write after it. */
import { splitSentences } from "../corpus/sentences.ts";
import { countWords } from "../corpus/paragraphs.ts";
import { findDialogue } from "../evaluation/pov_dialogue.ts";
import { findItalics } from "../evaluation/pov_italics.ts";

/** Shares of a chunk's characters, 0 to 1: what an opening should hold at least and at most. */
export interface PrefixShares {
  readonly least: number;
  readonly most: number;
}

export interface PrefixCut {
  /** Ends with a sentence; no white space behind it. */
  readonly prefix: string;
  /** All the rest, white space at its beginning included: both together are the chunk again. */
  readonly completion: string;
  /** Share of the characters that the prefix holds. */
  readonly share: number;
  /** Whether that is between the shares that were asked for. */
  readonly inRange: boolean;
}

/** No opening takes more of a chunk than this, wherever its sentences end. */
const MOST = 0.5;
/** Fewer words hardly tell a model where it is. */
const LEAST_WORDS = 20;
const SENTENCE_END = /[.!?\u2026\u2014]["'\u201d\u2019\u00bb\u00ab)\]*_]*$/;

/**
 * Cuts a chunk at the sentence end that is nearest to the middle of the wanted shares, never within a quotation or
 * italics; where none lies between the shares, at the nearest one to them. Undefined for a text with one sentence only, or
 * whose first one fills half of it.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { cutPrefix } from "@/manuscript/prefix.ts";
 *
 * const chunk = "Dr. Hale is wrong. “It is late,” you say… " + "You count the lamps along the wall again. ".repeat(12);
 * const cut = cutPrefix(chunk, { least: 0.05, most: 0.1 });
 * equal(cut?.prefix, "Dr. Hale is wrong. “It is late,” you say…");
 * equal(cut && cut.prefix + cut.completion, chunk);
 * ```
 */
export function cutPrefix(text: string, { least, most }: PrefixShares): PrefixCut | undefined {
  // Far enough for any sentence that begins before the limit; the rest of a long chunk need not be read.
  let reach = Math.ceil(text.length * most * 2) + 2000;
  let ends = sentenceEnds(text, reach);
  if (ends.length === 0 && reach < text.length) ends = sentenceEnds(text, reach = text.length);
  const middle = text.length * (least + most) / 2;
  const isIn = (end: number) => end >= least * text.length && end <= most * text.length;
  const inRange = ends.filter(isIn);
  const from = inRange.length > 0 ? inRange : ends.filter((end) => end <= MOST * text.length);
  const [first] = from;
  if (first === undefined) return undefined;
  const end = from.reduce((best, at) => Math.abs(at - middle) < Math.abs(best - middle) ? at : best, first);
  return {
    prefix: text.slice(0, end),
    completion: text.slice(end),
    share: end / text.length,
    inRange: isIn(end),
  };
}

/** Where sentences end outside quotations and italics, with text to come. */
function sentenceEnds(text: string, reach: number): number[] {
  const head = text.slice(0, reach);
  const closed = [...findDialogue(head), ...findItalics(head)];
  return splitSentences(head).map(({ end }) => end).filter((end) =>
    end < reach && text.slice(end).trim() !== "" && SENTENCE_END.test(text.slice(Math.max(0, end - 8), end)) &&
    !closed.some((span) => span.start < end && end < span.end)
  );
}

/**
 * What is wrong with an opening, as a person should know before training on it; nothing for a good one. It is judged from
 * the texts alone, so that openings of any making can be looked at.
 */
export function prefixFaults(prefix: string, completion: string, { least, most }: PrefixShares): string[] {
  const text = prefix + completion;
  const end = prefix.length;
  const faults: string[] = [];
  const share = text.length === 0 ? 0 : end / text.length;
  const percent = `${(100 * share).toFixed(1)} % of the text`;
  const within = (span: { start: number; end: number }) => span.start < end && end < span.end;
  if (prefix.trim() === "") return ["it is empty"];
  if (completion.trim() === "") faults.push("nothing comes after it");
  if (countWords(prefix) < LEAST_WORDS) faults.push(`it is too short: ${countWords(prefix)} words`);
  if (share < least) faults.push(`it is too short: ${percent}, wanted are ${100 * least} to ${100 * most} %`);
  if (share > most) faults.push(`it is too long: ${percent}, wanted are ${100 * least} to ${100 * most} %`);
  // A window is enough: what lies far behind changes nothing here.
  const near = text.slice(0, end + 4000);
  if (findDialogue(near).some(within)) faults.push("it ends inside a quotation");
  if (findItalics(near).some(within)) faults.push("it ends inside italics");
  if (!SENTENCE_END.test(prefix.trimEnd()) || !endsSentence(near, prefix.trimEnd().length)) {
    faults.push("it ends in the middle of a sentence");
  }
  if (/\s$/.test(prefix)) faults.push("it ends with white space");
  if (/^#{1,6} /.test(prefix)) faults.push("it begins with a heading");
  return faults;
}

function endsSentence(text: string, at: number): boolean {
  return splitSentences(text).some(({ end }) => end === at);
}
