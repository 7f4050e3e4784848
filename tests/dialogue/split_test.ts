import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { type SplitRow, splitRows, TOLERANCE } from "@/dialogue/split.ts";
import { seededRandom } from "@/dialogue/random.ts";

const OPTIONS = { ratio: 0.9, seed: 1969, by: "book" } as const;

/** Books of the given numbers of rows, two rows a passage, none of them near another. */
function books(...sizes: number[]): SplitRow[] {
  let cluster = 0;
  return sizes.flatMap((size, book) =>
    Array.from({ length: size }, (_, n) => ({ book: `b${book}`, passage: `p${Math.floor(n / 2)}`, cluster: cluster++ }))
  );
}
const valRows = (sides: readonly string[]) => sides.filter((side) => side === "val").length;

Deno.test("splitRows keeps books whole and comes as near to the share as they allow", () => {
  const rows = books(400, 30, 210, 75, 120, 55, 110);
  const { sides, by, groups } = splitRows(rows, OPTIONS);
  // 30 + 75 is the nearest that seven books come to a hundred of a thousand rows.
  deepEqual([by, valRows(sides), groups], ["book", 105, { train: 5, val: 2 }]);
  for (const [, places] of Map.groupBy(rows.keys(), (at) => rows[at]?.book)) {
    equal(new Set(places.map((at) => sides[at])).size, 1);
  }
});

Deno.test("splitRows finds the best sum of whole groups", () => {
  const random = seededRandom("sums");
  for (let round = 0; round < 60; round++) {
    const sizes = Array.from({ length: 2 + Math.floor(random() * 7) }, () => 1 + Math.floor(random() * 30));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const ratio = 0.5 + random() * 0.49;
    const wanted = total * (1 - ratio);
    const sums = Array.from(
      { length: 2 ** sizes.length - 2 },
      (_, mask) => sizes.reduce((sum, size, at) => sum + ((mask + 1) >> at & 1) * size, 0),
    );
    const best = Math.min(...sums.map((sum) => Math.abs(sum - wanted)));
    const { sides, by } = splitRows(books(...sizes), { ...OPTIONS, ratio, seed: round });
    if (best <= TOLERANCE * total) {
      equal(by, "book");
      ok(Math.abs(Math.abs(valRows(sides) - wanted) - best) < 1e-9);
    } else equal(by, "passage");
  }
});

Deno.test("splitRows deals passages where books are too few or too unequal", () => {
  for (const rows of [books(1000), books(700, 300), books(995, 5)]) {
    const { sides, by } = splitRows(rows, OPTIONS);
    equal(by, "passage");
    equal(valRows(sides), 100);
    const whole = Map.groupBy(rows.keys(), (at) => `${rows[at]?.book} ${rows[at]?.passage}`);
    for (const [, places] of whole) equal(new Set(places.map((at) => sides[at])).size, 1);
  }
});

Deno.test("splitRows keeps near-duplicates of two books on one side", () => {
  const rows = books(100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100);
  const first = rows[5], other = rows[1005];
  ok(first && other);
  rows[1005] = { ...other, cluster: first.cluster };
  for (let seed = 0; seed < 30; seed++) {
    const { sides, by } = splitRows(rows, { ...OPTIONS, seed });
    deepEqual([by, sides[5] === sides[1005], sides[0] === sides[1000]], ["book", true, true]);
  }
});

Deno.test("splitRows by row takes the ratio to the letter", () => {
  const rows = books(60, 40);
  const { sides, by } = splitRows(rows, { ...OPTIONS, by: "row" });
  deepEqual([by, valRows(sides)], ["row", 10]);
  equal(valRows(splitRows(books(7), { ...OPTIONS, by: "row" }).sides), 1);
  deepEqual(splitRows(books(1), { ...OPTIONS, by: "row" }).sides, ["train"]);
});

Deno.test("splitRows depends on the seed alone", () => {
  const rows = books(...Array.from({ length: 40 }, () => 10));
  for (const by of ["book", "row"] as const) {
    deepEqual(splitRows(rows, { ...OPTIONS, by }), splitRows(rows, { ...OPTIONS, by }));
    notDeepEqual(splitRows(rows, { ...OPTIONS, by }), splitRows(rows, { ...OPTIONS, by, seed: 1970 }));
  }
});

Deno.test("splitRows leaves neither side empty when there are two groups, and all in training when there is one", () => {
  const loose = (...passages: string[]): SplitRow[] => passages.map((passage, cluster) => ({ passage, cluster }));
  deepEqual(splitRows(loose("a", "b"), OPTIONS).sides.toSorted(), ["train", "val"]);
  deepEqual(splitRows(loose("a", "a"), OPTIONS).sides, ["train", "train"]);
  deepEqual(splitRows(loose("a", "b"), { ...OPTIONS, ratio: 0.01 }).sides.toSorted(), ["train", "val"]);
  deepEqual(splitRows([], OPTIONS).sides, []);
});

Deno.test("splitRows deals a hundred thousand rows of a thousand books in little time", () => {
  const rows = books(...Array.from({ length: 1000 }, () => 100));
  const start = performance.now();
  equal(valRows(splitRows(rows, OPTIONS).sides), 10_000);
  ok(performance.now() - start < 20_000);
});
