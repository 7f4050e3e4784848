/** Gates: what a model must pass besides coming near, so that copying, imitating anybody or rambling does not count. */
import { mean } from "../statistics.ts";
import type { Background } from "./background.ts";
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

export const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;

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
