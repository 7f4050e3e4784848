/** The gate of coherence: word order, loops, a language model where one was asked, and a judge's marks where there are some. */
import { mean, quantile } from "../statistics.ts";
import { type OrderModel, repeatedShare } from "./coherence.ts";
import { type Gate, percent } from "./gates.ts";
import { cutPieces } from "./pieces.ts";
import { wordsOf } from "./words.ts";

/** What a judge model says about coherence, from 1 to 5. */
export interface JudgedCoherence {
  readonly name: string;
  /** Continuations of the tuned model that have a mark. */
  readonly texts: number;
  /** Their mean mark, and its one-sided 95 % bound. */
  readonly score: number;
  readonly lower: number;
  /** Mean marks of the author's held-out text, and of the same with its words shuffled. */
  readonly author: number;
  readonly shuffled: number;
  /** Share of the answers that could not be read. */
  readonly missing: number;
}

export interface CoherenceInput {
  readonly model: OrderModel;
  readonly hold: readonly string[];
  readonly tuned: readonly string[];
  /** Bits per byte under an independent language model, where one was asked. */
  readonly languageModel?:
    | { readonly name: string; readonly tuned: number; readonly hold: readonly number[] }
    | undefined;
  /** Where a judge was asked. */
  readonly judge?: JudgedCoherence | undefined;
}

/** The mark that continuations must have, and the one that text without sense may have. */
const LEAST_MARK = 3, MOST_SHUFFLED = 2;
/** Share of unreadable answers above which a judge is not fit for the task. */
const MOST_MISSING = 0.02;

/** Why a judge's marks say nothing; undefined for one who can tell text from no text. */
function unfit({ name, author, shuffled, missing, texts }: JudgedCoherence): string | undefined {
  if (texts === 0 || missing > MOST_MISSING) return `${name} left ${percent(missing)} of its answers unreadable`;
  // Written so that NaN is unfit.
  if (author >= LEAST_MARK && shuffled <= MOST_SHUFFLED) return undefined;
  return `${name} is no judge: it gave ${author.toFixed(1)} to the author's own text and ${
    shuffled.toFixed(1)
  } to the ` +
    `same words shuffled (${LEAST_MARK} or more and ${MOST_SHUFFLED} or less are right)`;
}

/** Words of a piece of held-out text that a continuation is compared with. */
const CHUNK = 300;
const LEAST_CHUNKS = 5;

/** Whether the tuned model's words stand in an order that makes sense, and do not come round and round. */
export function coherenceGate({ model, hold, tuned, languageModel, judge }: CoherenceInput): Gate {
  const pieces = hold.flatMap((text) => cutPieces(text, CHUNK));
  const about = { id: "coherence" as const, title: "Coherence", definition: coherenceMeans(languageModel, judge) };
  const unknown = judge && unfit(judge);
  const marked = judge && unknown === undefined
    ? `${judge.name} gives ${judge.score.toFixed(1)} of 5 to ${judge.texts} continuations (lower bound ` +
      `${judge.lower.toFixed(1)}; the author's own ${judge.author.toFixed(1)})`
    : undefined;
  const badMark = judge && marked !== undefined && !(judge.score >= LEAST_MARK)
    ? [`${marked}, and ${LEAST_MARK} are needed`]
    : [];
  if (pieces.length < LEAST_CHUNKS || tuned.length === 0) {
    const few = `there are ${pieces.length} pieces of held-out text, and ${LEAST_CHUNKS} are needed`;
    return { ...about, status: badMark.length > 0 ? "failed" : "not shown", why: [...badMark, few].join("; ") };
  }
  const limit = quantile(pieces.map((piece) => model.disorder(piece)), 0.95);
  const order = mean(tuned.map((text) => model.disorder(text)).filter(Number.isFinite));
  const loops = mean(tuned.map(repeatedOf)), loopLimit = Math.max(0.02, 3 * mean(pieces.map(repeatedOf)));
  const spoken = languageModel && quantile(languageModel.hold, 0.95);
  const faults = [
    ...(order > limit ? [`its word order costs ${order.toFixed(2)} bits a byte (limit ${limit.toFixed(2)})`] : []),
    ...(loops > loopLimit
      ? [`${percent(loops)} of its words repeat what it has just said (limit ${percent(loopLimit)})`]
      : []),
    ...(languageModel && spoken !== undefined && languageModel.tuned > spoken
      ? [`${languageModel.name} needs ${languageModel.tuned.toFixed(2)} bits a byte (limit ${spoken.toFixed(2)})`]
      : []),
    ...badMark,
  ];
  if (faults.length > 0) return { ...about, status: "failed", why: faults.join("; ") };
  const found = [
    `word order ${order.toFixed(2)} bits a byte (limit ${limit.toFixed(2)}), loops ${percent(loops)}`,
    ...(languageModel && spoken !== undefined
      ? [`${languageModel.name} ${languageModel.tuned.toFixed(2)} (limit ${spoken.toFixed(2)})`]
      : []),
    ...(marked === undefined ? [] : [marked]),
  ];
  return unknown === undefined
    ? { ...about, status: "passed", why: found.join(", ") }
    : { ...about, status: "not shown", why: `${unknown}; ${found.join(", ")}` };
}

function coherenceMeans(languageModel: CoherenceInput["languageModel"], judge: JudgedCoherence | undefined): string {
  const marks = judge ? `; ${LEAST_MARK} of 5 by the judge ${judge.name}` : "";
  return languageModel
    ? `bits per byte under ${languageModel.name}, and of word order under a small model: at most the 95th percentile of ` +
      `the author's held-out text; no more loops than there${marks}`
    : "bits a byte that word order costs under a small model of independent text: at most the 95th percentile of the " +
      `author's held-out text; no more loops${marks}` +
      (judge ? "" : ". It sees shuffled words, not shuffled sentences; a language model or a judge sees more");
}

function repeatedOf(text: string): number {
  return repeatedShare(wordsOf(text).map(({ text }) => text));
}
