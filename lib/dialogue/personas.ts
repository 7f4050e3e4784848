import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { readJsonc } from "../core/jsonc.ts";
import { seededRandom } from "./random.ts";

/** A variant of the persona: how it speaks, and the system prompt that the dataset teaches for it. */
export const Persona = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9_]*$/, "must be lower-case letters, digits and underscores"),
  category: z.string().min(1),
  name: z.string().min(1),
  traits: z.array(z.string().min(1)).min(1),
  /** How it speaks; the request carries it. */
  voice: z.string().min(1),
  /** The system message of this persona's examples. */
  system: z.string().min(1),
  /** How near each theme is to this persona, 0 to 1. */
  themes: z.record(z.string(), z.number().min(0).max(1)).default({}),
  /** A few sentences in its voice. */
  sample: z.string().default(""),
});
export type Persona = z.infer<typeof Persona>;

export const PersonaFile = z.strictObject({
  /** Where the persona comes from; shared by all variants. */
  origin: z.string().default(""),
  personas: z.array(Persona).min(1),
}).superRefine(({ personas }, check) => {
  const seen = new Set<string>();
  personas.forEach(({ id }, index) => {
    if (seen.has(id)) {
      check.addIssue({ code: "custom", path: ["personas", index, "id"], message: `"${id}" is there twice` });
    }
    seen.add(id);
  });
});
export type PersonaFile = z.infer<typeof PersonaFile>;

/** @throws {UsageError} with every fault, each as `file:line`. */
export function loadPersonas(path: string): Promise<PersonaFile> {
  return readJsonc(path, PersonaFile);
}

/**
 * The personas that are asked for, by id or by category, in the order of the file.
 *
 * @throws {UsageError} naming every one that there is not, and those that there are.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { choosePersonas } from "@/dialogue/personas.ts";
 *
 * const all = [{ id: "primary", category: "core" }, { id: "tactician", category: "chess_strategy" }];
 * deepEqual(choosePersonas(all, ["chess_strategy"]).map(({ id }) => id), ["tactician"]);
 * ```
 */
export function choosePersonas<T extends Named>(personas: readonly T[], wanted: readonly string[]): T[] {
  const faults = wanted.filter((name) => !personas.some((persona) => isCalled(persona, name)))
    .map((name) => `Unknown persona "${name}"`);
  if (faults.length > 0) throw new UsageError(faults, namesOf(personas));
  return personas.filter((persona) => wanted.length === 0 || wanted.some((name) => isCalled(persona, name)));
}

/** What a choice looks at. */
type Named = Pick<Persona, "id" | "category">;

function isCalled({ id, category }: Named, name: string): boolean {
  return id === name || category === name;
}

function namesOf(personas: readonly Named[]): string {
  const categories = [...new Set(personas.map(({ category }) => category))];
  return `There are ${personas.map(({ id }) => id).join(", ")}, and the categories ${categories.join(", ")}.`;
}

/** The largest weight: beyond it a chunk of two examples cannot follow anyway. */
const LARGEST_WEIGHT = 1000;

/**
 * Weights by id out of entries such as `primary=3` or, for all of a category, `core=0.5`; an id goes before its
 * category, and what is not named weighs 1. A persona of weight 0 is never drawn.
 *
 * @throws {UsageError} with every bad entry.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { personaWeights } from "@/dialogue/personas.ts";
 *
 * const weights = personaWeights([{ id: "primary", category: "core" }], ["primary=3"]);
 * equal(weights.get("primary"), 3);
 * ```
 */
export function personaWeights(personas: readonly Named[], entries: readonly string[]): Map<string, number> {
  const faults: string[] = [];
  const given = new Map<string, number>();
  for (const entry of entries) {
    const [, name = "", value = ""] = /^([^=]+)=(.+)$/.exec(entry.trim())?.map((part) => part.trim()) ?? [];
    const weight = value === "" ? NaN : Number(value);
    const bad = (why: string) => faults.push(`Cannot use the persona weight "${entry}": ${why}`);
    if (name === "") bad('it is not of the form "persona=number"');
    else if (!(weight >= 0 && weight <= LARGEST_WEIGHT)) bad(`valid is a number from 0 to ${LARGEST_WEIGHT}`);
    else if (!personas.some((persona) => isCalled(persona, name))) bad(`there is no persona "${name}"`);
    else if (given.has(name)) bad(`"${name}" has a weight already`);
    else given.set(name, weight);
  }
  if (faults.length > 0) throw new UsageError(faults, namesOf(personas));
  const weights = personas.map(({ id, category }): [string, number] => [id, given.get(id) ?? given.get(category) ?? 1]);
  if (weights.every(([, weight]) => weight === 0)) {
    throw new UsageError("Cannot draw personas: all of them weigh 0", namesOf(personas));
  }
  return new Map(weights);
}

