/** Coherence: how well the tuned model predicts text of its own kind that it has not seen, beside the base. */
import { wordsOf } from "../dialogue/gates_source.ts";
import type { Perplexity } from "../llm/perplexity.ts";
import type { Measure } from "./measures.ts";
import { bootstrap, type Interval, mean, pairedDifference } from "./statistics.ts";
import { ruleOn, type Target } from "./targets.ts";

/** Words of a span that two texts share by chance hardly ever: a share of 0.09 % at most between two novels of one author. */
const SPAN = 8;

/**
 * Leaves out what shares a span of eight words with the training texts: on such a text a model shows memory.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { unseen } from "@/evaluation/coherence.ts";
 *
 * const trained = ["We gave up a pawn when we halved the tobacco gardens of the city."];
 * deepEqual(unseen(["A pawn when we halved the tobacco gardens, no more.", "We gave up a rook."], trained).kept, [
 *   "We gave up a rook.",
 * ]);
 * ```
 */
export function unseen(
  texts: readonly string[],
  trained: readonly string[],
): { readonly kept: string[]; readonly seen: number } {
  const spans = (text: string) => {
    const words = wordsOf(text);
    return Array.from(
      { length: Math.max(0, words.length - SPAN + 1) },
      (_, at) => words.slice(at, at + SPAN).join(" "),
    );
  };
  const known = new Set(trained.flatMap(spans));
  const kept = texts.filter((text) => !spans(text).some((span) => known.has(span)));
  return { kept, seen: texts.length - kept.length };
}

/** What was measured of one text under both models. */
export interface Coherence {
  readonly tuned: Perplexity;
  readonly base: Perplexity;
  /** What the text is, in words. */
  readonly text: string;
  readonly seed: number;
}

const TARGET: Target = { text: "lower than the base", sense: "below", value: 0 };
const GENERAL: Target = { text: "≤ base + 5 %", sense: "below", value: 0.05 };

/** Perplexity below the base's, in bits per byte, paired chunk by chunk. */
export function measureCoherence(measured: Coherence | undefined, why: string): Measure {
  const known = {
    id: "coherence",
    title: "Coherence",
    definition:
      "Bits per byte (Σ −ln p / (ln 2 · UTF-8 bytes scored), by llama-perplexity) of held-out text of the dataset, " +
      "none of whose eight-word spans occur in the training data, under the tuned model minus under the base: same text, same " +
      "context, no system prompt. Paired by chunk; bootstrap over chunks. Below 0 the tuned model predicts it better.",
    unit: "bits" as const,
    target: TARGET,
  };
  return measured
    ? { ...known, ...compared(measured, TARGET, (first, second) => second - first) }
    : { ...known, verdict: "not measured", why };
}

/** What tuning costs on text of another kind. */
export function measureGeneral(measured: Coherence): Measure {
  return {
    id: "general_text",
    title: "General text",
    definition:
      "Bits per byte of a text that has nothing to do with the dataset, under the tuned model relative to the base: " +
      "what the training has made it forget. Paired by chunk; bootstrap over chunks. The 5 % is this project's.",
    unit: "bits",
    target: GENERAL,
    ...compared(measured, GENERAL, (first, second) => second / first - 1),
  };
}

function compared(
  { tuned, base, text, seed }: Coherence,
  target: Target,
  against: (base: number, tuned: number) => number,
): Pick<Measure, "tuned" | "base" | "difference" | "verdict" | "why"> {
  const chunks = tuned.perChunk.flatMap((chunk, at) => {
    const other = base.perChunk[at];
    return other ? [{ first: bits(other), second: bits(chunk) }] : [];
  });
  // The same tokens in every chunk, or the pairs are none.
  const alike = tuned.perChunk.length === base.perChunk.length && tuned.contextSize === base.contextSize &&
    tuned.perChunk.every(({ tokens, bytes }, at) => {
      const other = base.perChunk[at];
      return other?.tokens === tokens && other.bytes === bytes;
    });
  const own = (key: "first" | "second", { bitsPerByte }: Perplexity): Interval => ({
    ...bootstrap(chunks, (drawn) => mean(drawn.map((chunk) => chunk[key])), { seed }),
    estimate: bitsPerByte,
  });
  if (!alike || chunks.length === 0) {
    return { verdict: "not measured", why: "the models cut the text differently: they have different tokenizers" };
  }
  const difference = target === TARGET ? pairedDifference(chunks, { seed }) : bootstrap(
    chunks,
    (drawn) => against(mean(drawn.map(({ first }) => first)), mean(drawn.map(({ second }) => second))),
    { seed },
  );
  const { verdict, why } = ruleOn(difference, target, "mean", "chunks");
  return { tuned: own("second", tuned), base: own("first", base), difference, verdict, why: `${why}; ${text}` };
}

function bits({ nll, tokens, bytes }: { nll: number; tokens: number; bytes: number }): number {
  return nll * tokens / (Math.LN2 * bytes);
}
