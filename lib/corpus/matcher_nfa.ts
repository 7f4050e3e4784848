/**
 * From the tree of a pattern to a nondeterministic automaton (Thompson's construction: K. Thompson, "Regular Expression
 * Search Algorithm", CACM 11(6), 1968), and the checks that keep matching linear in the length of the text.
 */
import { type CharSet, gapChars, meets, wordChars } from "./matcher_chars.ts";
import { PatternError, type PatternNode } from "./matcher_syntax.ts";

/** One node: reads a character of `set`, or goes on without reading, or accepts. `next` are indices of nodes. */
export type NfaNode =
  | { type: "read"; set: CharSet; next: number }
  | { type: "split"; next: number[] }
  | { type: "accept"; pattern: number };

/** All patterns side by side. */
export interface Nfa {
  nodes: NfaNode[];
  /** The node at which each pattern starts. */
  starts: number[];
}

/** Nodes of one pattern; a phrase has some tens. */
const MOST_NODES = 4000;

/** Adds a pattern. @throws {PatternError} it can match nothing, never match, run without end, or grows too large. */
export function addPattern(nfa: Nfa, tree: PatternNode): void {
  checkRepeats(tree);
  const { nodes } = nfa;
  const first = nodes.length;
  const add = (node: NfaNode) => {
    if (nodes.length - first >= MOST_NODES) {
      throw new PatternError("it grows too large when its {m,n} are built out; make the counts smaller");
    }
    return nodes.push(node) - 1;
  };
  /** Builds from the end to the front: a node is made knowing what follows it. */
  const build = (node: PatternNode, next: number): number => {
    switch (node.type) {
      case "chars":
        return add({ type: "read", set: node.set, next });
      case "sequence":
        // Nothing takes a node too, or nested counts of nothing would be built out for ever.
        if (node.parts.length === 0) return add({ type: "split", next: [next] });
        return node.parts.reduceRight((after, part) => build(part, after), next);
      case "choice":
        return add({ type: "split", next: node.options.map((option) => build(option, next)) });
      case "repeat": {
        const { body, min, max } = node;
        let after = next;
        if (max === Infinity) {
          const ways = [next];
          after = add({ type: "split", next: ways });
          ways.push(build(body, after));
        } else {
          for (let i = min; i < max; i++) after = add({ type: "split", next: [next, build(body, after)] });
        }
        for (let i = 0; i < min; i++) after = build(body, after);
        return after;
      }
    }
  };
  const accept = add({ type: "accept", pattern: nfa.starts.length });
  const start = build(tree, accept);
  const open = closure(nodes, [start]);
  if (open.includes(accept)) throw new PatternError("it also matches nothing at all; something in it must be there");
  const begins = open.some((index) => {
    const node = nodes[index];
    return node?.type === "read" && meets(node.set, wordChars());
  });
  if (!begins) throw new PatternError("it can never match: a match begins with a letter, digit, mark or underscore");
  nfa.starts.push(start);
}

/** The reading and accepting nodes that are reached without reading, sorted. */
export function closure(nodes: readonly NfaNode[], from: readonly number[]): number[] {
  const seen = new Set(from);
  for (const index of seen) { // A set that grows while it is walked.
    const node = nodes[index];
    if (node?.type === "split") { for (const next of node.next) seen.add(next); }
  }
  return [...seen].filter((index) => nodes[index]?.type !== "split").sort((a, b) => a - b);
}

/**
 * A match starts at each word anew, so a repetition without an upper bound that runs on over words would cost the
 * square of the text's length (`.*x.*y`). Inside a word (`(a+)+`, `\w*`) or a gap it costs nothing more.
 */
function checkRepeats(node: PatternNode): void {
  if (node.type === "sequence") node.parts.forEach(checkRepeats);
  if (node.type === "choice") node.options.forEach(checkRepeats);
  if (node.type !== "repeat") return;
  checkRepeats(node.body);
  if (node.max !== Infinity) return;
  const sets = setsOf(node.body);
  if (sets.some((set) => meets(set, wordChars())) && sets.some((set) => meets(set, gapChars()))) {
    throw new PatternError(
      `"${node.source}" can run on over any number of words, which takes too long; bound it, as in {0,40}`,
    );
  }
}

function setsOf(node: PatternNode): CharSet[] {
  if (node.type === "chars") return [node.set];
  if (node.type === "repeat") return setsOf(node.body);
  return (node.type === "sequence" ? node.parts : node.options).flatMap(setsOf);
}
