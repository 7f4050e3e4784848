/** What the rules say of every single answer. Pure: the same answer always fares the same. */
import { UsageError } from "../core/errors.ts";
import { type EvaluationPrompt, userTurns } from "../dialogue/gates_evaluation.ts";
import { findRepetition } from "../dialogue/gates_repetition.ts";
import type { GateSettings } from "../dialogue/gates_settings.ts";
import { createVocabulary } from "../dialogue/words.ts";
import type { SidedAnswer } from "./answers.ts";
import { wholeWords } from "./patterns.ts";
import { personaBreak } from "./phrases.ts";
import { isControl, showsStyle, stratumOf } from "./suite.ts";
import type { TemporalFinding } from "./temporal.ts";
import type { Style, StyleRules } from "./theme.ts";

/** An answer with its question. */
export interface Asked {
  readonly answer: SidedAnswer;
  readonly question: EvaluationPrompt;
}

export interface Scored extends Asked {
  /** What is wrong with it as a text: `empty`, `truncated`, `repeating`. */
  readonly defect: "empty" | "truncated" | "repeating" | undefined;
  /** Of questions that show style. */
  readonly style: Style | undefined;
  /** Of questions in a stratum; of an answer that is not empty. */
  readonly temporal: TemporalFinding | undefined;
  /** Of controls. */
  readonly control: { readonly right: boolean; readonly refused: boolean } | undefined;
  /** How the persona is dropped, if it is. */
  readonly broken: string | undefined;
}

/** Names an answer among all. */
export function answerKey({ answer: { side, sample }, question: { id } }: Scored): string {
  return `${side}/${id}/${sample}`;
}

export interface ScoringRules {
  readonly style: StyleRules;
  readonly temporal: (answer: string, question?: EvaluationPrompt) => TemporalFinding;
  readonly repetition: GateSettings["repetition"];
}

/**
 * Finds the question of each answer: by its id where the text agrees or is missing, else by its text. A question that no
 * suite knows asks for no fact.
 */
export function matchQuestions(answers: readonly SidedAnswer[], prompts: readonly EvaluationPrompt[]): Asked[] {
  const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  const byId = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  const byText = new Map(prompts.filter(({ before }) => !before).map((prompt) => [plain(prompt.prompt), prompt]));
  const strange = new Map<string, EvaluationPrompt>();
  return answers.map((answer) => {
    const asked = plain(answer.prompt);
    const named = byId.get(answer.prompt_id);
    const known = named && (asked === "" || asked === plain(named.prompt)) ? named : byText.get(asked);
    if (known) return { answer, question: known };
    const id = answer.prompt_id || asked.slice(0, 60);
    const question = strange.get(id) ?? { id, category: "open", prompt: answer.prompt || answer.prompt_id };
    strange.set(id, question);
    return { answer, question };
  });
}

/**
 * Compiles the patterns of all questions, so that a bad one is told before anything is asked.
 *
 * @throws {UsageError} with every bad pattern at once.
 */
export function checkPatterns(prompts: readonly EvaluationPrompt[]): void {
  const faults: string[] = [];
  for (const prompt of prompts) {
    for (const which of ["leaks", "accepts", "rejects"] as const) {
      try {
        if (prompt[which]) wholeWords(prompt[which], `"${which}" of "${prompt.id}"`);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        faults.push(...error.faults);
      }
    }
  }
  if (faults.length > 0) throw new UsageError(faults);
}

/** Scores answers by rule. */
export function scoreAnswers(asked: readonly Asked[], rules: ScoringRules): Scored[] {
  const matches = (which: "accepts" | "rejects", { id, [which]: list }: EvaluationPrompt, text: string) =>
    list !== undefined && text.search(wholeWords(list, `"${which}" of "${id}"`)) >= 0;
  const vocabulary = createVocabulary();
  return asked.map(({ answer, question }): Scored => {
    const text = answer.answer.trim();
    const empty = text === "";
    const stratum = stratumOf(question);
    const finding = empty ? undefined : rules.temporal(text, question);
    const right = matches("accepts", question, text) && !matches("rejects", question, text);
    return {
      answer,
      question,
      defect: empty
        ? "empty"
        : answer.fault === "truncated" || answer.finish === "length"
        ? "truncated"
        : findRepetition(text, rules.repetition, vocabulary)
        ? "repeating"
        : undefined,
      style: showsStyle(question) ? rules.style.inspect(text, userTurns(question).join("\n")) : undefined,
      temporal: stratum === undefined ? undefined : finding,
      control: isControl(question) ? { right, refused: !right && (empty || finding?.denies === true) } : undefined,
      broken: empty ? undefined : personaBreak(text),
    };
  });
}
