/**
 * From many nondeterministic patterns to one table: the subset construction, done ahead. The table reads a text at one
 * look-up per character; see matcher_scan.ts.
 */
import { type CharClasses, classify } from "./matcher_classes.ts";
import { closure, type Nfa } from "./matcher_nfa.ts";

/**
 * Plain data, so that it crosses threads. A row of the table is a state, an entry is the offset of the next row. Entries from `limit` on are not rows but
 * places where the scanner has to look closer: entry `limit + k` stands for outcome `k`.
 */
export interface Automaton {
  classes: CharClasses;
  table: Int32Array;
  limit: number;
  /** The row of a gap between words, where a match may begin. Row 0 is the rest of a word in which none can. */
  gap: number;
  /** Per outcome: the row in which a longer match may go on, or 0. Outcome 0 stands for a surrogate pair. */
  goesOn: Int32Array;
  /** Per outcome: where its patterns stand in `accepted`; its end is the next one's beginning. */
  acceptedFrom: Int32Array;
  /** Patterns that end here: of each category the one that is listed first. */
  accepted: Int32Array;
}

/** 200 patterns need some 3,000 states; only an explosion of states needs this many. */
const MOST_STATES = 20_000;
/** Nodes in all states together: bounds the time of the construction to about a second. */
const MOST_MEMBERS = 1_000_000;

/** The patterns need too many states; which of them is to blame is for the caller to find out. */
export class TooManyStates extends Error {}

/**
 * @param categoryOf The category of each pattern, as a number.
 * @throws {TooManyStates}
 */
export function determinize(nfa: Nfa, categoryOf: readonly number[], mostStates: number = MOST_STATES): Automaton {
  const { nodes } = nfa;
  const { classes, of } = classify(nodes.flatMap((node) => node.type === "read" ? [node.set] : []));
  const readBy = nodes.map((node) => node.type === "read" ? of(node.set) : []);
  const width = classes.count;

  const [DEAD, START] = [0, 1];
  const states: number[][] = [[], closure(nodes, nfa.starts)];
  const known = new Map<string, number>();
  let size = 0;
  const stateOf = (members: number[]) => {
    const key = members.join();
    let state = known.get(key);
    if (state === undefined) {
      size += members.length;
      if (states.length >= mostStates || size > MOST_MEMBERS) throw new TooManyStates();
      state = states.push(members) - 1;
      known.set(key, state);
    }
    return state;
  };
  const outcomes = [{ goesOn: DEAD, accepted: [] as number[] }];
  const outcomeNumbers = new Map<string, number>();
  const outcomeOf = (goesOn: number, accepted: number[]) => {
    const key = `${goesOn};${accepted.join()}`;
    let number = outcomeNumbers.get(key);
    if (number === undefined) {
      number = outcomes.push({ goesOn, accepted }) - 1;
      outcomeNumbers.set(key, number);
    }
    return number;
  };
  const rows: number[][] = [];
  const row = (state: number): number[] => {
    const members = states[state] ?? [];
    const targets: (number[] | undefined)[] = Array.from({ length: width });
    for (const index of members) {
      const node = nodes[index];
      if (node?.type !== "read") continue;
      for (const read of readBy[index] ?? []) (targets[read] ??= []).push(node.next);
    }
    const accepted = firstOfCategory(
      members.flatMap((index) => {
        const node = nodes[index];
        return node?.type === "accept" ? [node.pattern] : [];
      }),
      categoryOf,
    );
    return targets.map((target, read) => {
      if (read === classes.surrogate) return -1;
      const next = target ? stateOf(closure(nodes, target)) : DEAD;
      if (classes.isWord[read]) return next;
      if (state === START || state === DEAD || (next === DEAD && accepted.length === 0)) return START;
      return -1 - outcomeOf(next, accepted);
    });
  };
  for (let state = 0; state < states.length; state++) rows.push(row(state)); // It grows while it is walked.

  const limit = rows.length * width;
  const acceptedFrom = new Int32Array(outcomes.length + 1);
  outcomes.forEach(({ accepted }, i) => acceptedFrom[i + 1] = (acceptedFrom[i] ?? 0) + accepted.length);
  return {
    classes,
    limit,
    gap: START * width,
    table: Int32Array.from(rows.flat(), (entry) => entry < 0 ? limit - 1 - entry : entry * width),
    goesOn: Int32Array.from(outcomes, (outcome) => outcome.goesOn * width),
    accepted: Int32Array.from(outcomes.flatMap((outcome) => outcome.accepted)),
    acceptedFrom,
  };
}

/** Of the patterns that end in one place, a category counts the one that is listed first. */
function firstOfCategory(patterns: readonly number[], categoryOf: readonly number[]): number[] {
  const first = new Map<number, number>();
  for (const pattern of [...patterns].sort((a, b) => a - b)) {
    const category = categoryOf[pattern] ?? 0;
    if (!first.has(category)) first.set(category, pattern);
  }
  return [...first.values()];
}
