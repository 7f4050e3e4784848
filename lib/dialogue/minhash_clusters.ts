/** Clusters of near-duplicates, for splits that keep them on one side. */
import { type DuplicateOptions, settings } from "./minhash.ts";
import { createTexts, type Texts } from "./minhash_texts.ts";

/**
 * Which texts belong together because one is a near-duplicate of the other, of another that is, and so on. A cluster's
 * number is that of its place by first member, from 0; a text without near-duplicates is a cluster of one. The clusters
 * do not depend on the order of the texts, their numbers do. The texts themselves are not held.
 *
 * @throws {UserError} for a threshold or a banding out of range.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { clusterDuplicates } from "@/dialogue/minhash_clusters.ts";
 *
 * deepEqual(clusterDuplicates(["Build, and keep building!", "Play the knight.", "Build and keep building."]), [0, 1, 0]);
 * ```
 */
export function clusterDuplicates(source: Iterable<string>, options: DuplicateOptions = {}): number[] {
  const { threshold, banding: { bands, rows } } = settings(options);
  const texts = createTexts({ bands, rows }, threshold);
  for (const text of source) {
    texts.read(text);
    texts.keep();
  }
  const sets = createDisjointSets(texts.size);
  for (let band = 0; band < bands; band++) {
    for (const bucket of bucketsOf(texts, bands, band)) joinBucket(bucket, texts, sets, { bands, band });
  }
  const numbers = new Map<number, number>();
  return Array.from({ length: texts.size }, (_, index) => {
    const root = sets.find(index);
    const number = numbers.get(root) ?? numbers.size;
    numbers.set(root, number);
    return number;
  });
}

/** Texts that agree in a band, where there are at least two, ascending. */
function bucketsOf(texts: Texts, bands: number, band: number): number[][] {
  const byKey = new Map<number, number | number[]>();
  const buckets: number[][] = [];
  for (let index = 0; index < texts.size; index++) {
    const key = texts.keyAt(index * bands + band);
    const held = byKey.get(key);
    if (held === undefined) byKey.set(key, index);
    else if (typeof held === "number") byKey.set(key, buckets[buckets.push([held, index]) - 1] ?? []);
    else held.push(index);
  }
  return buckets;
}

/**
 * Joins the near-duplicates within a bucket. Members are kept by cluster, and one that is already joined to a cluster is
 * compared with none of it, so that a thousand versions of one text cost a thousand comparisons and not half a million.
 */
function joinBucket(
  bucket: readonly number[],
  texts: Texts,
  sets: DisjointSets,
  { bands, band }: { bands: number; band: number },
): void {
  let groups: number[][] = [];
  /** A pair that agreed in an earlier band was compared there, or was already joined. */
  const isNew = (a: number, b: number) => {
    for (let earlier = 0; earlier < band; earlier++) {
      if (texts.keyAt(a * bands + earlier) === texts.keyAt(b * bands + earlier)) return false;
    }
    return true;
  };
  for (const index of bucket) {
    let recalled = false;
    const isNear = (other: number) => {
      if (!isNew(index, other)) return false;
      if (!recalled) texts.recall(index);
      recalled = true;
      return texts.similarity(other) > 0;
    };
    const apart: number[][] = [];
    let own = [index];
    for (const group of groups) {
      const together = sets.find(group[0] ?? index) === sets.find(index) || group.some(isNear);
      if (!together) {
        apart.push(group);
        continue;
      }
      sets.join(group[0] ?? index, index);
      const [few, many] = own.length < group.length ? [own, group] : [group, own];
      for (const member of few) many.push(member);
      own = many;
    }
    groups = [...apart, own];
  }
}

/** A partition of 0 … size − 1 into sets that are joined over time. */
interface DisjointSets {
  /** The member that stands for a set. */
  find(member: number): number;
  join(a: number, b: number): void;
}

/** Every member alone. Union by smaller number with path halving (Tarjan and van Leeuwen 1984). */
function createDisjointSets(size: number): DisjointSets {
  const parents = Uint32Array.from({ length: size }, (_, member) => member);
  function find(member: number): number {
    for (let parent = parents[member] ?? member; parent !== member; parent = parents[member] ?? member) {
      parents[member] = parents[parent] ?? parent;
      member = parent;
    }
    return member;
  }
  return {
    find,
    join(a, b) {
      const [low, high] = [find(a), find(b)].sort((x, y) => x - y);
      if (low !== undefined && high !== undefined) parents[high] = low;
    },
  };
}
