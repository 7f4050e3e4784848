import { seededRandom, shuffle } from "./random.ts";

/** What is known of a row when it is dealt to a side. */
export interface SplitRow {
  /** The book that it was made from; rows of unknown origin have none. */
  readonly book?: string | undefined;
  /** The passage that it was made from. */
  readonly passage: string;
  /** Rows that nearly repeat each other share a number. */
  readonly cluster: number;
}

export type Side = "train" | "val";

export interface Split {
  /** The side of every row, in the given order. */
  readonly sides: readonly Side[];
  /** What was kept whole: books, else passages where whole books miss the share by too much, or nothing. */
  readonly by: "book" | "passage" | "row";
  /** Groups on each side. */
  readonly groups: Readonly<Record<Side, number>>;
}

/** Share of the rows by which whole books may miss the wanted share before passages are dealt instead. */
export const TOLERANCE = 0.05;

/**
 * Deals rows to training and validation by seed: whole books and whole clusters of near-duplicates, so that validation
 * measures what training has not seen. The share comes as near to the ratio as whole groups allow. Where books are too
 * few or too unequal to come within {@linkcode TOLERANCE}, whole passages are dealt; `by` tells.
 *
 * @param ratio Share of rows for training, 0 to 1.
 * @param by `row`: every row for itself, near-duplicates or not.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { splitRows } from "@/dialogue/split.ts";
 *
 * const rows = ["a", "b", "a"].map((book, cluster) => ({ book, passage: `${cluster}`, cluster }));
 * const { sides, by } = splitRows(rows, { ratio: 0.65, seed: 1969, by: "book" });
 * deepEqual([sides, by], [["train", "val", "train"], "book"]);
 * ```
 */
export function splitRows(
  rows: readonly SplitRow[],
  { ratio, seed, by }: { ratio: number; seed: number; by: "book" | "row" },
): Split {
  const wanted = rows.length * (1 - ratio);
  if (by === "row") {
    const order = shuffle(rows.map((_, index) => index), seededRandom(seed, "split", "row"));
    // At least one row to learn from; with two rows or more, one to validate with follows from a ratio below 1.
    const trained = Math.max(Math.floor(rows.length * ratio), Math.min(rows.length, 1));
    const train = new Set(order.slice(0, trained));
    return {
      sides: rows.map((_, index) => train.has(index) ? "train" : "val"),
      by,
      groups: { train: trained, val: rows.length - trained },
    };
  }
  const books = dealt(rows, rows.map(({ book, passage }) => book ?? `\n${passage}`), wanted, seed);
  const missed = Math.abs(books.rows - wanted);
  if (rows.some(({ book }) => book !== undefined) && books.rows > 0 && missed <= TOLERANCE * rows.length) {
    return { ...books, by: "book" };
  }
  return { ...dealt(rows, rows.map(({ book, passage }) => `${book ?? ""}\n${passage}`), wanted, seed), by: "passage" };
}

/** Deals whole groups; rows of one cluster bind their groups together. */
function dealt(
  rows: readonly SplitRow[],
  groupOf: readonly string[],
  wanted: number,
  seed: number,
): { sides: Side[]; groups: Record<Side, number>; rows: number } {
  const roots = bound(rows, groupOf);
  const sizes = new Map<number, number>();
  for (const root of roots) sizes.set(root, (sizes.get(root) ?? 0) + 1);
  const order = shuffle([...sizes.keys()], seededRandom(seed, "split"));
  const chosen = new Set(
    chosenSizes(order.map((root) => sizes.get(root) ?? 0), wanted).map((index) => order[index]),
  );
  const sides = roots.map((root): Side => chosen.has(root) ? "val" : "train");
  return {
    sides,
    groups: { train: sizes.size - chosen.size, val: chosen.size },
    rows: sides.reduce((sum, side) => sum + (side === "val" ? 1 : 0), 0),
  };
}

/** Above this many steps the exact choice gives way to a greedy one, which is as good where groups are many and small. */
const MOST_STEPS = 2e8;

/**
 * Indices of sizes whose sum comes nearest to what is wanted, neither none nor all of them where there are two or more.
 * Exact (subset sums by dynamic programming): of equal sums the one that the order reaches first.
 */
function chosenSizes(sizes: readonly number[], wanted: number): number[] {
  if (sizes.length < 2) return [];
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total * sizes.length > MOST_STEPS) return greedySizes(sizes, wanted);
  /** By sum: the last group that goes into it, plus 1; 0 for a sum that is out of reach. */
  const last = new Uint32Array(total);
  sizes.forEach((size, index) => {
    for (let sum = total - 1; sum >= size; sum--) {
      if (last[sum] === 0 && (sum === size || (last[sum - size] ?? 0) > 0)) last[sum] = index + 1;
    }
  });
  let best = 0;
  for (let sum = 1; sum < total; sum++) {
    if (last[sum] !== 0 && (best === 0 || Math.abs(sum - wanted) < Math.abs(best - wanted))) best = sum;
  }
  const chosen: number[] = [];
  for (let sum = best; sum > 0;) {
    const index = (last[sum] ?? 0) - 1;
    chosen.push(index);
    sum -= sizes[index] ?? sum;
  }
  return chosen;
}

function greedySizes(sizes: readonly number[], wanted: number): number[] {
  const chosen: number[] = [];
  let taken = 0;
  sizes.forEach((size, index) => {
    // Takes a group where that comes nearer to the share than leaving it.
    if (Math.abs(taken + size - wanted) >= Math.abs(taken - wanted)) return;
    chosen.push(index);
    taken += size;
  });
  return chosen;
}

/** The root row of each row's group, groups that share a cluster being one (union-find). */
function bound(rows: readonly SplitRow[], groupOf: readonly string[]): number[] {
  const parent = rows.map((_, index) => index);
  const root = (index: number): number => {
    let at = index;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] ?? at] ?? at;
      at = parent[at] ?? at;
    }
    return at;
  };
  const firstOfGroup = new Map<string, number>();
  const firstOfCluster = new Map<number, number>();
  rows.forEach(({ cluster }, index) => {
    const group = groupOf[index] ?? "";
    for (const other of [firstOfGroup.get(group), firstOfCluster.get(cluster)]) {
      if (other === undefined) continue;
      const [a, b] = [root(index), root(other)];
      parent[Math.max(a, b)] = Math.min(a, b);
    }
    if (!firstOfGroup.has(group)) firstOfGroup.set(group, index);
    if (!firstOfCluster.has(cluster)) firstOfCluster.set(cluster, index);
  });
  return rows.map((_, index) => root(index));
}
