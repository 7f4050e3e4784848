/** What a run will take, before it has begun: by trial requests, by an earlier run, or by the benchmark. */
import { join } from "node:path";
import { z } from "zod";
import { messageOf } from "../core/errors.ts";
import { count, duration } from "../core/format.ts";
import { dataDir } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import { type Ask, converse, type Manner } from "../dialogue/converse.ts";
import type { Ledger } from "../dialogue/ledger.ts";
import type { Assignment } from "../dialogue/prompt.ts";
import type { ChatEngine } from "../llm/chat.ts";
import { ChatError } from "../llm/errors.ts";
import { createForecaster, type Forecast, type Forecaster, forecastLine, type Measured } from "../llm/forecast.ts";
import { answerOf, type Ask as ServerAsk, runTasks } from "../llm/scheduler.ts";
import { fleetOptions } from "./generate_asking.ts";
import { BenchmarkResults } from "./benchmark_file.ts";
import type { Answering } from "./generate_engine.ts";
import type { GenerateOptions } from "./generate_options.ts";

const Pace = z.array(z.object({
  requests: z.number(),
  promptTokens: z.number(),
  outputTokens: z.number(),
  shareMs: z.number(),
}));

/** Examples whose figures are kept for the next run: enough for an interval, few enough to be of the present. */
const KEPT = 60;

/** A forecaster that the ledger's figures of an earlier run are in, and that keeps its own. */
export function pacedForecaster(ledger: Ledger | undefined, model: string): Forecaster & { keep(): void } {
  const key = `pace ${model}`;
  const forecaster = createForecaster();
  const note = ledger?.note(key);
  const latest: Measured[] = (note === undefined ? undefined : Pace.safeParse(JSON.parse(note)).data) ?? [];
  for (const one of latest) forecaster.add(one);
  return {
    get measured() {
      return forecaster.measured;
    },
    forecast: (items) => forecaster.forecast(items),
    add(one) {
      forecaster.add(one);
      if (latest.push(one) > 2 * KEPT) latest.splice(0, KEPT);
    },
    keep() {
      if (latest.length === 0) return;
      try {
        ledger?.setNote(key, JSON.stringify(latest.slice(-KEPT)));
      } catch {
        // A full disk has been told of by then, and figures are not worth a run.
      }
    },
  };
}

/** What was known before the first request of this run, in one line; `undefined` where nothing was. */
export async function expected(
  items: number,
  forecaster: Forecaster,
  model: string,
  options: GenerateOptions,
  env: Context["env"],
): Promise<string | undefined> {
  const forecast = forecaster.forecast(items);
  if (forecast) return `${forecastLine(forecast)} in an earlier run`;
  const text = await Deno.readTextFile(join(dataDir(options.dataDir, env), "benchmark.json")).catch(() => "null");
  const row = BenchmarkResults.safeParse(parsed(text)).data?.models.find((row) => row.model === model);
  if (row?.hoursPer1000 === undefined) return undefined;
  return `about ${duration(3.6 * items * row.hoursPer1000)} by the benchmark if asked one at a time, less where the ` +
    "server answers several at once";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Trial examples of a dry run, and the longest time that they may take. */
const TRIALS = 8, TRIAL_MS = 60_000;

/** Measures a few examples and keeps nothing of them. @throws {ChatError} where the server does not answer. */
export async function tryOut(
  samples: readonly Assignment[],
  manner: Manner,
  answering: Answering,
  options: GenerateOptions,
  context: Context,
): Promise<Forecaster> {
  const forecaster = createForecaster();
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(), TRIAL_MS);
  let failed: ChatError | undefined;
  const work = async (sample: Assignment, ask: ServerAsk<ChatEngine>): Promise<Measured> => {
    const spent = { requests: 0, promptTokens: 0, outputTokens: 0, shareMs: 0 };
    const asking: Ask = async (request) => {
      try {
        const { value: reply, tokens, shareMs } = await ask(async ({ server, signal, onTokens }) =>
          answerOf(await server.chat(request, signal, () => onTokens()))
        );
        spent.requests++;
        spent.promptTokens += reply.usage.promptTokens ?? 0;
        spent.outputTokens += tokens;
        spent.shareMs += shareMs;
        return { reply };
      } catch (error) {
        if (!(error instanceof ChatError) || !error.ofTheAnswer && error.kind !== "schema_unsupported") throw error;
        return { fault: { kind: error.kind, message: error.message } };
      }
    };
    await converse(sample, manner, asking);
    return spent;
  };
  try {
    await runTasks(samples.slice(0, TRIALS), work, {
      ...fleetOptions({ answering, options, context }),
      giveUpAfterMs: TRIAL_MS,
      signal: AbortSignal.any([context.signal, enough.signal]),
      onResult(result) {
        if ("value" in result) forecaster.add(result.value);
        else failed ??= result.error;
      },
    });
  } finally {
    clearTimeout(timer);
  }
  context.signal.throwIfAborted();
  if (failed && forecaster.measured === 0) throw failed;
  return forecaster;
}

/** The forecast of a dry run, or why there is none. */
export async function dryForecast(
  { samples, items, manner, model, open, options, context }: {
    samples: readonly Assignment[];
    items: number;
    manner: Manner;
    model: string;
    /** Opens the engines, if they can be asked without more ado. */
    open: () => Promise<Answering>;
    options: GenerateOptions;
    context: Context;
  },
): Promise<{ line: string; forecast?: Forecast }> {
  const { signal } = context;
  let why: string;
  try {
    await using answering = await open();
    const forecaster = await tryOut(samples, manner, answering, options, context);
    const forecast = forecaster.forecast(items);
    if (forecast) return { line: `forecast: ${forecastLine(forecast)}`, forecast };
    why = `only ${count(forecaster.measured)} of the trial requests ended within ${duration(TRIAL_MS / 1000)}`;
  } catch (error) {
    signal.throwIfAborted();
    why = messageOf(error).split("\n")[0] ?? "";
  }
  const known = await expected(items, createForecaster(), model, options, context.env);
  return { line: known ? `forecast: ${known} (nothing could be measured: ${why})` : `no forecast: ${why}` };
}

/** Examples that are measured before a budget is turned into a number. */
export const MEASURED_FIRST = 16;

/**
 * How many examples fit into a time, the measured ones included: by the slow end of what so many take together.
 *
 * @param spentSeconds What the measured ones took.
 */
export function affordable(
  budgetSeconds: number,
  spentSeconds: number,
  measured: number,
  forecaster: Forecaster,
): number {
  const left = budgetSeconds - spentSeconds;
  const seconds = (items: number) => forecaster.forecast(items)?.seconds.high ?? 0;
  if (left <= 0 || seconds(1) === 0) return left <= 0 ? measured : Infinity;
  // The slow end for one item is far off, for many it is near the mean: it grows with their number, never falls.
  let fits = 0, step = 1;
  while (seconds(fits + step) <= left && step < 1e9) fits += step, step *= 2;
  for (; step >= 1; step = Math.floor(step / 2)) if (seconds(fits + step) <= left) fits += step;
  return measured + fits;
}
