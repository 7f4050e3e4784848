/**
 * Duplicates beside the run: among a hundred thousand exchanges, looking for those that came before takes a quarter of the
 * time in which a dataset is built, and a thread of its own takes it off the run.
 */
import type { GateRules, GateVerdict } from "./gates.ts";
import { duplicateGate } from "./gates_duplicates.ts";
import type { Exchange } from "./parse.ts";
import { openThread } from "./thread.ts";
import { createVocabulary, type Vocabulary } from "./words.ts";

/** An exchange that may go into the dataset. */
export interface Offer {
  readonly id: string;
  readonly persona: string;
  readonly exchange: Exchange;
  /** It does, whatever it repeats. */
  readonly keep: boolean;
}

export interface Taken {
  /** Why it repeats an earlier one. */
  readonly repeats: GateVerdict | undefined;
  /** Of the answer. */
  readonly words: number;
}

/** Takes exchanges in the order of the dataset; each is compared with those that were taken into it before. */
export interface Taker extends Disposable {
  take(offer: Offer): Taken | Promise<Taken>;
  /** Exchanges that are best offered before the first answer is waited for. */
  readonly ahead: number;
}

/** What the thread needs of the rules. */
export type DuplicateRules = Pick<GateRules, "settings" | "off">;

/** On this thread. */
export function createTaker(rules: DuplicateRules, vocabulary: Vocabulary = createVocabulary()): Taker {
  const gate = duplicateGate({ ...rules, vocabulary });
  return {
    take({ id, persona, exchange, keep }) {
      const repeats = gate.check(persona, exchange);
      if (keep || !repeats) gate.add(id, persona, exchange);
      return { repeats, words: vocabulary.read(exchange.assistant).length };
    },
    ahead: 0,
    [Symbol.dispose]() {},
  };
}

/** Half of them are looked at while the others are gathered. */
const AHEAD = 128;

/** On a thread of its own, which says the same. */
export function openTakerThread({ settings, off }: DuplicateRules): Taker {
  const module = new URL("./duplicates_worker.ts", import.meta.url);
  const { ask, ...thread } = openThread<DuplicateRules, Offer, Taken>("duplicates", module, { settings, off }, {
    most: AHEAD / 2,
    waitMs: 10,
  });
  return { take: ask, ahead: AHEAD, ...thread };
}
