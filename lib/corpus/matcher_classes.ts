/**
 * Characters that no pattern tells apart form one class, so that an automaton's rows are tens of entries wide instead
 * of a million.
 */
import { type CharSet, pairs, wordChars } from "./matcher_chars.ts";

/** Code points sorted into classes: plain data, so that it crosses threads. */
export interface CharClasses {
  count: number;
  /** For every UTF-16 unit its class; for a high surrogate {@linkcode CharClasses.surrogate}. */
  units: Uint16Array;
  /** Stands for "look at the pair": the class of high surrogates, which no character has. */
  surrogate: number;
  /** The class of the text's end: what ends a word and is part of no pattern. */
  edge: number;
  isWord: readonly boolean[];
  /** Code points above U+FFFF: where a class begins, and which; see {@linkcode astralClass}. */
  astralFrom: readonly number[];
  astralClasses: readonly number[];
}

/** The class of a code point above U+FFFF. */
export function astralClass({ astralFrom, astralClasses, edge }: CharClasses, code: number): number {
  let low = 0;
  for (let high = astralFrom.length; high - low > 1;) {
    const middle = (low + high) >> 1;
    if ((astralFrom[middle] ?? 0) <= code) low = middle;
    else high = middle;
  }
  return astralClasses[low] ?? edge;
}

/** Sorts all characters by the sets (given ones and words) that they are in; `of` answers the classes of a given set. */
export function classify(given: readonly CharSet[]): {
  classes: CharClasses;
  of(set: CharSet): readonly number[];
} {
  const sets = [wordChars(), ...new Map(given.map((set) => [set.join(), set])).values()];
  // Where any set begins or ends, a class may begin; between two such places all characters are alike.
  const toggles = new Map<number, number[]>([[0, []], [0x10000, []]]);
  sets.forEach((set, index) => {
    for (const [low, high] of pairs(set)) {
      for (const place of [low, high + 1]) {
        const here = toggles.get(place);
        if (here) here.push(index);
        else toggles.set(place, [index]);
      }
    }
  });
  const places = [...toggles.keys()].sort((a, b) => a - b);
  const known = new Map<string, number>();
  const members: number[][] = sets.map(() => []);
  const isWord: boolean[] = [];
  const inside = new Set<number>();
  const units = new Uint16Array(0x10000);
  const astralFrom: number[] = [];
  const astralClasses: number[] = [];
  const classOf = (key: string) => {
    let found = known.get(key);
    if (found === undefined) {
      found = known.size;
      known.set(key, found);
      isWord.push(inside.has(0));
      for (const index of inside) members[index]?.push(found);
    }
    return found;
  };
  const edge = classOf("");
  places.forEach((place, i) => {
    for (const index of toggles.get(place) ?? []) if (!inside.delete(index)) inside.add(index);
    const found = classOf([...inside].sort((a, b) => a - b).join());
    if (place < 0x10000) units.fill(found, place, places[i + 1]);
    else {
      astralFrom.push(place);
      astralClasses.push(found);
    }
  });
  const surrogate = isWord.length;
  isWord.push(false);
  units.fill(surrogate, 0xd800, 0xdc00);
  units.fill(edge, 0xdc00, 0xe000); // Half a pair is no character.
  const bySet = new Map(sets.map((set, index) => [set.join(), members[index] ?? []]));
  return {
    classes: { count: surrogate + 1, units, surrogate, edge, isWord, astralFrom, astralClasses },
    of: (set) => bySet.get(set.join()) ?? [],
  };
}
