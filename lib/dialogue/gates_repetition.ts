/**
 * Text that goes round in circles, by the measures of Gopher (Rae et al. 2021, "Scaling Language Models", arXiv
 * 2112.11446, table A1), which FineWeb and other corpora are cleaned with.
 */
import type { GateSettings } from "./gates_settings.ts";
import { mix, type Vocabulary } from "./words.ts";

/** N-grams of one length in a text of so many words. */
interface Grams {
  n: number;
  /** How many there are. */
  size: number;
  /** Of the n-gram at each place, the first place where the same n-gram stands. */
  readonly firsts: Uint32Array;
  /** By first place: whether the n-gram comes again. */
  readonly again: Uint8Array;
}

/** Arrays for one text, used again for the next: making them anew takes longer than all that is done with them. */
let room = roomFor(256);

function roomFor(words: number) {
  const numbers = (length: number) => new Uint32Array(length);
  const grams = (): Grams => ({ n: 0, size: 0, firsts: numbers(words), again: new Uint8Array(words) });
  return {
    words,
    slots: numbers(4 * words),
    counts: numbers(words),
    ends: numbers(words + 1),
    grams: [grams(), grams()],
  };
}

/**
 * Finds the n-grams of a text; returns how many came before. An n-gram is known by its shorter one (without it, by its first
 * word), and the word that follows; where the shorter one stands alone, so does the longer.
 */
function findGrams(words: Uint32Array, n: number, shorter: Grams | undefined, { firsts, again }: Grams): number {
  const { slots } = room;
  let size = 16;
  while (size < 2 * words.length) size *= 2;
  slots.fill(0, 0, size); // Place + 1; open addressing.
  again.fill(0, 0, words.length);
  const begins = shorter?.firsts ?? words;
  let repeats = 0;
  for (let at = 0; at + n <= words.length; at++) {
    const word = words[at + n - 1] ?? 0, begin = begins[at] ?? 0;
    firsts[at] = at;
    if (shorter && shorter.again[begin] === 0) continue;
    let slot = mix(Math.imul(begin, 0x9e3779b1) ^ word) & (size - 1);
    let held = slots[slot] ?? 0;
    while (held !== 0 && (begins[held - 1] !== begin || words[held + n - 2] !== word)) {
      slot = (slot + 1) & (size - 1);
      held = slots[slot] ?? 0;
    }
    if (held === 0) slots[slot] = at + 1;
    else {
      firsts[at] = held - 1;
      again[held - 1] = 1;
      repeats++;
    }
  }
  return repeats;
}

/** The n-gram with the most characters over all its places, if it has more than one. */
function top({ n, size, firsts }: Grams, { ends, counts }: typeof room): { at: number; characters: number } {
  counts.fill(0, 0, size);
  let best = -1, most = 0;
  for (let at = 0; at < size; at++) {
    const first = firsts[at] ?? 0;
    const count = counts[first] = (counts[first] ?? 0) + 1;
    const characters = count * ((ends[at + n] ?? 0) - (ends[at] ?? 0));
    if (count > 1 && characters > most) [best, most] = [at, characters];
  }
  return { at: best, characters: most };
}

/** Characters in n-grams that came before, none counted twice. */
function repeated({ n, size, firsts }: Grams, { ends }: typeof room): number {
  let characters = 0, countedTo = 0;
  for (let at = 0; at < size; at++) {
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
  if (words.length > room.words) room = roomFor(2 * words.length);
  const { ends } = room;
  for (let at = 0; at < words.length; at++) ends[at + 1] = (ends[at] ?? 0) + vocabulary.lengthOf(words[at] ?? 0);
  const total = ends[words.length] ?? 0;
  const told = (characters: number, limit: number) =>
    `${(characters / total).toFixed(2)} of the characters, more than ${limit}`;
  const longest = Math.max(
    ...[...Object.keys(settings.topNgrams), ...Object.keys(settings.duplicateNgrams)].map(Number),
  );
  // Pairs are known by their words, so that words alone need no look unless they are asked for.
  const single = 1 in settings.topNgrams || 1 in settings.duplicateNgrams;
  let shorter: Grams | undefined;
  for (let n = single ? 1 : 2; n <= longest; n++) {
    const grams = room.grams[n % 2] as Grams;
    grams.n = n;
    grams.size = Math.max(0, words.length - n + 1);
    const repeats = findGrams(words, n, shorter, grams);
    if (repeats === 0) break; // What never repeats does not repeat when it is longer.
    shorter = grams;
    const topLimit = settings.topNgrams[n], limit = settings.duplicateNgrams[n];
    if (topLimit !== undefined) {
      const { at, characters } = top(grams, room);
      if (characters > topLimit * total) {
        return `"${vocabulary.spell(words.subarray(at, at + n))}" makes up ${told(characters, topLimit)}`;
      }
    }
    if (limit !== undefined) {
      const characters = repeated(grams, room);
      if (characters > limit * total) return `runs of ${n} words that came before make up ${told(characters, limit)}`;
    }
  }
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const again = lines.length - new Set(lines).size;
  return again / lines.length > settings.duplicateLines ? `${again} of ${lines.length} lines came before` : undefined;
}
