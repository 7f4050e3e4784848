/** In which order passages are taken, and for which component of a mix. Pure: facts in, numbers of passages out. */
import type { Component } from "./mix.ts";
import type { PassageFacts } from "./passages.ts";

/** `best-first`: stratified by theme and book, the best of each first. `file`: as they come. */
export const ORDERS = ["best-first", "file"] as const;
export type Order = typeof ORDERS[number];

/**
 * Passages in the order of a run. Every beginning of it is a stratified choice, so that a run that stops early (a budget, a
 * limit, a full component) has taken the best of every theme and book instead of the first books of the file.
 *
 * Themes take turns in proportion to their weights, those first that have fewest examples already. Within a theme books take turns in proportion to the square root of
 * their numbers of passages, so that a long novel neither drowns a pamphlet nor is cut down to its size; within a book the
 * best score goes first. Gap topics come after everything that was written by people.
 *
 * @param indexes Which passages.
 * @param themeOf The theme under which a passage stands.
 * @param weights Of themes; what is not named weighs 1.
 * @param made Passages of which each theme has examples already.
 */
export function orderPassages(
  indexes: ArrayLike<number>,
  facts: readonly PassageFacts[],
  order: Order,
  themeOf: (index: number) => string,
  weights: ReadonlyMap<string, number> = new Map(),
  made: ReadonlyMap<string, number> = new Map(),
): Int32Array {
  const all = Int32Array.from(indexes);
  const gap = (index: number) => facts[index]?.kind === "gap" ? 1 : 0;
  if (order === "file") return all.sort((a, b) => gap(a) - gap(b) || a - b);
  const score = (index: number) => facts[index]?.score ?? 0;
  const byScore = (a: number, b: number) => score(b) - score(a) || a - b;

  const turn = new Float64Array(facts.length);
  for (const ofTheme of Map.groupBy(all, (index) => `${gap(index)} ${themeOf(index)}`).values()) {
    for (const ofBook of Map.groupBy(ofTheme, (index) => facts[index]?.book ?? "").values()) {
      const weight = Math.sqrt(ofBook.length);
      ofBook.sort(byScore).forEach((index, rank) => turn[index] = (rank + 0.5) / weight);
    }
    ofTheme.sort((a, b) => (turn[a] ?? 0) - (turn[b] ?? 0) || byScore(a, b));
    const theme = themeOf(ofTheme[0] ?? -1);
    const weight = weights.get(theme) ?? 1, before = made.get(theme) ?? 0;
    ofTheme.forEach((index, place) => turn[index] = (before + place + 0.5) / weight);
  }
  return all.sort((a, b) => gap(a) - gap(b) || (turn[a] ?? 0) - (turn[b] ?? 0) || byScore(a, b));
}

/** Whether a component draws from a passage. */
export function draws(component: Component, { kind, shelf, themes }: PassageFacts): boolean {
  const { sources, shelves, themes: wanted } = component;
  return (sources.length === 0 || sources.includes(kind)) &&
    (shelves.length === 0 || kind !== "gutenberg" || shelves.includes(shelf)) &&
    (wanted.length === 0 || themes.length === 0 || themes.some((theme) => wanted.includes(theme)));
}

/**
 * The themes that an example of this component may be about: those of the passage that the component asks for; for a
 * passage that has none, any that the component asks for, else any that there is.
 */
export function themesFor(component: Component, facts: PassageFacts, all: readonly string[]): readonly string[] {
  const { themes: wanted } = component;
  if (facts.themes.length === 0) return wanted.length > 0 ? wanted : all;
  return wanted.length > 0 ? facts.themes.filter((theme) => wanted.includes(theme)) : facts.themes;
}

/**
 * Gives each passage to one of the components that draw from it: to the one that presses most, by what it still needs as
 * a share of what it can still get. So a component with few sources is served before one that can do with any; where all
 * have what they need, a second round begins, for examples that will be rejected.
 *
 * @param needs Passages that each component needs.
 */
export function partPassages(
  order: ArrayLike<number> & Iterable<number>,
  facts: readonly PassageFacts[],
  components: readonly Component[],
  needs: readonly number[],
): number[][] {
  const queues: number[][] = components.map(() => []);
  const left = components.map(() => 0);
  const drawing = Array.from(order, (index) => {
    const passage = facts[index];
    const list = components.flatMap((component, at) => passage && draws(component, passage) ? [at] : []);
    for (const at of list) left[at] = (left[at] ?? 0) + 1;
    return list;
  });
  const filled = (at: number) => (queues[at]?.length ?? 0) / (needs[at] ?? 1);
  for (let place = 0; place < order.length; place++) {
    const list = drawing[place] ?? [];
    const round = Math.floor(Math.min(...list.map(filled))) + 1;
    let best = -1;
    let highest = -Infinity;
    for (const at of list) {
      const pressure = (round - filled(at)) * (needs[at] ?? 1) / (left[at] ?? 1);
      if (pressure > highest) [best, highest] = [at, pressure];
    }
    for (const at of list) left[at] = (left[at] ?? 0) - 1;
    queues[best]?.push(order[place] ?? 0);
  }
  return queues;
}

/** Parts a number of requests among components in proportion to their targets, as far as each has passages. */
export function partRequests(limit: number, targets: readonly number[], supply: readonly number[]): number[] {
  const parts = targets.map(() => 0);
  for (let given = 0; given < limit; given++) {
    let best = -1;
    let least = Infinity;
    targets.forEach((target, at) => {
      const share = ((parts[at] ?? 0) + 0.5) / target;
      if (share < least && (parts[at] ?? 0) < (supply[at] ?? 0)) [best, least] = [at, share];
    });
    if (best < 0) break;
    parts[best] = (parts[best] ?? 0) + 1;
  }
  return parts;
}
