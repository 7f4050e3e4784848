/**
 * MinHash signatures in one pass over a text's shingles, folded into the keys of LSH bands.
 *
 * One-permutation hashing (Li, Owen, Zhang, NIPS 2012): the range of the hash is cut into bins and each keeps its
 * smallest, so that a shingle costs one step instead of one per row. A bin that stays empty takes the value of the first
 * filled bin in an order of its own (optimal densification: Shrivastava, ICML 2017), which keeps the chance that a bin
 * agrees in two texts at exactly their Jaccard similarity, however short they are.
 */
import { mix } from "./minhash_words.ts";
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

/** Signatures of one banding. */
export interface Signer {
  /** Smallest hash of every bin, from the first `count` hashes of shingles. Reused by the next call. */
  signature(hashes: Uint32Array, count: number): Uint32Array;
  /** The key of every band, from the same. Reused by the next call. */
  keys(hashes: Uint32Array, count: number): Uint32Array;
}

/** Stands for an empty bin; a shingle with this hash (one in 2³²) is as good as absent. */
const EMPTY = 0xffffffff;

/** A signer; the same everywhere and always. */
export function createSigner({ bands, rows }: Banding): Signer {
  const bins = bands * rows;
  const scale = bins / 2 ** 32;
  const own = new Uint32Array(bins), dense = new Uint32Array(bins), keys = new Uint32Array(bands);
  /** For every bin, the others in the order in which it asks them for a value. */
  const donors = new Uint16Array(bins * bins);
  const all = Array.from(own.keys());
  for (const bin of all) donors.set(shuffle(all, seededRandom("minhash donors", bin)), bin * bins);

  function signature(hashes: Uint32Array, count: number): Uint32Array {
    own.fill(EMPTY);
    for (let at = 0; at < count; at++) {
      const hash = hashes[at] ?? EMPTY;
      const bin = (hash * scale) | 0;
      if (hash < (own[bin] ?? 0)) own[bin] = hash;
    }
    if (count === 0) return own;
    for (let bin = 0; bin < bins; bin++) {
      let value = own[bin] ?? EMPTY;
      for (let turn = bin * bins; value === EMPTY && turn < (bin + 1) * bins; turn++) {
        value = own[donors[turn] ?? 0] ?? EMPTY;
      }
      dense[bin] = value;
    }
    return dense;
  }

  return {
    signature,
    keys(hashes, count) {
      const values = signature(hashes, count);
      for (let band = 0, at = 0; band < bands; band++) {
        let key = mix(band + 1);
        for (const end = at + rows; at < end; at++) key = mix(Math.imul(key, 31) ^ (values[at] ?? 0));
        keys[band] = key;
      }
      return keys;
    },
  };
}
