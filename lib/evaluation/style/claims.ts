/** The five targets: their definitions, what stands in their way, and the naive figures beside them. */
import { clusteredShare } from "../statistics.ts";
import type { Pov } from "../pov.ts";
import type { Gate } from "./gates.ts";
import type { Marker } from "./markers.ts";
import type { Each, Measures } from "./measure.ts";
import { naiveMarkers, naivePov, naiveStructure, naiveTransfer, naiveVocabulary } from "./naive.ts";
import type { Reading } from "./reading.ts";
import type { System } from "./systems.ts";
import { judgeTarget, type Target, tooFewWords } from "./targets.ts";

export type Person = Exclude<Pov, "unknown">;

/** All that a claim may rest on. */
export interface Facts {
  readonly measures: Measures;
  readonly base: System;
  readonly tuned: System;
  readonly hold: System;
  readonly ref: readonly Reading[];
  readonly markers: readonly Marker[];
  readonly person: Person;
  readonly gates: readonly Gate[];
  readonly words: Each<number> & { readonly train: number; readonly ref: number };
  readonly leastWords: number;
}

/** More than this share of copied words, and nothing that is left counts. */
const MOST_REMOVED = 0.3;
/** Fewer prompts are too few to draw from. */
const LEAST_UNITS = 8;
/** Fewer markers, or markers that the author's own text does not show, tell nothing. */
const LEAST_MARKERS = 20, LEAST_HOLD_MARKERS = 0.8;
/** Share of the windows whose point of view can be told. */
const LEAST_KNOWN = 0.9;

export interface PovFigures {
  /** Windows in that person among those that could be told. */
  readonly share: number;
  readonly known: number;
  readonly windows: number;
}

/** The person in which most of a text is told. */
export function personOf(readings: readonly Reading[]): Person {
  const count = (person: Person) =>
    readings.flatMap(({ windows }) => windows).filter(({ pov }) => pov === person).length;
  return (["second", "first", "third"] as const).reduce((most, person) => count(person) > count(most) ? person : most);
}

export function povFigures({ readings }: System, person: Person): PovFigures {
  const windows = readings.flatMap(({ windows }) => windows);
  const known = windows.filter(({ pov }) => pov !== "unknown");
  const share = known.filter(({ pov }) => pov === person).length / known.length;
  return { share, known: known.length / windows.length, windows: windows.length };
}

/** The targets of the document, judged. */
export function targetsOf(facts: Facts): Target[] {
  const { words, leastWords, gates, tuned } = facts;
  const copied = tuned.removed > MOST_REMOVED
    ? [
      `${
        (100 * tuned.removed).toFixed(0)
      } % of its words are copied from the training text, so nothing that is left counts`,
    ]
    : [];
  const small = copied.length > 0 ? [] : [
    ...tooFewWords("the base model", words.base, leastWords),
    ...tooFewWords("the tuned model", tuned.written, leastWords),
    ...(tuned.units.length < LEAST_UNITS
      ? [`${tuned.units.length} prompts are too few to draw from: ${LEAST_UNITS} are needed`]
      : []),
    ...gates.filter(({ status }) => status === "not shown").map(({ title, why }) =>
      `gate "${title}" not tried: ${why}`
    ),
  ];
  const author = copied.length > 0 ? [] : [
    ...tooFewWords("the author's held-out text", words.hold, leastWords),
    ...tooFewWords("the author's reference text", words.ref, leastWords),
  ];
  const refusals = copied.length > 0 ? copied : [
    ...gates.filter(({ status }) => status === "failed").map(({ title }) => `it failed the gate "${title}"`),
  ];
  const context = { obstacles: [...small, ...author], refusals, words: words.tuned, copied: copied.length > 0 };
  return [
    transferTarget(facts, context),
    vocabularyTarget(facts, context),
    structureTarget(facts, context),
    markersTarget(facts, context),
    povTarget(facts, { ...context, obstacles: small }),
  ];
}

interface ClaimContext {
  readonly obstacles: readonly string[];
  readonly refusals: readonly string[];
  readonly words: number;
  /** So much is copied that nothing else matters. */
  readonly copied: boolean;
}

function transferTarget({ measures, base, tuned, ref }: Facts, context: ClaimContext): Target {
  const { score, why } = measures.transfer;
  const zero = { estimate: 0, low: 0, high: 0, lower: 0, upper: 0, n: tuned.units.length };
  const likeness = ({ readings }: System) => [naiveVocabulary(readings, ref), naiveStructure(readings, ref)];
  return judgeTarget({
    id: "transfer",
    title: "Transfer score",
    goal: 0.6,
    definition:
      "mean share of the distance from base to author that was closed, over function words, character 3-grams, " +
      "sentence length, and punctuation; 0 is the base, 1 the author's own held-out text",
    base: 0,
    author: 1,
    naive: {
      value: naiveTransfer(likeness(base), likeness(tuned)),
      definition: "share of the way to likeness 1 by the two naive figures below",
      differs: "likeness 1 is out of reach: the author's own text is not that like itself",
    },
  }, {
    ...context,
    interval: context.copied ? zero : score,
    obstacles: [...context.obstacles, ...(why && !context.copied ? [why] : [])],
  });
}