/** How many examples there are, by theme and by persona's id. */
export type Coverage = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** A persona that was dealt, and the theme for which. */
export interface Dealt<T> {
  readonly persona: T;
  readonly theme: string;
}

/**
 * Deals personas to passages, so that each theme is covered evenly by all of them at every moment of the run.
 *
 * For an example about a theme goes the persona with the smallest (n + ½) / weight, n being its examples there: the divisor
 * method of Webster, which follows the weights to about one example. Ties go to the persona with the fewest examples over
 * all themes, then to chance by the seed. A hand never holds a persona twice, so that one may be put off for the next.
 *
 * The draw depends on the seed and on the hands dealt before, and on nothing else; memory is one number a cell.
 *
 * @param weights By id; what is not named weighs 1.
 * @param covered Examples that there are already, by theme and id: what has fewest comes first.
 * @returns Deals one persona for each of the themes given, all different.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { createDealer } from "@/dialogue/personas.ts";
 *
 * const deal = createDealer([{ id: "primary" }, { id: "teacher" }, { id: "cosmist" }], 1969);
 * const hand = deal(["strategy", "science", "strategy"]);
 * equal(new Set(hand.map(({ persona }) => persona.id)).size, 3);
 * ```
 */
export function createDealer<T extends { readonly id: string }>(
  personas: readonly T[],
  seed: number,
  weights: ReadonlyMap<string, number> = new Map(),
  covered: Coverage = new Map(),
): (themes: readonly string[]) => Dealt<T>[] {
  const weightOf = ({ id }: T) => weights.get(id) ?? 1;
  const cards = personas.filter((persona) => weightOf(persona) > 0);
  const rows = new Map<string, { dealt: Float64Array; random: () => number }>();
  const total = new Float64Array(cards.length);
  const weight = Float64Array.from(cards, weightOf);
  const rowOf = (theme: string) => {
    const known = rows.get(theme);
    if (known) return known;
    const dealt = Float64Array.from(cards, ({ id }) => covered.get(theme)?.get(id) ?? 0);
    dealt.forEach((count, at) => total[at] = (total[at] ?? 0) + count);
    const row = { dealt, random: seededRandom(seed, "deal", theme) };
    rows.set(theme, row);
    return row;
  };
  return (themes) => {
    if (themes.length > cards.length) {
      throw new UsageError(
        `Cannot make ${themes.length} examples per chunk: there are ${cards.length} personas, and a chunk's examples share none`,
        "Ask for fewer --examples-per-chunk, or for more personas.",
      );
    }
    const taken = new Set<number>();
    return themes.map((theme) => {
      const row = rowOf(theme);
      const at = nextCard(row.dealt, total, weight, taken, row.random);
      const persona = cards[at];
      if (!persona) throw new RangeError("no card to deal"); // There are more cards than a hand holds.
      taken.add(at);
      row.dealt[at] = (row.dealt[at] ?? 0) + 1;
      total[at] = (total[at] ?? 0) + 1;
      return { persona, theme };
    });
  };
}

/** Under this name passages are dealt that offer no theme. */
export const NO_THEME = "none";

/** The card whose turn it is in a theme; `chance` decides between equals. */
function nextCard(
  dealt: Float64Array,
  total: Float64Array,
  weight: Float64Array,
  taken: ReadonlySet<number>,
  chance: () => number,
): number {
  let best: number[] = [];
  let lowest: readonly [number, number] = [Infinity, Infinity];
  for (let at = 0; at < dealt.length; at++) {
    if (taken.has(at)) continue;
    const share = weight[at] ?? 1;
    const key = [((dealt[at] ?? 0) + 0.5) / share, (total[at] ?? 0) / share] as const;
    const order = key[0] - lowest[0] || key[1] - lowest[1];
    if (order < 0) [best, lowest] = [[at], key];
    else if (order === 0) best.push(at);
  }
  return best[Math.floor(chance() * best.length)] ?? -1;
}

/**
 * Deals the personas of passages that have one theme each; see {@linkcode createDealer}.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { personaDealer } from "@/dialogue/personas.ts";
 *
 * const deal = personaDealer([{ id: "primary" }, { id: "teacher" }, { id: "cosmist" }], 1969);
 * equal(new Set(deal("chess", 3).map((persona) => persona.id)).size, 3);
 * ```
 */
export function personaDealer<T extends { readonly id: string }>(
  personas: readonly T[],
  seed: number,
): (theme: string, count: number) => T[] {
  const deal = createDealer(personas, seed);
  return (theme, count) => deal(Array<string>(count).fill(theme)).map(({ persona }) => persona);
}
