/** A blind trial under way: what each rater sees next, and what he may learn when he has seen all. */
import { isSwapped, orderFor, type Side, type Trial } from "./trial.ts";
import { type Choice, type Question, QUESTIONS, type Vote, type VoteBook } from "./votes.ts";

/** What a page may know of a trial: nothing that tells whose texts they are, or that it is a catch trial. */
export interface ShownTrial {
  /** Place in this rater's order, from 0. */
  readonly number: number;
  readonly prompt: string;
  readonly excerpts: readonly string[];
  readonly left: string;
  readonly right: string;
  /** Asked now. */
  readonly question: Question;
}

export interface Progress {
  readonly rater: string;
  readonly done: number;
  readonly total: number;
  /** Undefined at the end. */
  readonly next?: ShownTrial;
}

/** After the end: a trial, and who stood where. */
export interface Revealed {
  readonly prompt: string;
  readonly kind: Trial["kind"];
  readonly left: Side;
  readonly right: Side;
  readonly choices: Readonly<Partial<Record<Question, Choice>>>;
}

/** Longest name of a rater. */
export const LONGEST_NAME = 60;

export interface Session {
  progress(rater: string): Progress;
  /** @returns undefined where this is not what the rater is asked now: a key that was pressed twice. */
  vote(
    given: { rater: string; number: number; question: Question; choice: Choice; latencyMs: number },
  ): Progress | undefined;
  takeBack(rater: string): Progress;
  /** Only for a rater who has seen all. */
  reveal(rater: string): Revealed[] | undefined;
}

/** Starts or takes up a session; all that it knows is in the votes. */
export function openSession(trials: readonly Trial[], votes: VoteBook, seed: number, now: () => number): Session {
  const orders = new Map<string, Trial[]>();
  const orderOf = (rater: string) => {
    const known = orders.get(rater) ?? orderFor(trials, rater, seed);
    orders.set(rater, known);
    return known;
  };
  const given = (rater: string) => {
    const byTrial = new Map<string, Map<Question, Vote>>();
    for (const vote of votes.all()) {
      if (vote.rater !== rater) continue;
      byTrial.set(vote.trial, (byTrial.get(vote.trial) ?? new Map()).set(vote.question, vote));
    }
    return byTrial;
  };
  const sidesOf = (trial: Trial, rater: string) =>
    isSwapped(trial, rater, seed) ? [trial.texts[1], trial.texts[0]] as const : trial.texts;
  const nextOf = (rater: string, known = given(rater)): ShownTrial | undefined => {
    for (const [number, trial] of orderOf(rater).entries()) {
      const question = QUESTIONS.find((name) => !known.get(trial.id)?.has(name));
      if (!question) continue;
      const [left, right] = sidesOf(trial, rater);
      return { number, prompt: trial.prompt, excerpts: trial.excerpts, left: left.text, right: right.text, question };
    }
    return undefined;
  };
  const progress = (rater: string): Progress => {
    const known = given(rater);
    const next = nextOf(rater, known);
    const done = orderOf(rater).filter(({ id }) => known.get(id)?.size === QUESTIONS.length).length;
    return { rater, done, total: trials.length, ...(next ? { next } : {}) };
  };
  return {
    progress,
    vote({ rater, number, question, choice, latencyMs }) {
      const next = nextOf(rater);
      const trial = orderOf(rater)[number];
      if (!trial || next?.number !== number || next.question !== question) return undefined;
      const [left, right] = sidesOf(trial, rater);
      votes.give({
        rater,
        trial: trial.id,
        question,
        choice,
        left: left.side,
        right: right.side,
        latency_ms: latencyMs,
        given: new Date(now()).toISOString(),
      });
      return progress(rater);
    },
    takeBack(rater) {
      votes.takeBack(rater);
      return progress(rater);
    },
    reveal(rater) {
      const known = given(rater);
      if (nextOf(rater, known)) return undefined;
      return orderOf(rater).map((trial) => {
        const [left, right] = sidesOf(trial, rater);
        const choices = Object.fromEntries([...known.get(trial.id) ?? []].map(([name, { choice }]) => [name, choice]));
        return { prompt: trial.prompt, kind: trial.kind, left: left.side, right: right.side, choices };
      });
    },
  };
}
