/** What each component of a mix has before it: its passages in order, their themes, and who is dealt. */
import { counted } from "../core/format.ts";
import { UsageError } from "../core/errors.ts";
import type { Component, MixPlan, Recipe } from "./mix.ts";
import { type Coverage, createDealer, type Dealt, NO_THEME, type Persona } from "./personas.ts";
import type { PlannedAssignment, PlanOptions } from "./plan.ts";
import { orderPassages, partPassages, partRequests, themesFor } from "./plan_order.ts";
import { allotThemes, madeOf } from "./plan_themes.ts";
import { seedOf } from "./random.ts";

/** What is left to do for one component. */
export interface Queue {
  readonly component: Component;
  readonly deal: (themes: readonly string[]) => Dealt<Persona>[];
  /** Themes of a passage's examples, one each. */
  themesOf: (index: number) => readonly string[];
  passages: ArrayLike<number>;
  next: number;
  /** What is still to be handed out of the passage in hand. */
  hand: PlannedAssignment[];
  begun: number;
  /** Requests that a budget allows. */
  readonly limit: number;
}

/** All passages in order, with the themes that they have before any component asks for others. */
export interface Layout {
  readonly order: Int32Array;
  readonly allotted: readonly (readonly string[])[];
  /** By component. */
  readonly parts: readonly (readonly number[])[];
}

export function layOut({ components }: Recipe, options: PlanOptions): Layout {
  const { passages: { facts }, examplesPerChunk: each, themes = [], maxChunks } = options;
  const offered = facts.map((passage) => passage.themes.length > 0 ? passage.themes : themes);
  const allotted = allotThemes(offered, each, undefined, madeOf(options.covered));
  const order = ordered(facts.map((_, index) => index), (index) => first(allotted[index]), options)
    .subarray(0, maxChunks);
  const parts = partPassages(order, facts, components, components.map(({ target }) => target / each));
  return { order, allotted, parts };
}

/** Passages in the order of the run; without shares of themes those come first that are covered least. */
function ordered(
  indexes: ArrayLike<number>,
  themeOf: (index: number) => string,
  { passages: { facts }, order, covered, examplesPerChunk }: PlanOptions,
  share?: ReadonlyMap<string, number>,
): Int32Array {
  const made = new Map(share ? [] : [...madeOf(covered)].map(([theme, count]) => [theme, count / examplesPerChunk]));
  return orderPassages(indexes, facts, order, themeOf, share, made);
}

function first(themes: readonly string[] | undefined): string {
  return themes?.[0] ?? NO_THEME;
}

/**
 * The queues of all components. Those that take any theme and any persona come last and are dealt what the others leave
 * thin, so that the whole dataset covers persona × theme more evenly than its parts.
 */
export function fillQueues({ components }: Recipe, { allotted, parts }: Layout, options: PlanOptions): Queue[] {
  const { examplesPerChunk: each, seed, weights, limit } = options;
  const targets = components.map(({ target }) => target);
  const limits = limit === undefined
    ? undefined
    : partRequests(limit, targets, parts.map((part) => part.length * each));
  const queues: Queue[] = [];
  const expected = copyOf(options.covered);
  const rest = components.map((_, at) => at).sort((a, b) =>
    Number(isOpen(components[a])) - Number(isOpen(components[b]))
  );
  for (const at of rest) {
    const component = components[at];
    if (!component) continue;
    const speaking = speakers(component, options);
    const evening = isOpen(component) && components.length > 1;
    const share = evening ? leftOver(component, expected, options) : undefined;
    const covered = evening ? expected : options.covered;
    const queue: Queue = {
      component,
      deal: createDealer(speaking, seedOf(seed, "plan", component.name), weights, copyOf(covered)),
      ...stock(component, parts[at] ?? [], allotted, options, share),
      next: 0,
      hand: [],
      begun: 0,
      limit: limits?.[at] ?? Infinity,
    };
    if (!isOpen(component)) expect(queue, speaking, expected, options);
    queues[at] = queue;
  }
  return queues;
}

