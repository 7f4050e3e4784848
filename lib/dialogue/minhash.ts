/**
 * Near-duplicates among many texts: MinHash and locality-sensitive hashing over word 5-grams find candidates (Broder
 * 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3), exact Jaccard similarity decides.
 *
 * Nothing is reported that is not a near-duplicate: the similarity is counted over the words themselves. What is missed
 * follows from the banding: with 20 × 5, a pair is compared with probability 0.975 at similarity 0.7, 0.9996 at 0.8 and
 * 0.05 at 0.3. Whether a pair is compared depends on its two texts alone, so neither order nor company matters.
 */
import { UserError } from "../core/errors.ts";
import { createColumn } from "./columns.ts";
import type { Banding } from "./minhash_signature.ts";
import { createTexts } from "./minhash_texts.ts";
import { grown, type Vocabulary } from "./words.ts";

/** Similarity from which two texts count as near-duplicates; text-dedup takes the same. */
export const NEAR_DUPLICATE = 0.7;

/** For sets of up to some hundred thousand texts and a threshold of 0.7. */
export const BANDING: Banding = { bands: 20, rows: 5 };

export interface DuplicateOptions extends Partial<Banding> {
  /**
   * Jaccard similarity of word 5-grams from which texts are near-duplicates, above 0 and up to 1.
   * @default {0.7}
   */
  readonly threshold?: number;
  /** Shared with others that read the same texts. @default {one of its own} */
  readonly vocabulary?: Vocabulary;
}

/** What an index answers: the most similar text (of equals the first) and the exact similarity. */
export interface Duplicate<Id> {
  readonly id: Id;
  readonly jaccard: number;
}

/** Texts that later ones are checked against. It holds about 1.5 bytes a word and 400 a text, not the texts. */
export interface DuplicateIndex<Id> {
  /** Texts that were added. */
  readonly size: number;
  /** The most similar of the texts added so far, when it reaches the threshold. */
  find(text: string): Duplicate<Id> | undefined;
  /**
   * Adds a text. To add what `find` was asked last costs next to nothing. Repetitions of a text cost nothing later, but
   * each of many different near-duplicates is compared with by every later `find`: to group those, use
   * `clusterDuplicates` of minhash_clusters.ts.
   */
  add(id: Id, text: string): void;
}

/** Options with their defaults, checked. @throws {UserError} for one out of range. */
export function settings({ threshold = NEAR_DUPLICATE, bands = BANDING.bands, rows = BANDING.rows }: DuplicateOptions) {
  if (!(threshold > 0 && threshold <= 1)) {
    throw new UserError(`Cannot look for near-duplicates from similarity "${threshold}"`, {
      hint: "The threshold is above 0 and at most 1; 0.7 is usual.",
    });
  }
  const whole = [bands, rows].every((value) => Number.isInteger(value) && value > 0);
  if (!whole || bands * rows > 2048) {
    throw new UserError(`Cannot cut a signature into ${bands} bands of ${rows} rows`, {
      hint: "Both are positive whole numbers with a product of at most 2048; 20 × 5 suits a threshold of 0.7.",
    });
  }
  return { threshold, banding: { bands, rows } };
}

/**
 * An index that grows with the texts.
 *
 * @throws {UserError} for a threshold or a banding out of range.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { createDuplicateIndex } from "@/dialogue/minhash.ts";
 *
 * const seen = createDuplicateIndex<string>();
 * seen.add("first", "We built the city together, and together we keep it.");
 * equal(seen.find("We built the city together and together we keep it!")?.id, "first");
 * equal(seen.find("The knight goes where no other piece can follow it."), undefined);
 * ```
 */
export function createDuplicateIndex<Id>(options: DuplicateOptions = {}): DuplicateIndex<Id> {
  const { threshold, banding } = settings(options);
  const { bands } = banding;
  const texts = createTexts(banding, threshold, options.vocabulary);
  /** Of the stored texts; one whose shingles are all in another of the same number is not stored again. */
  const ids: Id[] = [];
  let size = 0;
  // A chained hash table of band keys by entry (text × bands + band), held as entry + 1 so that 0 ends a chain.
  let heads = new Uint32Array(1 << 12);
  const next = createColumn();
  /** Who met a text last, so that one that shares several bands is compared once. */
  let stamps = new Uint32Array(1 << 8);
  let clock = 0;
  let current: string | undefined;

  function read(text: string): void {
    if (text === current) return;
    texts.read(text);
    current = text;
  }

  /** Stored texts that share a band with the current one. */
  function candidates(): number[] {
    if (clock === 0xffffffff) stamps.fill(clock = 0);
    const stamp = ++clock;
    const found: number[] = [];
    for (const key of texts.keys()) {
      for (let held = heads[key & (heads.length - 1)] ?? 0; held !== 0; held = next.get(held - 1)) {
        const index = Math.floor((held - 1) / bands);
        if (texts.keyAt(held - 1) !== key || stamps[index] === stamp) continue;
        stamps[index] = stamp;
        found.push(index);
      }
    }
    return found;
  }

  /** Whether a text with the same shingles is stored: its bands all agree, so the first finds it. */
  function isStored(): boolean {
    const keys = texts.keys();
    for (let held = heads[(keys[0] ?? 0) & (heads.length - 1)] ?? 0; held !== 0; held = next.get(held - 1)) {
      if (keys.every((key, band) => texts.keyAt(held - 1 + band) === key)) {
        if (texts.similarity((held - 1) / bands) === 1) return true;
      }
    }
    return false;
  }

  function link(entry: number): void {
    const slot = texts.keyAt(entry) & (heads.length - 1);
    next.put(entry, heads[slot] ?? 0);
    heads[slot] = entry + 1;
  }

  return {
    get size() {
      return size;
    },
    find(text) {
      read(text);
      let best = -1, jaccard = 0;
      for (const index of candidates()) {
        const similarity = texts.similarity(index);
        if (similarity > jaccard || (similarity === jaccard && index < best)) [best, jaccard] = [index, similarity];
      }
      const id = ids[best];
      return id === undefined ? undefined : { id, jaccard };
    },
    add(id, text) {
      read(text);
      size++;
      if (isStored()) return;
      ids.push(id);
      const first = texts.keep() * bands, end = first + bands;
      if (ids.length > stamps.length) stamps = grown(stamps, ids.length);
      const grow = end > heads.length;
      if (grow) {
        const room = heads.length * 2;
        heads.buffer.transfer(0); // Its memory is free at once.
        heads = new Uint32Array(room);
      }
      for (let entry = grow ? 0 : first; entry < end; entry++) link(entry);
    },
  };
}
