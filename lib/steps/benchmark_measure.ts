/** Measures models one after the other: load, warm up, run, unload. */
import { isAbort, messageOf, UserError } from "../core/errors.ts";
import { duration } from "../core/format.ts";
import type { Context } from "../core/step.ts";
import type { Persona } from "../dialogue/personas.ts";
import { seededRandom, seedOf, shuffle } from "../dialogue/random.ts";
import type { Downloaded, ModelLoader } from "../llm/load.ts";
import { measure, type MeasureOptions, speedOf } from "../llm/measure.ts";
import type { BenchmarkRow, BenchmarkRun } from "./benchmark_file.ts";
import type { BenchmarkOptions } from "./benchmark_options.ts";
import { benchmarkMessages, type BenchmarkPreset, readForm } from "./benchmark_prompt.ts";

/** The warm-up only has to bring the model to speech. */
const WARM_UP_TOKENS = 64;

export interface Bench {
  readonly loader: ModelLoader;
  readonly preset: BenchmarkPreset;
  readonly personas: readonly Persona[];
  readonly options: BenchmarkOptions;
  readonly server: Omit<MeasureOptions, "model">;
  readonly context: Context;
}

/**
 * Measures one model. Whatever goes wrong with it is its row's error; only an abort is thrown.
 *
 * Each run speaks in another voice, the warm-up too. The voice stands before the passage, so that a server that keeps the
 * prompt of the request before has to read the passage anew; as in generation, the rules before it stay the same.
 */
export async function measureModel(model: Downloaded, bench: Bench): Promise<BenchmarkRow> {
  const { loader, options, context: { clock, signal, emit } } = bench;
  const row: BenchmarkRow = { model: model.key, runs: [] };
  try {
    const started = clock.now();
    const contextLength = Math.min(options.contextLength, model.contextLength ?? Infinity);
    await loader.loadAlone(model.key, contextLength, signal);
    row.loadSeconds = (clock.now() - started) / 1000;
    const voices = shuffle(bench.personas, seededRandom(options.seed, "benchmark voices"));
    await ask(model.key, voices.at(-1), -1, bench, WARM_UP_TOKENS);
    for (let number = 0; number < options.runs; number++) {
      row.runs.push(await oneRun(model.key, voices[number % voices.length], number, bench));
    }
    summarise(row);
  } catch (error) {
    if (signal.aborted || isAbort(error)) throw error;
    row.error = messageOf(error);
  } finally {
    // After Ctrl-C the whole state is put back at once.
    if (!signal.aborted) {
      await loader.unloadAll().catch((error) => emit({ type: "log", level: "warn", message: messageOf(error) }));
    }
  }
  emit({ type: "log", level: row.error ? "warn" : "info", message: `${row.model}: ${row.error ?? told(row)}` });
  return row;
}

async function ask(
  key: string,
  persona: Persona | undefined,
  number: number,
  { loader, preset, options, server, context: { signal } }: Bench,
  maxTokens: number,
) {
  if (!persona) throw new UserError("Cannot benchmark without a voice: the personas file is empty");
  // A request may make LM Studio load the model once more, or another one, so the list is looked at before each.
  const { id } = await loader.settle(key);
  const seed = seedOf(options.seed, "benchmark", number);
  const messages = benchmarkMessages(preset, persona, options.benchmarkExamples);
  const request = { messages, temperature: options.temperature, maxTokens, seed };
  const answer = await measure({ ...server, model: id }, request, signal);
  if (loader.means !== "none" && !answer.model.startsWith(key) && answer.model !== id) {
    throw new UserError(`Cannot measure "${key}": "${answer.model}" answered in its place`);
  }
  return { answer, seed };
}

async function oneRun(key: string, persona: Persona | undefined, number: number, bench: Bench): Promise<BenchmarkRun> {
  const { options, context } = bench;
  const run = { persona: persona?.id ?? "", seed: seedOf(options.seed, "benchmark", number) };
  try {
    const { answer } = await ask(key, persona, number, bench, options.benchmarkMaxTokens);
    const { exchanges, exact } = readForm(answer.content, options.benchmarkExamples);
    return {
      ...run,
      content: answer.content,
      reasoning: answer.reasoning.length,
      finishReason: answer.finishReason,
      completionTokens: answer.completionTokens,
      counted: answer.counted,
      firstTokenMs: answer.firstTokenMs,
      firstAnswerMs: answer.firstAnswerMs,
      totalMs: answer.totalMs,
      usable: exchanges.length,
      exact,
      ...(answer.stats === undefined ? {} : { serverStats: answer.stats }),
    };
  } catch (error) {
    if (context.signal.aborted || isAbort(error)) throw error;
    return { ...run, error: messageOf(error) };
  }
}

/** @throws {UserError} where no run brought an answer. */
function summarise(row: BenchmarkRow): void {
  const measured = row.runs.flatMap(({ completionTokens, counted = "usage", firstTokenMs, totalMs, usable = 0 }) =>
    completionTokens === undefined || firstTokenMs === undefined || totalMs === undefined
      ? []
      : [{ completionTokens, counted, firstTokenMs, totalMs, usable }]
  );
  if (measured.length === 0) throw new UserError(row.runs[0]?.error ?? "no run");
  const { tokensPerSecond, ttftSeconds, seconds, estimated } = speedOf(measured);
  const usable = measured.reduce((sum, run) => sum + run.usable, 0);
  const hours = measured.reduce((sum, run) => sum + run.totalMs, 0) / 3_600_000;
  Object.assign(row, { tokensPerSecond, ttftSeconds, seconds, ...(estimated ? { estimated } : {}) });
  if (usable > 0) row.hoursPer1000 = hours / usable * 1000;
}

function told({ tokensPerSecond = 0, ttftSeconds = 0, seconds = 0, runs }: BenchmarkRow): string {
  const failed = runs.filter(({ error }) => error).length;
  return `${tokensPerSecond.toFixed(1)} tokens/s, first token after ${duration(ttftSeconds)}, answer after ` +
    `${duration(seconds)}${failed > 0 ? `; ${failed} of ${runs.length} runs failed` : ""}`;
}
