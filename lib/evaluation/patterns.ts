/** The patterns of questions and answers as regular expressions: few texts are held against many of them. */
import { UsageError } from "../core/errors.ts";
import { type CharSet, digitChars, pairs, spaceChars, wordChars } from "../corpus/matcher_chars.ts";
import { parsePattern, PatternError, type PatternNode } from "../corpus/matcher_syntax.ts";

/**
 * What words are made of, told by what they are not: an expression with \\p{L} in it takes ten milliseconds to make, and
 * hundreds are made. Letters, marks, digits and the underscore of print are the same as to the themes.
 */
const WORD = String
  .raw`[^\0-/:-@\[-^\x60{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u02c2-\u02df\u2000-\u206f\u2190-\u2bff\u3000-\u303f]`;

/**
 * One expression for several patterns, which are written as those of themes.jsonc and mean the same: whole words, upper
 * and lower case alike, any white space for a space. The automaton of the themes takes milliseconds to make, which pays
 * for a corpus and not for a handful of answers.
 *
 * @param place Says where the patterns were written, for the message.
 * @throws {UsageError} for a pattern that is none.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { wholeWords } from "@/evaluation/patterns.ts";
 *
 * deepEqual("Was it Luna 9, or\nLUNA\tNINE?".match(wholeWords(["Luna[- ]?(9|nine)"], "leaks")), ["Luna 9", "LUNA\tNINE"]);
 * ```
 */
export function wholeWords(patterns: readonly string[], place: string): RegExp {
  const key = JSON.stringify(patterns);
  const known = made.get(key) ?? make(patterns, place);
  made.set(key, known);
  known.lastIndex = 0;
  return known;
}

/** The same patterns are asked for again and again, and there are no more of them than presets have. */
const made = new Map<string, RegExp>();

function make(patterns: readonly string[], place: string): RegExp {
  const parts = patterns.map((pattern) => {
    try {
      return source(parsePattern(pattern));
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      throw new UsageError(`Cannot use ${place}: the pattern "${pattern}": ${error.message}`);
    }
  });
  return new RegExp(`(?<!${WORD})(?:${parts.join("|")})(?!${WORD})`, "gu");
}

function source(node: PatternNode): string {
  switch (node.type) {
    case "chars":
      return classOf(node.set);
    case "sequence":
      return node.parts.map(source).join("");
    case "choice":
      return `(?:${node.options.map(source).join("|")})`;
    case "repeat":
      return `(?:${source(node.body)}){${node.min},${node.max === Infinity ? "" : node.max}}`;
  }
}

/** The sets hold both cases already. */
function classOf(set: CharSet): string {
  if (set === wordChars()) return WORD;
  if (set === spaceChars()) return String.raw`\s`;
  if (set === digitChars()) return String.raw`\p{Nd}`;
  const code = (point: number) => `\\u{${point.toString(16)}}`;
  return `[${pairs(set).map(([low, high]) => low === high ? code(low) : `${code(low)}-${code(high)}`).join("")}]`;
}
