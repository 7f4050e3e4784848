/**
 * Where English sentences end, by rules, in linear time. Made for books of 1800 to 1970: titles, initials, numbered
 * references, speech and its tags. Intl.Segmenter cuts after "Mr." and is many times slower.
 */

import { AMBIGUOUS, formOf, INNER, REFERENCES, SHORT_FORMS, STARTERS, TITLES, WORDLIKE } from "./abbreviations.ts";
import { isSpace, type Range, skipSpace, splitParagraphs } from "./paragraphs.ts";

const QUOTES = "\"'\u201d\u2019\u00bb";
export const isQuote = memberOf(QUOTES);
export const isCloser = memberOf(QUOTES + ")]}_*");
const isOpener = memberOf("\"'\u201c\u2018\u00ab\u201e([{_*-\u2013\u2014");

/** Whether a UTF-16 unit is one of some. */
function memberOf(units: string): (unit: number) => boolean {
  const table = new Uint8Array(0x2100);
  for (let i = 0; i < units.length; i++) table[units.charCodeAt(i)] = 1;
  return (unit) => unit < 0x2100 && table[unit] === 1;
}

/** `[12]`: a reference to a note, after the stop. */
const NOTE_MARK = /\[\d{1,4}\]/y;
const NUMBER = /\d|[IVXLCDM]+\b/y;
const NUMBER_NOT_I = /\d|[IVXLCDM]{2,}\b/y;
const ENUMERATOR = /^(?:\d{1,3}|[IVXLCDM]+)$/;
const WORD = /\p{L}+/uy;
/** What may belong to an abbreviation; the longest is short. */
const TOKEN = /[\p{L}\p{N}.&]/u;
const LONGEST_TOKEN = 24;
/** Letters of "approx" and "Messrs", the longest without stops within. */
const LONGEST_ABBREVIATION = 6;
/** Who spoke, after a question or a cry in quotation marks: `"Where?" Mr. Bounderby asked`. */
const SPEECH_TAG = new RegExp(
  "(?:I|(?:(?:Mrs?|Dr)\\.? )?\\p{Lu}[\\p{L}\u2019'-]*(?: \\p{Lu}[\\p{L}\u2019'-]*)?) (?:\\p{L}+ly )?" +
    "(?:said|asked|cried|replied|answered|exclaimed|inquired|enquired|shouted|whispered|murmured|muttered|repeated|demanded)\\b",
  "uy",
);

/**
 * The sentences of a text or of a part of it, in order. They hold all but the white space between them. A blank line
 * always ends a sentence; a single line break does not.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { splitSentences } from "@/corpus/sentences.ts";
 *
 * const text = 'Mr. T. E. Lawrence rose. "Why?" said he. See No. 5.';
 * deepEqual(splitSentences(text).map(({ start, end }) => text.slice(start, end)), [
 *   "Mr. T. E. Lawrence rose.",
 *   '"Why?" said he.',
 *   "See No. 5.",
 * ]);
 * ```
 */
export function splitSentences(text: string, start = 0, end: number = text.length): Range[] {
  const sentences: Range[] = [];
  const nextStop = stopFinder(text);
  for (const paragraph of splitParagraphs(text, start, end)) {
    let from = paragraph.start; // Where the sentence starts.
    for (let stop = nextStop(from); stop < paragraph.end;) {
      const { end, next, ends } = readStop(text, from, stop, paragraph.end);
      if (end >= paragraph.end) break;
      if (ends) {
        sentences.push({ start: from, end });
        from = next;
      }
      stop = nextStop(end);
    }
    sentences.push({ start: from, end: paragraph.end });
  }
  return sentences;
}

const STOPS = [".", "?", "!", "\u2026"];

/**
 * Finds the first stop from an offset on, Infinity where there is none. To look for one character is many times as fast
 * as a loop or a regular expression; what was found is kept, because it looks beyond the paragraph.
 */
function stopFinder(text: string): (from: number) => number {
  const found = [-1, -1, -1, -1];
  return (from) => {
    let first = Infinity;
    for (let i = 0; i < STOPS.length; i++) {
      if (found[i]! < from) {
        const at = text.indexOf(STOPS[i]!, from);
        found[i] = at < 0 ? Infinity : at;
      }
      if (found[i]! < first) first = found[i]!;
    }
    return first;
  };
}

/** Full stop, exclamation mark, question mark, ellipsis. */
export function isStop(unit: number): boolean {
  return unit > 0x3f ? unit === 0x2026 : unit === 0x2e || unit === 0x21 || unit === 0x3f; // Letters with one look.
}

/** Past a run of stops: `?!`, `...`, also `. . .`. */
function afterStops(text: string, at: number): number {
  while (true) {
    const unit = text.charCodeAt(at);
    if (isStop(unit)) at++;
    else if ((unit === 0x20 || unit === 0xa0) && text[at + 1] === ".") at += 2;
    else return at;
  }
}

