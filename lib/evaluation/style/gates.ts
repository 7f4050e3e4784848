/** Gates: what a model must pass besides coming near, so that copying, imitating anybody or rambling does not count. */
import { mean, quantile } from "../statistics.ts";
import type { Background } from "./background.ts";
import type { OrderModel } from "./coherence.ts";
import { repeatedShare } from "./coherence.ts";
import type { Copied } from "./copying.ts";
import { createCounter, type Row } from "./counts.ts";
import { type GreyZone, greyZone, type Hand, imposterTest } from "./imposters.ts";
import { cutPieces } from "./pieces.ts";
import { seededRandom, shuffle } from "../../dialogue/random.ts";
import { wordsOf } from "./words.ts";

export interface Gate {
  readonly id: "memorisation" | "imposters" | "coherence";
  readonly title: string;
  readonly definition: string;
  readonly status: "passed" | "failed" | "not shown";
  /** What was found, in a sentence. */
  readonly why: string;
}

const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** Natural rate of five-word spans of one author in another book of theirs, 95th percentile, on 99 English novels. */
const NATURAL_FIVE = 0.05;
const LONGEST_SPAN = 20;
/** Fewer continuations cannot show that nothing is ever recited at length. */
const EXTRACTION_SAMPLES = 1000;

/** Whether the tuned model recites what it was tuned on more than the author repeats themselves. */
export function memorisationGate(tuned: Copied, hold: Copied, samples: number): Gate {
  const limit8 = Math.max(0.01, 3 * hold.share[8]);
  const limit5 = hold.share[5] > 0 ? 2 * hold.share[5] : NATURAL_FIVE;
  const faults = [
    ...(tuned.share[8] > limit8
      ? [`${percent(tuned.share[8], 2)} of its words are copied in spans of 8 or more (limit ${percent(limit8, 2)})`]
      : []),
    ...(tuned.longest > LONGEST_SPAN
      ? [`the longest copied span has ${tuned.longest} words (limit ${LONGEST_SPAN})`]
      : []),
    ...(tuned.share[5] > limit5 ? [`${percent(tuned.share[5])} in spans of 5 or more (limit ${percent(limit5)})`] : []),
  ];
  const extraction = tuned.extractions > 0 ? "" : `; no span of 50 words in ${samples} continuations` +
    (samples < EXTRACTION_SAMPLES ? ` (${EXTRACTION_SAMPLES} are needed to say that there is none)` : "");
  return {
    id: "memorisation",
    title: "Memorisation",
    definition:
      "share of words in spans of 8 (5) or more that stand verbatim in the training text: at most 1 % or three " +
      "times (twice) what the author's held-out text has; no span over 20 words",
    status: faults.length > 0 ? "failed" : "passed",
    why: faults.length > 0
      ? faults.join("; ")
      : `${percent(tuned.share[8], 2)} of its words in spans of 8, ${percent(tuned.share[5])} in spans of 5 ` +
        `(the author's held-out text: ${percent(hold.share[8], 2)} and ${
          percent(hold.share[5])
        }), longest ${tuned.longest}` + extraction,
  };
}

export interface ImposterResult {
  readonly gate: Gate;
  readonly zone?: GreyZone;
  /** Scores of texts whose writer is known, and of the systems. */
  readonly scores?: {
    readonly tuned: number;
    readonly base: number;
    readonly hold: readonly number[];
    readonly others: readonly number[];
  };
  readonly words?: number;
}

const LEAST_IMPOSTERS = 10, LEAST_BAG = 400, LONGEST_BAG = 5000;
/** Bags of one text that are scored. */
const MOST_BAGS = 8;
const LEAST_ACCURACY = 0.8;
const PIECE = 100;

export interface ImposterInput {
  readonly ref: readonly string[];
  readonly hold: readonly string[];
  readonly base: readonly string[];
  readonly tuned: readonly string[];
  readonly imposters: readonly { readonly name: string; readonly text: string }[];
  readonly background: Background;
  readonly seed: number;
}

/** Whether the tuned model writes like this author, and not merely like one of the kind. */
export function imposterGate(input: ImposterInput): ImposterResult {
  const about = {
    id: "imposters" as const,
    title: "Imposters",
    definition:
      "General Imposters: share of 100 draws of half the features and half the imposters in which the text is " +
      "nearest to the author; above the grey zone found on texts whose writer is known",
  };
  const open = (why: string): ImposterResult => ({ gate: { ...about, status: "not shown", why } });
  const counter = createCounter(input.background);
  const hand = (name: string, texts: readonly string[]): Hand => ({
    name,
    rows: texts.flatMap((text) => cutPieces(text, PIECE)).map((text) =>
      counter.count({
        text,
        words: wordsOf(text).map(({ text }) => text),
        sentences: [],
        paragraphs: [],
        marks: [],
        windows: [],
      })
    ),
  });
  const size = (rows: readonly Row[]) => rows.reduce((sum, row) => sum + (counter.part(row, "words")[0] ?? 0), 0);
  const imposters = input.imposters.map(({ name, text }) => hand(name, [text])).filter(({ rows }) =>
    size(rows) >= LEAST_BAG
  );
  if (imposters.length < LEAST_IMPOSTERS) {
    return open(
      `there are ${imposters.length} imposters of ${LEAST_BAG} words or more, and ${LEAST_IMPOSTERS} are needed`,
    );
  }
  const author = hand("author", input.ref);
  const hold = hand("hold", input.hold), tuned = hand("tuned", input.tuned), base = hand("base", input.base);
  const shortest = Math.min(...imposters.map(({ rows }) => size(rows)));
  const words = Math.min(LONGEST_BAG, shortest, size(author.rows), Math.floor(size(hold.rows) / 3), size(tuned.rows));
  if (words < LEAST_BAG) {
    return open(
      `only bags of ${words} words can be compared, and ${LEAST_BAG} are needed: give longer imposters or more held-out text`,
    );
  }
  const bags = ({ name, rows }: Hand): Hand[] => {
    const found: Row[][] = [[]];
    for (const row of shuffle(rows, seededRandom(input.seed, "bags", name))) {
      if (size(found.at(-1) ?? []) >= words) found.push([]);
      found.at(-1)?.push(row);
    }
    if (found.length > 1 && size(found.at(-1) ?? []) < 0.8 * words) found.pop();
    return found.slice(0, MOST_BAGS).map((rows, at) => ({ name: `${name} ${at}`, rows }));
  };
  const score = imposterTest({ author, imposters, words, layout: counter, background: input.background }, input);
  const own = bags(hold).map((bag) => score(bag));
  const others = imposters.map((imposter) => score(imposter, imposter));
  const zone = greyZone(own, others);
  const scores = {
    tuned: mean(bags(tuned).map((bag) => score(bag))),
    base: mean(bags(base).map((bag) => score(bag))),
    hold: own,
    others,
  };
  const inGrey = scores.tuned > zone.from && scores.tuned <= zone.to ? " (in it: it cannot be told)" : "";
  const found =
    `${scores.tuned.toFixed(2)}, grey zone ${zone.from.toFixed(2)} to ${zone.to.toFixed(2)}${inGrey}, the author's ` +
    `held-out text ${mean(own).toFixed(2)}, bags of ${words} words`;
  if (zone.accuracy < LEAST_ACCURACY) {
    return {
      ...open(`on texts whose writer is known the test is right in ${percent(zone.accuracy, 0)} only (${found})`),
      zone,
      scores,
      words,
    };
  }
  const status = scores.tuned > zone.to ? "passed" : "failed";
  return { gate: { ...about, status, why: found }, zone, scores, words };
}

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
