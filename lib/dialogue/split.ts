import { seededRandom, shuffle } from "./random.ts";

/** What is known of a row when it is dealt to a side. */
export interface SplitRow {
  /** Rows of one group land on the same side: those of one passage, for instance. */
  readonly group: string;
  /** An earlier row (by index) that this one nearly repeats; the two land on the same side. */
  readonly near?: number | undefined;
}

/**
 * Deals rows to training and validation by seed: whole clusters of rows that share a group or nearly repeat each other,
 * so that validation holds nothing that training has seen. The share of rows comes as near to the ratio as whole
 * clusters allow; with two clusters or more neither side is empty unless the ratio is 0 or 1.
 *
 * @param ratio Share of rows for training, 0 to 1.
 * @returns The side of every row, in the given order.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { splitRows } from "@/dialogue/split.ts";
 *
 * const sides = splitRows([{ group: "a" }, { group: "b" }, { group: "a" }], { ratio: 0.6, seed: 1969 });
 * deepEqual(sides, ["train", "val", "train"]);
 * ```
 */
export function splitRows(
  rows: readonly SplitRow[],
  { ratio, seed }: { ratio: number; seed: number },
): ("train" | "val")[] {
  const cluster = clusters(rows);
  const sizes = new Map<number, number>();
  for (const root of cluster) sizes.set(root, (sizes.get(root) ?? 0) + 1);
  const wanted = rows.length * (1 - ratio);
  const val = new Set<number>();
  let taken = 0;
  for (const root of shuffle([...sizes.keys()], seededRandom(seed, "split"))) {
    const size = sizes.get(root) ?? 0;
    // Takes a cluster where that comes nearer to the share than leaving it.
    if (Math.abs(taken + size - wanted) < Math.abs(taken - wanted)) {
      val.add(root);
      taken += size;
    }
  }
  const smallest = [...sizes].sort(([, a], [, b]) => a - b)[0];
  if (smallest && sizes.size > 1) {
    if (val.size === 0 && ratio < 1) val.add(smallest[0]);
    if (val.size === sizes.size && ratio > 0) val.delete(smallest[0]);
  }
  return cluster.map((root) => val.has(root) ? "val" : "train");
}

/** The root row of each row's cluster (union-find). */
function clusters(rows: readonly SplitRow[]): number[] {
  const parent = rows.map((_, index) => index);
  const root = (index: number): number => {
    let at = index;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] ?? at] ?? at;
      at = parent[at] ?? at;
    }
    return at;
  };
  const first = new Map<string, number>();
  rows.forEach(({ group, near }, index) => {
    for (const other of [first.get(group), near]) {
      if (other === undefined) continue;
      const [a, b] = [root(index), root(other)];
      parent[Math.max(a, b)] = Math.min(a, b);
    }
    if (!first.has(group)) first.set(group, index);
  });
  return rows.map((_, index) => root(index));
}
