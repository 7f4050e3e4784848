/** Chunks that share text: whoever learns one of them has seen a part of the other. */

/** So many words in a row are no coincidence: two novels of one author share spans of 9 to 12 words at most. */
const SPAN_WORDS = 13;

/** Two texts with a span in common. */
export interface SharedSpan {
  readonly first: number;
  readonly second: number;
  /** The words, in small letters. */
  readonly words: string;
}

/**
 * Groups texts that have 13 words in a row in common: a number for each text, the same within a group. Spans within one
 * text do not count. Every shared span that was found first between two texts is told.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { findOverlaps } from "@/manuscript/overlap.ts";
 *
 * const oath = "I saw you go and I will see you come, and I will hold the gate until I do";
 * const { groups } = findOverlaps([`One. ${oath}.`, "Another text.", `Two: ${oath}!`]);
 * deepEqual(groups, [0, 1, 0]);
 * ```
 */
export function findOverlaps(texts: readonly string[]): { groups: number[]; shared: SharedSpan[] } {
  const coded = texts.map(codeWords);
  const total = coded.reduce((sum, { hashes }) => sum + Math.max(0, hashes.length - SPAN_WORDS + 1), 0);
  const table = spanTable(total, coded.map(({ hashes }) => hashes));
  const groups = texts.map((_, index) => index);
  const root = (index: number): number => groups[index] === index ? index : groups[index] = root(groups[index]!);
  const shared: SharedSpan[] = [];
  coded.forEach(({ hashes, starts }, text) => {
    let span = 0; // Hash of the words from `at` on, rolled along.
    for (let i = 0; i < SPAN_WORDS - 1; i++) span = Math.imul(span, BASE) + (hashes[i] ?? 0) | 0;
    for (let at = 0; at + SPAN_WORDS <= hashes.length; at++) {
      span = Math.imul(span, BASE) + hashes[at + SPAN_WORDS - 1]! | 0;
      const found = table.add(span, text, at);
      span = span - Math.imul(hashes[at]!, FIRST) | 0;
      if (found < 0 || found === text || root(found) === root(text)) continue;
      const [low, high] = [root(found), root(text)].toSorted((a, b) => a - b) as [number, number];
      groups[high] = low;
      const words = texts[text]!.slice(starts[at], starts[at + SPAN_WORDS]).toLowerCase().match(/[\p{L}\p{N}]+/gu) ??
        [];
      shared.push({ first: found, second: text, words: words.slice(0, SPAN_WORDS).join(" ") });
    }
  });
  return { groups: groups.map((_, index) => root(index)), shared };
}

const BASE = 0x9e3779b1;
/** What the first word of a span weighs in its hash. */
const FIRST = Array.from({ length: SPAN_WORDS - 1 }).reduce((power: number) => Math.imul(power, BASE), 1);

/** The words of a text in small letters as hashes (FNV-1a), and where they start: no string is made of any. */
function codeWords(text: string): { hashes: Int32Array; starts: Int32Array } {
  const hashes: number[] = [], starts: number[] = [];
  let hash = 0, start = -1;
  for (let at = 0; at <= text.length; at++) {
    const unit = at < text.length ? letterOf(text, at) : 0;
    if (unit !== 0) {
      if (start < 0) [hash, start] = [0x811c9dc5, at];
      hash = Math.imul(hash ^ unit, 0x01000193);
    } else if (start >= 0) {
      hashes.push(hash);
      starts.push(start);
      start = -1;
    }
  }
  return { hashes: Int32Array.from(hashes), starts: Int32Array.from(starts) };
}

/** A letter or digit as a small letter; 0 for anything else. */
function letterOf(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit >= 0x61 && unit <= 0x7a || unit >= 0x30 && unit <= 0x39) return unit;
  if (unit >= 0x41 && unit <= 0x5a) return unit + 0x20;
  // Punctuation and signs of print are the only others that prose is full of.
  if (unit < 0xc0 || unit === 0xd7 || unit === 0xf7 || unit >= 0x2000 && unit <= 0x2bff) return 0;
  return text.charAt(at).toLowerCase().charCodeAt(0);
}

/** Spans by hash, with open addressing: millions of them cost 12 bytes each. Equal are spans of equal words. */
function spanTable(total: number, hashes: readonly Int32Array[]) {
  const size = 2 ** Math.ceil(Math.log2(Math.max(16, total * 2)));
  /** Text + 1 and place of the first span of a slot; 0 for a free slot. Side by side, they are fetched from memory at once. */
  const slots = new Int32Array(2 * size);
  const same = (text: number, at: number, other: number, place: number) => {
    const [a, b] = [hashes[text]!, hashes[other]!];
    for (let i = 0; i < SPAN_WORDS; i++) if (a[at + i] !== b[place + i]) return false;
    return true;
  };
  return {
    /** The text that has the span already, else -1; then this one is remembered. */
    add(span: number, text: number, at: number): number {
      const mixed = Math.imul(span ^ (span >>> 16), 0x85ebca6b);
      for (let slot = (mixed ^ (mixed >>> 13)) & (size - 1);; slot = (slot + 1) & (size - 1)) {
        const owner = slots[2 * slot]! - 1;
        if (owner < 0) {
          slots[2 * slot] = text + 1;
          slots[2 * slot + 1] = at;
          return -1;
        }
        if (same(text, at, owner, slots[2 * slot + 1]!)) return owner;
      }
    },
  };
}
