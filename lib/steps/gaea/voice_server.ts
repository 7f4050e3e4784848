/** The server that gaea:voice asks: one that runs, or one that is started for it. */
import { UserError } from "../../core/errors.ts";
import type { Context } from "../../core/step.ts";
import type { CompletionServer } from "../../llm/completions.ts";
import { ChatError } from "../../llm/errors.ts";
import { startLlamaServer } from "../../llm/llama_server.ts";
import { listModels } from "../../llm/models.ts";
import { apiToken, serverAddress } from "../../llm/server.ts";
import { serve, startServers } from "./serve.ts";
import { findExecutable, PORTS } from "./serve_plan.ts";
import type { VoiceSide } from "./voice_files.ts";
import type { VoiceSettings } from "./voice_runs.ts";

/** Options of gaea:voice that say who answers. */
export interface ServerWish {
  readonly port?: number | undefined;
  readonly url?: string | undefined;
  readonly model?: string | undefined;
  readonly gguf?: string | undefined;
  readonly vllmModel?: string | undefined;
  readonly vllm: string;
  readonly threads?: number | undefined;
  readonly concurrency: number;
  readonly dataDir?: string | undefined;
}

export type Opened = CompletionServer & AsyncDisposable & Pick<VoiceSettings, "engine">;

/**
 * Starts what the options ask for, or finds the model on a server that runs.
 *
 * @throws {UserError} a server that does not start or cannot be reached, or has not the model.
 */
export async function openServer(side: VoiceSide, options: ServerWish, context: Context): Promise<Opened> {
  const { fetch, env, signal } = context;
  const name = side === "baseline" ? "base" : "tuned";
  const served = (url: string, engine: Opened["engine"], stop: () => PromiseLike<void>): Opened => (
    { address: serverAddress(url), model: name, fetch, engine, [Symbol.asyncDispose]: stop }
  );
  const { gguf, vllmModel, vllm } = options;
  const withVllm = vllmModel !== undefined &&
    (gguf === undefined || await findExecutable(vllm, env, Deno.build.os) !== undefined);
  if (withVllm) {
    const models = { baseModel: vllmModel, tunedModel: vllmModel };
    // Any free port: one of gaea:serve may be in use.
    const wish = serve.options.parse({
      side: name,
      engine: "vllm",
      ...models,
      vllm,
      port: 0,
      dataDir: options.dataDir,
    });
    const running = await startServers(wish, context);
    return served(running.servers[0]?.url ?? "", "vllm", () => running[Symbol.asyncDispose]());
  }
  if (gguf !== undefined) {
    const { threads } = options;
    const server = await startLlamaServer({
      model: gguf,
      alias: name,
      parallel: Math.min(4, options.concurrency),
      ...(threads === undefined ? {} : { threads }),
    }, context);
    return served(server.url, "llama-server", server.stop);
  }
  const address = serverAddress(options.url ?? `http://127.0.0.1:${options.port ?? PORTS[name]}`);
  const token = apiToken(env);
  const server = { address, fetch, token, engine: "given" as const, [Symbol.asyncDispose]: () => Promise.resolve() };
  let listed: string[];
  try {
    const { models } = await listModels(address, { fetch, token, signal });
    listed = models.filter(({ kind }) => kind !== "embedding").map(({ id }) => id);
  } catch (error) {
    throw ofThisServer(error, side, server);
  }
  const { model = listed.includes(name) ? name : listed.length === 1 ? listed[0] : undefined } = options;
  if (model !== undefined && listed.includes(model)) return { ...server, model };
  throw new UserError(
    model === undefined
      ? `Cannot choose a model: ${address.shown} has ${listed.length === 0 ? "none" : listed.join(", ")}`
      : `Cannot ask "${model}": ${address.shown} has ${listed.join(", ") || "no model"}`,
    { exitCode: 2, hint: "Name one by --model." },
  );
}

/** Messages of the chat engine know neither the options of this step nor what starts its server. */
export function ofThisServer(error: unknown, side: VoiceSide, { address }: Pick<CompletionServer, "address">): unknown {
  if (!(error instanceof ChatError) || error.kind !== "unreachable") return error;
  const name = side === "baseline" ? "base" : "tuned";
  return new UserError(`Cannot reach ${address.shown}: ${error.message.split(": ").at(-1)}`, {
    hint: `Start the server: deno task gaea:serve ${name}. What was answered so far is kept; the same command goes on.`,
    cause: error,
  });
}
