import { sha256 } from "../core/files.ts";

/**
 * A stream of numbers in [0, 1) that depends on nothing but its parts: the same seed gives the same run anywhere.
 * Generator: sfc32 (Chris Doty-Humphrey, PractRand), seeded with 128 bits of SHA-256.
 */
export function seededRandom(...parts: readonly (string | number)[]): () => number {
  const hash = sha256(JSON.stringify(parts));
  const word = (at: number) => Number.parseInt(hash.slice(at * 8, at * 8 + 8), 16) | 0;
  let a = word(0), b = word(1), c = word(2), counter = word(3);
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
}

/** A seed that servers take (31 bits, not negative), from any parts. */
export function seedOf(...parts: readonly (string | number)[]): number {
  return Number.parseInt(sha256(JSON.stringify(parts)).slice(0, 8), 16) & 0x7fffffff;
}

/** A shuffled copy (Fisher–Yates). */
export function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const list = [...items];
  for (let last = list.length - 1; last > 0; last--) {
    const at = Math.floor(random() * (last + 1));
    [list[last], list[at]] = [list[at] as T, list[last] as T];
  }
  return list;
}

/** One of the items. @throws {RangeError} for an empty list. */
export function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError("Cannot pick from an empty list");
  return item;
}
