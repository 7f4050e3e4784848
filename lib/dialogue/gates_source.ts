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
  /** Spells the span, lower-case. */
  span(): string;
  /** Share of the answer's words inside common spans of `spanWords` or more (R_k; with k = 13, R₁₃). */
  readonly share: number;
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
  let known: string | undefined;
  /** The passage's words. */
  let words: Uint32Array = new Uint32Array();
  /** By word (open addressing), its last place in the passage, counted from 1; `next` leads from there to the one before. */
  let slots = new Uint32Array(1 << 10), next = new Uint32Array(1 << 10), mask = 0;
  /** Length of the common span that ends at each place, and the word of an answer at which it was set. */
  let lengths = new Uint32Array(1 << 10), setAt = new Uint32Array(1 << 10);
  /** Words of all answers up to now, so that nothing need be cleared between two. */
  let passed = 0;

  function slotOf(word: number): number {
    let slot = mix(word) & mask;
    for (let place = slots[slot] ?? 0; place !== 0 && words[place - 1] !== word; place = slots[slot] ?? 0) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  function load(passage: string): void {
    known = passage;
    words = vocabulary.read(passage);
    let room = 16;
    while (room < 2 * words.length) room *= 2;
    if (room > slots.length) {
      [slots, next] = [new Uint32Array(room), new Uint32Array(room)];
      [lengths, setAt] = [new Uint32Array(room), new Uint32Array(room)];
    }
    mask = room - 1;
    slots.fill(0, 0, room);
    for (let at = 0; at < words.length; at++) {
      const slot = slotOf(words[at] ?? 0);
      next[at + 1] = slots[slot] ?? 0;
      slots[slot] = at + 1;
    }
  }

  return (answer, passage, spanWords) => {
    if (known !== passage) load(passage);
    const said = vocabulary.read(answer);
    if (passed > 0x7fffffff) setAt.fill(passed = 0);
    const before = passed;
    passed += said.length + 1;
    let longest = 0, end = 0, covered = 0, coveredTo = 0;
    for (let at = 1; at <= said.length; at++) {
      const stamp = before + at;
      let here = 0;
      for (let place = slots[slotOf(said[at - 1] ?? 0)] ?? 0; place !== 0; place = next[place] ?? 0) {
        const length = at > 1 && setAt[place - 1] === stamp - 1 ? (lengths[place - 1] ?? 0) + 1 : 1;
        lengths[place] = length;
        setAt[place] = stamp;
        if (length > here) here = length;
      }
      if (here > longest) [longest, end] = [here, at];
      if (here >= spanWords) {
        covered += at - Math.max(coveredTo, at - here);
        coveredTo = at;
      }
    }
    const span = () => vocabulary.spell(said.subarray(end - longest, end));
    return { longest, span, share: covered / (said.length || 1) };
  };
}
