/** The models that are evaluated, and their answers: asked for, as far as they are not kept already, or recorded. */
import { UsageError, UserError } from "../core/errors.ts";
import { readJsonl, writeJsonl } from "../core/jsonl.ts";
import { openJsonlLog } from "../core/jsonl_log.ts";
import type { Context } from "../core/step.ts";
import type { EvaluationPrompt } from "../dialogue/gates_evaluation.ts";
import { Answer, type Side, type SidedAnswer } from "../evaluation/answers.ts";
import { askAll, wantedAnswers } from "../evaluation/asking.ts";
import type { ChatEngine } from "../llm/chat.ts";
import { openaiEngine } from "../llm/openai.ts";
import { apiToken, serverAddress } from "../llm/server.ts";
import { fingerprintOf } from "./evaluate_gguf.ts";
import type { EvaluateOptions, EvaluatePaths } from "./evaluate_options.ts";

/** A model that answers. */
export interface Model {
  readonly side: Side;
  /** As people know it. */
  readonly name: string;
  /** What tells it from any other, so that a model trained anew is asked anew. */
  readonly identity: string;
  readonly gguf?: string;
  open(): Promise<ChatEngine & AsyncDisposable>;
}

/**
 * The models that the options name, the tuned one first.
 *
 * @throws {UsageError} with every fault: half a server, two ways to one model, no model at all.
 */
export async function modelsOf(options: EvaluateOptions, paths: EvaluatePaths, context: Context): Promise<Model[]> {
  const { url, modelName, baseUrl, baseModelName, gguf, baseGguf } = options;
  const faults: string[] = [];
  if (url !== undefined && gguf !== undefined) faults.push("Cannot use --url together with --gguf: give one of them");
  if (url !== undefined && modelName === undefined) {
    faults.push("Missing --model-name: which model of --url is the tuned one");
  }
  if (url === undefined && modelName !== undefined) faults.push("Missing --url: the server that has --model-name");
  if (baseModelName !== undefined && baseGguf !== undefined) {
    faults.push("Cannot use --base-model-name together with --base-gguf: give one of them");
  }
  if (baseUrl !== undefined && baseModelName === undefined) {
    faults.push("Missing --base-model-name: which model of --base-url is the base");
  }
  if (baseModelName !== undefined && baseUrl === undefined && url === undefined) {
    faults.push("Missing --base-url: the server that has --base-model-name");
  }
  if (faults.length > 0) throw new UsageError(faults);
  const models: Model[] = [];
  if (url !== undefined && modelName !== undefined) models.push(atServer("tuned", url, modelName, context));
  else if (gguf !== undefined || await exists(paths.gguf)) {
    models.push(await inGguf("tuned", paths.gguf, options, context));
  }
  const server = baseUrl ?? url;
  if (baseModelName !== undefined && server !== undefined) {
    models.push(atServer("base", server, baseModelName, context));
  } else if (baseGguf !== undefined || (url === undefined && await exists(paths.baseGguf))) {
    models.push(await inGguf("base", paths.baseGguf, options, context));
  }
  if (models[0]?.side !== "tuned") {
    throw new UsageError(
      `Cannot evaluate: no tuned model is named, and there is no "${paths.gguf}"`,
      "Name a GGUF by --gguf, a server by --url and --model-name, or recorded answers by --answers.",
    );
  }
  if (models.length === 2 && models[0].identity === models[1]?.identity) {
    throw new UsageError("Cannot evaluate: the tuned model and the base are one and the same");
  }
  return models;
}

function atServer(side: Side, url: string, name: string, context: Context): Model {
  const address = serverAddress(url);
  const engine = openaiEngine({
    address,
    model: name,
    fetch: context.fetch,
    token: apiToken(context.env),
    name: "server",
  });
  return {
    side,
    name,
    identity: name,
    open: () => Promise.resolve({ ...engine, [Symbol.asyncDispose]: () => Promise.resolve() }),
  };
}

async function inGguf(side: Side, path: string, options: EvaluateOptions, context: Context): Promise<Model> {
  const { contextSize, parallel, gpuLayers, threads } = options;
  return {
    side,
    name: path,
    identity: `gguf ${await fingerprintOf(path)}`,
    gguf: path,
    async open() {
      const { llamaServerEngine } = await import("../llm/llama_server.ts");
      return await llamaServerEngine({
        model: path,
        contextSize,
        parallel,
        ...(gpuLayers === undefined ? {} : { gpuLayers }),
        ...(threads === undefined ? {} : { threads }),
      }, context);
    },
  };
}

