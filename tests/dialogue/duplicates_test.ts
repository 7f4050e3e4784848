import { deepEqual, equal, ok } from "node:assert/strict";
import { duplicateIndex, grams, jaccard, words } from "@/dialogue/duplicates.ts";
import { pick, seededRandom } from "@/dialogue/random.ts";

const VOCABULARY = Array.from({ length: 500 }, (_, n) => `word${n}`);

function text(seed: number, length: number): string[] {
  const random = seededRandom("text", seed);
  return Array.from({ length }, () => pick(VOCABULARY, random));
}

Deno.test("words ignores case and punctuation, and keeps apostrophes", () => {
  deepEqual(words("Don’t STOP—the Earth's turning, №5!"), ["don’t", "stop", "the", "earth's", "turning", "5"]);
});

Deno.test("jaccard counts shared grams over all", () => {
  equal(jaccard(grams("a b c d e f"), grams("a b c d e f")), 1);
  equal(jaccard(grams("a b c d e f"), grams("a b c d e g")), 1 / 3);
  equal(jaccard(grams("a b c d e"), grams("v w x y z")), 0);
});

Deno.test("duplicateIndex finds texts that differ in case and punctuation alone", () => {
  const index = duplicateIndex();
  index.add("We built the city together, comrades.");
  deepEqual(index.nearest("we built the city, together: COMRADES"), { index: 0, similarity: 1 });
  equal(index.nearest("We built the city together, friends, and then we slept."), undefined);
});

Deno.test("duplicateIndex finds near-duplicates short and long, among many, and nothing else", () => {
  const index = duplicateIndex();
  const originals = Array.from({ length: 400 }, (_, n) => text(n, n % 2 ? 30 : 150));
  for (const original of originals) index.add(original.join(" "));
  originals.forEach((original, n) => {
    const changed = original.with(Math.floor(original.length / 2), "changed").join(" ");
    const exact = jaccard(grams(original.join(" ")), grams(changed));
    const found = index.nearest(changed);
    if (exact >= 0.7) deepEqual(found, { index: n, similarity: exact });
    else equal(found, undefined);
  });
  for (let n = 1000; n < 1100; n++) equal(index.nearest(text(n, 80).join(" ")), undefined);
});

Deno.test("duplicateIndex takes answers of a hundred words at thousands a second", () => {
  const index = duplicateIndex();
  const started = performance.now();
  for (let n = 0; n < 5000; n++) {
    const line = text(n, 100).join(" ");
    if (!index.nearest(line)) index.add(line);
  }
  ok(performance.now() - started < 15_000);
});
