/** What ties an exchange to its passage too closely: words that point at a page, and words that are the page's own. */

import { mix, type Vocabulary } from "./words.ts";

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

/** Lower-case words without punctuation, apostrophes unified. */
export function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().replaceAll("’", "'").match(/[\p{L}\p{N}]+(?:'[\p{L}]+)*/gu) ?? [];
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

/** Where each word stands in a text: `first` leads to a place, counted from 1, and `next` from there to the one before. */
interface Places {
  first(word: number): number;
  readonly next: Uint32Array;
}

function placesIn(words: Uint32Array): Places {
  let room = 16;
  while (room < 2 * words.length) room *= 2;
  const slots = new Uint32Array(room), next = new Uint32Array(words.length + 1);
  const slotOf = (word: number) => {
    let slot = mix(word) & (room - 1);
    for (let place = slots[slot] ?? 0; place !== 0 && words[place - 1] !== word; place = slots[slot] ?? 0) {
      slot = (slot + 1) & (room - 1);
    }
    return slot;
  };
  words.forEach((word, at) => {
    const slot = slotOf(word);
    next[at + 1] = slots[slot] ?? 0;
    slots[slot] = at + 1;
  });
  return { first: (word) => slots[slotOf(word)] ?? 0, next };
}

/**
 * Makes a comparison of answers with their passages, word by word. Several answers to one passage cost little more than
 * one.
 *
 * @param spanWords Words from which a common span counts into the share.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { copyFinder } from "@/dialogue/gates_source.ts";
 * import { createVocabulary } from "@/dialogue/words.ts";
 *
 * const copiedFrom = copyFinder(createVocabulary());
 * const { longest, share } = copiedFrom("We built the dam, as ever.", "They built the dam in common.", 3);
 * deepEqual([longest, share], [3, 0.5]);
 * ```
 */
export function copyFinder(vocabulary: Vocabulary): (answer: string, passage: string, spanWords: number) => Copied {
  let known: { passage: string; places: Places } | undefined;
  return (answer, passage, spanWords) => {
    if (known?.passage !== passage) known = { passage, places: placesIn(vocabulary.read(passage)) };
    const { places: { first, next } } = known;
    const said = vocabulary.read(answer);
    // Length of the common span that ends at each place, and the word of the answer (from 1) at which it was set.
    const lengths = new Uint32Array(next.length), setAt = new Uint32Array(next.length);
    let longest = 0, end = 0, covered = 0, coveredTo = 0;
    for (let at = 1; at <= said.length; at++) {
      let here = 0;
      for (let place = first(said[at - 1] ?? 0); place !== 0; place = next[place] ?? 0) {
        const length = at > 1 && setAt[place - 1] === at - 1 ? (lengths[place - 1] ?? 0) + 1 : 1;
        lengths[place] = length;
        setAt[place] = at;
        if (length > here) here = length;
      }
      if (here > longest) [longest, end] = [here, at];
      if (here >= spanWords) {
        covered += at - Math.max(coveredTo, at - here);
        coveredTo = at;
      }
    }
    const span = vocabulary.spell(said.subarray(end - longest, end));
    return { longest, span, share: covered / (said.length || 1) };
  };
}