/**
 * Asks all models all questions, one model after the other, so that only one of them needs memory. What an earlier run
 * with the same questions and settings has kept is not asked again.
 *
 * @throws {UsageError} where answers of other settings are in the way.
 * @throws {ChatError} when a server cannot answer; what was kept stays, and the next run goes on from there.
 */
export async function gatherAnswers(
  models: readonly Model[],
  questions: readonly EvaluationPrompt[],
  systemPrompt: string,
  { options, paths, context }: { options: EvaluateOptions; paths: EvaluatePaths; context: Context },
): Promise<SidedAnswer[]> {
  const { emit, signal, clock } = context;
  const wanted = models.map((model) => ({
    model,
    list: wantedAnswers(questions, systemPrompt, options, model.identity),
  }));
  const hashes = new Set(wanted.flatMap(({ model, list }) => list.map(({ hash }) => `${model.side} ${hash}`)));
  const kept = await keptAnswers(paths.answers, hashes, options.overwrite, context);
  const known = new Set(kept.map(({ side, request }) => `${side} ${request}`));
  const answers = [...kept];
  if (kept.length > 0) {
    emit({
      type: "log",
      level: "info",
      message: `${kept.length} of ${hashes.size} answers are kept from an earlier run`,
    });
  }
  using log = await openJsonlLog(paths.answers);
  for (const { model, list } of wanted) {
    const missing = list.filter(({ hash }) => !known.has(`${model.side} ${hash}`));
    if (missing.length === 0) continue;
    await using engine = await model.open();
    await askAll(missing, {
      side: model.side,
      engine,
      concurrency: options.parallel,
      clock,
      async keep(answer) {
        await log.add(answer);
        answers.push({ ...answer, side: model.side });
      },
      onRetry: (error, waitMs) =>
        emit({ type: "log", level: "warn", message: `${error.message}; again in ${Math.round(waitMs / 1000)} s` }),
      onProgress: (done, total) =>
        emit({ type: "progress", label: `answers (${model.side})`, done, total, unit: "answers" }),
    }, signal);
  }
  emit({ type: "artifact", path: paths.answers, title: "Answers", rows: answers.length });
  return answers;
}

/** What is kept of answers that are wanted; others are in the way, or dropped by `overwrite`. */
async function keptAnswers(
  path: string,
  hashes: ReadonlySet<string>,
  overwrite: boolean,
  { signal, emit }: Context,
): Promise<SidedAnswer[]> {
  if (!await exists(path)) return [];
  const onTorn = (line: number) => emit({ type: "drop", reason: "torn_line", count: 1, detail: `${path}:${line}` });
  const rows = await Array.fromAsync(readJsonl(path, Answer, { signal, onTorn }));
  const own = (row: Answer): row is SidedAnswer => hashes.has(`${row.side} ${row.request}`);
  const latest = new Map(rows.filter(own).map((row) => [`${row.side} ${row.request}`, row]));
  const others = rows.filter((row) => !own(row)).length;
  if (others > 0 && !overwrite) {
    throw new UsageError(
      `Cannot go on with "${path}": ${others} of its ${rows.length} answers are to other questions, of another model, or by other settings`,
      "Name another --output-dir, or drop them by --overwrite.",
    );
  }
  if (others > 0) {
    await writeJsonl(path, latest.values());
    emit({ type: "drop", reason: "other_settings", count: others });
  }
  return [...latest.values()];
}

/** The system message of both models. @throws {UsageError} for a persona that is not there. */
export function systemPromptOf(
  { systemPrompt, persona }: EvaluateOptions,
  personas: readonly { readonly id: string; readonly system: string }[],
): string {
  if (systemPrompt !== undefined) return systemPrompt;
  const found = personas.find(({ id }) => id === persona);
  if (found) return found.system;
  throw new UsageError(
    `Cannot use --persona "${persona}": there are ${personas.map(({ id }) => id).join(", ")}`,
    "Or give the message itself by --system-prompt.",
  );
}

export async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, (error) => {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw new UserError(`Cannot read "${path}": ${error.message}`, { cause: error });
  });
}
