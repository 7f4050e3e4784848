/**
 * Text that goes round in circles, by the measures of Gopher (Rae et al. 2021, "Scaling Language Models", arXiv
 * 2112.11446, table A1), which FineWeb and other corpora are cleaned with.
 */
import type { GateSettings } from "./gates_settings.ts";
import { mix, type Vocabulary } from "./words.ts";

/** Of the n-gram at each place, the first place where the same n-gram stands. */
type Firsts = Uint32Array;

/** Finds the first places of words, then of ever longer n-grams. */
function createFinder(words: Uint32Array) {
  let room = 16;
  while (room < 2 * words.length) room *= 2;
  const slots = new Uint32Array(room); // Place + 1; open addressing.

  /** A longer n-gram is known by what numbers its shorter one, and the word that follows. */
  function lengthened(shorter: Uint32Array | undefined, n: number): { firsts: Firsts; different: number } {
    const firsts = new Uint32Array(Math.max(0, words.length - n + 1));
    slots.fill(0);
    let different = 0;
    for (let at = 0; at < firsts.length; at++) {
      const word = words[at + n - 1] ?? 0, begin = shorter?.[at] ?? 0;
      let slot = mix(Math.imul(begin, 0x9e3779b1) ^ word) & (room - 1);
      let held = slots[slot] ?? 0;
      while (held !== 0 && ((shorter?.[held - 1] ?? 0) !== begin || words[held + n - 2] !== word)) {
        slot = (slot + 1) & (room - 1);
        held = slots[slot] ?? 0;
      }
      if (held === 0) {
        slots[slot] = held = at + 1;
        different++;
      }
      firsts[at] = held - 1;
    }
    return { firsts, different };
  }
  return lengthened;
}

/** The n-gram with the most characters over all its places, if it has more than one. `ends` are sums of characters. */
function top(firsts: Firsts, n: number, ends: Uint32Array): { at: number; characters: number } {
  const counts = new Uint32Array(firsts.length);
  let best = { at: 0, characters: 0 };
  for (let at = 0; at < firsts.length; at++) {
    const first = firsts[at] ?? 0;
    const count = counts[first] = (counts[first] ?? 0) + 1;
    const characters = count * ((ends[at + n] ?? 0) - (ends[at] ?? 0));
    if (count > 1 && characters > best.characters) best = { at, characters };
  }
  return best;
}

/** Characters in n-grams that came before, none counted twice. */
function repeated(firsts: Firsts, n: number, ends: Uint32Array): number {
  let characters = 0, countedTo = 0;
  for (let at = 0; at < firsts.length; at++) {
    if (firsts[at] === at) continue;
    characters += (ends[at + n] ?? 0) - (ends[Math.max(at, countedTo)] ?? 0);
    countedTo = at + n;
  }
  return characters;
}

/** What repeats too much in a text: the measure, its value and its limit. Characters are those of words. */
export function findRepetition(
  text: string,
  settings: GateSettings["repetition"],
  vocabulary: Vocabulary,
): string | undefined {
  const words = vocabulary.read(text);
  if (words.length < settings.fromWords) return undefined;
  const ends = new Uint32Array(words.length + 1);
  for (let at = 0; at < words.length; at++) ends[at + 1] = (ends[at] ?? 0) + vocabulary.lengthOf(words[at] ?? 0);
  const total = ends[words.length] ?? 0;
  const told = (characters: number, limit: number) =>
    `${(characters / total).toFixed(2)} of the characters, more than ${limit}`;
  const longest = Math.max(
    ...[...Object.keys(settings.topNgrams), ...Object.keys(settings.duplicateNgrams)].map(Number),
  );
  const lengthened = createFinder(words);
  // Words are their own numbers, so that those alone need no look unless they are asked for.
  const single = 1 in settings.topNgrams || 1 in settings.duplicateNgrams;
  let shorter: Uint32Array | undefined = single ? undefined : words;
  for (let n = single ? 1 : 2; n <= longest; n++) {
    const { firsts, different } = lengthened(shorter, n);
    shorter = firsts;
    if (different === firsts.length) break; // What never repeats does not repeat when it is longer.
    const topLimit = settings.topNgrams[n], limit = settings.duplicateNgrams[n];
    if (topLimit !== undefined) {
      const { at, characters } = top(firsts, n, ends);
      if (characters > topLimit * total) {
        return `"${vocabulary.spell(words.subarray(at, at + n))}" makes up ${told(characters, topLimit)}`;
      }
    }
    if (limit !== undefined) {
      const characters = repeated(firsts, n, ends);
      if (characters > limit * total) return `runs of ${n} words that came before make up ${told(characters, limit)}`;
    }
  }
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const again = lines.length - new Set(lines).size;
  return again / lines.length > settings.duplicateLines ? `${again} of ${lines.length} lines came before` : undefined;
}
