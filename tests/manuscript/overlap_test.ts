import { deepEqual, equal } from "node:assert/strict";
import { findOverlaps } from "@/manuscript/overlap.ts";

const words = (from: number, count: number) => Array.from({ length: count }, (_, i) => `word${from + i}`).join(" ");

Deno.test("findOverlaps groups texts that share 13 words in a row, through others too, whatever stands between", () => {
  const texts = [
    words(0, 40),
    words(100, 40),
    `${words(20, 13)} ${words(200, 9)}`,
    `X ${words(201, 8)}, ${words(110, 13)}!`,
  ];
  const { groups, shared } = findOverlaps(texts);
  deepEqual(groups, [0, 1, 0, 1]);
  deepEqual(shared.map(({ first, second }) => [first, second]), [[0, 2], [1, 3]]);
  equal(shared[0]?.words, words(20, 13));
  deepEqual(findOverlaps([texts[0]!, texts[2]!, `${words(202, 7)} ${words(0, 6)} ${words(200, 9)}`]).groups, [0, 0, 2]);
});

Deno.test("findOverlaps takes 12 words for a coincidence, and repetitions within a text for style", () => {
  deepEqual(findOverlaps([words(0, 30), words(18, 12)]).groups, [0, 1]);
  deepEqual(findOverlaps([`${words(0, 20)} ${words(0, 20)}`, ""]), { groups: [0, 1], shared: [] });
  deepEqual(findOverlaps([]), { groups: [], shared: [] });
});
