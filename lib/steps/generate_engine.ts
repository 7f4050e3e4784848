/** Chooses who answers, and looks at the servers before hours are spent on them. */
import { UsageError, UserError } from "../core/errors.ts";
import { dataDir } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import type { ChatEngine } from "../llm/chat.ts";
import { parseDuration } from "../llm/duration.ts";
import { ChatError, modelHint } from "../llm/errors.ts";
import { listModels } from "../llm/models.ts";
import { openaiEngine } from "../llm/openai.ts";
import { rehearsalEngine } from "../llm/rehearsal.ts";
import type { Server } from "../llm/scheduler.ts";
import { apiToken, lmstudioAddress, type ServerAddress } from "../llm/server.ts";
import { recommendedModel } from "./benchmark_file.ts";
import type { GenerateOptions } from "./generate_options.ts";

/** Servers that answer with the same model, behind one queue. */
export interface Answering extends AsyncDisposable {
  /** `lmstudio`, `rehearsal` … */
  readonly name: string;
  readonly model: string;
  readonly servers: readonly Server<ChatEngine>[];
}

/** Where the servers are, as far as the options say; none for the other engines. */
export function addressesOf(options: GenerateOptions, env: Context["env"]): ServerAddress[] {
  if (options.engine !== "lmstudio") return [];
  const { lmstudioUrl: urls = [], lmstudioHost, lmstudioPort } = options;
  const addresses = (urls.length > 0 ? urls : [undefined]).map((lmstudioUrl) =>
    lmstudioAddress({ lmstudioUrl, lmstudioHost, lmstudioPort }, env)
  );
  return addresses.filter(({ openai }, at) => addresses.findIndex((other) => other.openai === openai) === at);
}

/** The model that is asked for; `auto` is the one that the benchmark recommends. */
export async function modelOf(options: GenerateOptions, env: Context["env"]): Promise<string> {
  if (options.engine === "rehearsal") return rehearsalEngine().model;
  if (options.engine === "llama-server") return options.model ?? "";
  const model = options.model ?? options.lmstudioModel;
  if (model !== "auto") return model;
  return await recommendedModel(dataDir(options.dataDir, env));
}

/**
 * Opens the engines. Those of LM Studio are checked: a server that has not the model is left out, one that does not answer
 * is tried again during the run, and one of them has to be ready now.
 *
 * @throws {UserError} where no server can be used.
 */
export async function openAnswering(options: GenerateOptions, context: Context): Promise<Answering> {
  const close = () => Promise.resolve();
  if (options.engine === "rehearsal") {
    const engine = rehearsalEngine();
    const { name, model } = engine;
    return { name, model, servers: [{ name, target: engine }], [Symbol.asyncDispose]: close };
  }
  if (options.engine === "llama-server") return await openLlamaServer(options, context);
  const model = await modelOf(options, context.env);
  const addresses = await usable(addressesOf(options, context.env), model, context);
  const servers = addresses.map((address) => ({
    name: address.shown,
    target: engineAt(address, model, options, context),
  }));
  return { name: "lmstudio", model, servers, [Symbol.asyncDispose]: close };
}

/** An engine on a server that nobody has looked at yet. */
export function engineAt(
  address: ServerAddress,
  model: string,
  options: GenerateOptions,
  context: Context,
): ChatEngine {
  return openaiEngine({
    address,
    model,
    fetch: context.fetch,
    token: apiToken(context.env),
    idleMs: parseDuration(options.idleTimeout, "--idle-timeout"),
  });
}

async function openLlamaServer(options: GenerateOptions, context: Context): Promise<Answering> {
  if (options.model === undefined) {
    throw new UsageError("Cannot use --engine llama-server without --model: name the GGUF that answers");
  }
  const { llamaServerEngine } = await import("../llm/llama_server.ts");
  const parallel = options.concurrency === "auto" ? SLOTS : options.concurrency;
  const engine = await llamaServerEngine({ model: options.model, contextSize: CONTEXT, parallel }, context);
  const { name, model } = engine;
  return {
    name,
    model,
    servers: [{ name, target: engine }],
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

/** Requests that a llama-server of ours takes at once, unless told: as LM Studio does. */
const SLOTS = 4;
/** A passage, the instructions and an answer of the default length, with room for the correction. */
const CONTEXT = 8192;

async function usable(addresses: readonly ServerAddress[], model: string, context: Context): Promise<ServerAddress[]> {
  const warn = (message: string) => context.emit({ type: "log", level: "warn", message });
  const checked = await Promise.all(addresses.map(async (address) => {
    try {
      await checkServer(address, model, context);
      return { address, error: undefined };
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof UserError)) throw error;
      return { address, error };
    }
  }));
  const [failed] = checked.flatMap(({ error }) => error ?? []);
  if (failed && checked.every(({ error }) => error)) throw failed;
  return checked.flatMap(({ address, error }) => {
    if (!error) return [address];
    const away = error instanceof ChatError && error.kind === "unreachable" && error.retryable;
    warn(`${error.message}; ${away ? "it is tried again from time to time" : "it is left out"}`);
    return away ? [address] : [];
  });
}

/**
 * Checks that a server is there and has the model.
 *
 * @throws {UserError} when nobody answers, or LM Studio does not have the model.
 */
async function checkServer(address: ServerAddress, wanted: string, context: Context): Promise<void> {
  const warn = (message: string) => context.emit({ type: "log", level: "warn", message });
  const list = await listModels(address, { fetch: context.fetch, token: apiToken(context.env), signal: context.signal })
    .catch((error) => {
      if (error instanceof ChatError && error.kind === "not_found") return undefined;
      throw error;
    });
  if (!list) return warn(`${address.shown} lists no models; whether it has "${wanted}" will show`);
  const usable = list.models.filter((model) => model.kind !== "embedding");
  const model = list.models.find(({ id, instances }) => id === wanted || instances.includes(wanted));
  const names = usable.map(({ id }) => id).join(", ") || "none";
  if (model?.kind === "embedding") {
    throw new UserError(`Cannot generate with "${wanted}": it makes embeddings, not answers`, {
      exitCode: 2,
      hint: `${address.shown} has ${names}.`,
    });
  }
  if (!model && list.api === "openai") {
    // llama-server answers to any name; others will say so on the first request.
    return warn(`${address.shown} does not list "${wanted}"; it has ${names}`);
  }
  if (!model) {
    throw new UserError(`Cannot generate with "${wanted}": LM Studio at ${address.shown} does not have it`, {
      hint: `It has ${names}. ${modelHint(wanted)}`,
    });
  }
  if (model.loaded === false) {
    context.emit({ type: "log", level: "info", message: `LM Studio will load "${wanted}" on the first request` });
  }
}
