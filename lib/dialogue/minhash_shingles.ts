/** Word shingles of texts that are held as word ids, and exact set operations on them. */
import { mix } from "./words.ts";

/** Words of a shingle: five, as datatrove and text-dedup take. A text with fewer words is one shingle. */
export const SHINGLE_WORDS = 5;

/** A text: `count` word ids from `start`. */
export interface Span {
  readonly ids: Uint32Array;
  readonly start: number;
  readonly count: number;
}

/** How many shingles a text has, repeated ones counted again. */
export function shinglesIn(count: number): number {
  return Math.max(1, count - SHINGLE_WORDS + 1);
}

/** Odd, so that no word loses bits, and large (2³² divided by the golden ratio). */
const BASE = 0x9e3779b1;
const BASE_TO_THE_WIDTH = (() => {
  let power = 1;
  for (let turn = 0; turn < SHINGLE_WORDS; turn++) power = Math.imul(power, BASE);
  return power;
})();

/**
 * Hashes of a text's shingles in order: a polynomial over the words' hashes that rolls along the text, then mixed.
 * Returns how many; `out` must have room for {@linkcode shinglesIn}.
 */
export function hashShingles({ ids, start, count }: Span, words: Uint32Array, out: Uint32Array): number {
  const width = Math.min(SHINGLE_WORDS, count);
  let rolling = 0;
  for (let at = start; at < start + width; at++) rolling = (Math.imul(rolling, BASE) + (words[ids[at] ?? 0] ?? 0)) | 0;
  out[0] = mix(rolling + width);
  const shingles = shinglesIn(count);
  for (let shingle = 1, at = start; shingle < shingles; shingle++, at++) {
    const gone = Math.imul(words[ids[at] ?? 0] ?? 0, BASE_TO_THE_WIDTH);
    rolling = (Math.imul(rolling, BASE) + (words[ids[at + width] ?? 0] ?? 0) - gone) | 0;
    out[shingle] = mix(rolling + width);
  }
  return shingles;
}

/** The set of one text's shingles, against which others are counted. */
export interface ShingleSet {
  /** Takes the shingles of a text; its words must stay in place meanwhile. Returns how many differ. */
  load(span: Span, hashes: Uint32Array): number;
  /** How many different shingles another text shares with it; 0 as soon as it is plain that fewer than `needed`. */
  shared(span: Span, hashes: Uint32Array, needed: number): number;
}

/** An empty set. Hashes only find the place: words decide. */
export function createShingleSet(): ShingleSet {
  /** Open addressing; a slot is in use when its stamp is that of the loaded text, so nothing is ever cleared. */
  let places = new Uint32Array(1 << 10), stamps = new Uint32Array(1 << 10), marks = new Uint32Array(1 << 10);
  let mask = 0, loaded = 0, clock = 0;
  let ids: Uint32Array = new Uint32Array(), start = 0, width = 0;

  function tick(): number {
    if (clock === 0xffffffff) {
      // After 2³² texts stamps would come round again; what is loaded keeps its place.
      for (let slot = 0; slot < stamps.length; slot++) stamps[slot] = stamps[slot] === loaded ? 1 : 0;
      marks.fill(0);
      loaded = clock = 1;
    }
    return ++clock;
  }

  /** The slot that holds the shingle, or the free one where it would go. */
  function slotOf(hash: number, otherIds: Uint32Array, other: number): number {
    let slot = hash & mask;
    while (stamps[slot] === loaded) {
      const place = places[slot] ?? 0;
      let word = 0;
      while (word < width && ids[place + word] === otherIds[other + word]) word++;
      if (word === width) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  return {
    load(span, hashes) {
      ids = span.ids;
      start = span.start;
      width = Math.min(SHINGLE_WORDS, span.count);
      const shingles = shinglesIn(span.count);
      let room = 16;
      while (room < shingles * 2) room *= 2;
      if (room > places.length) {
        [places, stamps, marks] = [new Uint32Array(room), new Uint32Array(room), new Uint32Array(room)];
      }
      mask = room - 1;
      loaded = tick();
      let different = 0;
      for (let shingle = 0; shingle < shingles; shingle++) {
        const slot = slotOf(hashes[shingle] ?? 0, ids, start + shingle);
        if (stamps[slot] === loaded) continue;
        stamps[slot] = loaded;
        places[slot] = start + shingle;
        different++;
      }
      return different;
    },
    shared(span, hashes, needed) {
      if (Math.min(SHINGLE_WORDS, span.count) !== width) return 0;
      const mark = tick();
      const shingles = shinglesIn(span.count);
      let shared = 0;
      for (let shingle = 0; shingle < shingles; shingle++) {
        if (shared + shingles - shingle < needed) return 0;
        const slot = slotOf(hashes[shingle] ?? 0, span.ids, span.start + shingle);
        if (stamps[slot] !== loaded || marks[slot] === mark) continue;
        marks[slot] = mark;
        shared++;
      }
      return shared;
    },
  };
}
