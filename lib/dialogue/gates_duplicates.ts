/** What an earlier example has said already; questions and answers are looked at apart. */
import type { GateRules } from "./gates.ts";
import type { GateReason } from "./gates_settings.ts";
import { createDuplicateIndex, type DuplicateIndex } from "./minhash.ts";
import type { Exchange } from "./parse.ts";

/**
 * Half the memory of the usual 20 × 5, for texts as short as questions: a pair is compared with probability 0.93 at
 * similarity 0.7 and 0.995 at 0.8.
 */
const QUESTION_BANDING = { bands: 10, rows: 4 };

/** Remembers the exchanges that passed: about 1.5 bytes a word and 600 an exchange, not their texts. */
export interface DuplicateGate {
  /** Why an exchange repeats an earlier one, or `undefined`. */
  check(persona: string, exchange: Exchange): { reason: GateReason; detail: string } | undefined;
  /** Remembers an exchange that goes into the dataset. */
  add(id: string, persona: string, exchange: Exchange): void;
}

/** An empty memory. */
export function duplicateGate(
  { settings, off, vocabulary }: Pick<GateRules, "settings" | "off" | "vocabulary">,
): DuplicateGate {
  const { answers, questions, questionsOf } = settings.duplicates;
  const ids: string[] = [];
  const said = createDuplicateIndex<number>({ threshold: answers, vocabulary });
  // One index for all personas, or one for each.
  const asked = new Map<string, DuplicateIndex<number>>();
  const askedOf = (persona: string) => {
    const key = questionsOf === "all" ? "" : persona;
    const index = asked.get(key) ??
      createDuplicateIndex<number>({ threshold: questions, vocabulary, ...QUESTION_BANDING });
    asked.set(key, index);
    return index;
  };
  const verdict = (
    found: { id: number; jaccard: number } | undefined,
    exact: GateReason,
    near: GateReason,
  ): { reason: GateReason; detail: string } | undefined => {
    if (!found) return undefined;
    const reason = found.jaccard === 1 ? exact : near;
    return off.has(reason) ? undefined : { reason, detail: `${found.jaccard.toFixed(2)} like ${ids[found.id] ?? ""}` };
  };
  return {
    check: (persona, { user, assistant }) =>
      verdict(askedOf(persona).find(user), "duplicate_question", "near_duplicate_question") ??
        verdict(said.find(assistant), "duplicate", "near_duplicate"),
    add(id, persona, { user, assistant }) {
      const number = ids.push(id) - 1;
      askedOf(persona).add(number, user);
      said.add(number, assistant);
    },
  };
}
