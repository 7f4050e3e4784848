import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { readJsonc } from "../core/jsonc.ts";
import { seededRandom, shuffle } from "./random.ts";

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
 * Deals personas to passages like cards: one deck per theme, shuffled by the seed and dealt out before it is shuffled
 * anew, so that every persona meets every theme equally often (within one), and no hand holds a persona twice.
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
  const decks = new Map<string, { cards: T[]; random: () => number }>();
  return (theme, count) => {
    if (count > personas.length) {
      throw new UsageError(
        `Cannot make ${count} examples per chunk: there are ${personas.length} personas, and a chunk's examples share none`,
      );
    }
    const deck = decks.get(theme) ?? { cards: [], random: seededRandom(seed, "deck", theme) };
    decks.set(theme, deck);
    const hand: T[] = [];
    while (hand.length < count) {
      let at = deck.cards.findIndex((card) => !hand.includes(card));
      if (at < 0) {
        deck.cards.push(...shuffle(personas, deck.random));
        at = deck.cards.findIndex((card) => !hand.includes(card));
      }
      hand.push(...deck.cards.splice(at, 1));
    }
    return hand;
  };
}
