/**
 * MinHash signatures in one pass over a text's shingles, folded into the keys of LSH bands.
 *
 * One-permutation hashing (Li, Owen, Zhang, NIPS 2012): the range of the hash is cut into bins and each keeps its
 * smallest, so that a shingle costs one step instead of one per row. A bin that stays empty takes the value of the first
 * filled bin in an order of its own (optimal densification: Shrivastava, ICML 2017), which keeps the chance that a bin
 * agrees in two texts at exactly their Jaccard similarity, however short they are.
 */
import { mix } from "./words.ts";
import { seededRandom, shuffle } from "./random.ts";

/** How a signature is cut into bands. */
export interface Banding {
  /** Bands; two texts are compared when one of them agrees. */
  readonly bands: number;
  /** Values in a band, all of which must agree. */
  readonly rows: number;
}

/**
 * The chance that two texts of a Jaccard similarity are compared at all: 1 − (1 − s^rows)^bands.
 *
 * @example
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { collisionProbability } from "@/dialogue/minhash_signature.ts";
 *
 * ok(collisionProbability(0.8, { bands: 20, rows: 5 }) > 0.999);
 * ok(collisionProbability(0.3, { bands: 20, rows: 5 }) < 0.05);
 * ```
 */
export function collisionProbability(similarity: number, { bands, rows }: Banding): number {
  return 1 - (1 - similarity ** rows) ** bands;
}

/** What is made of a text's shingles. */
export interface Signature {
  /** Smallest hash of every bin. */
  readonly values: Uint32Array;
  /** The key of every band. */
  readonly keys: Uint32Array;
  /** The low byte of every value, four to a number (b-bit minwise hashing: Li and König, WWW 2010). */
  readonly sketch: Uint32Array;
}

/** Makes the signature of a text from the first `count` hashes of its shingles. Its arrays are reused by the next call. */
export type Signer = (hashes: Uint32Array, count: number) => Signature;

/** Stands for an empty bin; a shingle with this hash (one in 2³²) is as good as absent. */
const EMPTY = 0xffffffff;

/** A signer; the same everywhere and always. */
export function createSigner({ bands, rows }: Banding): Signer {
  const bins = bands * rows;
  const scale = bins / 2 ** 32;
  const own = new Uint32Array(bins), values = new Uint32Array(bins);
  const keys = new Uint32Array(bands), sketch = new Uint32Array(Math.ceil(bins / 4));
  /** For every bin, the others in the order in which it asks them for a value. */
  const donors = new Uint16Array(bins * bins);
  const all = Array.from(own.keys());
  for (const bin of all) donors.set(shuffle(all, seededRandom("minhash donors", bin)), bin * bins);

  return (hashes, count) => {
    own.fill(EMPTY);
    for (let at = 0; at < count; at++) {
      const hash = hashes[at] ?? EMPTY;
      const bin = (hash * scale) | 0;
      if (hash < (own[bin] ?? 0)) own[bin] = hash;
    }
    sketch.fill(0);
    for (let bin = 0; bin < bins; bin++) {
      let value = own[bin] ?? EMPTY;
      for (let turn = bin * bins; value === EMPTY && turn < (bin + 1) * bins; turn++) {
        value = own[donors[turn] ?? 0] ?? EMPTY;
      }
      values[bin] = value;
      sketch[bin >> 2] = (sketch[bin >> 2] ?? 0) | ((value & 0xff) << ((bin & 3) * 8));
    }
    for (let band = 0, at = 0; band < bands; band++) {
      let key = mix(band + 1);
      for (const end = at + rows; at < end; at++) key = mix(Math.imul(key, 31) ^ (values[at] ?? 0));
      keys[band] = key;
    }
    return { values, keys, sketch };
  };
}

/**
 * How many bins of two sketches must agree before texts are compared in full. At the threshold, agreements spread by
 * √(t (1 − t) bins), and by up to √2 of that in short texts, where shingles share bins; four such spreads below lie fewer
 * than one in 10,000 pairs at the threshold, and none to speak of above it.
 */
export function leastAgreement({ bands, rows }: Banding, threshold: number): number {
  const bins = bands * rows;
  return Math.floor(bins * threshold - 4 * Math.sqrt(2 * bins * threshold * (1 - threshold)));
}

/** Bytes that agree between a sketch and another that lies `at` some place among many. */
export function agreement(sketch: Uint32Array, others: Uint32Array, at: number): number {
  let agreed = 0;
  for (let word = 0; word < sketch.length; word++) {
    const differing = (sketch[word] ?? 0) ^ (others[at + word] ?? 0);
    // A byte's top bit is set in `zero` where all its bits are zero (Hacker's Delight, 6-1).
    const zero = ~(((differing & 0x7f7f7f7f) + 0x7f7f7f7f) | differing | 0x7f7f7f7f);
    agreed += Math.imul(zero >>> 7, 0x01010101) >>> 24;
  }
  return agreed;
}
