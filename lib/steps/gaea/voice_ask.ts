/** Asks a server for continuations until there are words enough; what is no continuation is asked for again and told. */
import { UserError } from "../../core/errors.ts";
import type { Context } from "../../core/step.ts";
import { countWords } from "../../corpus/paragraphs.ts";
import { splitSentences } from "../../corpus/sentences.ts";
import { seedOf } from "../../dialogue/random.ts";
import { echoEnd } from "../../evaluation/style/systems.ts";
import {
  complete,
  type CompletionReply,
  type CompletionRequest,
  type CompletionServer,
  type Sampling,
} from "../../llm/completions.ts";
import { patiently, workThrough } from "../../llm/pool.ts";
import type { VoicePrompt } from "./voice_prompts.ts";
import type { RejectedAnswer, RowFile, VoiceRow } from "./voice_rows.ts";

export interface AskOptions {
  readonly server: CompletionServer;
  readonly mode: CompletionRequest["mode"];
  readonly sampling: Sampling;
  readonly seed: number;
  /** Words that all continuations together shall have. */
  readonly words: number;
  readonly concurrency: number;
}

/** Further tries of an answer that is none. */
const FURTHER_TRIES = 2;
/** A continuation of fewer words is none. */
const LEAST_WORDS = 5;
/** So many answers that are none, and not one that is: something is wrong with the server, not with them. */
const HOPELESS = 6;
/** No side needs more answers to each prompt. */
const MOST_SAMPLES = 200;

/** Asks round by round, each prompt once a round, so that whenever it is stopped all prompts have been asked alike. */
export async function askForVoice(
  prompts: readonly VoicePrompt[],
  rows: RowFile<VoiceRow>,
  rejects: RowFile<RejectedAnswer>,
  options: AskOptions,
  context: Context,
): Promise<VoiceRow[]> {
  const all = [...rows.before];
  const has = new Set(all.map(({ prompt_id, sample }) => `${prompt_id} ${sample}`));
  let refused = 0;
  const wordsOf = () => all.reduce((sum, { words }) => sum + words, 0);
  let told = -1;
  const tell = () => {
    const done = Math.min(wordsOf(), options.words);
    if (done === told) return; // The last answers bring more than was asked for.
    told = done;
    context.emit({ type: "progress", label: "continuations", done, total: options.words, unit: "words" });
  };
  tell();
  for (let sample = 0; sample < MOST_SAMPLES && wordsOf() < options.words; sample++) {
    const before = wordsOf();
    const missing = prompts.filter(({ id }) => !has.has(`${id} ${sample}`));
    await workThrough(inTurn(missing), options.concurrency, async (prompt, signal) => {
      const row = await askOnce(prompt, sample, options, context, signal, async (reject) => {
        await rejects.add(reject);
        if (++refused >= HOPELESS && all.length === 0) throw hopeless(reject.reason, options);
      });
      if (!row) return;
      await rows.add(row);
      all.push(row);
      tell();
    }, context.signal);
    if (missing.length > 0 && wordsOf() - before < LEAST_WORDS) throw hopeless("empty", options);
  }
  return all;
}

/** A continuation; undefined where none came, which `reject` is told each time. */
async function askOnce(
  { id, prompt, author }: VoicePrompt,
  sample: number,
  { server, mode, sampling, seed: base }: AskOptions,
  { clock, emit }: Context,
  signal: AbortSignal,
  reject: (answer: RejectedAnswer) => Promise<void>,
): Promise<VoiceRow | undefined> {
  for (let tries = 1; tries <= 1 + FURTHER_TRIES; tries++) {
    const seed = seedOf(base, id, sample, tries);
    const started = clock.now();
    const onRetry = (error: Error, waitMs: number) =>
      emit({ type: "log", level: "warn", message: `${error.message}; trying again in ${Math.round(waitMs / 1000)} s` });
    const reply = await patiently(
      () => complete(server, { prompt, mode, sampling, seed }, signal),
      { retries: 4, clock, onRetry },
      signal,
    );
    const found = readAnswer(reply, prompt);
    if ("reason" in found) {
      await reject({ reason: found.reason, prompt_id: id, sample, seed, detail: reply.text.slice(0, 200) });
      continue;
    }
    return {
      prompt_id: id,
      prompt,
      sample,
      text: found.text,
      cut: found.cut,
      words: countWords(found.text),
      seed,
      tries,
      model: reply.model,
      finish_reason: reply.finishReason,
      ...(reply.completionTokens === undefined ? {} : { completion_tokens: reply.completionTokens }),
      seconds: (clock.now() - started) / 1000,
      author,
    };
  }
  emit({ type: "drop", reason: "no_continuation", count: 1, id: `${id}, sample ${sample}` });
  return undefined;
}

/**
 * The continuation in an answer: without the prompt where it was repeated, and without the last sentence where the tokens
 * ran out in it.
 */
export function readAnswer(
  { text, finishReason }: Pick<CompletionReply, "text" | "finishReason">,
  prompt: string,
): { text: string; cut: { echo?: string; unfinished?: string } } | { reason: "empty" | "echo" } {
  const end = echoEnd(text, prompt);
  const rest = text.slice(end);
  const whole = finishReason === "length" ? endOfSentences(rest) : rest.length;
  const continued = rest.slice(0, whole);
  if (countWords(continued) < LEAST_WORDS) return { reason: end > 0 ? "echo" : "empty" };
  return {
    text: continued,
    cut: {
      ...(end > 0 ? { echo: text.slice(0, end) } : {}),
      ...(whole < rest.length ? { unfinished: rest.slice(whole) } : {}),
    },
  };
}

/** Where the last whole sentence ends; the text's end where there is but one, or where the last is whole. */
function endOfSentences(text: string): number {
  const sentences = splitSentences(text);
  const last = sentences.at(-1), before = sentences.at(-2);
  if (!last || !before) return text.length;
  return /[.!?\u2026]["'\u201d\u2019)\]*_]*$/.test(text.slice(last.start, last.end)) ? text.length : before.end;
}

function hopeless(reason: RejectedAnswer["reason"], { server, mode }: AskOptions): UserError {
  const { shown } = server.address;
  return reason === "echo"
    ? new UserError(`Cannot get continuations: ${shown} sends the prompt back, and nothing new`, {
      hint: mode === "raw" ? "Try --mode chat." : "Check the model's chat template, or try --mode raw.",
    })
    : new UserError(`Cannot get continuations: ${shown} sends empty answers`, {
      hint: mode === "raw"
        ? "Check the context length of the server and --max-tokens, or try --mode chat."
        : "Check the model's chat template and the context length of the server, or try --mode raw.",
    });
}

async function* inTurn<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
