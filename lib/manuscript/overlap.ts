/** Chunks that share text: whoever learns one of them has seen a part of the other. */

/** So many words in a row are no coincidence: two novels of one author share spans of 9 to 12 words at most. */
const SPAN_WORDS = 13;
const WORD = /[\p{L}\p{N}]+/gu;

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
  const words = texts.map((text) => text.toLowerCase().match(WORD) ?? []);
  const ids = new Map<string, number>();
  const coded = words.map((list) =>
    Int32Array.from(list, (word) => {
      const known = ids.get(word);
      if (known !== undefined) return known;
      ids.set(word, ids.size);
      return ids.size - 1;
    })
  );
  const total = coded.reduce((sum, list) => sum + Math.max(0, list.length - SPAN_WORDS + 1), 0);
  const table = spanTable(total);
  const groups = texts.map((_, index) => index);
  const root = (index: number): number => groups[index] === index ? index : groups[index] = root(groups[index]!);
  const shared: SharedSpan[] = [];
  coded.forEach((list, text) => {
    for (let at = 0; at + SPAN_WORDS <= list.length; at++) {
      const found = table.add(coded, text, at);
      if (found < 0 || found === text || root(found) === root(text)) continue;
      const [low, high] = [root(found), root(text)].toSorted((a, b) => a - b) as [number, number];
      groups[high] = low;
      shared.push({ first: found, second: text, words: words[text]!.slice(at, at + SPAN_WORDS).join(" ") });
    }
  });
  return { groups: groups.map((_, index) => root(index)), shared };
}

/** Spans by hash, with open addressing: millions of them cost 12 bytes each. */
function spanTable(total: number) {
  const size = 2 ** Math.ceil(Math.log2(Math.max(16, total * 2)));
  /** Text + 1 and place of the first span of a slot; 0 for a free slot. */
  const owners = new Int32Array(size), places = new Int32Array(size);
  const same = (coded: readonly Int32Array[], text: number, at: number, other: number, place: number) => {
    const [a, b] = [coded[text]!, coded[other]!];
    for (let i = 0; i < SPAN_WORDS; i++) if (a[at + i] !== b[place + i]) return false;
    return true;
  };
  return {
    /** The text that has the span already, else -1; then this one is remembered. */
    add(coded: readonly Int32Array[], text: number, at: number): number {
      const list = coded[text]!;
      let hash = 0x811c9dc5;
      for (let i = 0; i < SPAN_WORDS; i++) hash = Math.imul(hash ^ list[at + i]!, 0x01000193) ^ (hash >>> 15);
      for (let slot = hash & (size - 1);; slot = (slot + 1) & (size - 1)) {
        const owner = owners[slot]! - 1;
        if (owner < 0) {
          owners[slot] = text + 1;
          places[slot] = at;
          return -1;
        }
        if (same(coded, text, at, owner, places[slot]!)) return owner;
      }
    },
  };
}
