/**
 * Whether words stand in an order that English knows. Counts of words cannot tell a text from the same words shuffled; a
 * language model can. This one is small: trigrams of word classes, learnt from independent text. It sees words that were
 * shuffled, and not sentences that were.
 */
import { foldSigns } from "./marks.ts";
import { FUNCTION_WORDS } from "./function_words.ts";

/** A model of the order of words. */
export interface OrderModel {
  /**
   * Bits by byte of the text (UTF-8) that its order of word classes costs, beside the same classes in any order: the less,
   * the more the order is what English has. NaN for a text without words.
   */
  disorder(text: string): number;
}

const BEGIN = "<s>";
const TOKEN = /[\p{L}\p{N}\p{M}]+(?:['\u2019][\p{L}\p{M}]+)*|[.,;:?!\u2014\u2026"()*_]/gu;
/** Endings that tell what a content word can do, longest first. */
const ENDINGS = [
  "ness",
  "ment",
  "tion",
  "sion",
  "able",
  "less",
  "ing",
  "ful",
  "ous",
  "ity",
  "est",
  "ive",
  "ed",
  "ly",
  "er",
  "al",
  "s",
];
const ENDS_SENTENCE = new Set([".", "?", "!", "\u2026"]);

/** Function words and signs stand for themselves, content words for their endings. */
export function wordClasses(text: string): string[] {
  const classes: string[] = [];
  let begins = true;
  for (const [token] of foldSigns(text).matchAll(TOKEN)) {
    const small = token.toLowerCase().replaceAll("\u2019", "'");
    if (/^[^\p{L}\p{N}]/u.test(token)) classes.push(token);
    else if (FUNCTION_WORDS.has(small)) classes.push(small);
    else if (/^\d/.test(token)) classes.push("#");
    else if (!begins && small !== token) classes.push("Name");
    else classes.push(`~${ENDINGS.find((ending) => small.length > ending.length + 2 && small.endsWith(ending)) ?? ""}`);
    begins = ENDS_SENTENCE.has(token) || (begins && /^["*_(]/.test(token));
  }
  return classes;
}

/**
 * Learns from texts: trigrams interpolated with bigrams, single classes and, at last, all classes alike (Witten and
 * Bell 1991).
 *
 * @example
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { learnOrder } from "@/evaluation/style/coherence.ts";
 *
 * const model = learnOrder(["You walk to the door. You wait at the door. He walks to the gate and waits for you."]);
 * ok(model.disorder("You wait at the gate.") < model.disorder("The you gate at wait."));
 * ```
 */
export function learnOrder(texts: readonly string[]): OrderModel {
  /** Followers of each context: the empty one, one class, two classes. */
  const contexts = new Map<string, { total: number; followers: Map<string, number> }>();
  const all = new Set<string>();
  const learn = (context: string, follower: string) => {
    let known = contexts.get(context);
    if (!known) contexts.set(context, known = { total: 0, followers: new Map() });
    known.total++;
    known.followers.set(follower, (known.followers.get(follower) ?? 0) + 1);
  };
  for (const text of texts) {
    eachTriple(wordClasses(text), (before, last, next) => {
      all.add(next);
      learn("", next);
      learn(last, next);
      learn(`${before} ${last}`, next);
    });
  }
  const interpolate = (context: string, follower: string, lower: number): number => {
    const known = contexts.get(context);
    if (!known) return lower;
    const { total, followers } = known;
    return ((followers.get(follower) ?? 0) + followers.size * lower) / (total + followers.size);
  };
  return {
    disorder(text) {
      let bits = 0, classes = 0;
      eachTriple(wordClasses(text), (before, last, next) => {
        const single = interpolate("", next, 1 / (all.size + 1));
        const ordered = interpolate(`${before} ${last}`, next, interpolate(last, next, single));
        bits += Math.log2(single) - Math.log2(ordered);
        classes++;
      });
      return classes === 0 ? NaN : bits / new TextEncoder().encode(text).length;
    },
  };
}

/** Share of the words in spans of eight words or more that the text has said before: what a model that loops writes. */
export function repeatedShare(words: readonly string[]): number {
  const SPAN = 8;
  const seen = new Set<string>();
  let repeated = 0, until = 0;
  for (let at = 0; at < words.length; at++) {
    if (at + SPAN <= words.length) {
      const span = words.slice(at, at + SPAN).join(" ");
      if (seen.has(span)) until = at + SPAN;
      seen.add(span);
    }
    if (at < until) repeated++;
  }
  return words.length === 0 ? 0 : repeated / words.length;
}

function eachTriple(classes: readonly string[], take: (before: string, last: string, next: string) => void): void {
  let before = BEGIN, last = BEGIN;
  for (const next of classes) {
    take(before, last, next);
    before = last;
    last = next;
  }
}

/** A text with its words in another order, each with the signs that cling to it: what a check of coherence must catch. */
export function shuffleWords(text: string, random: () => number): string {
  const words = text.split(/\s+/).filter(Boolean);
  for (let last = words.length - 1; last > 0; last--) {
    const at = Math.floor(random() * (last + 1));
    [words[last], words[at]] = [words[at] as string, words[last] as string];
  }
  return words.join(" ");
}
