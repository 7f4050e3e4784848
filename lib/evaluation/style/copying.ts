/** What a model recites: word spans that stand verbatim in the text that it was tuned on. */
import type { Range } from "../../corpus/paragraphs.ts";
import { wordsOf } from "./words.ts";

/** Shortest span that is looked for, in words. */
const SEED = 5;

/** A text that may have been copied from, ready to be searched. */
export interface Original {
  /**
   * For each word, the length of the longest span that begins with it and stands in the original; 0 below five words.
   * Case and punctuation do not matter.
   */
  spansOf(words: readonly string[]): Uint32Array;
}

/** Indexes texts; no span runs from one into the next. */
export function indexOriginal(texts: readonly string[]): Original {
  const ids = new Map<string, number>();
  const all: number[] = [];
  for (const text of texts) {
    for (const { text: word } of wordsOf(text)) {
      let id = ids.get(word);
      if (id === undefined) ids.set(word, id = ids.size + 1);
      all.push(id);
    }
    all.push(0); // Matches nothing.
  }
  /** First place of each five words by their hash; `next` links the places of one hash. */
  const first = new Map<number, number>();
  const next = new Int32Array(all.length).fill(-1);
  for (let at = all.length - SEED; at >= 0; at--) {
    const hash = hashAt(all, at);
    next[at] = first.get(hash) ?? -1;
    first.set(hash, at);
  }
  return {
    spansOf(words) {
      const sought = words.map((word) => ids.get(word) ?? -1);
      const spans = new Uint32Array(words.length);
      let place = -1; // Where the longest span of the word before stands.
      for (let at = 0; at + SEED <= sought.length; at++) {
        // One word on, the span before is one word shorter: what was compared is not compared again.
        const carried = at > 0 && spans[at - 1]! > SEED ? spans[at - 1]! - 1 : 0;
        let longest = carried, found = carried > 0 ? place + 1 : -1;
        const sharedAt = found;
        for (let other = first.get(hashAt(sought, at)) ?? -1; other >= 0; other = next[other]!) {
          if (other === sharedAt) continue;
          // Longer than the longest so far, or not worth a comparison.
          if (longest > 0 && all[other + longest] !== sought[at + longest]) continue;
          let length = 0;
          while (at + length < sought.length && all[other + length] === sought[at + length]) length++;
          if (length > longest) [longest, found] = [length, other];
        }
        if (longest >= SEED) spans[at] = longest;
        place = found;
      }
      return spans;
    },
  };
}

function hashAt(ids: readonly number[], at: number): number {
  let hash = 0;
  for (let i = 0; i < SEED; i++) hash = (Math.imul(hash, 0x01000193) ^ ids[at + i]!) >>> 0;
  return hash;
}

export interface Copied {
  readonly words: number;
  /** Share of the words in spans of at least k words that stand in the original, by k. */
  readonly share: { readonly 5: number; readonly 8: number; readonly 13: number };
  /** Longest span, in words. */
  readonly longest: number;
  /** Spans of 50 words or more: what is called extraction. */
  readonly extractions: number;
  /** The longest spans, as they stand in the passages. */
  readonly examples: readonly string[];
}

export interface Passage {
  readonly text: string;
  /** What the passage continues: what it repeats of that is no recitation. */
  readonly prompt?: string | undefined;
}

/** Spans of a passage that stand in the original, as word indexes; those that overlap with its prompt are trimmed. */
function copiedSpans(words: readonly string[], original: Original, prompt: string | undefined): Uint32Array {
  const spans = original.spansOf(words);
  if (!prompt) return spans;
  const own = indexOriginal([prompt]).spansOf(words);
  const prompted = covered(own, SEED);
  for (let at = 0; at < spans.length; at++) {
    const until = at + spans[at]!;
    let end = at;
    while (end < until && !prompted[end]) end++;
    spans[at] = end - at >= SEED ? end - at : 0;
  }
  return spans;
}

/** Marks the words inside spans of at least `least` words. */
function covered(spans: Uint32Array, least: number): Uint8Array {
  const marks = new Uint8Array(spans.length);
  let until = 0;
  for (let at = 0; at < spans.length; at++) {
    if (spans[at]! >= least) until = Math.max(until, at + spans[at]!);
    if (at < until) marks[at] = 1;
  }
  return marks;
}

/** How much of passages is copied from the original. */
export function copiedFrom(original: Original, passages: readonly Passage[], examples = 5): Copied {
  const sums = { 5: 0, 8: 0, 13: 0 };
  let words = 0, longest = 0, extractions = 0;
  const found: { length: number; text: string }[] = [];
  for (const { text, prompt } of passages) {
    const all = wordsOf(text);
    const spans = copiedSpans(all.map(({ text }) => text), original, prompt);
    words += all.length;
    for (const k of [5, 8, 13] as const) sums[k] += covered(spans, k).reduce((sum, mark) => sum + mark, 0);
    let until = 0;
    for (const [at, length] of spans.entries()) {
      if (length === 0 || at + length <= until) continue; // Within the span before.
      until = at + length;
      longest = Math.max(longest, length);
      if (length >= 50) extractions++;
      if (length >= 8) found.push({ length, text: text.slice(all[at]?.start, all[until - 1]?.end) });
    }
  }
  const share = (k: 5 | 8 | 13) => words === 0 ? 0 : sums[k] / words;
  const longestFirst = found.sort((a, b) => b.length - a.length).slice(0, examples);
  return {
    words,
    share: { 5: share(5), 8: share(8), 13: share(13) },
    longest,
    extractions,
    examples: longestFirst.map(({ text }) => text),
  };
}

/** Shortest span that is cut out before anything else is measured. */
const EXCISED = 8;

/** A passage without the spans of at least eight words that stand in the original, and how many words that took. */
export function excise(
  original: Original,
  { text, prompt }: Passage,
): { text: string; removed: number; words: number } {
  const all = wordsOf(text);
  const marks = covered(copiedSpans(all.map(({ text }) => text), original, prompt), EXCISED);
  const cut: Range[] = [];
  let removed = 0;
  for (let at = 0; at < all.length; at++) {
    if (!marks[at]) continue;
    const start = all[at]?.start ?? 0;
    while (marks[at + 1]) at++, removed++;
    removed++;
    cut.push({ start, end: all[at + 1]?.start ?? text.length });
  }
  let kept = "", from = 0;
  for (const { start, end } of cut) {
    kept += text.slice(from, start);
    from = end;
  }
  return { text: kept + text.slice(from), removed, words: all.length };
}