/** Past quotation marks and brackets that close, and references to notes. */
function afterClosers(text: string, at: number): number {
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (isCloser(unit)) at++;
    else if (unit === 0x5b && matchesAt(NOTE_MARK, text, at)) at = NOTE_MARK.lastIndex;
    else break;
  }
  return at;
}

/** What may be the end of a sentence: its start, its first stop, the end of its stops, its end, what comes next. */
interface Candidate {
  start: number;
  stop: number;
  stops: number;
  end: number;
  next: number;
  limit: number;
}

/**
 * What a stop comes to.
 *
 * @param start Where the sentence starts in which it stands.
 * @param limit Where the paragraph ends.
 * @returns The end of what belongs to the stop, what comes next, and whether the sentence ends there.
 */
export function readStop(
  text: string,
  start: number,
  stop: number,
  limit: number,
): { end: number; next: number; ends: boolean } {
  const stops = afterStops(text, stop);
  const end = afterClosers(text, stops);
  const next = skipSpace(text, end, limit);
  return { end, next, ends: next > end && isBoundary(text, { start, stop, stops, end, next, limit }) };
}

function isBoundary(text: string, { start, stop, stops, end, next, limit }: Candidate): boolean {
  let at = next;
  while (at < limit && isBeforeWord(text.charCodeAt(at))) at++;
  if (isLower(text.charCodeAt(at))) return false;
  if (text[stop] !== "." || stops > stop + 1) {
    const spoken = end > stops && isQuote(text.charCodeAt(stops));
    return !(spoken && text[stops - 1] !== "." && matchesAt(SPEECH_TAG, text, next));
  }
  if (end > stops) return true; // A closed quotation or bracket: the stop is its own.
  return isFullStop(text, start, stop, at);
}

/** Whether a single full stop ends a sentence and not an abbreviation; `at` is the first letter of what follows. */
function isFullStop(text: string, start: number, stop: number, at: number): boolean {
  let from = stop;
  while (from > start && stop - from < LONGEST_TOKEN && isTokenUnit(text.charCodeAt(from - 1))) from--;
  if (isWord(text, from, stop)) {
    // Most sentences end so: with a word in small letters that is longer than any abbreviation, or none of them.
    if (stop - from > LONGEST_ABBREVIATION || SHORT_FORMS[formOf(text, from, stop)] === 0) return true;
    if (!WORDLIKE.has(text.slice(from, stop))) return true;
  }
  const token = text.slice(from, stop);
  const small = token.toLowerCase();
  const leads = from - start <= 4 && isOpening(text.slice(start, from));
  if (leads && ENUMERATOR.test(token)) return false;
  if (TITLES.has(token) || INNER.has(small)) return false;
  if (small === "no" || small === "nos") return !matchesAt(NUMBER_NOT_I, text, at); // "No." alone is an answer.
  if (REFERENCES.has(small) && matchesAt(NUMBER, text, at)) return false;
  if (token === "I") return !(leads || text[from - 2] === "."); // The pronoun, but for a row of initials.
  const initial = token.length === 1 && isUpper(token);
  if (initial || AMBIGUOUS.has(small) || isDotted(token)) {
    if (initial && leads) return false;
    matchesAt(WORD, text, at);
    return STARTERS.has(text.slice(at, WORD.lastIndex).toLowerCase());
  }
  return true;
}

/** True for two small letters of ASCII or more. */
function isWord(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x61 || unit > 0x7a) return false;
  }
  return end - start > 1;
}

/** `U.S`, `p.m`, `J.R.R`: single letters with stops between. */
function isDotted(token: string): boolean {
  if (token.length < 3 || token.length % 2 === 0) return false;
  for (let i = 1; i < token.length; i += 2) if (token[i] !== ".") return false;
  return true;
}

/** True where nothing but quotation marks and brackets stands. */
function isOpening(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!isOpener(text.charCodeAt(at))) return false;
  return true;
}

function matchesAt(sticky: RegExp, text: string, at: number): boolean {
  sticky.lastIndex = at;
  return sticky.test(text);
}

function isAsciiLetter(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a);
}

export function isBeforeWord(unit: number): boolean {
  return isOpener(unit) || isSpace(unit);
}

export function isTokenUnit(unit: number): boolean {
  return isAsciiLetter(unit) || (unit > 0x20 && TOKEN.test(String.fromCharCode(unit)));
}

export function isLower(unit: number): boolean {
  if (unit < 0x80) return unit >= 0x61 && unit <= 0x7a;
  const letter = String.fromCharCode(unit);
  return letter !== letter.toUpperCase();
}

function isUpper(letter: string): boolean {
  return letter !== letter.toLowerCase();
}
