/** Duplicates by exact words and near-duplicates by the Jaccard similarity of their word 5-grams. */

/** Jaccard similarity from which two texts count as near-duplicates (evaluation practice for sets below 50,000 rows). */
export const NEAR_DUPLICATE = 0.7;

/** Words of a gram: five, as text-dedup and datatrove take. */
const GRAM = 5;
/** Longer texts are looked up by one gram in eight, chosen by its hash, so that every text chooses alike. */
const SAMPLE_ABOVE = 64;
const sampled = (gram: number) => (gram & 7) === 0;
/**
 * Share of its looked-up grams that a text must have in common with a candidate. Texts of equal length with a Jaccard of
 * 0.7 share 0.82 of them; of twelve sampled grams fewer than five are shared once in 100,000 such pairs. Texts that have
 * a turn of phrase in common, and nothing more, stay below.
 */
const LEAST_SHARED = 0.4;

/** Lower-case words without punctuation. */
export function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’][\p{L}]+)*/gu) ?? [];
}

/** The set of hashed word 5-grams, ascending; a shorter text is one gram. */
export function grams(text: string): Uint32Array {
  const hashes = words(text).map(hash);
  const count = Math.max(1, hashes.length - GRAM + 1);
  const set = new Uint32Array(count);
  for (let at = 0; at < count; at++) {
    let value = 0;
    for (let next = at; next < at + GRAM; next++) value = mix(Math.imul(value, 31) ^ (hashes[next] ?? 0));
    set[at] = value >>> 0;
  }
  set.sort();
  return set.filter((gram, at) => at === 0 || gram !== set[at - 1]);
}

/** FNV-1a over UTF-16 code units. */
function hash(word: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < word.length; at++) value = Math.imul(value ^ word.charCodeAt(at), 0x01000193);
  return mix(value);
}

/** Spreads a value over all 32 bits (a round of MurmurHash3's finalizer), so that the low ones can choose samples. */
function mix(value: number): number {
  const spread = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return spread ^ (spread >>> 13);
}

/** Shared over all, for two ascending sets. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let shared = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const x = a[i] ?? 0, y = b[j] ?? 0;
    if (x === y) shared++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return shared / (a.length + b.length - shared || 1);
}

/** What an index answers for a text: the earlier one that is nearest, from the threshold up. */
export interface Near {
  readonly index: number;
  readonly similarity: number;
}

/** Texts that have been seen; holds their grams, not their words. */
export interface DuplicateIndex {
  /** The nearest earlier text. */
  nearest(text: string): Near | undefined;
  /** Adds a text; they are numbered from 0. */
  add(text: string): number;
}

/**
 * An index of texts against which later ones are checked. Candidates share a (sampled) gram; the similarity of each is
 * then exact.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { duplicateIndex } from "@/dialogue/duplicates.ts";
 *
 * const seen = duplicateIndex();
 * seen.add("We built the city together, and together we keep it.");
 * equal(seen.nearest("We built the city together and together we keep it!")?.similarity, 1);
 * equal(seen.nearest("The knight goes where no other piece can follow it."), undefined);
 * ```
 */
export function duplicateIndex(threshold: number = NEAR_DUPLICATE): DuplicateIndex {
  const sets: Uint32Array[] = [];
  const holders = new Map<number, number[]>();
  let shared = new Uint16Array(1024);
  // A text is mostly asked for and then added.
  let last = { text: "", set: grams("") };
  const gramsOf = (text: string) => (last = last.text === text ? last : { text, set: grams(text) }).set;
  return {
    nearest(text) {
      const set = gramsOf(text);
      const candidates: number[] = [];
      for (const gram of set) {
        for (const index of holders.get(gram) ?? []) {
          if (shared[index] === 0) candidates.push(index);
          shared[index] = (shared[index] ?? 0) + 1;
        }
      }
      const sampledGrams = set.reduce((sum, gram) => sum + (sampled(gram) ? 1 : 0), 0);
      let best: Near | undefined;
      for (const index of candidates) {
        const met = shared[index] ?? 0;
        shared[index] = 0;
        const other = sets[index] ?? set;
        if (met < LEAST_SHARED * (other.length > SAMPLE_ABOVE ? sampledGrams : set.length)) continue;
        const similarity = jaccard(set, other);
        if (similarity >= threshold && similarity > (best?.similarity ?? 0)) best = { index, similarity };
      }
      return best;
    },
    add(text) {
      const set = gramsOf(text);
      for (const gram of set) {
        if (set.length > SAMPLE_ABOVE && !sampled(gram)) continue;
        const list = holders.get(gram);
        if (list) list.push(sets.length);
        else holders.set(gram, [sets.length]);
      }
      if (sets.length === shared.length) {
        const longer = new Uint16Array(shared.length * 2);
        longer.set(shared);
        shared = longer;
      }
      return sets.push(set) - 1;
    },
  };
}
