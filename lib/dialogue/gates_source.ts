/** What ties an exchange to its passage too closely: words that point at a page, and words that are the page's own. */

/** The source seen as a page before one; "the passage of time" and "a chapter of history" are innocent. */
const POINTS_AT_PAGE = new RegExp(
  [
    String.raw`\b(?:the|this|that|these|those) (?:above |given |following |provided |quoted )?` +
    String.raw`(?:text|excerpt|extract|quotation|snippet|narrator|protagonist|author|writer)s?\b`,
    String
      .raw`\b(?:the|this|that|these) (?:above |given |following |provided |quoted )?(?:passage|paragraph|chapter)s?\b` +
    String.raw`(?! (?:of|to|from|through|between|into|across|out|home|back|aboard|in (?:history|time|our)))`,
    String.raw`\b(?:in|of|from|by|throughout) (?:the|this) (?:story|novel|book|poem|scene)\b`,
    String.raw`\b(?:mentioned|described|quoted|shown|given|stated) (?:above|below|here)\b`,
    String.raw`\b(?:based on|according to) (?:the|this|that) (?:above|information|material|source|context)\b`,
    String.raw`\b(?:who|what) (?:is|was|are|were) (?:the )?(?:speaker|main character|narrator)s?\b`,
  ].join("|"),
  "i",
);

/** Where a text speaks of a passage that its reader does not have. */
export function pointsAtPage(text: string): string | undefined {
  return POINTS_AT_PAGE.exec(text)?.[0];
}

// Several gates look at one answer, and several answers are held against one passage.
let lastText = "", lastWords: readonly string[] = [];

/** Lower-case words without punctuation, apostrophes unified. */
export function wordsOf(text: string): readonly string[] {
  if (text !== lastText) [lastText, lastWords] = [text, readWords(text)];
  return lastWords;
}

function readWords(text: string): string[] {
  return text.toLowerCase().replaceAll("’", "'").match(/[\p{L}\p{N}]+(?:'[\p{L}]+)*/gu) ?? [];
}

let lastPassage = "", lastPlaces = new Map<string, number[]>(), lastLength = 0;

/** Where each word stands in a passage, from the last place to the first, and how many words there are. */
function placesIn(passage: string): { places: ReadonlyMap<string, readonly number[]>; length: number } {
  if (passage !== lastPassage || lastLength === 0) {
    const words = readWords(passage);
    lastPlaces = new Map();
    for (let at = words.length - 1; at >= 0; at--) {
      const word = words[at] ?? "";
      const list = lastPlaces.get(word);
      if (list) list.push(at);
      else lastPlaces.set(word, [at]);
    }
    [lastPassage, lastLength] = [passage, words.length];
  }
  return { places: lastPlaces, length: lastLength };
}

/** How much of an answer stands word for word in the passage. */
export interface Copied {
  /** Words of the longest common span. */
  readonly longest: number;
  /** The span itself, lower-case. */
  readonly span: string;
  /** Share of the answer's words inside common spans of `spanWords` or more (R_k; with k = 13, R₁₃). */
  readonly share: number;
}

/**
 * Compares an answer with its passage, word by word.
 *
 * @param spanWords Words from which a common span counts into the share.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { copiedFrom } from "@/dialogue/gates_source.ts";
 *
 * const { longest, share } = copiedFrom("We built the dam, as ever.", "They built the dam in common.", 3);
 * deepEqual([longest, share], [3, 0.5]);
 * ```
 */
export function copiedFrom(answer: string, passage: string, spanWords: number): Copied {
  const said = wordsOf(answer);
  const { places, length: words } = placesIn(passage);
  // Length of the common span that ends before each place, and the word of the answer (from 1) at which it was set.
  const lengths = new Uint32Array(words + 1), setAt = new Uint32Array(words + 1);
  let longest = 0, end = 0, covered = 0, coveredTo = 0;
  for (const [index, word] of said.entries()) {
    const at = index + 1;
    let here = 0;
    for (const place of places.get(word) ?? []) {
      const length = at > 1 && setAt[place] === at - 1 ? (lengths[place] ?? 0) + 1 : 1;
      lengths[place + 1] = length;
      setAt[place + 1] = at;
      if (length > here) here = length;
    }
    if (here > longest) [longest, end] = [here, at];
    if (here >= spanWords) {
      covered += at - Math.max(coveredTo, at - here);
      coveredTo = at;
    }
  }
  return { longest, span: said.slice(end - longest, end).join(" "), share: covered / (said.length || 1) };
}
