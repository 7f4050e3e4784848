/** vLLM as a resource: started on a model, ready when the promise resolves, gone when it is disposed of. */
import { basename, join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { fileError, readTextFile } from "../core/files.ts";
import type { Gpu } from "../core/gpu.ts";
import type { Context } from "../core/step.ts";
import { freePort, type ServerProcess, startServerProcess } from "./server_process.ts";

export interface VllmOptions {
  /** The program. @default {"vllm"} */
  readonly program?: string;
  /** Folder or hub id of the model. */
  readonly model: string;
  /** Its name in requests. */
  readonly name: string;
  /** 0 is any free port. */
  readonly port: number;
  /** Share of the GPU's memory that it may fill. */
  readonly memory: number;
  /** Tokens that a request and its answer may have together. @default {4096} */
  readonly contextSize?: number;
  /** Adapters that are served beside the model, by their names in requests. */
  readonly adapters?: Readonly<Record<string, string>>;
}

export interface VllmServer extends ServerProcess {
  readonly url: string;
  /** Names in requests: the model's, then the adapters'. */
  readonly names: readonly string[];
}

const HOST = "127.0.0.1";

/**
 * Starts vLLM on this machine alone and waits until it takes requests, which takes minutes for a large model.
 *
 * @throws {UserError} no such program, a port that is taken, a model that does not load (with its last words and what to do
 * about it); the signal's reason when it fired.
 */
export async function startVllm(options: VllmOptions, context: Context): Promise<VllmServer> {
  const port = freePort(options.port, "vLLM", HOST);
  const url = `http://${HOST}:${port}`;
  const rank = await largestRank(Object.values(options.adapters ?? {}));
  context.emit({ type: "log", level: "info", message: `vLLM loads "${options.model}" at ${url}; this takes minutes` });
  const started = context.clock.now();
  const process = await startServerProcess({
    program: options.program ?? "vllm",
    args: vllmArgs(options, port, rank),
    env: { VLLM_NO_USAGE_STATS: "1", DO_NOT_TRACK: "1" },
    health: `${url}/health`,
    pollMs: 500,
    graceMs: 20_000, // It has a process for each engine to end, and memory of the GPU to give back.
    failed: (how, lines, code) =>
      new UserError(
        `Cannot serve "${options.model}" with vLLM: ${how}\n${lines.map((line) => `  ${line}`).join("\n")}`,
        { hint: vllmHint(lines.join("\n"), code) },
      ),
    onLine: (line) =>
      context.emit({
        type: "progress",
        label: `vLLM loads ${basename(options.model)}`,
        done: Math.round((context.clock.now() - started) / 1000),
        unit: "s",
        detail: line.slice(0, 60),
      }),
  }, context);
  return { ...process, url, names: [options.name, ...Object.keys(options.adapters ?? {})] };
}

/**
 * The arguments of `vllm serve`. `--generation-config vllm`, or else the model's own file would change the sampling of
 * requests behind their back, in another way for base and tuned (vLLM's documentation of the server).
 */
export function vllmArgs(options: Omit<VllmOptions, "program">, port: number, rank?: number): string[] {
  const { model, name, memory, contextSize = 4096, adapters = {} } = options;
  const modules = Object.entries(adapters).map(([name, path]) => `${name}=${path}`);
  return [
    ...["serve", model],
    ...["--host", HOST],
    ...["--port", String(port)],
    ...["--served-model-name", name],
    ...["--max-model-len", String(contextSize)],
    ...["--gpu-memory-utilization", memory.toFixed(2)],
    ...["--generation-config", "vllm"],
    ...modules.length === 0
      ? []
      : ["--enable-lora", "--lora-modules", ...modules, "--max-lora-rank", String(rank ?? 16)],
  ];
}

const Adapter = z.object({ r: z.int().min(1) });
/** Ranks that vLLM knows. */
const RANKS = [8, 16, 32, 64, 128, 256, 320, 512];

/** The rank that vLLM must make room for. @throws {UserError} a folder is no adapter, or its rank is too high. */
async function largestRank(adapters: readonly string[]): Promise<number | undefined> {
  let largest: number | undefined;
  for (const adapter of adapters) {
    const path = join(adapter, "adapter_config.json");
    const config = Adapter.safeParse(jsonOf(await readTextFile(path)));
    if (!config.success) {
      throw new UserError(`Cannot serve "${adapter}": its adapter_config.json names no rank`, { exitCode: 2 });
    }
    const rank = RANKS.find((rank) => rank >= config.data.r);
    if (!rank) throw new UserError(`Cannot serve "${adapter}": vLLM takes ranks up to 512, it has ${config.data.r}`);
    largest = Math.max(largest ?? 0, rank);
  }
  return largest;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What to do about a vLLM that ended with these lines and this exit code. */
export function vllmHint(lines: string, code: number): string {
  if (/free memory on device|less than desired gpu memory utilization/i.test(lines)) {
    return "Another program fills the GPU: end it, or lower --gpu-memory.";
  }
  if (
    /no available memory for the cache|max seq len|max_model_len|larger than the maximum number of tokens/i.test(lines)
  ) {
    return "What is left beside the weights holds no context of that length: lower --context-size, or raise --gpu-memory.";
  }
  if (/out of memory/i.test(lines) || code === 137) {
    return "Memory ran out: serve one model at a time, or both by one server with --lora-modules.";
  }
  if (/gated repo|401 client error|access to model .* is restricted/i.test(lines)) {
    return "The hub wants to know who asks: accept the model's licence there and set HF_TOKEN.";
  }
  if (/repository not found|not a local folder|does not appear to have a file named|no such file/i.test(lines)) {
    return "Check the path or hub id of the model.";
  }
  if (/address already in use/i.test(lines)) return "Another program has the port; choose another by --port.";
  if (/no cuda|cuda driver|failed to infer device|no gpu/i.test(lines)) {
    return "vLLM found no GPU. Without one, serve a GGUF: --engine llama-server --model voice.gguf";
  }
  return "vLLM's own words above say why.";
}

/** Share of the memory that is left to whatever else is there: a desktop, CUDA's own contexts. */
const SPARE = 0.06;
const MOST = 0.9;

/**
 * The share of the GPU's memory that each of so many servers may fill, so that all fit into what is free now; of several
 * GPUs the first counts, which is the one that vLLM takes. Undefined where not even a tenth is left.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { memoryShare } from "@/llm/vllm.ts";
 *
 * const gpu = { name: "RTX 5090", kind: "nvidia" as const, memory: 32e9, free: 31e9 };
 * equal(memoryShare([gpu], 1), 0.9);
 * equal(memoryShare([gpu], 2), 0.45);
 * equal(memoryShare([{ ...gpu, free: 3e9 }], 1), undefined);
 * ```
 */
export function memoryShare(gpus: readonly Gpu[], servers: number): number | undefined {
  const gpu = gpus.find(({ kind }) => kind !== "apple");
  const free = gpu?.memory && gpu.free !== undefined ? gpu.free / gpu.memory - SPARE : MOST;
  const share = Math.floor(100 * Math.min(MOST, free) / servers + 1e-9) / 100;
  return share >= 0.1 ? share : undefined;
}

/** Bytes of a model's weights; undefined for a hub id, or a folder without any. */
export async function weightBytes(model: string): Promise<number | undefined> {
  let sum = 0;
  try {
    for await (const { name } of Deno.readDir(model)) {
      if (/\.(?:safetensors|bin)$/.test(name)) sum += (await Deno.stat(join(model, name))).size;
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw fileError("read", model, error);
  }
  return sum || undefined;
}
