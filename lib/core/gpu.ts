import { join } from "node:path";
import { type Answer, ask } from "./exec.ts";

/** A GPU as its driver tells it. Memory in bytes. */
export interface Gpu {
  readonly name: string;
  readonly kind: "nvidia" | "amd" | "apple";
  readonly memory: number | undefined;
  readonly free: number | undefined;
  /** AMD: the real architecture (`gfx1151`), whatever `HSA_OVERRIDE_GFX_VERSION` claims. */
  readonly architecture?: string;
}

/** How to look at the machine; a test gives its own. */
export interface Probe {
  ask(command: string, args: readonly string[]): Promise<Answer | undefined>;
  read(path: string): Promise<string | undefined>;
  list(path: string): Promise<string[]>;
  readonly os: typeof Deno.build.os;
}

export const machine: Probe = {
  ask,
  read: (path) => Deno.readTextFile(path).catch(() => undefined),
  list: async (path) => {
    try {
      return (await Array.fromAsync(Deno.readDir(path))).map((entry) => entry.name);
    } catch {
      return [];
    }
  },
  os: Deno.build.os,
};

/** All GPUs that a trainer or LM Studio could use. */
export async function findGpus(probe: Probe = machine): Promise<Gpu[]> {
  return [...await nvidia(probe), ...await amd(probe), ...await apple(probe)];
}

async function nvidia(probe: Probe): Promise<Gpu[]> {
  const query = ["--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"];
  const answer = await probe.ask("nvidia-smi", query);
  if (!answer || answer.code !== 0) return [];
  return answer.stdout.split("\n").filter((line) => line.includes(",")).map((line) => {
    const [name = "NVIDIA GPU", total, free] = line.split(",").map((cell) => cell.trim());
    const mebibytes = (text: string | undefined) => {
      const value = Number(text); // "[N/A]" on chips that share the machine's memory.
      return Number.isFinite(value) && text ? value * 2 ** 20 : undefined;
    };
    return { name, kind: "nvidia", memory: mebibytes(total), free: mebibytes(free) };
  });
}

/** From the kernel driver's topology, which no environment variable can bend. */
const KFD = "/sys/class/kfd/kfd/topology/nodes";

async function amd(probe: Probe): Promise<Gpu[]> {
  if (probe.os !== "linux") return [];
  const gpus: Gpu[] = [];
  for (const node of await probe.list(KFD)) {
    const properties = (await probe.read(join(KFD, node, "properties"))) ?? "";
    const version = Number(/^gfx_target_version (\d+)/m.exec(properties)?.[1] ?? 0);
    if (version === 0) continue; // A processor.
    const architecture = gfxName(version);
    const bank = await probe.read(join(KFD, node, "mem_banks", "0", "properties"));
    const size = Number(/^size_in_bytes (\d+)/m.exec(bank ?? "")?.[1]);
    gpus.push({
      name: `AMD ${architecture}`,
      kind: "amd",
      memory: Number.isFinite(size) ? size : undefined,
      free: undefined,
      architecture,
    });
  }
  return gpus;
}

/** The kernel's number (major × 10000 + minor × 100 + step) as LLVM writes it: 110501 → gfx1151, 90010 → gfx90a. */
export function gfxName(version: number): string {
  const step = version % 100;
  return `gfx${Math.floor(version / 10000)}${Math.floor(version / 100) % 100}${step.toString(16)}`;
}

async function apple(probe: Probe): Promise<Gpu[]> {
  if (probe.os !== "darwin") return [];
  const chip = await probe.ask("sysctl", ["-n", "machdep.cpu.brand_string", "hw.memsize"]);
  const [name = "", memory] = chip?.stdout.split("\n") ?? [];
  return name.startsWith("Apple")
    ? [{ name, kind: "apple", memory: Number(memory) || undefined, free: undefined }]
    : [];
}

/**
 * What is wrong with `HSA_OVERRIDE_GFX_VERSION`, if anything: it makes ROCm treat the GPU as another one, which is known
 * to crash where the real architecture is supported (ROCm issue 5824: gfx1151 with 11.0.0).
 */
export function overrideProblem(value: string | undefined, gpus: readonly Gpu[]): string | undefined {
  if (!value) return undefined;
  const match = /^(\d+)\.(\d+)\.(\d+)$/.exec(value);
  if (!match) return `HSA_OVERRIDE_GFX_VERSION="${value}" is no version such as 11.0.0`;
  const [, major = "", minor = "", step = ""] = match;
  const claimed = `gfx${major}${minor}${Number(step).toString(16)}`;
  const real = gpus.filter((gpu) => gpu.kind === "amd").map((gpu) => gpu.architecture);
  if (real.length === 0) return `HSA_OVERRIDE_GFX_VERSION=${value} is set, but there is no AMD GPU`;
  if (real.includes(claimed)) return undefined;
  return `HSA_OVERRIDE_GFX_VERSION=${value} claims ${claimed}, but the GPU is ${real.join(", ")}`;
}
