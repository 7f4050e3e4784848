/** Italics in plain text, and which of them are an inner voice. */
import type { Range } from "../corpus/paragraphs.ts";
import { wordsIn } from "../corpus/white_space.ts";

/** A span in italics, its marks included. */
export interface Italic extends Range {
  /** What stands between the marks. */
  readonly text: string;
  readonly words: number;
  /** `monologue`: an inner voice; `emphasis`: stress, titles, foreign words and whatever else. */
  readonly kind: "monologue" | "emphasis";
}

/**
 * `*x*`, `_x_`, `<i>x</i>`, `<em>x</em>`, also `***x***`; not `**bold**`, `snake_case`, `2 * 3 * 4` nor `* * *`. The marks
 * lie in one paragraph.
 */
const ITALIC = new RegExp(
  "(?<![*\\p{L}\\p{N}\\\\])\\*(?![*\\s])([^*]+)(?<![\\s\\\\])\\*(?![*\\p{L}\\p{N}])" +
    "|(?<!\\*)\\*\\*\\*(?![*\\s])([^*]+)(?<!\\s)\\*\\*\\*(?!\\*)" +
    "|(?<![_\\p{L}\\p{N}\\\\])_(?![_\\s])([^_]+)(?<![\\s\\\\])_(?![_\\p{L}\\p{N}])" +
    "|<(?:i|em)>([^<]+)</(?:i|em)>",
  "gu",
);
const BLANK_LINE = /\n[ \t\r]*\n/;
const FIRST_PERSON = /(?<![\p{L}'\u2019])(?:I|me|my|mine|myself|[Ww]e|us|[Oo]ur|ours|ourselves|My)(?!\p{L})/u;
/** First person in the past: told, not thought. */
const FIRST_PAST = /(?<!\p{L})(?:I|[Ww]e) (?:was|were|had|did|went|said|came|saw|took|\p{L}{2,}ed)(?!\p{L})/u;
const LEAST_WORDS = 3;

/**
 * The italics of a text, in order. Three words or more that ask, cry out or speak in the first person and the present
 * are an internal monologue; all others are emphasis.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { findItalics } from "@/evaluation/pov_italics.ts";
 *
 * const found = findItalics("*I can still turn back*, you think. The *Halcyon* waits.");
 * deepEqual(found.map(({ kind }) => kind), ["monologue", "emphasis"]);
 * ```
 */
export function findItalics(text: string): Italic[] {
  const found: Italic[] = [];
  ITALIC.lastIndex = 0;
  for (let match = ITALIC.exec(text); match !== null; match = ITALIC.exec(text)) {
    const inner = match[1] ?? match[2] ?? match[3] ?? match[4] ?? "";
    if (BLANK_LINE.test(inner)) {
      ITALIC.lastIndex = match.index + 1; // Two marks that are no pair: look again behind the first.
      continue;
    }
    const words = wordsIn(inner);
    found.push({
      start: match.index,
      end: match.index + match[0].length,
      text: inner,
      words,
      kind: isMonologue(inner, words) ? "monologue" : "emphasis",
    });
  }
  return found;
}

function isMonologue(inner: string, words: number): boolean {
  if (words < LEAST_WORDS) return false;
  return /[?!]/.test(inner) || (FIRST_PERSON.test(inner) && !FIRST_PAST.test(inner));
}

/** How much of a text is in italics. */
export interface ItalicsProfile {
  readonly monologues: number;
  readonly emphases: number;
  /** Spans of each kind in 1,000 words. */
  readonly monologuesPer1000: number;
  readonly emphasesPer1000: number;
  /** Share of the words that is in italics, 0 to 1. */
  readonly share: number;
}

/** Counts the italics of a text; all rates are 0 for an empty one. */
export function italicsProfile(text: string, italics: readonly Italic[] = findItalics(text)): ItalicsProfile {
  const words = wordsIn(text);
  const monologues = italics.filter(({ kind }) => kind === "monologue").length;
  const emphases = italics.length - monologues;
  const per1000 = (spans: number) => words === 0 ? 0 : 1000 * spans / words;
  return {
    monologues,
    emphases,
    monologuesPer1000: per1000(monologues),
    emphasesPer1000: per1000(emphases),
    share: words === 0 ? 0 : italics.reduce((sum, italic) => sum + italic.words, 0) / words,
  };
}