/** Gives what nobody used to the components that are not full; false where nothing of it suits them. */
export function refill(
  queues: readonly Queue[],
  { order, allotted }: Layout,
  used: Uint8Array,
  mix: MixPlan,
  options: PlanOptions,
): boolean {
  const missing = new Map(mix.missing().map(({ component, missing }) => [component, missing]));
  const hungry = queues.filter(({ component }) => missing.has(component.name));
  const needs = hungry.map(({ component }) => (missing.get(component.name) ?? 1) / options.examplesPerChunk);
  const left = order.filter((index) => !used[index]);
  const parts = partPassages(left, options.passages.facts, hungry.map(({ component }) => component), needs);
  hungry.forEach((queue, at) =>
    Object.assign(queue, stock(queue.component, parts[at] ?? [], allotted, options), { next: 0 })
  );
  return parts.some((part) => part.length > 0);
}

/** A component's passages with their themes; both anew where it does not take any theme alike. */
function stock(
  component: Component,
  part: readonly number[],
  allotted: Layout["allotted"],
  options: PlanOptions,
  share?: ReadonlyMap<string, number>,
): Pick<Queue, "passages" | "themesOf"> {
  if (component.themes.length === 0 && !share) return { passages: part, themesOf: (index) => allotted[index] ?? [] };
  const { passages: { facts }, themes = [], examplesPerChunk } = options;
  const choices = part.map((index) => {
    const passage = facts[index];
    return passage ? themesFor(component, passage, themes) : [];
  });
  const own = allotThemes(choices, examplesPerChunk, share, share ? undefined : madeOf(options.covered));
  const places = new Map(part.map((index, place) => [index, place]));
  const themesOf = (index: number) => own[places.get(index) ?? -1] ?? [];
  return { passages: ordered(part, (index) => first(themesOf(index)), options, share), themesOf };
}

/** Whether a component takes any theme and any persona, and so may even out the others. */
function isOpen(component: Component | undefined): boolean {
  return component?.themes.length === 0 && component.personas.length === 0;
}

/** Adds to the coverage what a component will make, were it to follow its queue to its target. */
function expect(
  { component, passages, themesOf }: Queue,
  speaking: readonly Persona[],
  expected: Map<string, Map<string, number>>,
  { examplesPerChunk, weights }: PlanOptions,
): void {
  const count = Math.min(passages.length, Math.ceil(component.target / examplesPerChunk));
  const weightOf = ({ id }: Persona) => weights?.get(id) ?? 1;
  const sum = speaking.reduce((total, persona) => total + weightOf(persona), 0);
  for (let place = 0; place < count; place++) {
    for (const theme of themesOf(passages[place] ?? -1)) {
      const row = expected.get(theme) ?? new Map<string, number>();
      expected.set(theme, row);
      for (const persona of speaking) row.set(persona.id, (row.get(persona.id) ?? 0) + weightOf(persona) / sum);
    }
  }
}

/** A theme that others cover enough is still touched now and then: this share of an even part. */
const LEAST_SHARE = 0.05;

/** How much an open component should make of each theme, so that all themes come out alike. */
function leftOver(
  { target }: Component,
  expected: Coverage,
  { themes = [], passages: { facts } }: PlanOptions,
): Map<string, number> {
  const names = themes.length > 0 ? themes : [...new Set(facts.flatMap((passage) => passage.themes))];
  const made = madeOf(expected);
  const even = (names.reduce((sum, name) => sum + (made.get(name) ?? 0), 0) + target) / names.length;
  return new Map(names.map((name) => [name, Math.max(even - (made.get(name) ?? 0), even * LEAST_SHARE)]));
}

function copyOf(coverage: Coverage | undefined): Map<string, Map<string, number>> {
  return new Map([...coverage ?? []].map(([theme, row]) => [theme, new Map(row)]));
}

/** Who speaks in a component. @throws {UsageError} where there are too few. */
export function speakers(
  component: Component,
  { personas, weights, examplesPerChunk }: Pick<PlanOptions, "personas" | "weights" | "examplesPerChunk">,
): Persona[] {
  const { name, personas: categories } = component;
  const speaking = personas.filter(({ id, category }) =>
    (categories.length === 0 || categories.includes(category)) && (weights?.get(id) ?? 1) > 0
  );
  if (speaking.length >= examplesPerChunk) return speaking;
  const where = categories.length > 0 ? ` of ${categories.join(", ")} for the component "${name}"` : "";
  const are = speaking.length === 1 ? "is" : "are";
  throw new UsageError(
    `Cannot make ${counted(examplesPerChunk, "example")} per chunk: there ${are} ${
      counted(speaking.length, "persona")
    }${where}, and a chunk's ` +
      "examples share none",
    "Ask for fewer --examples-per-chunk, or for more personas.",
  );
}
