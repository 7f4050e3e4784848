/** Duplicates by exact words and near-duplicates by the Jaccard similarity of their word 5-grams. */

/** Jaccard similarity from which two texts count as near-duplicates (evaluation practice for sets below 50,000 rows). */
export const NEAR_DUPLICATE = 0.7;

/** Words of a gram: five, as text-dedup and datatrove take. */
const GRAM = 5;
/** Longer texts are looked up by one gram in eight: 100 grams of which 80 are shared meet with probability 1 − 2e-5. */
const SAMPLE_ABOVE = 64;

/** Lower-case words without punctuation. */
export function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’][\p{L}]+)*/gu) ?? [];
}

/** The set of hashed word 5-grams, ascending; a shorter text is one gram. */
export function grams(text: string): Uint32Array {
  const list = words(text);
  const set = new Set<number>();
  for (let at = 0; at + GRAM <= Math.max(list.length, GRAM); at++) set.add(hash(list.slice(at, at + GRAM).join(" ")));
  return Uint32Array.from(set).sort();
}

/** FNV-1a with a final mix, so that low bits can be used for sampling. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
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
  const keys = (set: Uint32Array) => set.length > SAMPLE_ABOVE ? set.filter((gram) => (gram & 7) === 0) : set;
  return {
    nearest(text) {
      const set = grams(text);
      const candidates = new Set<number>();
      // Texts near the sampling limit may be indexed in full or sampled: asking for all grams meets both.
      for (const gram of set) for (const index of holders.get(gram) ?? []) candidates.add(index);
      let best: Near | undefined;
      for (const index of candidates) {
        const similarity = jaccard(set, sets[index] ?? set);
        if (similarity >= threshold && similarity > (best?.similarity ?? 0)) best = { index, similarity };
      }
      return best;
    },
    add(text) {
      const set = grams(text);
      for (const gram of keys(set)) {
        const list = holders.get(gram);
        if (list) list.push(sets.length);
        else holders.set(gram, [sets.length]);
      }
      return sets.push(set) - 1;
    },
  };
}
