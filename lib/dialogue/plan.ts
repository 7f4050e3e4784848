/** The plan of a run: which persona answers about which theme of which passage, in which order, for which component. */
import { createMixPlan, type MixPlan, wholeRecipe } from "./mix.ts";
import type { Passages } from "./passages.ts";
import { type Coverage, NO_THEME, type Persona } from "./personas.ts";
import { draws, type Order } from "./plan_order.ts";
import { fillQueues, layOut, type Queue, refill } from "./plan_queues.ts";
import { type Assignment, themesOf } from "./prompt.ts";

export interface PlanOptions {
  readonly passages: Passages;
  readonly personas: readonly Persona[];
  /** By id; what is not named weighs 1. */
  readonly weights?: ReadonlyMap<string, number>;
  readonly seed: number;
  readonly examplesPerChunk: number;
  readonly order: Order;
  /** All themes that there are; passages of none are given one of them. */
  readonly themes?: readonly string[];
  /** Examples that there are already: the plan evens them out. */
  readonly covered?: Coverage;
  /** Only so many passages, the first of the order. */
  readonly maxChunks?: number | undefined;
  /** Only so many requests, a stratified choice; what a time budget allows. */
  readonly limit?: number | undefined;
  /** Who keeps account; without one everything is made, and no verdicts are expected. */
  readonly mix?: MixPlan;
  readonly signal?: AbortSignal;
}

/** An assignment with its place in the plan. */
export interface PlannedAssignment extends Assignment {
  /** `passage/persona`: the same in every run. */
  readonly id: string;
  /** The component of the mix that it is made for; `all` without a mix. */
  readonly component: string;
  /** The theme that the example is about: the first of `themes`. */
  readonly theme: string;
  /** Whether it is the first of its passage. */
  readonly first: boolean;
}

/**
 * Hands out assignments, lazily and in constant memory beside the passages' facts.
 *
 * Each passage belongs to one component, each component has a fixed sequence of passages and deals its own personas; so an
 * assignment depends on the passages, the personas and the seed, and never on what was answered, on concurrency or on a
 * resume. Answers decide only how far each sequence is followed: `mix` is told of every verdict, and the generator waits
 * where all that is wanted is pending. A component whose sequence is spent takes what full components have left, once
 * every component is settled. Followed one by one, each verdict before the next is asked for, the plan is the same for
 * the same answers: this is how the dataset is built.
 *
 * @throws {UsageError} a component has no personas, or fewer than examples per passage.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { presetPath } from "@/core/paths.ts";
 * import { loadPersonas } from "@/dialogue/personas.ts";
 * import { passagesOf } from "@/dialogue/passages.ts";
 * import { planAssignments } from "@/dialogue/plan.ts";
 *
 * const { personas } = await loadPersonas(presetPath("deepred/personas.jsonc"));
 * const chunk = {
 *   ...{ id: "35-1", text: "The lamp burned.", source_id: 35, source_title: "A Book" },
 *   keyword_counts: { science: 2, total: 2 },
 * };
 * const passages = passagesOf([chunk]);
 * const plan = planAssignments({ passages, personas, seed: 1969, examplesPerChunk: 2, order: "best-first" });
 * deepEqual((await Array.fromAsync(plan)).map(({ theme, first }) => [theme, first]), [
 *   ["science", true],
 *   ["science", false],
 * ]);
 * ```
 */
export async function* planAssignments(options: PlanOptions): AsyncGenerator<PlannedAssignment> {
  const { passages, signal } = options;
  const mix = options.mix ?? createMixPlan(wholeRecipe());
  const layout = layOut(mix.recipe, options);
  const queues = fillQueues(mix.recipe, layout, options);
  const used = new Uint8Array(passages.facts.length);
  while (true) {
    signal?.throwIfAborted();
    const queue = furthestBehind(queues, mix, used);
    if (queue) {
      if (queue.hand.length === 0) queue.hand = await nextHand(queue, used, options);
      const assignment = queue.hand.shift();
      if (!assignment) continue;
      queue.begun++;
      mix.begin(queue.component.name);
      yield assignment;
    } else if (!options.mix) return;
    else if (mix.pending() > 0) await verdict(mix, signal);
    else if (options.limit !== undefined || !refill(queues, layout, used, mix, options)) return;
  }
}

/** How much a plan holds at most: passages that any component draws from, and examples, targets considered. */
export function planSize(options: PlanOptions): { chunks: number; examples: number } {
  const { passages: { facts }, examplesPerChunk, maxChunks = Infinity, limit = Infinity, mix } = options;
  const components = (mix?.recipe ?? wholeRecipe()).components;
  const drawn = facts.filter((passage) => components.some((component) => draws(component, passage))).length;
  const chunks = Math.min(drawn, maxChunks);
  const wanted = components.reduce((sum, { target }) => sum + target, 0);
  const examples = Math.min(chunks * examplesPerChunk, wanted, limit);
  return { chunks: Math.min(chunks, Math.ceil(examples / examplesPerChunk)), examples };
}

/** Of the components that are wanted and have something left, the one that is furthest from its target. */
function furthestBehind(queues: readonly Queue[], mix: MixPlan, used: Uint8Array): Queue | undefined {
  let least: Queue | undefined;
  let lowest = Infinity;
  for (const queue of queues) {
    while (used[queue.passages[queue.next] ?? -1]) queue.next++;
    const left = queue.hand.length > 0 || queue.next < queue.passages.length;
    if (!left || queue.begun >= queue.limit || !mix.wanted(queue.component.name)) continue;
    const share = mix.share(queue.component.name);
    if (share < lowest) [least, lowest] = [queue, share];
  }
  return least;
}

/** The examples of a component's next passage. */
async function nextHand(queue: Queue, used: Uint8Array, options: PlanOptions): Promise<PlannedAssignment[]> {
  const { component, deal } = queue;
  const index = queue.passages[queue.next++] ?? -1;
  used[index] = 1;
  const dealt = deal(queue.themesOf(index));
  const chunk = await options.passages.read(index);
  const present = themesOf(chunk);
  return dealt.map(({ persona, theme }, at) => ({
    id: `${chunk.id}/${persona.id}`,
    chunk,
    persona,
    theme,
    themes: theme === NO_THEME ? present : [theme, ...present.filter((name) => name !== theme)],
    component: component.name,
    first: at === 0,
  }));
}

/** Waits for the next verdict. */
async function verdict(mix: MixPlan, signal: AbortSignal | undefined): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([mix.changed(), aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
