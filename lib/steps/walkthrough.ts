/** What the notebooks say around the steps, so that a cell is one call: a preset's options, and the way to a phase. */
import type { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { checkOptions } from "../core/options.ts";
import { runStages, selectStages } from "../core/pipeline.ts";
import type { Context, Step } from "../core/step.ts";
import { failedGate } from "../dialogue/gates.ts";
import { gateFiles, loadGates } from "../dialogue/gates_load.ts";
import { type Exchange, parseExchange } from "../dialogue/parse.ts";
import type { Persona } from "../dialogue/personas.ts";
import { type PromptFile, renderRequest, themesOf } from "../dialogue/prompt.ts";
import type { ChatEngine, ChatRequest } from "../llm/chat.ts";
import { serverStatus } from "../llm/models.ts";
import { openaiEngine } from "../llm/openai.ts";
import { rehearsalEngine } from "../llm/rehearsal.ts";
import { apiToken, lmstudioAddress } from "../llm/server.ts";
import type { Themes } from "../corpus/themes.ts";
import type { FilteredChunk } from "../records.ts";
import { type Pipeline, stagesOf } from "./pipelines.ts";

/**
 * The options of a step as the preset gives them, with those that a cell changes.
 *
 * @throws {UsageError} with all faults at once.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { chunk } from "@/steps/chunk.ts";
 * import { loadPipeline } from "@/steps/pipelines.ts";
 * import { optionsFor } from "@/steps/walkthrough.ts";
 *
 * const pipeline = await loadPipeline("rehearsal", "data", {});
 * equal(optionsFor(pipeline, chunk, { chunkSize: 800 }).chunkSize, 800);
 * ```
 */
export function optionsFor<Options extends z.ZodObject, Result>(
  pipeline: Pipeline,
  step: Step<Options, Result>,
  changes: Partial<z.input<Options>> = {},
): z.output<Options> {
  return checkOptions(step.options, { ...pipeline.options[step.name], dataDir: pipeline.dataDir, ...changes });
}

/** The options of a stage whose name is not its step's, with those that a cell changes. */
export function stageOptions<Options extends z.ZodObject, Result>(
  pipeline: Pipeline,
  name: string,
  step: Step<Options, Result>,
  changes: Partial<z.input<Options>> = {},
): z.output<Options> {
  const stage = stagesOf(pipeline).find((stage) => stage.name === name);
  return checkOptions(step.options, { ...stage?.options, ...changes });
}

/**
 * Runs the steps up to and with `last` whose results are not there yet, so that a notebook can be opened at any phase.
 * What is there stays, with whatever options it was made: `deno task pipeline` asks more strictly.
 *
 * @param options.without Stages that are passed over.
 */
export async function upTo(
  pipeline: Pipeline,
  last: string,
  context: Context,
  { without = [] }: { without?: readonly string[] } = {},
): Promise<void> {
  const stages = selectStages(stagesOf(pipeline), { to: last }).filter(({ name }) => !without.includes(name));
  let from = stages.length;
  while (from > 0) {
    const stage = stages[from - 1];
    const [result] = stage?.step.files(stage.options, context).writes ?? [];
    if (result !== undefined && await Deno.stat(result).then(() => true, () => false)) break;
    from--;
  }
  if (from < stages.length) await runStages(stages.slice(from), pipeline.runs, context);
}

/**
 * Who answers in a notebook: LM Studio (or what `LMSTUDIO_HOST` and `_PORT` name) if it has a model loaded, else the
 * rehearsal, which is told.
 */
export async function whoAnswers(context: Context): Promise<ChatEngine> {
  const address = lmstudioAddress({}, context.env);
  const token = apiToken(context.env);
  const { loaded, url } = await serverStatus(address.shown, { fetch: context.fetch, token });
  const say = (level: "info" | "warn", message: string) => context.emit({ type: "log", level, message });
  const [model] = loaded;
  if (model === undefined) {
    say("warn", `No model is loaded at ${url}: the rehearsal answers, out of templates and the passage itself`);
    return rehearsalEngine();
  }
  say("info", `${model} at ${url} answers`);
  return openaiEngine({ address, model, fetch: context.fetch, token });
}

/** A persona's request on a passage. */
export interface Asked {
  readonly passage: FilteredChunk;
  readonly persona: Persona;
  readonly request: ChatRequest;
}

/** The requests that a step `generate` would send for these personas on one passage. */
export function requestsFor(
  passage: FilteredChunk,
  personas: readonly Persona[],
  prompts: PromptFile,
  sampling: { temperature?: number; maxTokens?: number; seed?: number } = {},
): Asked[] {
  const { temperature = 0.8, maxTokens = 2048, seed = 1969 } = sampling;
  const themes = themesOf(passage);
  return personas.map((persona) => ({
    passage,
    persona,
    request: renderRequest({ chunk: passage, persona, themes }, prompts, { temperature, maxTokens }, {
      seed,
      attempt: 0,
      structured: true,
    }),
  }));
}

/** What came of a request: the exchange, and the gate that would keep it out of the dataset, if any. */
export interface Answered extends Asked {
  readonly exchange: Exchange | undefined;
  /** Why it would be left out. */
  readonly fault: string | undefined;
  /** Seconds that it took here. */
  readonly seconds: number;
  /** Tokens read and written, where the server tells them. */
  readonly tokens: { readonly prompt?: number; readonly output?: number };
}

/** Asks one after another; stops at once when the context's signal fires. */
export async function askEach(
  requests: readonly Asked[],
  engine: ChatEngine,
  themes: Themes,
  context: Context,
): Promise<Answered[]> {
  const answers: Answered[] = [];
  const gates = await loadGates(gateFiles({}), themes);
  for (const asked of requests) {
    context.emit({ type: "progress", label: "answers", done: answers.length, total: requests.length });
    const started = performance.now();
    const reply = await engine.chat(asked.request, context.signal);
    const seconds = (performance.now() - started) / 1000;
    const parsed = parseExchange(reply);
    const exchange = parsed.ok ? parsed.exchange : undefined;
    const gate = exchange && failedGate(
      { ...exchange, passage: asked.passage.text, themes: themesOf(asked.passage) },
      gates,
    );
    const fault = parsed.ok ? gate && `${gate.reason}: ${gate.detail}` : `invalid_json: ${parsed.error}`;
    const { promptTokens: prompt, completionTokens: output } = reply.usage;
    const tokens = { ...(prompt === undefined ? {} : { prompt }), ...(output === undefined ? {} : { output }) };
    answers.push({ ...asked, exchange, fault, seconds, tokens });
  }
  context.emit({ type: "progress", label: "answers", done: answers.length, total: requests.length });
  return answers;
}

/** The personas of these ids, in this order. @throws {UsageError} naming those that there are. */
export function pickPersonas(personas: readonly Persona[], ids: readonly string[]): Persona[] {
  return ids.map((id) => {
    const found = personas.find((persona) => persona.id === id);
    if (found) return found;
    throw new UsageError(`Unknown persona "${id}": there are ${personas.map(({ id }) => id).join(", ")}`);
  });
}

/**
 * The row at a place of a list, counted from 0.
 *
 * @throws {UserError} that says how many there are.
 */
export function rowAt<T>(rows: readonly T[], place: number, name: string): T {
  const row = rows[place];
  if (row !== undefined) return row;
  throw new UserError(`Cannot take ${name} ${place}: there are ${rows.length}, counted from 0`, {
    hint: rows.length === 0 ? "Run the steps before this one, or ask less of them." : `Take 0 to ${rows.length - 1}.`,
  });
}
