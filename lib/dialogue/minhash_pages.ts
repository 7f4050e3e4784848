/**
 * Many texts as word ids in little memory: seven bits of an id to a byte, the eighth says that more follow (LEB128). Ids are
 * given in order of appearance, so common words have short ones: a word takes about 1.5 bytes.
 */
import type { Span } from "./minhash_shingles.ts";
import { grown } from "./words.ts";

/** Texts by number, from 0. */
export interface WordPages {
  readonly size: number;
  /** Stores a text, and a number that belongs to it. */
  add(span: Span, note: number): void;
  noteOf(index: number): number;
  /** A stored text; its array is used again by the next call. */
  read(index: number): Span;
}

/** Bytes of a page; a longer text has one to itself. */
const PAGE = 1 << 20;
const LONGEST_ID = 5;

/** An empty store. */
export function createWordPages(): WordPages {
  const pages: Uint8Array[] = [];
  let page = new Uint8Array(), used = 0, size = 0;
  /** Of each text: page, first byte, words, note. */
  let places = new Uint32Array(1 << 10);
  let ids = new Uint32Array(1 << 10);

  return {
    get size() {
      return size;
    },
    add(span, note) {
      if (used + LONGEST_ID * span.count > page.length) {
        page = new Uint8Array(Math.max(PAGE, LONGEST_ID * span.count));
        pages.push(page);
        used = 0;
      }
      const at = 4 * size++;
      if (places.length < at + 4) places = grown(places, at + 4);
      places.set([pages.length - 1, used, span.count, note], at);
      for (let word = span.start; word < span.start + span.count; word++) {
        let id = span.ids[word] ?? 0;
        for (; id >= 0x80; id >>>= 7) page[used++] = id | 0x80;
        page[used++] = id;
      }
    },
    noteOf: (index) => places[4 * index + 3] ?? 0,
    read(index) {
      const from = pages[places[4 * index] ?? 0] ?? page;
      const count = places[4 * index + 2] ?? 0;
      if (ids.length < count) ids = grown(ids, count);
      let at = places[4 * index + 1] ?? 0;
      for (let word = 0; word < count; word++) {
        let id = 0, shift = 0, byte = from[at++] ?? 0;
        for (; byte >= 0x80; byte = from[at++] ?? 0, shift += 7) id |= (byte & 0x7f) << shift;
        ids[word] = id | byte << shift;
      }
      return { ids, start: 0, count };
    },
  };
}
