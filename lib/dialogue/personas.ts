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
 * anew, so that every persona meets every theme equally often (within one), and no hand holds a persona twice. Of the
 * cards in a deck those go first that were dealt least over all themes.
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
  const dealt = new Map<T, number>();
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
      let free = deck.cards.filter((card) => !hand.includes(card));
      if (free.length === 0) {
        deck.cards.push(...shuffle(personas, deck.random));
        free = deck.cards.filter((card) => !hand.includes(card));
      }
      const least = Math.min(...free.map((card) => dealt.get(card) ?? 0));
      const card = free.find((card) => (dealt.get(card) ?? 0) === least);
      if (!card) throw new RangeError("no card to deal"); // A fresh deck holds more cards than a hand.
      deck.cards.splice(deck.cards.indexOf(card), 1);
      dealt.set(card, (dealt.get(card) ?? 0) + 1);
      hand.push(card);
    }
    return hand;
  };
}
