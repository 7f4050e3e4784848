/** What keeps an exchange out of the dataset, each with its reason. Pure: the same exchange always fares the same. */
import { countThemes, type Themes } from "../corpus/themes.ts";
import { type AnachronismFile, anachronismFinder, type Found } from "./gates_anachronism.ts";
import { findArtefact } from "./gates_artefacts.ts";
import { type EvaluationFile, evaluationFinder, type EvaluationPrompt } from "./gates_evaluation.ts";
import { findOtherLanguage } from "./gates_language.ts";
import { findRepetition } from "./gates_repetition.ts";
import type { GateReason, GateSettings } from "./gates_settings.ts";
import { compileSlop, type Slop, type SlopFile, slopScore } from "./gates_slop.ts";
import { type Copied, copyFinder, pointsAtPage } from "./gates_source.ts";
import type { Exchange } from "./parse.ts";
import { createVocabulary, type Vocabulary } from "./words.ts";

/** What the gates look at. */
export interface GateSubject extends Exchange {
  readonly passage: string;
  /** Themes that the passage was chosen for. */
  readonly themes: readonly string[];
  /** Patterns of the slop list that the source book uses itself. */
  readonly spared?: ReadonlySet<string>;
}

/** Settings and lists, ready for use. */
export interface GateRules {
  readonly settings: GateSettings;
  readonly off: ReadonlySet<GateReason>;
  readonly themes: Themes;
  /** Numbers of the words that the gates have met; shared, so that each text is read once. */
  readonly vocabulary: Vocabulary;
  /** By number of the word: 1 for those that the language has. */
  readonly functionWords: Uint8Array;
  readonly slop: Slop;
  readonly findAnachronism: (text: string) => Found | undefined;
  readonly copiedFrom: (answer: string, passage: string, spanWords: number) => Copied;
  readonly findEvaluation: (question: string) => EvaluationPrompt | undefined;
}

/** Why an exchange is left out. */
export interface GateVerdict {
  readonly reason: GateReason;
  /** What was caught, in the exchange's own words where there are any. */
  readonly detail: string;
}

/** @throws {UsageError} for a pattern that is none. */
export function compileGates(
  { settings, themes, anachronisms, slop, evaluation }: {
    settings: GateSettings;
    themes: Themes;
    anachronisms: AnachronismFile;
    slop: SlopFile;
    evaluation: EvaluationFile;
  },
): GateRules {
  const vocabulary = createVocabulary();
  return {
    settings,
    off: new Set(settings.off),
    themes,
    vocabulary,
    functionWords: marked(settings.language.functionWords.flatMap((word) => [...vocabulary.read(word)])),
    slop: compileSlop(slop),
    findAnachronism: anachronismFinder(anachronisms, settings.lastYear),
    copiedFrom: copyFinder(vocabulary),
    findEvaluation: evaluationFinder(evaluation.prompts, settings.evaluation),
  };
}

/** 1 for each of these numbers; empty where there are none. */
function marked(numbers: readonly number[]): Uint8Array {
  const marks = new Uint8Array(Math.max(-1, ...numbers) + 1);
  for (const number of numbers) marks[number] = 1;
  return marks;
}

type Check = (subject: GateSubject, rules: GateRules) => string | undefined;

const CHECKS: Partial<Record<GateReason, Check>> = {
  too_short({ assistant }, { settings: { shortest } }) {
    const length = assistant.trim().length;
    return length < shortest ? `the answer has ${length} characters, fewer than ${shortest}` : undefined;
  },
  llm_artefact: ({ user, assistant }) => findArtefact(assistant) ?? findArtefact(user),
  wrong_language: ({ user, assistant }, { settings: { language }, functionWords, vocabulary }) =>
    findOtherLanguage(assistant, language, functionWords, vocabulary) ??
      findOtherLanguage(user, language, functionWords, vocabulary),
  question_not_self_contained: ({ user }) => pointsAtPage(user),
  answer_points_at_source: ({ assistant }) => pointsAtPage(assistant),
  evaluation_prompt({ user }, { findEvaluation }) {
    const found = findEvaluation(user);
    return found && `${found.id}: ${JSON.stringify(found.prompt)}`;
  },
  anachronism({ user, assistant }, { findAnachronism }) {
    const found = findAnachronism(assistant) ?? findAnachronism(user);
    return found && `${JSON.stringify(found.text)}: ${found.why}`;
  },
  no_theme_word({ assistant, themes: wanted }, { settings, themes }) {
    const { least, of } = settings.themes;
    const { counts, total } = countThemes(themes, assistant);
    // Themes that the file no longer has bind nobody.
    const known = wanted.filter((name) => themes.categories.includes(name));
    const any = of === "any" || known.length === 0;
    const words = any ? total : known.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
    if (words >= least) return undefined;
    return `the answer has ${words} words of ${any ? "the themes" : known.join(", ")}, fewer than ${least}`;
  },
  repetition: ({ assistant }, { settings, vocabulary }) => findRepetition(assistant, settings.repetition, vocabulary),
  copied_from_passage({ assistant, passage }, { settings: { copied }, copiedFrom }) {
    const { longest, span, share } = copiedFrom(assistant, passage, copied.spanWords);
    if (longest <= copied.longest && share <= copied.share) return undefined;
    return `${longest} words in one run, ${Math.round(100 * share)} % of the answer in runs of ${copied.spanWords}: ` +
      JSON.stringify(span().slice(0, 80));
  },
  slop({ assistant, spared }, { settings, slop, vocabulary }) {
    const { most, fromWords } = settings.slop;
    const words = vocabulary.read(assistant).length;
    const { rate, found } = slopScore(slop, assistant, words, spared);
    if (rate <= most || words < fromWords) return undefined;
    return `${rate.toFixed(1)} in a hundred words, more than ${most}: ${found.slice(0, 6).join("; ")}`;
  },
};

/**
 * The first gate that an exchange fails. Repeating an earlier example is looked for elsewhere, in gates_duplicates.ts.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { failedGate } from "@/dialogue/gates.ts";
 * import { gateFiles, loadGates } from "@/dialogue/gates_load.ts";
 *
 * const gates = await loadGates(gateFiles({}));
 * const subject = { user: "Why?", assistant: "Because.", passage: "", themes: [] };
 * equal(failedGate(subject, gates)?.reason, "too_short");
 * ```
 */
export function failedGate(subject: GateSubject, rules: GateRules): GateVerdict | undefined {
  for (const [reason, check] of Object.entries(CHECKS) as [GateReason, Check][]) {
    const detail = rules.off.has(reason) ? undefined : check(subject, rules);
    if (detail !== undefined) return { reason, detail };
  }
  return undefined;
}
