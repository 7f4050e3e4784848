/** The servers that gaea:voice asks: vLLM for base and tuned model, llama-server where there is no vLLM. */
import { z } from "zod";
import { findGpus } from "../../core/gpu.ts";
import { type Context, defineStep } from "../../core/step.ts";
import type { ServerProcess } from "../../llm/server_process.ts";
import { startLlamaServer } from "../../llm/llama_server.ts";
import { startVllm } from "../../llm/vllm.ts";
import { gaeaPaths } from "./paths.ts";
import { type PlannedServer, planServers, type ServePlan, type Side } from "./serve_plan.ts";

const options = z.object({
  side: z.enum(["base", "tuned", "both"]).describe("Which model to serve; also as a word: gaea:serve tuned"),
  engine: z.enum(["auto", "vllm", "llama-server"]).default("auto").describe(
    "auto: llama-server for a GGUF, vLLM for everything else",
  ),
  baseModel: z.string().default("meta-llama/Llama-3.1-8B-Instruct").describe(
    "Base model: a folder, a hub id, or a GGUF",
  ),
  tunedModel: z.string().optional().describe(
    "Tuned model, merged: a folder or a GGUF; default: <data-dir>/gaea/merged_models/llama-3.1-8b-visions-style",
  ),
  loraModules: z.string().optional().describe(
    "Folder of an adapter: one server answers for both sides, as the models base and tuned, and the weights are loaded once",
  ),
  port: z.int().min(0).max(65535).optional().describe(
    "Port on 127.0.0.1; default: 8000 for the base, 8002 for the tuned model",
  ),
  gpuMemory: z.number().gt(0).max(1).optional().describe(
    "Share of the GPU's memory for each server; default: what is free, in equal parts",
  ),
  contextSize: z.int().min(256).default(4096).describe("Tokens of a request and its answer together"),
  parallel: z.int().min(1).default(4).describe("With llama-server: requests answered at once"),
  gpuLayers: z.int().min(0).optional().describe("With llama-server: layers put on the GPU; default: as many as fit"),
  vllm: z.string().default("vllm").describe("The program vLLM, by name or path"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
type ServeOptions = z.output<typeof options>;

/** A server that takes requests. */
export interface Serving {
  readonly side: Side;
  readonly url: string;
  /** The model's name in requests. */
  readonly model: string;
}

export interface ServeResult {
  readonly engine: ServePlan["engine"];
  readonly servers: readonly Serving[];
}

/** Serves until the signal fires (Ctrl-C), or a server ends by itself. */
export const serve = defineStep({
  name: "gaea:serve",
  summary: "Starts the base or the tuned model on a local port, and ends it with Ctrl-C",
  options,
  word: "side",
  files: () => ({ reads: [], writes: [] }),
  async run(options, context): Promise<ServeResult> {
    await using running = await startServers(options, context);
    for (const { side, url, model } of running.servers) {
      const flag = side === "base" ? "--baseline" : "--finetuned";
      context.emit({
        type: "log",
        level: "info",
        message: `${side}: ${url}, as "${model}". In another terminal: deno task gaea:voice ${flag} --port ${
          new URL(url).port
        }`,
      });
    }
    context.emit({ type: "log", level: "info", message: "ready; Ctrl-C ends it" });
    await running.over;
    return { engine: running.engine, servers: running.servers };
  },
  report: ({ engine, servers }) => `${engine} ended: ${servers.map(({ side, url }) => `${side} at ${url}`).join(", ")}`,
});

export interface Running extends ServeResult, AsyncDisposable {
  /** Resolves when the signal has fired; rejects when a server ends by itself. */
  readonly over: Promise<void>;
}

/** Starts what the options ask for, and waits until all of it takes requests. @throws {UserError} one of it does not. */
export async function startServers(
  options: ServeOptions,
  context: Context,
  gpus: typeof findGpus = findGpus,
): Promise<Running> {
  const { dataDir, baseModel, tunedModel, loraModules: adapter, port, gpuMemory, vllm } = options;
  const models = { base: baseModel, tuned: tunedModel ?? gaeaPaths(dataDir, context.env).merged };
  const { side, engine } = options;
  const machine = { env: context.env, gpus: await gpus(), os: Deno.build.os };
  const plan = await planServers({ side, engine, models, adapter, port, gpuMemory, vllm }, machine);
  const started: ServerProcess[] = [];
  const serving: Serving[] = [];
  const stop = async () => void await Promise.all(started.map((server) => server.stop()));
  try {
    for (const server of plan.servers) {
      const { process, url } = await startOne(server, plan, options, context);
      started.push(process);
      for (const side of server.sides) serving.push({ side, url, model: side });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const over = Promise.race(started.map(async ({ ended }) => {
    const reason = await ended;
    if (reason) throw reason;
  }));
  over.catch(() => {}); // Whoever does not wait for it must not be torn down by it.
  return { engine: plan.engine, servers: serving, over, [Symbol.asyncDispose]: stop };
}

async function startOne(
  { sides, model, port, memory, adapters }: PlannedServer,
  { engine, program }: ServePlan,
  { contextSize, parallel, gpuLayers }: ServeOptions,
  context: Context,
): Promise<{ process: ServerProcess; url: string }> {
  const name = sides[0] ?? "base";
  if (engine === "llama-server") {
    const layers = gpuLayers === undefined ? {} : { gpuLayers };
    const server = await startLlamaServer({ model, port, contextSize, parallel, alias: name, ...layers }, context);
    return { process: server, url: server.url };
  }
  const server = await startVllm({
    ...(program === undefined ? {} : { program }),
    ...(adapters ? { adapters } : {}),
    model,
    name,
    port,
    memory: memory ?? 0.9,
    contextSize,
  }, context);
  return { process: server, url: server.url };
}
