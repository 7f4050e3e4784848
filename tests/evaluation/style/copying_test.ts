import { deepEqual, equal, ok } from "node:assert/strict";
import { seededRandom } from "@/dialogue/random.ts";
import { copiedFrom, excise, indexOriginal } from "@/evaluation/style/copying.ts";

const ORIGINAL = "You count them out in the morning and you count them in at night. That is the whole of the work.";

Deno.test("spansOf finds the longest span from every word, as comparing all pairs of places does", () => {
  const random = seededRandom("spans");
  for (let round = 0; round < 60; round++) {
    const alphabet = 2 + round % 5; // Few words, so that spans are many and overlap.
    const text = (length: number) => Array.from({ length }, () => "abcdefg"[Math.floor(random() * alphabet)]).join(" ");
    const originals = [text(60), text(40)];
    const query = text(50).split(" ");
    const expected = query.map((_, at) => {
      let longest = 0;
      for (const words of originals.map((original) => original.split(" "))) {
        for (let place = 0; place < words.length; place++) {
          let length = 0;
          while (at + length < query.length && words[place + length] === query[at + length]) length++;
          longest = Math.max(longest, length);
        }
      }
      return longest >= 5 ? longest : 0;
    });
    deepEqual([...indexOriginal(originals).spansOf(query)], expected, `round ${round}`);
  }
});

Deno.test("copiedFrom disregards case and punctuation, and counts words in spans of 5, 8 and 13", () => {
  const original = indexOriginal([ORIGINAL]);
  const text = "Then: YOU COUNT — them out, in the morning! And you turn. That is the whole of it.";
  const copied = copiedFrom(original, [{ text }]);
  equal(copied.words, 17);
  equal(copied.longest, 9); // "you count them out in the morning and you"
  equal(copied.share[8], 9 / 17);
  equal(copied.share[5], 14 / 17); // And "that is the whole of".
  equal(copied.share[13], 0);
  deepEqual(copied.examples, ["YOU COUNT — them out, in the morning! And you"]);
});

Deno.test("what repeats its prompt is no recitation", () => {
  const original = indexOriginal([ORIGINAL]);
  const text = "You count them out in the morning and you count them in at night.";
  equal(copiedFrom(original, [{ text }]).longest, 14);
  equal(copiedFrom(original, [{ text, prompt: `Chapter one. ${text}` }]).longest, 0);
  // Only what overlaps with the prompt is trimmed: the rest stands for itself.
  equal(copiedFrom(original, [{ text, prompt: "You count them out in the morning." }]).longest, 7);
});

Deno.test("excise cuts spans of eight words or more and nothing else", () => {
  const original = indexOriginal([ORIGINAL]);
  const { text, removed, words } = excise(original, {
    text: "Snow falls. You count them out in the morning and you sleep. That is the whole of it.",
  });
  equal(text, "Snow falls. sleep. That is the whole of it.");
  deepEqual([removed, words], [9, 18]);
  const all = excise(original, { text: ORIGINAL });
  equal(all.text, "");
  equal(all.removed, all.words);
});

Deno.test("no span runs from one text into the next", () => {
  const original = indexOriginal(["one two three four", "five six seven eight"]);
  equal(copiedFrom(original, [{ text: "one two three four five six seven eight" }]).longest, 0);
});

Deno.test("a long recitation is found in time that grows with its length, not with its square", () => {
  const words = Array.from({ length: 60_000 }, (_, at) => `w${at % 9_973}x${at % 7}`);
  const { longest, share, extractions } = copiedFrom(indexOriginal([words.join(" ")]), [{ text: words.join(" ") }]);
  equal(longest, 60_000); // Compared pair by pair this would take minutes.
  equal(share[8], 1);
  equal(extractions, 1);
});

Deno.test("nothing is copied into an empty passage or from no text", () => {
  const nothing = copiedFrom(indexOriginal([]), [{ text: "" }, { text: "You wait." }]);
  deepEqual([nothing.words, nothing.longest, nothing.share[8]], [2, 0, 0]);
  ok(nothing.examples.length === 0);
});
