/** A recipe for a dataset: components with targets, what each draws from, and how far each has come. */
import { z } from "zod";
import { readJsonc } from "../core/jsonc.ts";
import { SOURCE_KINDS } from "./source_kinds.ts";

/** One part of the dataset. An empty list means: any. */
export const Component = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_-]*$/, "must be lower-case letters, digits, dashes and underscores"),
  /** Accepted examples at which it is full. */
  target: z.int().min(1),
  /** What it teaches; for people. */
  purpose: z.string().default(""),
  /** Kinds of source that it draws from. */
  sources: z.array(z.enum(SOURCE_KINDS)).default([]),
  /** Themes of which a passage must have one; the example is about that one. */
  themes: z.array(z.string().min(1)).default([]),
  /** Categories of personas that speak in it. */
  personas: z.array(z.string().min(1)).default([]),
  /** Shelves of the corpus that passages of books must come from. */
  shelves: z.array(z.string().min(1)).default([]),
});
export type Component = z.infer<typeof Component>;

/** A mix file such as `lib/presets/deepred/mix.jsonc`. */
export const Recipe = z.strictObject({ components: z.array(Component).min(1) })
  .superRefine(({ components }, check) => {
    const seen = new Set<string>();
    components.forEach(({ name }, index) => {
      if (seen.has(name)) {
        check.addIssue({ code: "custom", path: ["components", index, "name"], message: `"${name}" is there twice` });
      }
      seen.add(name);
    });
  });
export type Recipe = z.infer<typeof Recipe>;

/** @throws {UsageError} with every fault, each as `file:line`. */
export function loadRecipe(path: string): Promise<Recipe> {
  return readJsonc(path, Recipe);
}

/** The recipe of a run without one: everything, up to a number of examples. */
export function wholeRecipe(target: number = Number.MAX_SAFE_INTEGER): Recipe {
  return { components: [{ name: "all", target, purpose: "", sources: [], themes: [], personas: [], shelves: [] }] };
}

/**
 * The same mix with another sum, by largest remainders; no component falls below one example.
 *
 * @throws {RangeError} fewer examples than components.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { Recipe, scaleRecipe } from "@/dialogue/mix.ts";
 *
 * const recipe = Recipe.parse({ components: [{ name: "core", target: 500 }, { name: "chess", target: 100 }] });
 * deepEqual(scaleRecipe(recipe, 60).components.map(({ target }) => target), [50, 10]);
 * ```
 */
export function scaleRecipe(recipe: Recipe, sum: number): Recipe {
  const { components } = recipe;
  const targets = shares(components.map(({ target }) => target), sum);
  return { components: components.map((component, index) => ({ ...component, target: targets[index] ?? 1 })) };
}

/** Parts a whole number in proportion to weights, by largest remainders; each part is at least 1. */
function shares(weights: readonly number[], sum: number): number[] {
  if (sum < weights.length) throw new RangeError(`Cannot part ${sum} examples among ${weights.length} components`);
  const all = weights.reduce((total, weight) => total + weight, 0);
  const parts = weights.map((weight) => Math.max(1, Math.floor((weight / all) * sum)));
  const rest = weights.map((weight, index) => ({ index, over: (weight / all) * sum - (parts[index] ?? 0) }))
    .sort((a, b) => b.over - a.over || a.index - b.index);
  let left = sum - parts.reduce((total, part) => total + part, 0);
  // Negative where the minimum of 1 gave too much: the largest parts pay for it.
  for (; left < 0; left++) parts[parts.indexOf(Math.max(...parts))] = Math.max(...parts) - 1;
  for (const { index } of rest.slice(0, left)) parts[index] = (parts[index] ?? 0) + 1;
  return parts;
}

/** How far a component has come. */
export interface Progress {
  readonly component: string;
  readonly target: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Handed out, with no verdict yet. */
  readonly pending: number;
  readonly missing: number;
}

/** Keeps account of a recipe while examples are made. */
export interface MixPlan {
  readonly recipe: Recipe;
  /** Whether another example may be started: accepted and pending together are fewer than the target. */
  wanted(component: string): boolean;
  /** Accepted and pending, as a share of the target. */
  share(component: string): number;
  /** An example was started. */
  begin(component: string): void;
  /** Its verdict: each one begun gets one of the two, a failure to answer being a rejection. */
  accept(component: string): void;
  reject(component: string): void;
  /** Examples of all components that wait for a verdict. */
  pending(): number;
  progress(): Progress[];
  /** Components that are not full, in the order of the recipe. */
  missing(): Progress[];
  /** Resolves at the next verdict. */
  changed(): Promise<void>;
}

interface Account {
  readonly target: number;
  accepted: number;
  rejected: number;
  pending: number;
}

/**
 * An example is started only while those accepted and those pending together fall short of the target. So what is started
 * of a component is always the shortest run of its plan that fills it, whatever the concurrency, and nothing is made in
 * vain.
 *
 * @param surplus Examples that a component needs beyond its target, by name: how a run that collects answers makes up for
 * those that only the finished dataset shows to be duplicates.
 *
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { createMixPlan, Recipe } from "@/dialogue/mix.ts";
 *
 * const mix = createMixPlan(Recipe.parse({ components: [{ name: "chess", target: 2 }] }));
 * mix.begin("chess");
 * mix.begin("chess");
 * equal(mix.wanted("chess"), false);
 * mix.accept("chess");
 * mix.reject("chess");
 * equal(mix.wanted("chess"), true);
 * deepEqual(mix.missing().map(({ component, missing }) => [component, missing]), [["chess", 1]]);
 * ```
 */
export function createMixPlan(recipe: Recipe, surplus: ReadonlyMap<string, number> = new Map()): MixPlan {
  const accounts = new Map(recipe.components.map(({ name, target }): [string, Account] => [
    name,
    { target: target + (surplus.get(name) ?? 0), accepted: 0, rejected: 0, pending: 0 },
  ]));
  const accountOf = (component: string): Account => {
    const account = accounts.get(component);
    if (!account) throw new RangeError(`no component "${component}" in the mix`);
    return account;
  };
  let waiting = Promise.withResolvers<void>();
  const wake = () => {
    waiting.resolve();
    waiting = Promise.withResolvers<void>();
  };
  const settle = (component: string, verdict: "accepted" | "rejected") => {
    const account = accountOf(component);
    if (account.pending === 0) throw new RangeError(`a verdict on "${component}", where nothing is pending`);
    account.pending--;
    account[verdict]++;
    wake();
  };
  const progress = () =>
    [...accounts].map(([component, { target, accepted, rejected, pending }]): Progress => ({
      component,
      target,
      accepted,
      rejected,
      pending,
      missing: Math.max(0, target - accepted),
    }));
  return {
    recipe,
    wanted(component) {
      const { accepted, pending, target } = accountOf(component);
      return accepted + pending < target;
    },
    share(component) {
      const { accepted, pending, target } = accountOf(component);
      return (accepted + pending) / target;
    },
    begin: (component) => void accountOf(component).pending++,
    accept: (component) => settle(component, "accepted"),
    reject: (component) => settle(component, "rejected"),
    pending: () => [...accounts.values()].reduce((sum, { pending }) => sum + pending, 0),
    progress,
    missing: () => progress().filter(({ missing }) => missing > 0),
    changed: () => waiting.promise,
  };
}

/** What is missing, a line a component; empty where all are full. */
export function missingLines(progress: readonly Progress[]): string[] {
  return progress.filter(({ missing }) => missing > 0).map(({ component, target, accepted, missing }) =>
    `${component}: ${accepted} of ${target} examples, ${missing} missing`
  );
}
