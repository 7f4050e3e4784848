/**
 * How many columns text takes in a terminal: `unicodeWidth` of `@std/cli/unicode-width`.
 *
 * @module
 */

import { eastAsianWidth } from "get-east-asian-width";

// Marks that join the letter before, format characters, and the vowels and finals of a Hangul syllable. The soft hyphen
// is a format character that terminals show.
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;
const SOFT_HYPHEN = 0xad;

/** Columns of one code point. */
function widthOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code >= 0x7f && code < 0xa0) return 0; // controls
  if (code < 0x7f || code === SOFT_HYPHEN) return 1;
  return ZERO_WIDTH.test(character) ? 0 : eastAsianWidth(code);
}

/**
 * Columns that `text` takes in a terminal: 2 for a wide character (Chinese, Japanese, Korean, emoji), 0 for controls and
 * combining marks, 1 for the rest. Character by character: an emoji made of several counts as all of them. Escape
 * sequences must be taken out before.
 *
 * Wide are those of Unicode 15.1 (UAX 11), the tables of the original; ambiguous ones count as narrow. Combining marks
 * are those that the runtime knows: 35 that came with Unicode 16 count 0 here and 1 there.
 *
 * @example
 * ```ts
 * import { unicodeWidth } from "@std/cli/unicode-width";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(unicodeWidth("Čapek"), 5);
 * strictEqual(unicodeWidth("象棋"), 4);
 * ```
 */
export function unicodeWidth(str: string): number {
  if (/^[\x20-\x7e]*$/.test(str)) return str.length;
  let columns = 0;
  for (const character of str) columns += widthOf(character);
  return columns;
}
