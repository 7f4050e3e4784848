/**
 * Text that goes round in circles, by the measures of Gopher (Rae et al. 2021, "Scaling Language Models", arXiv
 * 2112.11446, table A1), which FineWeb and other corpora are cleaned with.
 */
import type { GateSettings } from "./gates_settings.ts";
import { wordsOf } from "./gates_source.ts";

/** A text's n-grams of one length, numbered by content. */
interface Ngrams {
  /** The number of the n-gram that begins at each word. */
  readonly ids: readonly number[];
  readonly different: number;
}

/** Lengthens each n-gram by a word: a longer one is known by its shorter one and the word that follows. */
function lengthened({ ids }: Ngrams, words: Ngrams, n: number): Ngrams {
  const numbers = new Map<number, number>();
  const longer = ids.slice(0, Math.max(0, words.ids.length - n + 1)).map((id, at) => {
    const key = id * words.different + (words.ids[at + n - 1] ?? 0);
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
  return { ids: longer, different: numbers.size };
}

function numbered(words: readonly string[]): Ngrams {
  const numbers = new Map<string, number>();
  for (const word of words) if (!numbers.has(word)) numbers.set(word, numbers.size);
  return { ids: words.map((word) => numbers.get(word) ?? 0), different: numbers.size };
}

/** The n-gram with the most characters over all its places, if it has more than one. */
function top({ ids, different }: Ngrams, lengthAt: (at: number) => number): { at: number; characters: number } {
  const counts = new Uint32Array(different);
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  let best = { at: 0, characters: 0 };
  ids.forEach((id, at) => {
    const count = counts[id] ?? 0;
    if (count > 1 && count * lengthAt(at) > best.characters) best = { at, characters: count * lengthAt(at) };
  });
  return best;
}

/** Characters in n-grams that came before, none counted twice. */
function repeated({ ids, different }: Ngrams, n: number, lengths: readonly number[]): number {
  const seen = new Uint8Array(different);
  let characters = 0, countedTo = 0;
  ids.forEach((id, at) => {
    if (seen[id] === 1) {
      for (let word = Math.max(at, countedTo); word < at + n; word++) characters += lengths[word] ?? 0;
      countedTo = at + n;
    }
    seen[id] = 1;
  });
  return characters;
}

/** What repeats too much in a text: the measure, its value and its limit. Characters are those of words. */
export function findRepetition(text: string, settings: GateSettings["repetition"]): string | undefined {
  const words = wordsOf(text);
  if (words.length < settings.fromWords) return undefined;
  const lengths = words.map((word) => word.length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const told = (characters: number, limit: number) =>
    `${(characters / total).toFixed(2)} of the characters, more than ${limit}`;
  const single = numbered(words);
  const longest = Math.max(
    ...[...Object.keys(settings.topNgrams), ...Object.keys(settings.duplicateNgrams)].map(Number),
  );
  let grams = single;
  for (let n = 1; n <= longest; n++) {
    if (n > 1) grams = lengthened(grams, single, n);
    if (grams.different === grams.ids.length) break; // What never repeats does not repeat when it is longer.
    const topLimit = settings.topNgrams[n], limit = settings.duplicateNgrams[n];
    if (topLimit !== undefined) {
      const lengthAt = (at: number) => lengths.slice(at, at + n).reduce((sum, length) => sum + length, 0);
      const { at, characters } = top(grams, lengthAt);
      if (characters > topLimit * total) {
        return `"${words.slice(at, at + n).join(" ")}" makes up ${told(characters, topLimit)}`;
      }
    }
    if (limit !== undefined) {
      const characters = repeated(grams, n, lengths);
      if (characters > limit * total) return `runs of ${n} words that came before make up ${told(characters, limit)}`;
    }
  }
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const again = lines.length - new Set(lines).size;
  return again / lines.length > settings.duplicateLines ? `${again} of ${lines.length} lines came before` : undefined;
}
