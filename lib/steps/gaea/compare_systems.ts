/** What both models wrote, as it is compared. */
import { UserError } from "../../core/errors.ts";
import { count } from "../../core/format.ts";
import type { Context } from "../../core/step.ts";
import { countWords } from "../../corpus/paragraphs.ts";
import { readContinuations } from "../../evaluation/continuations.ts";
import { FUNCTION_WORDS } from "../../evaluation/style/function_words.ts";
import { cutPieces } from "../../evaluation/style/pieces.ts";
import type { Continuation } from "../../evaluation/style/systems.ts";
import { wordsOf } from "../../evaluation/style/words.ts";

export interface Systems {
  readonly base: readonly Continuation[];
  readonly tuned: readonly Continuation[];
  readonly paired: boolean;
}

/** Words of a passage where a text is not parted by prompts. */
const PASSAGE = 300;

/** @throws {UserError} a file is missing, empty or of another shape. */
export async function readSystems(paths: { base: string; tuned: string }, context: Context): Promise<Systems> {
  const [base, tuned] = await Promise.all([readSide(paths.base, context), readSide(paths.tuned, context)]);
  const ids = new Set(base.continuations.map(({ id }) => id));
  const shared = tuned.continuations.some(({ id }) => ids.has(id));
  return {
    base: base.continuations,
    tuned: tuned.continuations,
    paired: base.byPrompt && tuned.byPrompt && shared,
  };
}

async function readSide(path: string, context: Context): Promise<{ continuations: Continuation[]; byPrompt: boolean }> {
  const rows = await readContinuations(path, context);
  const byPrompt = rows.length > 1;
  const [only] = rows;
  // A whole text is one unit and nothing to draw from: its passages are.
  const continuations = byPrompt || !only
    ? rows.map(({ prompt_id: id, prompt, text }) => ({ id, prompt, text }))
    : cutPieces(only.text, PASSAGE).map((text, at) => ({ id: `passage ${at + 1}`, prompt: only.prompt, text }));
  return { continuations, byPrompt };
}

/** Words below which no figure has a meaning. */
const LEAST_WORDS = 200;
/** English prose has about half of its words from the closed classes, no other language a quarter. */
const LEAST_FUNCTION_WORDS = 0.3;

/** @throws {UserError} a text that is too short for any figure, or not English. */
export function checkText(name: string, texts: readonly string[]): void {
  const words = texts.reduce((sum, text) => sum + countWords(text), 0);
  if (words < LEAST_WORDS) {
    throw new UserError(`Cannot compare: ${name} has ${count(words)} words`, {
      exitCode: 2,
      hint:
        `5,000 words are needed before anything can be claimed, and ${LEAST_WORDS} before anything can be measured.`,
    });
  }
  const sample = texts.flatMap((text) => wordsOf(text.slice(0, 20_000))).slice(0, 20_000);
  const share = sample.filter(({ text }) => FUNCTION_WORDS.has(text)).length / sample.length;
  if (share >= LEAST_FUNCTION_WORDS) return;
  throw new UserError(
    `Cannot compare: ${name} does not look English (${
      Math.round(100 * share)
    } % of its words are English function words, ` +
      "half of them should be)",
    { exitCode: 2, hint: "The measures count function words, sentences and pronouns of English." },
  );
}
