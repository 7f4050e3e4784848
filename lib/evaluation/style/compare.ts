/** Base and tuned model against the author: everything that is measured, and what may be claimed of it. */
import type { Background } from "./background.ts";
import { learnOrder } from "./coherence.ts";
import { type Copied, copiedFrom, indexOriginal } from "./copying.ts";
import { mattr, mtld } from "./diversity.ts";
import { coherenceGate, type CoherenceInput } from "./gate_coherence.ts";
import { type Gate, imposterGate, type ImposterResult, memorisationGate } from "./gates.ts";
import { type Improvement, improvementsOf } from "./improvements.ts";
import { chooseMarkers, gainedWords, type Marker, vocabularyOf } from "./markers.ts";
import { type Each, type Measures, measureStyle } from "./measure.ts";
import { type Reading, readPassage } from "./reading.ts";
import { type Continuation, pairSystems, readSystem, type System } from "./systems.ts";
import type { Tagger } from "./tagger.ts";
import { type Facts, type Person, personOf, type PovFigures, povFigures, targetsOf } from "./claims.ts";
import type { Target } from "./targets.ts";
import { namesIn } from "./words.ts";

export interface StyleInput {
  /** The author's text by chapters or chunks: what the model was tuned on, a reference, and what was held out of both. */
  readonly author: {
    readonly train: readonly string[];
    readonly ref: readonly string[];
    readonly hold: readonly string[];
  };
  readonly base: readonly Continuation[];
  readonly tuned: readonly Continuation[];
  /** Whether equal ids mean equal prompts. */
  readonly paired: boolean;
  readonly imposters: readonly { readonly name: string; readonly text: string }[];
  readonly background: Background;
  readonly languageModel?: CoherenceInput["languageModel"];
  readonly judge?: CoherenceInput["judge"];
}

export interface StyleOptions {
  readonly seed: number;
  readonly tag: Tagger;
  /** @default {1000} */
  readonly resamples?: number;
  /** Words of each pool from which anything is claimed. @default {5000} */
  readonly leastWords?: number;
}

export interface Comparison {
  readonly words: Each<number> & { readonly train: number; readonly ref: number; readonly drawn: number };
  readonly units: Each<number> & { readonly ref: number };
  readonly background: string;
  readonly targets: readonly Target[];
  readonly gates: readonly Gate[];
  readonly transfer: Measures["transfer"];
  readonly structure: Measures["structure"];
  /** `gained`: words of the author that the tuned model uses and the base does not, most frequent first. */
  readonly vocabulary: Measures["vocabulary"] & { readonly gained: readonly string[] };
  readonly markers:
    & { readonly items: readonly (Marker & { readonly met: boolean })[] }
    & Omit<Measures["markers"], "met">;
  readonly pov: { readonly person: Person } & Each<PovFigures>;
  readonly beside: Measures["beside"];
  readonly diversity: Each<{ readonly mattr: number; readonly mtld: number }>;
  readonly copying: Each<Copied> & { readonly removed: number };
  readonly imposters: Omit<ImposterResult, "gate">;
  readonly improvements: readonly Improvement[];
  /** Lengths of sentences in words, for a picture. */
  readonly sentenceLengths: Each<readonly number[]> & { readonly ref: readonly number[] };
  readonly notes: readonly string[];
}

/** Eder, "Does size matter?" (2015): what English novels need for their authors to be told by function words. */
const LEAST_WORDS = 5000;

/**
 * Compares base and tuned model with the author.
 *
 * Pure and synchronous: a second or two for ten thousand words a side.
 */
