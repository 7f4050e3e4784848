/** Texts as word ids. Ids make shingles exact: two shingles are the same words, not merely the same hash. */

/**
 * Numbers for words, one after another as they turn up. What shares a vocabulary reads a text once: the last few texts are
 * remembered.
 */
export interface Vocabulary {
  /**
   * Word ids of a text: runs of letters, digits and combining marks, compatibility forms unified, lower-cased. Apostrophes
   * and invisible characters vanish within a word ("don’t" is "dont"), all else separates.
   */
  read(text: string): Uint32Array;
  /** The hash of each word by id: from its letters alone, whatever was read before. May be replaced by `read`. */
  hashes(): Uint32Array;
  /** UTF-16 units of a word as it was read. */
  lengthOf(id: number): number;
  /** Words as they were read, with blanks between them. */
  spell(ids: Uint32Array): string;
}

const SEPARATOR = 1, LETTER = 2, INVISIBLE = 3;
/** What each UTF-16 unit is, filled in as units are met; 0 is not yet known. */
const KINDS = new Uint8Array(0x10000);
/** FNV-1a, 32 bits (Fowler, Noll, Vo). */
const FNV_BASIS = 0x811c9dc5, FNV_PRIME = 0x01000193;

function isLetter(codePoint: number): boolean {
  return /[\p{L}\p{N}\p{M}]/u.test(String.fromCodePoint(codePoint));
}

function kindOf(unit: number): number {
  // Apostrophes, format characters and variation selectors.
  const invisible = /['’ʼ\p{Cf}\ufe00-\ufe0f]/u.test(String.fromCharCode(unit));
  return KINDS[unit] = invisible ? INVISIBLE : isLetter(unit) ? LETTER : SEPARATOR;
}

/** Finaliser of MurmurHash3 (Appleby, public domain): every input bit reaches every output bit. */
export function mix(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/**
 * The same numbers with room for at least `needed`, at least doubled so that growing stays linear in total. The array
 * that was given is emptied, so that its memory is free at once.
 */
export function grown(array: Uint32Array<ArrayBuffer>, needed: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(array.buffer.transfer(Math.max(needed, array.length * 2) * array.BYTES_PER_ELEMENT));
}

/** Texts that are remembered: a question, its answer and the passage, and some to spare. */
const REMEMBERED = 4;

/**
 * An empty vocabulary.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { createVocabulary } from "@/dialogue/words.ts";
 *
 * const words = createVocabulary();
 * equal(words.read("Don’t break what others built; don't!").length, 6);
 * equal(words.spell(words.read("DON’T — break!")), "dont break");
 * ```
 */
export function createVocabulary(): Vocabulary {
  /** UTF-16 units of the spellings, one after another; word `id` spans `starts[id]` to `starts[id + 1]`. */
  let spellings = new Uint32Array(1 << 16);
  let starts = new Uint32Array(1 << 12);
  let hashes = new Uint32Array(1 << 12);
  let size = 0;
  /** Open addressing: word id + 1, 0 for a free slot; at most half full. */
  let slots = new Uint32Array(1 << 13);
  let ids = new Uint32Array(1 << 10);
  const remembered: { text: string; ids: Uint32Array }[] = [];

  function rehash(): void {
    slots = new Uint32Array(slots.length * 2);
    for (let id = 0; id < size; id++) {
      let slot = (hashes[id] ?? 0) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = id + 1;
    }
  }

  /** The id of the word whose letters lie behind the last spelling. */
  function intern(length: number, hash: number): number {
    const start = starts[size] ?? 0;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let held = slots[slot] ?? 0; held !== 0; held = slots[slot] ?? 0) {
      const id = held - 1;
      const other = starts[id] ?? 0;
      if (hashes[id] === hash && (starts[held] ?? 0) - other === length) {
        let at = 0;
        while (at < length && spellings[start + at] === spellings[other + at]) at++;
        if (at === length) return id;
      }
      slot = (slot + 1) & mask;
    }
    if (size + 2 > starts.length) {
      starts = grown(starts, size + 2);
      hashes = grown(hashes, size + 2);
    }
    hashes[size] = hash;
    starts[++size] = start + length;
    slots[slot] = size;
    if (size * 2 > slots.length) rehash();
    return size - 1;
  }

  function readAnew(text: string): Uint32Array {
    // ASCII and the punctuation of print need no unifying, which is slow.
    const folded = (/^[\0-\x7f–—‘-”…]*$/.test(text) ? text : text.normalize("NFKC")).toLowerCase();
    const end = folded.length;
    // Every second character at most begins a word; a word's letters must fit behind the spellings.
    if (ids.length < (end >> 1) + 1) ids = grown(ids, (end >> 1) + 1);
    let start = starts[size] ?? 0;
    if (spellings.length < start + end) spellings = grown(spellings, start + end);
    const letters = spellings;
    let count = 0, length = 0, hash = FNV_BASIS;
    for (let at = 0; at <= end; at++) {
      let unit = at < end ? folded.charCodeAt(at) : 0x20;
      let kind = KINDS[unit] || kindOf(unit);
      if ((unit & 0xfc00) === 0xd800 && isLetter(folded.codePointAt(at) ?? 0)) {
        // A letter beyond the basic plane is two units; the second goes the common way.
        letters[start + length++] = unit;
        hash = Math.imul(hash ^ unit, FNV_PRIME);
        unit = folded.charCodeAt(++at);
        kind = LETTER;
      }
      if (kind === LETTER) {
        letters[start + length++] = unit;
        hash = Math.imul(hash ^ unit, FNV_PRIME);
      } else if (kind === SEPARATOR && length > 0) {
        ids[count++] = intern(length, mix(hash));
        length = 0;
        hash = FNV_BASIS;
        start = starts[size] ?? 0;
      }
    }
    return ids.slice(0, count);
  }

  return {
    read(text) {
      const known = remembered.find((one) => one.text === text);
      if (known) return known.ids;
      const ids = readAnew(text);
      if (remembered.unshift({ text, ids }) > REMEMBERED) remembered.pop();
      return ids;
    },
    hashes: () => hashes,
    lengthOf: (id) => (starts[id + 1] ?? 0) - (starts[id] ?? 0),
    spell: (ids) =>
      Array.from(ids, (id) => String.fromCharCode(...spellings.subarray(starts[id], starts[id + 1]))).join(" "),
  };
}
