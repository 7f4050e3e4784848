/** A small run of its own beside the dataset: to see how long all of it would take, and what other gates would keep. */
import { dirname, join } from "node:path";
import type { z } from "zod";
import { UserError } from "../core/errors.ts";
import { writeFileAtomic } from "../core/files.ts";
import { readJsonl } from "../core/jsonl.ts";
import type { Context } from "../core/step.ts";
import { loadGates } from "../dialogue/gates_load.ts";
import { GateSettings, loadGateSettings } from "../dialogue/gates_settings.ts";
import { loadPersonas } from "../dialogue/personas.ts";
import { loadPrompts } from "../dialogue/prompt.ts";
import { createForecaster, type Forecast } from "../llm/forecast.ts";
import { rehearsalEngine } from "../llm/rehearsal.ts";
import { ExampleSource, FilteredChunk, Reject } from "../records.ts";
import { gate, type GateResult } from "./gate.ts";
import { generate, type GenerateResult } from "./generate.ts";
import { type GenerateOptions, type GeneratePaths, generatePaths } from "./generate_options.ts";
import type { GenerateStats } from "./generate_report.ts";
import type { Pipeline } from "./pipelines.ts";
import { askEach, optionsFor, requestsFor, whoAnswers } from "./walkthrough.ts";
import type { Watched } from "./walkthrough_live.ts";

/** Size of a trial: the rehearsal answers at once, a model takes seconds for each example. */
const REHEARSED = { maxChunks: 60, examplesPerChunk: 8 }, ASKED = { maxChunks: 12, examplesPerChunk: 2 };

/** Options of a trial run: few passages, and files of its own in the folder `trial`, so that no dataset is touched. */
export function trial(pipeline: Pipeline, changes: Partial<z.input<typeof generate.options>> = {}): GenerateOptions {
  const rehearsed = pipeline.options.generate?.engine === "rehearsal";
  return optionsFor(pipeline, generate, {
    output: join(pipeline.dataDir, "trial", "theme_dataset.jsonl"),
    ...(rehearsed ? REHEARSED : ASKED),
    split: false,
    resume: false,
    ...changes,
  });
}

/** Characters of a token, roughly: for engines that tell no tokens. */
const CHARACTERS = 4;

/**
 * Asks for a few examples, keeps nothing of them, and reckons what so many would take, one request at a time.
 *
 * @param measured Examples that are asked for.
 */
export async function forecastFor(
  options: GenerateOptions,
  examples: number,
  context: Context,
  measured = 8,
): Promise<Forecast | undefined> {
  const paths = generatePaths(options, context.env);
  const engine = options.engine === "rehearsal" ? rehearsalEngine() : await whoAnswers(context);
  const [{ personas }, prompts, { themes }] = await Promise.all([
    loadPersonas(paths.personas),
    loadPrompts(paths.prompts),
    loadGates(paths),
  ]);
  const passages: FilteredChunk[] = [];
  for await (const passage of readJsonl(paths.input, FilteredChunk, { signal: context.signal })) {
    if (passages.push(passage) === measured) break;
  }
  const requests = passages.flatMap((passage, at) =>
    requestsFor(passage, personas.slice(at % personas.length).slice(0, 1), prompts, options)
  );
  const forecaster = createForecaster();
  for (const { request, exchange, tokens, seconds } of await askEach(requests, engine, themes, context)) {
    const read = request.messages.reduce((sum, { content }) => sum + content.length, 0);
    const written = exchange ? JSON.stringify(exchange).length : 0;
    forecaster.add({
      promptTokens: tokens.prompt ?? read / CHARACTERS,
      outputTokens: tokens.output ?? written / CHARACTERS,
      shareMs: 1000 * seconds,
    });
  }
  return forecaster.forecast(examples);
}

/** What a run that ended made. @throws {UserError} for one that was stopped. */
export function finished({ result }: Watched<GenerateResult>): { paths: GeneratePaths; stats: GenerateStats } {
  if (result?.stats) return { paths: result.paths, stats: result.stats };
  throw new UserError("Cannot look at the dataset: the run was stopped before it was built", {
    hint: "Run the cell that resumes it.",
  });
}

/** What other gates did. */
export interface Regated {
  readonly result: GateResult;
  /** Examples that were left out and are in now, with why they were out. */
  readonly cameIn: readonly Reject[];
  /** Examples that were in and are left out now, with why. */
  readonly wentOut: readonly Reject[];
  readonly seconds: number;
}

/** Thresholds as gates.jsonc has them; what is not named stays as it is. */
export type GateChanges = { readonly [Name in keyof GateSettings]?: unknown };

/**
 * Builds another dataset beside that of a run, from its answers, with other thresholds. No model is asked.
 *
 * @throws {ZodError} for a threshold that is none.
 */
export async function regate(options: GenerateOptions, changes: GateChanges, context: Context): Promise<Regated> {
  const before = generatePaths(options, context.env);
  const folder = join(dirname(before.output), "regated");
  const settings = await loadGateSettings(before.gates);
  const changed = GateSettings.parse(
    Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [name, merged(value, changes[name as keyof GateSettings])]),
    ),
  );
  const gates = join(folder, "gates.jsonc");
  await writeFileAtomic(gates, JSON.stringify(changed, null, 2) + "\n");
  const started = performance.now();
  const result = await gate.run(
    gate.options.parse({
      input: before.input,
      output: join(folder, "theme_dataset.jsonl"),
      ledger: before.ledger,
      gates,
      personas: before.personas,
      themes: before.themes,
      anachronisms: before.anachronisms,
      slop: before.slop,
      evaluation: before.evaluation,
      split: false,
      overwrite: true,
    }),
    context,
  );
  const seconds = (performance.now() - started) / 1000;
  const [inBefore, inNow] = await Promise.all([before, result.paths].map(({ sources }) => idsOf(sources)));
  const [outBefore, outNow] = await Promise.all([before, result.paths].map(({ rejects }) => readRejects(rejects)));
  return {
    result,
    cameIn: (outBefore ?? []).filter(({ id }) => inNow?.has(id)),
    wentOut: (outNow ?? []).filter(({ id }) => inBefore?.has(id)),
    seconds,
  };
}

/** Everything that a run left out. */
export function readRejects(path: string): Promise<Reject[]> {
  return Array.fromAsync(readJsonl(path, Reject));
}

async function idsOf(path: string): Promise<Set<string>> {
  return new Set((await Array.fromAsync(readJsonl(path, ExampleSource))).map(({ id }) => id));
}

function merged(value: unknown, change: unknown): unknown {
  if (change === undefined) return value;
  const both = [value, change].every((part) => typeof part === "object" && part !== null && !Array.isArray(part));
  return both ? { ...Object(value), ...Object(change) } : change;
}
