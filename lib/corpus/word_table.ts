/**
 * A number for each different word of many texts. A Map would do, but needs each word as a string to look it up: for a
 * million words that takes three times as long as all else that is done with them.
 */

/** Looks up the word of a text that lies between two offsets. */
export type WordTable = (text: string, start: number, end: number) => number;

/**
 * @param numberOf Asked once for each word, but for those beyond `most`, which are not remembered.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { createWordTable } from "@/corpus/word_table.ts";
 *
 * let asked = 0;
 * const lengthOf = createWordTable((word) => (asked++, word.length), 1000);
 * equal(lengthOf("the lamp, the wall", 0, 3) + lengthOf("the lamp, the wall", 10, 13), 6);
 * equal(asked, 1);
 * ```
 */
export function createWordTable(numberOf: (word: string) => number, most: number): WordTable {
  /** 1 + the index of a word, found by its hash, with open addressing; 0 for a free slot. */
  let slots = new Int32Array(1 << 12);
  /** By index: the hash of a word, where its letters begin (the next one's begin where they end), its number. */
  const hashes: number[] = [], starts = [0], numbers: number[] = [];
  let letters = new Uint16Array(1 << 14);

  function isAt(index: number, hash: number, text: string, start: number, end: number): boolean {
    const from = starts[index]!;
    if (hashes[index] !== hash || starts[index + 1]! - from !== end - start) return false;
    for (let at = start; at < end; at++) if (letters[from + at - start] !== text.charCodeAt(at)) return false;
    return true;
  }

  function remember(hash: number, slot: number, word: string): number {
    const number = numberOf(word);
    if (numbers.length >= most) return number;
    const from = starts.at(-1)!;
    if (from + word.length > letters.length) {
      const larger = new Uint16Array(2 * (from + word.length));
      larger.set(letters);
      letters = larger;
    }
    for (let at = 0; at < word.length; at++) letters[from + at] = word.charCodeAt(at);
    starts.push(from + word.length);
    hashes.push(hash);
    slots[slot] = numbers.push(number);
    if (numbers.length * 2 > slots.length) grow();
    return number;
  }

  function grow(): void {
    const larger = new Int32Array(slots.length * 2);
    for (const [index, hash] of hashes.entries()) {
      let slot = hash & (larger.length - 1);
      while (larger[slot] !== 0) slot = (slot + 1) & (larger.length - 1);
      larger[slot] = index + 1;
    }
    slots = larger;
  }

  return (text, start, end) => {
    let hash = 0x811c9dc5; // FNV-1a, its high bits mixed into the low ones, which choose the slot.
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    hash ^= hash >>> 15;
    let slot = hash & (slots.length - 1);
    for (; slots[slot] !== 0; slot = (slot + 1) & (slots.length - 1)) {
      const index = slots[slot]! - 1;
      if (isAt(index, hash, text, start, end)) return numbers[index]!;
    }
    return remember(hash, slot, text.slice(start, end));
  };
}

/**
 * A counter of tokens for tokenizers that part a text by a pattern and encode each part for itself: a part that was met
 * before is not encoded again. It answers undefined for a text of which the pattern leaves something out.
 *
 * @param pattern The source of a regular expression with the `u` flag.
 * @param countPart Tokens of a part.
 * @param most Parts that are remembered.
 */
export function createPartCounter(
  pattern: string,
  countPart: (part: string) => number,
  most: number,
): (text: string) => number | undefined {
  const next = new RegExp(pattern, "uy");
  const tokensOf = createWordTable(countPart, most);
  return (text) => {
    let tokens = 0, at = 0;
    for (next.lastIndex = 0; next.test(text) && next.lastIndex > at; at = next.lastIndex) {
      tokens += tokensOf(text, at, next.lastIndex);
    }
    return at < text.length ? undefined : tokens;
  };
}
