/** Asks a model the questions of the evaluation, several times each, and keeps every answer. */
import type { Clock } from "../core/step.ts";
import type { EvaluationPrompt } from "../dialogue/gates_evaluation.ts";
import { seedOf } from "../dialogue/random.ts";
import { type ChatEngine, type ChatRequest, requestHash } from "../llm/chat.ts";
import { ChatError } from "../llm/errors.ts";
import { chatPatiently, workThrough } from "../llm/pool.ts";
import type { ChatMessage } from "../records.ts";
import type { Answer, Side } from "./answers.ts";

/** The same for both sides, and said in the report. */
export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  readonly maxTokens: number;
  readonly seed: number;
  /** Answers to each question. */
  readonly samples: number;
}

/** One answer that is wanted. */
export interface Wanted {
  readonly question: EvaluationPrompt;
  readonly sample: number;
  readonly request: ChatRequest;
  /** Of the request and the model; see {@linkcode requestHash}. */
  readonly hash: string;
}

/**
 * All answers that are wanted of a model. The seed depends on the question and the sample only, so that both sides draw
 * alike.
 *
 * @param model Its name, or what else tells it from any other.
 */
export function wantedAnswers(
  questions: readonly EvaluationPrompt[],
  systemPrompt: string,
  sampling: Sampling,
  model: string,
): Wanted[] {
  const { temperature, topP, maxTokens, seed, samples } = sampling;
  return questions.flatMap((question) => {
    const messages = messagesOf(question, systemPrompt);
    return Array.from({ length: samples }, (_, sample): Wanted => {
      const request = { messages, temperature, topP, maxTokens, seed: seedOf(seed, question.id, sample) };
      return { question, sample, request, hash: requestHash(request, model) };
    });
  });
}

function messagesOf({ prompt, before = [] }: EvaluationPrompt, systemPrompt: string): ChatMessage[] {
  return [
    ...(systemPrompt === "" ? [] : [{ role: "system" as const, content: systemPrompt }]),
    ...before.map((content, turn) => ({ role: turn % 2 === 0 ? "user" as const : "assistant" as const, content })),
    { role: "user", content: prompt },
  ];
}

/**
 * Asks what is wanted, a number of questions at a time, and hands on each answer. What is wrong with an answer (empty, cut
 * off, too long for the context) is an answer, too.
 *
 * @throws {ChatError} when the server cannot answer at all; {DOMException} AbortError when the signal fires. Answers that
 * were handed on stay.
 */
export async function askAll(
  wanted: readonly Wanted[],
  options: {
    readonly side: Side;
    readonly engine: ChatEngine;
    readonly concurrency: number;
    readonly clock: Clock;
    keep(answer: Answer): Promise<void>;
    onRetry?(error: ChatError, waitMs: number): void;
    onProgress?(done: number, total: number): void;
  },
  signal: AbortSignal,
): Promise<void> {
  const { side, engine, concurrency, clock, keep, onRetry, onProgress } = options;
  let done = 0;
  await workThrough(
    (async function* () {
      yield* wanted;
    })(),
    concurrency,
    async ({ question, sample, request, hash }, signal) => {
      const known = { system: side, prompt_id: question.id, prompt: question.prompt, sample };
      const more = { side, model: engine.model, request: hash };
      try {
        const patience = { retries: RETRIES, clock, ...(onRetry ? { onRetry } : {}) };
        const patient = emptyOnce(engine);
        const { content, finishReason, usage, timing } = await chatPatiently(patient, request, patience, signal);
        await keep({
          ...known,
          answer: content,
          ...more,
          finish: finishReason,
          ...(content === "" ? { fault: "empty" } : {}), // All of it was reasoning.
          ...(usage.completionTokens === undefined ? {} : { tokens: usage.completionTokens }),
          seconds: Math.round(timing.totalMs) / 1000,
        });
      } catch (error) {
        if (!(error instanceof ChatError) || !error.ofTheAnswer) throw error;
        await keep({ ...known, answer: error.partial ?? "", ...more, fault: error.kind });
      }
      onProgress?.(++done, wanted.length);
    },
    signal,
  );
}

/** Of a request that failed on the way. */
const RETRIES = 3;

/**
 * An engine whose second empty answer to a request counts: the first may be a server's that is out of breath, but with the
 * same seed a model that has nothing to say has nothing to say again.
 */
function emptyOnce(engine: ChatEngine): ChatEngine {
  let empty = 0;
  return {
    name: engine.name,
    model: engine.model,
    async chat(request, signal) {
      try {
        return await engine.chat(request, signal);
      } catch (error) {
        if (!(error instanceof ChatError) || error.kind !== "empty" || ++empty === 1) throw error;
        throw new ChatError("empty", error.message, { retryable: false, cause: error });
      }
    },
  };
}
