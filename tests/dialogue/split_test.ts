import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { splitRows } from "@/dialogue/split.ts";

const ROWS = Array.from({ length: 1000 }, (_, n) => ({ group: `chunk ${Math.floor(n / 2)}` }));
const OPTIONS = { ratio: 0.9, seed: 1969 };

Deno.test("splitRows keeps a group on one side and the share exact where groups allow it", () => {
  const sides = splitRows(ROWS, OPTIONS);
  equal(sides.filter((side) => side === "val").length, 100);
  for (let n = 0; n < ROWS.length; n += 2) equal(sides[n], sides[n + 1]);
});

Deno.test("splitRows depends on the seed alone", () => {
  deepEqual(splitRows(ROWS, OPTIONS), splitRows(ROWS, OPTIONS));
  notDeepEqual(splitRows(ROWS, OPTIONS), splitRows(ROWS, { ...OPTIONS, seed: 1970 }));
});

Deno.test("splitRows keeps chains of near-duplicates together", () => {
  const rows = Array.from({ length: 300 }, (_, n) => ({ group: `g${n}`, near: n % 3 === 0 ? undefined : n - 1 }));
  const sides = splitRows(rows, { ratio: 0.8, seed: 1 });
  for (let n = 0; n < 300; n += 3) equal(new Set(sides.slice(n, n + 3)).size, 1);
  ok(sides.includes("val") && sides.includes("train"));
});

Deno.test("splitRows leaves neither side empty when there are two groups, and all in training when there is one", () => {
  deepEqual(splitRows([{ group: "a" }, { group: "b" }], OPTIONS).toSorted(), ["train", "val"]);
  deepEqual(splitRows([{ group: "a" }, { group: "a" }], OPTIONS), ["train", "train"]);
  deepEqual(splitRows([{ group: "a" }, { group: "b" }], { ratio: 0.01, seed: 1 }).toSorted(), ["train", "val"]);
  deepEqual(splitRows([], OPTIONS), []);
});