function vocabularyTarget({ measures, tuned, ref }: Facts, context: ClaimContext): Target {
  const { covered, share, gain } = measures.vocabulary;
  const naive = naiveVocabulary(tuned.readings, ref);
  const missing = context.copied || gain.lower > 0 ? [] : [
    `its gain over the base is not shown: ${signed(gain.estimate)} of the content words, lower bound ${
      signed(gain.lower)
    }`,
  ];
  return judgeTarget({
    id: "vocabulary",
    title: "Vocabulary overlap",
    goal: 0.7,
    definition:
      "share of content words (no names) that the author uses twice or more, divided by the same share of the " +
      "author's held-out text; and more of them than the base",
    base: covered.base / covered.hold,
    author: 1,
    naive: {
      value: naive,
      definition: "Jaccard overlap of the distinct words of 5,000-word samples",
      differs: "two samples of one author overlap by .22, so 70 % is out of anybody's reach",
    },
  }, { ...context, interval: share, refusals: [...context.refusals, ...missing] });

  function signed(value: number): string {
    return `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(1)} %`;
  }
}

function structureTarget({ measures, tuned, ref }: Facts, context: ClaimContext): Target {
  const { score, why } = measures.structure;
  return judgeTarget({
    id: "structure",
    title: "Sentence structure",
    goal: 0.65,
    definition: "mean share of the distance from base to author that was closed, over sentence length, sentences a " +
      "paragraph, commas a sentence, sentences without a verb, and how sentences begin",
    base: 0,
    author: 1,
    naive: {
      value: naiveStructure(tuned.readings, ref),
      definition: "1 − Jensen-Shannon distance of sentence lengths, 5-word bins, 300 sentences",
      differs: "90 % of pairs of different authors pass it",
    },
  }, {
    ...context,
    interval: score,
    obstacles: [...context.obstacles, ...(why && !context.copied ? [why] : [])],
  });
}

function markersTarget({ measures, markers, hold }: Facts, context: ClaimContext): Target {
  const { tuned, hold: own } = measures.markers;
  const obstacles = context.copied
    ? []
    : markers.length < LEAST_MARKERS
    ? [`only ${markers.length} words and marks tell the author from the base: ${LEAST_MARKERS} are needed`]
    : !(own.estimate >= LEAST_HOLD_MARKERS)
    ? [
      `the author's held-out text (${hold.words.toLocaleString("en-US")} words) shows only ` +
      `${(100 * own.estimate).toFixed(0)} % of the markers, ${
        100 * LEAST_HOLD_MARKERS
      } % are needed: they belong to passages, not to the author`,
    ]
    : [];
  return judgeTarget({
    id: "markers",
    title: "Style markers",
    goal: 0.5,
    definition:
      `share of the ${markers.length} words and marks that most set the author apart from the base (log-odds ` +
      "with Dirichlet prior, z > 1.96, in 3 chapters or more) whose rate is nearer to the author's than to the base's",
    base: 0,
    author: own.estimate,
    naive: {
      value: naiveMarkers(measures.layout.part(measures.pools.tuned.row, "markers")),
      definition: "share of the markers that occur at all",
      differs: "one stray use is not a habit",
    },
  }, { ...context, interval: tuned, obstacles: [...context.obstacles, ...obstacles] });
}

function povTarget({ base, tuned, hold, person }: Facts, context: ClaimContext): Target {
  const figures = povFigures(tuned, person);
  const outcomes = tuned.units.map(({ readings }) =>
    readings.flatMap(({ windows }) => windows).flatMap(({ pov }) => pov === "unknown" ? [] : [pov === person])
  );
  const missing = context.copied || figures.known >= LEAST_KNOWN ? [] : [
    `the point of view can be told in ${(100 * figures.known).toFixed(0)} % of the windows only, ${
      100 * LEAST_KNOWN
    } % are needed`,
  ];
  return judgeTarget({
    id: "pov",
    title: "Point of view",
    goal: 0.8,
    definition:
      `share of windows of 300 words of narration in the ${person} person, by pronouns outside speech, among ` +
      "those that can be told; by prompt",
    base: povFigures(base, person).share,
    author: povFigures(hold, person).share,
    naive: {
      value: naivePov(tuned.readings, person),
      definition: `share of the ${person} person among all personal pronouns`,
      differs: "characters speak in every person, and others are spoken of in every narration",
    },
  }, { ...context, interval: clusteredShare(outcomes), refusals: [...context.refusals, ...missing] });
}
