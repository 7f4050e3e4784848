/** Which servers to start, for which side, on which port, with how much of the GPU. */
import { delimiter, join, resolve } from "node:path";
import { UsageError, UserError } from "../../core/errors.ts";
import { bytes } from "../../core/format.ts";
import type { Gpu } from "../../core/gpu.ts";
import { memoryShare, weightBytes } from "../../llm/vllm.ts";

/** Ports of the document: the base answers on the first, the tuned model on the second. */
export const PORTS = { base: 8000, tuned: 8002 } as const;
export type Side = keyof typeof PORTS;

/** A server to be started. */
export interface PlannedServer {
  /** The sides that it answers for. */
  readonly sides: readonly Side[];
  readonly model: string;
  readonly port: number;
  /** Share of the GPU's memory; none for llama-server, which takes what the model needs. */
  readonly memory?: number;
  readonly adapters?: Readonly<Record<string, string>>;
}

export interface ServePlan {
  readonly engine: "vllm" | "llama-server";
  readonly program?: string;
  readonly servers: readonly PlannedServer[];
}

export interface ServeWish {
  readonly side: Side | "both";
  readonly engine: "auto" | "vllm" | "llama-server";
  readonly models: Readonly<Record<Side, string>>;
  /** Adapter that one server serves beside the base. */
  readonly adapter?: string | undefined;
  readonly port?: number | undefined;
  readonly gpuMemory?: number | undefined;
  readonly vllm: string;
}

/** What the plan must know of the machine. */
export interface Machine {
  readonly env: Readonly<Record<string, string>>;
  readonly gpus: readonly Gpu[];
  readonly os: typeof Deno.build.os;
}

/** @throws {UsageError} wishes that exclude each other; {UserError} models that cannot be served here. */
export async function planServers(wish: ServeWish, machine: Machine): Promise<ServePlan> {
  const { side, models, adapter, port } = wish;
  if (port !== undefined && side === "both" && adapter === undefined) {
    throw new UsageError(
      "Cannot use --port with both sides: they answer on 8000 and 8002; name one side, or --lora-modules",
    );
  }
  const { engine, program } = await engineFor(wish, machine);
  const wanted: readonly Side[] = side === "both" ? ["base", "tuned"] : [side];
  if (engine === "llama-server") {
    if (adapter !== undefined) {
      throw new UsageError(
        "Cannot use --lora-modules with llama-server: it serves one model; serve both sides one after the other",
      );
    }
    for (const name of wanted) {
      if (/\.gguf$/i.test(models[name])) continue;
      throw new UserError(`Cannot serve "${models[name]}" with llama-server: it takes a GGUF`, {
        exitCode: 2,
        hint: `Name one by --${name}-model, or install vLLM. Made from a model's folder: deno task gguf`,
      });
    }
    return {
      engine,
      servers: wanted.map((name) => ({ sides: [name], model: models[name], port: port ?? PORTS[name] })),
    };
  }
  const servers: readonly PlannedServer[] = adapter !== undefined
    ? [{ sides: ["base", "tuned"], model: models.base, port: port ?? PORTS.base, adapters: { tuned: adapter } }]
    : wanted.map((name) => ({ sides: [name], model: models[name], port: port ?? PORTS[name] }));
  const memory = wish.gpuMemory ?? memoryShare(machine.gpus, servers.length);
  if (memory === undefined) {
    throw new UserError("Cannot start vLLM: less than a tenth of the GPU's memory is free", {
      hint: "End what fills it (nvidia-smi tells), or start both sides at once: deno task gaea:serve both",
    });
  }
  if (memory * servers.length >= 1) {
    throw new UsageError(
      `Cannot use --gpu-memory ${memory} for ${servers.length} servers: together they must stay below 1`,
    );
  }
  await checkWeights(servers, memory, machine.gpus);
  return {
    engine,
    ...(program === undefined ? {} : { program }),
    servers: servers.map((server) => ({ ...server, memory })),
  };
}

async function engineFor(
  { engine, models, side, vllm }: ServeWish,
  { env, os }: Machine,
): Promise<{ engine: ServePlan["engine"]; program?: string }> {
  const gguf = (side === "tuned" ? [models.tuned] : side === "base" ? [models.base] : Object.values(models))
    .every((model) => /\.gguf$/i.test(model));
  if (engine === "llama-server" || (engine === "auto" && gguf)) return { engine: "llama-server" };
  const program = await findExecutable(vllm, env, os);
  if (program !== undefined) return { engine: "vllm", program };
  throw new UserError(`Cannot find vLLM: there is no program "${vllm}" on the PATH`, {
    hint: os === "linux"
      ? "Install it (pip install vllm) or name it by --vllm; without it, serve GGUFs: --base-model base.gguf --tuned-model voice.gguf"
      : "vLLM runs on Linux only; serve GGUFs: --base-model base.gguf --tuned-model voice.gguf",
  });
}

/** The path of a program that is named by a path, or lies on the PATH. */
export async function findExecutable(
  name: string,
  env: Readonly<Record<string, string>>,
  os: typeof Deno.build.os,
): Promise<string | undefined> {
  const there = async (path: string) => (await Deno.stat(path).catch(() => undefined))?.isFile ? path : undefined;
  if (/[\\/]/.test(name)) return await there(resolve(name));
  const endings = os === "windows" ? [".exe", ".cmd", ".bat"] : [""];
  for (const folder of (env.PATH ?? "").split(delimiter).filter(Boolean)) {
    for (const ending of endings) {
      const found = await there(join(folder, name + ending));
      if (found) return found;
    }
  }
  return undefined;
}

/** Weights that are larger than their share of the GPU cannot be loaded; that is said before minutes of loading. */
async function checkWeights(servers: readonly PlannedServer[], memory: number, gpus: readonly Gpu[]): Promise<void> {
  const total = gpus.find(({ kind }) => kind !== "apple")?.memory;
  if (total === undefined) return;
  for (const { model } of servers) {
    const weights = await weightBytes(model);
    if (weights === undefined || weights < memory * total) continue;
    throw new UserError(
      `Cannot serve "${model}": its weights take ${bytes(weights)}, its share of the GPU is ${bytes(memory * total)}`,
      {
        hint: servers.length > 1
          ? "Serve one side after the other, or both by one server: deno task gaea:serve both --lora-modules <adapter>"
          : "Free the GPU, or serve a quantised GGUF with llama-server.",
      },
    );
  }
}
