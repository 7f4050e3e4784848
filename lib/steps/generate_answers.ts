/** First half of generation: every example's requests are sent, and their answers kept in the ledger. */
import { messageOf, UserError } from "../core/errors.ts";
import { writeFileAtomic } from "../core/files.ts";
import { readJsonl } from "../core/jsonl.ts";
import type { Context } from "../core/step.ts";
import { type Ask, converse, type Manner } from "../dialogue/converse.ts";
import type { Answer, Ledger } from "../dialogue/ledger.ts";
import { type Persona, personaDealer } from "../dialogue/personas.ts";
import { type Assignment, themesOf } from "../dialogue/prompt.ts";
import { type ChatEngine, requestHash } from "../llm/chat.ts";
import { ChatError } from "../llm/errors.ts";
import { chatPatiently, workThrough } from "../llm/pool.ts";
import { FilteredChunk } from "../records.ts";
import type { GenerateOptions, GeneratePaths } from "./generate_options.ts";

/** What is to be made, in the order of the dataset: passages as they come, each with the personas it was dealt. */
export async function* assignments(
  input: string,
  personas: readonly Persona[],
  { examplesPerChunk, maxChunks, seed }: GenerateOptions,
  signal: AbortSignal,
): AsyncGenerator<Assignment & { readonly last: boolean }> {
  const deal = personaDealer(personas, seed);
  let chunks = 0;
  for await (const chunk of readJsonl(input, FilteredChunk, { signal })) {
    const themes = themesOf(chunk);
    const hand = deal(themes[0] ?? "none", examplesPerChunk);
    for (const [index, persona] of hand.entries()) yield { chunk, persona, themes, last: index === hand.length - 1 };
    if (++chunks === maxChunks) return;
  }
}

export interface Collected {
  /** Requests that went to the engine. */
  sent: number;
  /** Answers that were in the ledger. */
  reused: number;
  /** Examples whose requests the server never answered. */
  unanswered: number;
}

/** Failures in a row after which a server counts as broken; more under concurrency, since requests fail together. */
const failuresAllowed = (concurrency: number) => Math.max(10, 3 * concurrency);

/**
 * Sends what the ledger does not hold. Every answer is durable before it counts; a crash loses the requests in flight.
 *
 * @throws {UserError} when the server is gone, refuses, or fails time after time; what was answered is kept.
 */
export async function collectAnswers(
  { tasks, total, engine, manner, ledger, options, paths, context }: {
    tasks: AsyncIterable<Assignment & { readonly last: boolean }>;
    total: number;
    engine: ChatEngine;
    manner: Manner;
    ledger: Ledger;
    options: GenerateOptions;
    paths: GeneratePaths;
    context: Context;
  },
): Promise<Collected> {
  const collected: Collected = { sent: 0, reused: 0, unanswered: 0 };
  let done = 0, chunks = 0, failuresInRow = 0;
  const failures = new Map<string, number>();
  const say = (message: string) => context.emit({ type: "log", level: "info", message });

  const asking = (signal: AbortSignal): Ask => async (request) => {
    const hash = requestHash(request, engine.model);
    const known = ledger.get(hash);
    if (known) {
      collected.reused++;
      return known;
    }
    let answer: Answer;
    try {
      const reply = await chatPatiently(engine, request, {
        retries: options.retries,
        clock: context.clock,
        onRetry: (error, waitMs) => options.verbose && say(`${error.message}; again in ${Math.ceil(waitMs / 1000)} s`),
      }, signal);
      collected.sent++;
      answer = { reply };
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      answer = { fault: { kind: error.kind, message: error.message } };
      if (error.kind === "schema_unsupported") return answer; // The next request goes without a schema.
      if (!error.ofTheAnswer) throw error;
      collected.sent++;
    }
    await ledger.put(hash, answer);
    failuresInRow = 0;
    return answer;
  };

  const checkpoint = () =>
    writeFileAtomic(
      paths.checkpoint,
      JSON.stringify(
        { chunks_processed: chunks, examples_processed: done, examples_total: total, ...collected },
        null,
        2,
      ) + "\n",
    );

  const work = async (task: Assignment & { readonly last: boolean }, signal: AbortSignal) => {
    const wasStructured = manner.structured;
    try {
      const outcome = await converse(task, manner, asking(signal));
      if (options.verbose) {
        say(`${task.chunk.id} as ${task.persona.id}: ${outcome.kind === "reject" ? outcome.reason : "answered"}`);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ChatError)) throw error;
      collected.unanswered++;
      failures.set(error.message, (failures.get(error.message) ?? 0) + 1);
      if (error.fatal || error.kind === "unreachable" || ++failuresInRow >= failuresAllowed(options.concurrency)) {
        throw gone(error, failures, failuresInRow, ledger.count());
      }
      context.emit({ type: "log", level: "warn", message: `${task.chunk.id} as ${task.persona.id}: ${error.message}` });
    }
    if (wasStructured && !manner.structured) {
      ledger.setNote(`prompt-only ${engine.model}`, "true");
      say(`"${engine.model}" takes no JSON schema here: from now on the prompt alone asks for JSON`);
    }
    context.emit({ type: "progress", label: "generate", done: ++done, total, unit: "examples" });
    if (task.last && ++chunks % options.batchSize === 0) await checkpoint();
  };

  try {
    await workThrough(tasks, options.concurrency, work, context.signal);
  } catch (error) {
    if (context.signal.aborted) say(`stopped; ${ledger.count()} answers are kept, --resume goes on from there`);
    throw error;
  } finally {
    await checkpoint().catch((error) => context.emit({ type: "log", level: "warn", message: messageOf(error) }));
  }
  return collected;
}

/** The commonest error ends the run; what was answered before is kept. */
function gone(error: ChatError, failures: ReadonlyMap<string, number>, inRow: number, kept: number): UserError {
  const [commonest = error.message] = [...failures].sort(([, a], [, b]) => b - a)[0] ?? [];
  const message = error.fatal || error.kind === "unreachable"
    ? error.message
    : `The server failed ${inRow} times in a row; most often: ${commonest}`;
  const resume = kept > 0 ? `${kept} answers are kept; --resume goes on from there.` : "";
  return new UserError(message, { hint: [error.hint, resume].filter(Boolean).join("\n"), cause: error });
}
