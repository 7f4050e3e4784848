/** Training in several processes, on one machine or more: the same recipe, handed to accelerate or torchrun. */
import { cpus } from "node:os";
import { z } from "zod";
import type { LaunchPlan } from "./plan.ts";

export const launchFlags = {
  launch: z.enum(["accelerate", "torchrun"]).optional().describe(
    "Train in several processes, started by this program; default: in one process",
  ),
  processes: z.int().min(1).default(1).describe("With --launch: processes on each machine, one for each GPU"),
  machines: z.int().min(1).default(1).describe("With --launch: machines that take part; run the task on each of them"),
  machineRank: z.int().min(0).default(0).describe("With --launch: number of this machine, from 0; 0 leads"),
  mainAddress: z.string().min(1).default("127.0.0.1").describe("With --launch: address of the machine that leads"),
  mainPort: z.int().min(1).max(65535).default(29500).describe("With --launch: its port"),
  accelerateConfig: z.string().optional().describe("With --launch accelerate: its configuration file (YAML)"),
  fsdp: z.string().optional().describe("With --launch: settings of FSDP, a JSON file as transformers' fsdp_config"),
  deepspeed: z.string().optional().describe("With --launch: settings of DeepSpeed, a JSON file"),
};

const Flags = z.object(launchFlags);
type Flags = z.output<typeof Flags>;

/**
 * The processes that were asked for, or undefined for one alone; and every fault.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { z } from "zod";
 * import { launchFlags, planLaunch } from "@/training/launch.ts";
 *
 * const flags = z.object(launchFlags).parse({ launch: "torchrun", processes: 2 });
 * equal(planLaunch(flags).launch?.processes, 2);
 * equal(planLaunch(z.object(launchFlags).parse({ processes: 2 })).faults.length, 1);
 * ```
 */
export function planLaunch(flags: Flags): { launch: LaunchPlan | undefined; faults: string[] } {
  const faults: string[] = [];
  const { launch, ...rest } = Flags.parse(flags); // Of more than these the rest is not ours.
  if (launch === undefined) {
    const plain = Flags.parse({});
    for (const key of Object.keys(rest) as (keyof typeof rest)[]) {
      if (rest[key] !== plain[key]) faults.push(`Cannot use --${kebab(key)} without --launch accelerate or torchrun`);
    }
    return { launch: undefined, faults };
  }
  if (flags.machineRank >= flags.machines) {
    faults.push(
      `Cannot use --machine-rank ${flags.machineRank}: of ${flags.machines} machines the last is ${flags.machines - 1}`,
    );
  }
  if (flags.fsdp !== undefined && flags.deepspeed !== undefined) {
    faults.push("Cannot use --fsdp with --deepspeed: one of them holds the weights");
  }
  if (flags.accelerateConfig !== undefined && launch !== "accelerate") {
    faults.push("Cannot use --accelerate-config with --launch torchrun");
  }
  return { launch: { by: launch, ...rest }, faults };
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Arguments of lib/python/launch.py, which runs accelerate's or torch's own launcher; the trainer's script and its
 * arguments follow.
 */
export function launchArguments(launch: LaunchPlan): string[] {
  const { by, processes, machines, machineRank, mainAddress, mainPort, accelerateConfig } = launch;
  if (by === "torchrun") {
    return [
      "torch.distributed.run",
      ...[`--nproc-per-node=${processes}`, `--nnodes=${machines}`, `--node-rank=${machineRank}`],
      ...[`--master-addr=${mainAddress}`, `--master-port=${mainPort}`],
    ];
  }
  return [
    "accelerate.commands.launch",
    ...(accelerateConfig === undefined ? ["--mixed_precision=no"] : [`--config_file=${accelerateConfig}`]),
    ...(processes * machines > 1 && accelerateConfig === undefined ? ["--multi_gpu"] : []),
    ...[`--num_processes=${processes * machines}`, `--num_machines=${machines}`, `--machine_rank=${machineRank}`],
    ...[`--main_process_ip=${mainAddress}`, `--main_process_port=${mainPort}`],
    "--dynamo_backend=no",
  ];
}

/** Threads for each process: all of them at once would wait for each other. */
export function threadsEach({ processes }: Pick<LaunchPlan, "processes">): number {
  return Math.max(1, Math.floor(cpus().length / processes));
}
