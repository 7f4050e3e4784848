/**
 * How many tokens byte-pair encoding makes of one word. Libraries make the tokens, with a queue and an object for each
 * letter; only to count them takes a twentieth of that, and a manuscript has tens of thousands of different words.
 */
import { z } from "zod";
import { BYTE_LETTERS } from "./byte_letters.ts";

/** The `model` of a tokenizer.json whose letters stand for bytes, without variations that hardly any model uses. */
const BytePairs = z.object({
  type: z.literal("BPE"),
  dropout: z.union([z.literal(0), z.null()]).optional(),
  continuing_subword_prefix: z.union([z.literal(""), z.null()]).optional(),
  end_of_word_suffix: z.union([z.literal(""), z.null()]).optional(),
  ignore_merges: z.boolean().optional(),
  // Not looked into: to check each of 300,000 would cost more than the counting.
  vocab: z.custom<Record<string, number>>((value) => typeof value === "object" && value !== null),
  merges: z.custom<(string | readonly string[])[]>(Array.isArray),
});

/** Longer words are left to the library, whose queue has no trouble with a line of 10,000 equals signs. */
const LONGEST_WORD = 64;
/** No pair: ranks are less. */
const NONE = 0x7fffffff;

/**
 * A counter for words: the length of what the encoding of Sennrich et al. (https://arxiv.org/abs/1508.07909) comes to,
 * which joins the pair of tokens that was learnt first again and again. Undefined where the model works in another way; the
 * counter itself answers undefined for a word that is too long for it.
 *
 * @param model The `model` of a tokenizer.json.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { BYTE_LETTERS } from "@/corpus/byte_letters.ts";
 * import { bytePairCounter } from "@/corpus/bpe_count.ts";
 *
 * const vocab = Object.fromEntries([...BYTE_LETTERS, "th", "the"].map((token, id) => [token, id]));
 * const count = bytePairCounter({ type: "BPE", vocab, merges: ["t h", "th e"] });
 * equal(count?.("them"), 2); // the, m
 * ```
 */
export function bytePairCounter(model: unknown): ((word: string) => number | undefined) | undefined {
  const parsed = BytePairs.safeParse(model);
  if (!parsed.success) return undefined;
  const { vocab, merges, ignore_merges: whole = false } = parsed.data;
  const letters = Int32Array.from(BYTE_LETTERS, (letter) => vocab[letter] ?? -1);
  if (letters.includes(-1)) return undefined; // Bytes would be lost.
  const ranks = createPairs(merges.length);
  const joined = new Int32Array(merges.length); // By rank, the token that a pair becomes.
  for (const [rank, pair] of merges.entries()) {
    const [left = "", right = ""] = typeof pair === "string" ? pair.split(" ") : pair;
    const [first, second, both] = [vocab[left], vocab[right], vocab[left + right]];
    if (typeof first !== "number" || typeof second !== "number" || typeof both !== "number") return undefined;
    ranks.set(first, second, rank);
    joined[rank] = both;
  }
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(LONGEST_WORD);
  const tokens = new Int32Array(LONGEST_WORD);
  const pairs = new Int32Array(LONGEST_WORD); // The rank of each token with the next one.

  return (word) => {
    const { read, written } = encoder.encodeInto(word, bytes);
    if (read < word.length) return undefined;
    if (whole && Object.hasOwn(vocab, Array.from(bytes.subarray(0, written), (byte) => BYTE_LETTERS[byte]).join(""))) {
      return 1;
    }
    let length = written;
    for (let at = 0; at < length; at++) tokens[at] = letters[bytes[at]!]!;
    for (let at = 0; at + 1 < length; at++) pairs[at] = ranks.get(tokens[at]!, tokens[at + 1]!);
    while (length > 1) {
      let best = 0; // The leftmost of the lowest rank.
      for (let at = 1; at + 1 < length; at++) if (pairs[at]! < pairs[best]!) best = at;
      if (pairs[best] === NONE) break;
      tokens[best] = joined[pairs[best]!]!;
      tokens.copyWithin(best + 1, best + 2, length);
      pairs.copyWithin(best, best + 1, length - 1);
      length--;
      if (best > 0) pairs[best - 1] = ranks.get(tokens[best - 1]!, tokens[best]!);
      if (best + 1 < length) pairs[best] = ranks.get(tokens[best]!, tokens[best + 1]!);
    }
    return length;
  };
}

/** The rank of each pair of tokens, with open addressing: a Map takes ten times as long for numbers as large as pairs. */
function createPairs(count: number) {
  const size = 2 ** Math.ceil(Math.log2(Math.max(16, count * 2)));
  const lefts = new Int32Array(size), rights = new Int32Array(size);
  const ranks = new Int32Array(size).fill(NONE);
  const slotOf = (left: number, right: number) => {
    const mixed = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
    let slot = (mixed ^ (mixed >>> 15)) & (size - 1);
    while (ranks[slot] !== NONE && (lefts[slot] !== left || rights[slot] !== right)) slot = (slot + 1) & (size - 1);
    return slot;
  };
  return {
    get: (left: number, right: number) => ranks[slotOf(left, right)]!,
    set(left: number, right: number, rank: number) {
      const slot = slotOf(left, right);
      [lefts[slot], rights[slot], ranks[slot]] = [left, right, rank];
    },
  };
}