export function compareStyle(input: StyleInput, options: StyleOptions): Comparison {
  const { author, paired } = input;
  const { tag, seed, resamples = 1000, leastWords = LEAST_WORDS } = options;
  const original = indexOriginal(author.train);
  const readBoth = () => ({
    base: readSystem(input.base, original, tag),
    tuned: readSystem(input.tuned, original, tag),
    unpaired: 0,
  });
  const read = readBoth();
  const { base, tuned, unpaired } = paired ? pairSystems(read.base, read.tuned) : read;
  const hold = readSystem(author.hold.map((text, at) => ({ id: String(at), text })), original, tag);
  const sameText = author.ref === author.train;
  // Sentences of the training text are measured only where it is the reference, too; a long manuscript takes its time.
  const train = author.train.map((text) => readPassage(text, sameText ? tag : () => []));
  const ref = sameText ? train : author.ref.map((text) => readPassage(text, tag));

  const names = namesIn([...author.train, ...author.ref, ...author.hold, ...textsOf(base), ...textsOf(tuned)]);
  const markers = chooseMarkers(train, base.readings, { names });
  const vocabulary = vocabularyOf([...train, ...(ref === train ? [] : ref)], names);
  const measures = measureStyle({
    sides: {
      base: base.units.map(({ readings }) => readings),
      tuned: tuned.units.map(({ readings }) => readings),
      hold: hold.units.map(({ readings }) => readings),
      ref: ref.map((reading) => [reading]),
    },
    background: input.background,
    markers,
    vocabulary,
    names,
    seed,
    resamples,
  });
  const held = author.hold.map((text) => ({ text }));
  const { gate: specificity, ...imposters } = imposterGate({
    ref: author.ref,
    hold: textsOf(hold),
    base: textsOf(base),
    tuned: textsOf(tuned),
    imposters: input.imposters,
    background: measures.background,
    seed,
  });
  const copying = { base: base.copied, tuned: tuned.copied, hold: copiedFrom(original, held), removed: tuned.removed };
  const gates = [
    memorisationGate(copying.tuned, copying.hold, input.tuned.length),
    specificity,
    coherenceGate({
      model: learnOrder(input.imposters.map(({ text }) => text)),
      hold: author.hold,
      tuned: input.tuned.map(({ text }) => text).filter((text) => text.trim() !== ""),
      languageModel: input.languageModel,
      judge: input.judge,
    }),
  ];
  const person = personOf(ref);
  const words = { base: base.words, tuned: tuned.words, hold: hold.words, train: wordsOf(train), ref: wordsOf(ref) };
  const facts: Facts = { measures, base, tuned, hold, ref, markers, person, gates, words, leastWords };
  return {
    words: { ...words, drawn: measures.drawnWords },
    units: { base: base.units.length, tuned: tuned.units.length, hold: hold.units.length, ref: ref.length },
    background: measures.background.source,
    targets: targetsOf(facts),
    gates,
    transfer: measures.transfer,
    structure: measures.structure,
    vocabulary: { ...measures.vocabulary, gained: gainedWords(vocabulary, base.readings, tuned.readings) },
    markers: {
      items: markers.map((marker, at) => ({ ...marker, met: measures.markers.met[at] ?? false })),
      tuned: measures.markers.tuned,
      hold: measures.markers.hold,
    },
    pov: { person, base: povFigures(base, person), tuned: povFigures(tuned, person), hold: povFigures(hold, person) },
    beside: measures.beside,
    diversity: { base: diversityOf(base), tuned: diversityOf(tuned), hold: diversityOf(hold) },
    copying,
    imposters,
    improvements: improvementsOf(
      measures,
      { base: shownOf(base), tuned: shownOf(tuned), paired },
      markers.map(({ item }) => item),
      person,
    ),
    sentenceLengths: {
      base: lengthsOf(base.readings),
      tuned: lengthsOf(tuned.readings),
      hold: lengthsOf(hold.readings),
      ref: lengthsOf(ref),
    },
    notes: notesOf(facts, unpaired, sameText),
  };
}

function textsOf({ readings }: System): string[] {
  return readings.map(({ text }) => text);
}

function shownOf({ units }: System): { id: string; text: string }[] {
  return units.map(({ id, readings }) => ({ id, text: readings.map(({ text }) => text).join("\n\n") }));
}

function wordsOf(readings: readonly Reading[]): number {
  return readings.reduce((sum, { words }) => sum + words.length, 0);
}

function lengthsOf(readings: readonly Reading[]): number[] {
  return readings.flatMap(({ sentences }) => sentences.map(({ words }) => words));
}

function diversityOf({ readings }: System): { mattr: number; mtld: number } {
  const words = readings.flatMap(({ words }) => words);
  return { mattr: mattr(words), mtld: mtld(words) };
}

/** What a reader must know to read the figures right. */
function notesOf({ base, tuned, hold, words, leastWords }: Facts, unpaired: number, sameText: boolean): string[] {
  const notes: string[] = [];
  const say = (condition: boolean, note: string) => condition && notes.push(note);
  say(
    sameText,
    "the reference is the text that the model was tuned on, for want of more: it flatters the tuned model a little; what " +
      "it recites is cut out all the same",
  );
  say(unpaired > 0, `${unpaired} prompts were continued by one model only and are left out`);
  const wrote = ({ readings }: System) => readings.map(({ text }) => text).join("\n");
  say(
    base.words > 0 && wrote(base) === wrote(tuned),
    "base and tuned wrote the same, word for word: was one model asked twice?",
  );
  for (const [name, { empty, echoes }] of [["base", base], ["tuned", tuned]] as const) {
    say(empty > 0, `${empty} continuations of the ${name} model are empty`);
    say(echoes > 0, `${echoes} continuations of the ${name} model began with their prompt, which was cut off`);
  }
  say(hold.units.length < 8, `the author's held-out text has only ${hold.units.length} parts: its intervals are rough`);
  say(
    leastWords < LEAST_WORDS,
    `claims on fewer than ${LEAST_WORDS.toLocaleString("en-US")} words were asked for: do not trust them`,
  );
  say(
    Math.min(words.base, words.tuned, words.hold, words.ref) < 2 * LEAST_WORDS,
    "10,000 words a pool are better than 5,000",
  );
  return notes;
}
