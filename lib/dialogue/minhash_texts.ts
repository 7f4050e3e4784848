/** Texts kept as word ids, with the keys of their bands. */
import { createColumn } from "./columns.ts";
import { createShingleSet, hashShingles, shinglesIn, type Span } from "./minhash_shingles.ts";
import { agreement, type Banding, createSigner, leastAgreement } from "./minhash_signature.ts";
import { createWordPages } from "./minhash_pages.ts";
import { createVocabulary, grown, type Vocabulary } from "./words.ts";

/** Stored texts, numbered from 0, and the current one, which may be stored or not. */
export interface Texts {
  readonly size: number;
  /** Makes a new text the current one. */
  read(text: string): void;
  /** Makes a stored text the current one. */
  recall(index: number): void;
  /** Stores the current text, which must have been read; returns its index. */
  keep(): number;
  /** Keys of the current text's bands; only after `read`. */
  keys(): Uint32Array;
  /** The key of a stored text's band: `entry` is index × bands + band. */
  keyAt(entry: number): number;
  /** Exact Jaccard similarity of the current text's shingles to a stored one's; 0 where it is below the threshold. */
  similarity(index: number): number;
}

/** Sketches on a page. */
const SKETCHES = 256;

/** A store without texts. */
export function createTexts(banding: Banding, threshold: number, vocabulary: Vocabulary = createVocabulary()): Texts {
  const sign = createSigner(banding);
  const least = leastAgreement(banding, threshold);
  const { bands } = banding;
  const stored = createWordPages(); // Each with its number of different shingles.
  const sketchLength = Math.ceil((bands * banding.rows) / 4);
  const bandKeys = createColumn();
  /** Pages of sketches, so many on each. */
  const sketches: Uint32Array[] = [];
  const pageOf = (index: number) => sketches[Math.floor(index / SKETCHES)] as Uint32Array;
  const sketchAt = (index: number) => (index % SKETCHES) * sketchLength;
  let hashes = new Uint32Array(1 << 10), otherHashes = new Uint32Array(1 << 10);
  const set = createShingleSet();
  let current: Span = { ids: new Uint32Array(), start: 0, count: 0 };
  let keys: Uint32Array = new Uint32Array(bands), sketch: Uint32Array = new Uint32Array(sketchLength);
  let different = 0;

  /** Loads the current text's shingles; returns how many hashes it has. */
  function load(): number {
    const room = shinglesIn(current.count);
    if (hashes.length < room) hashes = grown(hashes, room);
    const shingles = hashShingles(current, vocabulary.hashes(), hashes);
    different = set.load(current, hashes);
    return shingles;
  }

  return {
    get size() {
      return stored.size;
    },
    read(text) {
      const ids = vocabulary.read(text);
      current = { ids, start: 0, count: ids.length };
      const shingles = load(); // May replace the hashes.
      ({ keys, sketch } = sign(hashes, shingles));
    },
    recall(index) {
      const { ids, count } = stored.read(index);
      current = { ids: ids.slice(0, count), start: 0, count }; // Others are read while it is the current one.
      sketch = pageOf(index).subarray(sketchAt(index), sketchAt(index) + sketchLength);
      load();
    },
    keep() {
      const index = stored.size;
      stored.add(current, different);
      for (let band = 0; band < bands; band++) bandKeys.put(index * bands + band, keys[band] ?? 0);
      if (index % SKETCHES === 0) sketches.push(new Uint32Array(SKETCHES * sketchLength));
      pageOf(index).set(sketch, sketchAt(index));
      return index;
    },
    keys: () => keys,
    keyAt: bandKeys.get,
    similarity(index) {
      // Texts that share a phrase meet in some band by the thousand; their sketches tell most of them apart.
      if (agreement(sketch, pageOf(index), sketchAt(index)) < least) return 0;
      const its = stored.noteOf(index);
      // |A∩B| / (|A|+|B|−|A∩B|) ≥ t means |A∩B| ≥ t (|A|+|B|) / (1+t); a little less, as the division below decides.
      const needed = Math.ceil((threshold * (different + its)) / (1 + threshold) - 1e-6);
      if (Math.min(different, its) < needed) return 0;
      const other = stored.read(index);
      const room = shinglesIn(other.count);
      if (otherHashes.length < room) otherHashes = grown(otherHashes, room);
      hashShingles(other, vocabulary.hashes(), otherHashes);
      const shared = set.shared(other, otherHashes, needed);
      const similarity = shared / (different + its - shared);
      return similarity >= threshold ? similarity : 0;
    },
  };
}
