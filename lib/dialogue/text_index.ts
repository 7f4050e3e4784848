/** Numbers by texts that are kept elsewhere: a hundred thousand names in a map would be a tenth of all memory. */
import { mix } from "./words.ts";

/** The place of each text, from 0, as long as whoever keeps the texts can tell whether a place holds a text. */
export interface TextIndex {
  /** The place of a text; `holds` is asked of the few places that may be it. */
  find(text: string, holds: (place: number) => boolean): number | undefined;
  /** Gives a text a place, in place of the one that holds it by now. */
  set(text: string, place: number, holds: (place: number) => boolean): void;
}

/** FNV-1a over UTF-16 units (Fowler, Noll, Vo), mixed. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix(hash);
}

/**
 * An empty index: 8 to 16 bytes a text.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { createTextIndex } from "@/dialogue/text_index.ts";
 *
 * const names = ["one", "two"];
 * const index = createTextIndex();
 * names.forEach((name, place) => index.set(name, place, (place) => names[place] === name));
 * equal(index.find("two", (place) => names[place] === "two"), 1);
 * ```
 */
export function createTextIndex(): TextIndex {
  /** Open addressing, at most half full: of each text its hash, and its place + 1; 0 is a free slot. */
  let hashes = new Uint32Array(1 << 10), places = new Uint32Array(1 << 10);
  let size = 0;

  /** The slot that holds the text, or the free one where it would go. */
  function slotOf(hash: number, holds: (place: number) => boolean): number {
    const mask = places.length - 1;
    let slot = hash & mask;
    for (let held = places[slot] ?? 0; held !== 0; held = places[slot] ?? 0) {
      if (hashes[slot] === hash && holds(held - 1)) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  function grow(): void {
    const [oldHashes, oldPlaces] = [hashes, places];
    [hashes, places] = [new Uint32Array(2 * hashes.length), new Uint32Array(2 * places.length)];
    const mask = places.length - 1;
    oldPlaces.forEach((held, at) => {
      if (held === 0) return;
      const hash = oldHashes[at] ?? 0;
      let slot = hash & mask;
      while (places[slot] !== 0) slot = (slot + 1) & mask;
      [hashes[slot], places[slot]] = [hash, held];
    });
  }

  return {
    find(text, holds) {
      const held = places[slotOf(hashOf(text), holds)] ?? 0;
      return held === 0 ? undefined : held - 1;
    },
    set(text, place, holds) {
      if (2 * size >= places.length) grow();
      const hash = hashOf(text), slot = slotOf(hash, holds);
      if (places[slot] === 0) size++;
      hashes[slot] = hash;
      places[slot] = place + 1;
    },
  };
}
