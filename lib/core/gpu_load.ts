import { join } from "node:path";
import { machine, type Probe } from "./gpu.ts";

/** What a GPU is doing. Memory in bytes. */
export interface GpuLoad {
  readonly name: string;
  readonly used: number | undefined;
  readonly memory: number | undefined;
  readonly celsius: number | undefined;
}

/** The load of every GPU that tells it: NVIDIA's by its own program, AMD's by the kernel. Empty where there is none. */
export async function gpuLoads(probe: Probe = machine): Promise<GpuLoad[]> {
  return [...await nvidia(probe), ...await amd(probe)];
}

async function nvidia(probe: Probe): Promise<GpuLoad[]> {
  const query = ["--query-gpu=name,memory.used,memory.total,temperature.gpu", "--format=csv,noheader,nounits"];
  const answer = await probe.ask("nvidia-smi", query);
  if (!answer || answer.code !== 0) return [];
  return answer.stdout.split("\n").filter((line) => line.includes(",")).map((line) => {
    const [name = "NVIDIA GPU", used, total, celsius] = line.split(",").map((cell) => cell.trim());
    return { name, used: number(used, 2 ** 20), memory: number(total, 2 ** 20), celsius: number(celsius) };
  });
}

const CARDS = "/sys/class/drm";

async function amd(probe: Probe): Promise<GpuLoad[]> {
  if (probe.os !== "linux") return [];
  const loads: GpuLoad[] = [];
  for (const card of (await probe.list(CARDS)).filter((name) => /^card\d+$/.test(name)).sort()) {
    const device = join(CARDS, card, "device");
    const total = number(await probe.read(join(device, "mem_info_vram_total")));
    if (total === undefined) continue; // Only AMD's driver has it.
    const [sensor] = await probe.list(join(device, "hwmon"));
    loads.push({
      name: `AMD GPU (${card})`,
      used: number(await probe.read(join(device, "mem_info_vram_used"))),
      memory: total,
      celsius: sensor === undefined
        ? undefined
        : number(await probe.read(join(device, "hwmon", sensor, "temp1_input")), 0.001),
    });
  }
  return loads;
}

/** "[N/A]" and files that are not there have no number. */
function number(text: string | undefined, scale = 1): number | undefined {
  const value = Number(text?.trim() || NaN);
  return Number.isFinite(value) ? value * scale : undefined;
}
