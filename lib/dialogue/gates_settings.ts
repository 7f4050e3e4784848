/** The thresholds of the gates, read from a preset, so that a dataset can be gated anew with others. */
import { z } from "zod";
import { readJsonc } from "../core/jsonc.ts";

/** Why an exchange is left out, in the order in which the gates are asked. */
export const GATE_REASONS = [
  "too_short",
  "llm_artefact",
  "wrong_language",
  "question_not_self_contained",
  "answer_points_at_source",
  "evaluation_prompt",
  "anachronism",
  "no_theme_word",
  "repetition",
  "copied_from_passage",
  "slop",
  "duplicate_question",
  "near_duplicate_question",
  "duplicate",
  "near_duplicate",
] as const;
export type GateReason = typeof GATE_REASONS[number];

const Share = z.number().min(0).max(1);
/** Largest share by n, as `{"2": 0.2}`. */
const ByN = z.record(z.string().regex(/^\d+$/, "must be a number of words"), Share);

/** The thresholds; what is not named takes the value that it has in `lib/presets/deepred/gates.jsonc`. */
export const GateSettings = z.strictObject({
  /** Gates that are not asked. */
  off: z.array(z.enum(GATE_REASONS)).default([]),
  /** Characters of the answer. */
  shortest: z.int().min(0).default(50),
  themes: z.strictObject({
    /** Theme words in the answer. */
    least: z.int().min(0).default(1),
    /** Whether any theme does, or only those of the passage. */
    of: z.enum(["passage", "any"]).default("passage"),
  }).prefault({}),
  language: z.strictObject({
    /** Words that no text of the language can do without; none: only the script is looked at. */
    functionWords: z.array(z.string()).default([]),
    /** Least share of them among the words of the answer. */
    leastShare: Share.default(0.2),
    /** Words from which the share is asked for. */
    fromWords: z.int().min(1).default(12),
  }).prefault({}),
  /** Last year that may be known. */
  lastYear: z.int().default(1969),
  repetition: z.strictObject({
    fromWords: z.int().min(1).default(30),
    topNgrams: ByN.default({ "2": 0.2, "3": 0.18, "4": 0.16 }),
    duplicateNgrams: ByN.default({ "5": 0.15, "6": 0.14, "7": 0.13, "8": 0.12, "9": 0.11, "10": 0.1 }),
    duplicateLines: Share.default(0.3),
  }).prefault({}),
  copied: z.strictObject({
    /** Words from which a common span counts as copied. */
    spanWords: z.int().min(2).default(13),
    /** Largest share of the answer's words inside such spans. */
    share: Share.default(0.5),
    /** Longest single span in words. */
    longest: z.int().min(2).default(40),
  }).prefault({}),
  slop: z.strictObject({
    /** Largest weighted rate per hundred words. */
    most: z.number().min(0).default(1.2),
    fromWords: z.int().min(1).default(30),
  }).prefault({}),
  duplicates: z.strictObject({
    /** Jaccard similarity of word 5-grams from which answers are near-duplicates. */
    answers: z.number().gt(0).max(1).default(0.7),
    questions: z.number().gt(0).max(1).default(0.7),
    /** Whether a question may come again in another persona's mouth. */
    questionsOf: z.enum(["persona", "all"]).default("all"),
  }).prefault({}),
  /** ROUGE-L from which a question counts as one of the evaluation's. */
  evaluation: z.number().gt(0).max(1).default(0.7),
});
export type GateSettings = z.output<typeof GateSettings>;

/** @throws {UsageError} with every fault, each as `file:line`. */
export function loadGateSettings(path: string): Promise<GateSettings> {
  return readJsonc(path, GateSettings);
}
