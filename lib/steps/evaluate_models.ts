/** The models that are evaluated, and where they answer. */
import { UsageError, UserError } from "../core/errors.ts";
import type { Context } from "../core/step.ts";
import type { Side } from "../evaluation/answers.ts";
import type { ChatEngine } from "../llm/chat.ts";
import { serverStatus } from "../llm/models.ts";
import { openaiEngine } from "../llm/openai.ts";
import { apiToken, serverAddress } from "../llm/server.ts";
import { fingerprintOf } from "./evaluate_gguf.ts";
import type { EvaluateOptions, EvaluatePaths } from "./evaluate_options.ts";

/** A server, as the options name it. */
interface Server {
  readonly flag: string;
  readonly url: string;
  readonly model: string;
}

/** A model that answers. */
export interface Model {
  readonly side: Side;
  /** As people know it. */
  readonly name: string;
  /** What tells it from any other, so that a model trained anew is asked anew. */
  readonly identity: string;
  readonly gguf?: string;
  /** Of its GGUF. */
  readonly fingerprint?: string;
  readonly server?: Server;
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
  if (url !== undefined && modelName !== undefined) {
    models.push(atServer("tuned", { flag: "url", url, model: modelName }, context));
  } else if (gguf !== undefined || await exists(paths.gguf)) {
    models.push(await inGguf("tuned", paths.gguf, options, context));
  }
  const server = baseUrl ?? url;
  if (baseModelName !== undefined && server !== undefined) {
    models.push(
      atServer(
        "base",
        { flag: baseUrl === undefined ? "url" : "base-url", url: server, model: baseModelName },
        context,
      ),
    );
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

function atServer(side: Side, { url, flag, model: name }: Server, context: Context): Model {
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
    server: { url, flag, model: name },
    open: () => Promise.resolve({ ...engine, [Symbol.asyncDispose]: () => Promise.resolve() }),
  };
}

async function inGguf(side: Side, path: string, options: EvaluateOptions, context: Context): Promise<Model> {
  const { contextSize, parallel, gpuLayers, threads } = options;
  const fingerprint = await fingerprintOf(path);
  return {
    side,
    name: path,
    identity: `gguf ${fingerprint}`,
    gguf: path,
    fingerprint,
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
 * Asks every server that will be needed whether it is there, before hours of asking end at it.
 *
 * @throws {UserError} for the first one that is not.
 */
export async function checkServers(
  servers: readonly Server[],
  { fetch, env, emit }: Context,
): Promise<void> {
  for (const { flag, url, model } of servers) {
    const { shown } = serverAddress(url);
    const { reachable, problem, models } = await serverStatus(url, { fetch, token: apiToken(env) });
    if (!reachable) {
      throw new UserError(`Cannot evaluate: nobody answers at ${shown}`, {
        hint: `Start the server there, or name another by --${flag}. (${problem ?? "no answer"})`,
      });
    }
    if (models.length > 0 && !models.includes(model)) {
      emit({ type: "log", level: "warn", message: `${shown} does not list "${model}"; it has ${models.join(", ")}` });
    }
  }
}

export async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, (error) => {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw new UserError(`Cannot read "${path}": ${error.message}`, { cause: error });
  });
}
