import { equal } from "node:assert/strict";
import { bytePairCounter } from "@/corpus/bpe_count.ts";
import { createWordTable } from "@/corpus/word_table.ts";
import { loadChatTokenizer } from "@/training/chat_tokens.ts";
import { seededRandom } from "@/dialogue/random.ts";
import { byteLevelTokenizer } from "../fakes/byte_level.ts";
import { withFolder } from "../fakes/folder.ts";

interface Model {
  vocab: Record<string, number>;
  merges: (string | string[])[];
  [option: string]: unknown;
}

/** Merges that compete for the same letters, learnt in an order that is not that of their ids. */
function modelOf(given: Partial<Model> = {}): Model {
  const model = byteLevelTokenizer().model as Model;
  const merges = ["a a", "a b", "b a", "ab a", "aa a", "a ba", "c c", "cc cc", "Ã ©", "b Ã", "aa aa", "c ab"];
  const vocab = { ...model.vocab };
  for (const merge of merges.toReversed()) vocab[merge.replace(" ", "")] ??= Object.keys(vocab).length;
  return { ...model, merges, vocab, ...given };
}

for (const ignoreMerges of [false, true]) {
  for (const pairs of [false, true]) {
    const how = `${ignoreMerges ? "whole words of the list" : "no whole words"}, merges as ${pairs ? "pairs" : "text"}`;
    Deno.test(`bytePairCounter counts what the library encodes: ${how}`, () =>
      withFolder(async (folder) => {
        const plain = modelOf({ ignore_merges: ignoreMerges });
        plain.vocab["abcab"] = Object.keys(plain.vocab).length; // No merges lead to it.
        const model = pairs ? { ...plain, merges: plain.merges.map((merge) => String(merge).split(" ")) } : plain;
        const json = { ...byteLevelTokenizer(), normalizer: null, added_tokens: [], pre_tokenizer: level(), model };
        await Deno.writeTextFile(`${folder}/tokenizer.json`, JSON.stringify(json));
        const { encode } = await loadChatTokenizer(folder);
        const count = bytePairCounter(model);
        const random = seededRandom(7);
        for (let i = 0; i < 3000; i++) {
          const length = 1 + Math.floor(random() * 20);
          const word = Array.from({ length }, () => "aaabbccé🙂"[Math.floor(random() * 9)]).join("").toWellFormed();
          equal(count?.(word), encode(word).length, word);
        }
        equal(count?.("abcab"), ignoreMerges ? 1 : encode("abcab").length);
        equal(count?.("a".repeat(65)), undefined); // Left to the library.
      }));
  }
}

function level(): unknown {
  return { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
}

Deno.test("bytePairCounter leaves to the library what works in another way", () => {
  const { Ċ: _, ...lacking } = modelOf().vocab;
  const others: [string, unknown][] = [
    ["another kind", { ...modelOf(), type: "Unigram" }],
    ["dropout", modelOf({ dropout: 0.1 })],
    ["marks at the ends of words", modelOf({ end_of_word_suffix: "</w>" })],
    ["a byte without a letter", modelOf({ vocab: lacking })],
    ["a pair that becomes no token", modelOf({ merges: ["a c"] })],
    ["a name that every object has", modelOf({ merges: ["const ructor"] })],
    ["no model", undefined],
  ];
  for (const [what, model] of others) equal(bytePairCounter(model), undefined, what);
});

Deno.test("createWordTable asks once for each word, however many there are, and forgets those beyond its size", () => {
  let asked = 0;
  const words = Array.from({ length: 30_000 }, (_, i) => `${i.toString(7)}é${"x".repeat(i % 5)}`);
  const text = words.join(" ");
  const places = new Map(words.map((word, index) => [word, index + 1]));
  const numberOf = createWordTable((word) => (asked++, places.get(word) ?? 0), 20_000);
  const readAll = () => {
    let at = 0, right = 0;
    for (const [index, word] of words.entries()) {
      if (numberOf(text, at, at + word.length) === index + 1) right++;
      at += word.length + 1;
    }
    return right;
  };
  equal(readAll(), words.length);
  equal(asked, words.length);
  equal(readAll(), words.length);
  equal(asked, words.length + 10_000);
});
