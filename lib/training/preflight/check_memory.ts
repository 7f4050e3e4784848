/** Whether a training fits the memory of the GPU that was found, and what would make it fit. */
import type { Gpu } from "../../core/gpu.ts";
import { changeToFit, estimateMemory, type MemoryEstimate, type MemoryPlan } from "../memory.ts";
import { type ModelShape, parameters } from "../model_shape.ts";
import type { Recipe } from "../recipe.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

const CHECK = "memory";
/** Share of the memory that may be planned for: the estimate is within 15 % of what was measured. */
const USABLE = 0.95;
/** Parameters from which training on a processor is a matter of days. */
const FEW_PARAMETERS = 100e6;

export interface Machine {
  readonly gpus: readonly Gpu[];
  /** Of the computer, in bytes; undefined where it may not be asked. */
  readonly ram: number | undefined;
  readonly os: typeof Deno.build.os;
}

/** What a recipe means for memory. @param longest Tokens of the longest row, where they were counted. */
export function memoryPlan(
  recipe: Recipe,
  machine: Machine,
  longest: number | undefined,
  fullLogits: boolean,
): MemoryPlan {
  const onCpu = machine.gpus.length === 0;
  return {
    loraR: recipe.loraR,
    loraTargets: recipe.loraTargets,
    loraDropout: recipe.loraDropout,
    batchSize: recipe.batchSize,
    evalBatchSize: recipe.evalBatchSize ?? recipe.batchSize,
    // Rows are padded to the longest of their batch; packed ones are full.
    tokens: recipe.packing ? recipe.maxSeqLength : Math.min(recipe.maxSeqLength, longest ?? Infinity),
    base: recipe.use4bit
      ? "4bit"
      : recipe.use8bit
      ? "8bit"
      : recipe.precision === "fp32" || (recipe.precision === "auto" && onCpu)
      ? "32bit"
      : "16bit",
    optimizer: recipe.optimizer.endsWith("8bit") ? "8bit" : "32bit",
    gradientCheckpointing: recipe.gradientCheckpointing,
    eagerAttention: recipe.attention === "eager",
    logits: fullLogits ? "full" : "tiles",
  };
}

/**
 * What is to be said of the memory.
 *
 * @param options.longest Tokens of the longest row, where they were counted.
 * @param options.fullLogits The trainer is an older TRL, which holds the logits of all tokens.
 * @param options.sharded Several devices hold parts of the model (FSDP, DeepSpeed): what each holds is not known here.
 */
export function checkMemory(
  shape: ModelShape,
  recipe: Recipe,
  machine: Machine,
  { longest, fullLogits = false, sharded = false }: { longest?: number; fullLogits?: boolean; sharded?: boolean } = {},
): Finding[] {
  const plan = memoryPlan(recipe, machine, longest, fullLogits);
  const estimate = estimateMemory(shape, plan);
  const gpu = smallest(machine.gpus);
  if (!gpu) return checkProcessor(shape, estimate, machine.ram);
  const facts = factsOf(estimate);
  if (gpu.memory === undefined) {
    return [ok(CHECK, `About ${gib(estimate.total)} are needed on ${gpu.name}, whose memory is unknown`, { facts })];
  }
  const free = gpu.free ?? gpu.memory;
  const parts = `${gib(estimate.weights)} weights, ${gib(estimate.adapter)} LoRA and optimizer, ${
    gib(estimate.activations)
  } activations, ${gib(estimate.logits)} logits, ${gib(estimate.overhead)} else`;
  const peak = estimate.evaluation > estimate.train ? "an evaluation" : "a step";
  const needed = `${peak} needs about ${gib(estimate.total)} (${parts})`;
  if (estimate.total <= USABLE * free) {
    return [ok(CHECK, `On ${gpu.name} with ${gib(free)} free, ${needed}`, { facts })];
  }
  if (estimate.total <= USABLE * gpu.memory && estimate.total > USABLE * free) {
    return [warning(
      CHECK,
      `Of ${gib(gpu.memory)} on ${gpu.name} only ${gib(free)} are free; ${needed}`,
      "End what else uses the GPU (LM Studio: lms unload --all), then try again.",
      { facts },
    )];
  }
  const allow4bit = gpu.kind === "nvidia" && machine.os !== "darwin";
  const change = changeToFit(shape, plan, USABLE * gpu.memory, {
    accumulation: recipe.gradientAccumulationSteps,
    allow4bit,
    evalBatch: recipe.evalBatchSize !== undefined,
  });
  const message = `${gpu.name} has ${gib(gpu.memory)}; ${needed}`;
  const remedy = change
    ? `${change.flags}: about ${gib(change.total)}`
    : "No batch, length or quantisation makes it fit: take a smaller base, or a GPU with more memory.";
  // An integrated GPU borrows from the computer's memory: what its driver calls its own is only a part.
  const borrows = gpu.kind === "amd" && /^gfx(1103|115\d)$/.test(gpu.architecture ?? "");
  if (sharded) {
    const shares = "Devices that share the model hold less each; a short trial (--max-steps 5) tells how much.";
    return [warning(CHECK, message, shares, { facts })];
  }
  return [borrows ? warning(CHECK, message, remedy, { facts }) : error(CHECK, message, remedy, { facts })];
}

/** The one that decides: of one maker, as torch is built for one, and the smallest, as each holds all of the model. */
function smallest(gpus: readonly Gpu[]): Gpu | undefined {
  const kind = (["nvidia", "amd", "apple"] as const).find((kind) => gpus.some((gpu) => gpu.kind === kind));
  return gpus.filter((gpu) => gpu.kind === kind).sort((a, b) => (a.memory ?? Infinity) - (b.memory ?? Infinity))[0];
}

function checkProcessor(shape: ModelShape, estimate: MemoryEstimate, ram: number | undefined): Finding[] {
  const { total } = parameters(shape);
  const facts = factsOf(estimate);
  if (ram !== undefined && estimate.total > ram) {
    return [error(
      CHECK,
      `There is no GPU, and of this computer's ${gib(ram)} about ${gib(estimate.total)} would be needed`,
      "Train on a machine with a GPU, or take a smaller base; --recipe cpu-rehearsal tries the way.",
      { facts },
    )];
  }
  if (total <= FEW_PARAMETERS) {
    return [ok(CHECK, `There is no GPU; about ${gib(estimate.total)} of memory will do on the processor`, { facts })];
  }
  return [warning(
    CHECK,
    `There is no GPU: ${Math.round(total / 1e6).toLocaleString("en-US")} million parameters on a processor take days`,
    "Train on a machine with a GPU; `deno task doctor` tells why none is seen. --recipe cpu-rehearsal tries the way.",
    { facts },
  )];
}

function factsOf(estimate: MemoryEstimate): Record<string, number> {
  return Object.fromEntries(Object.entries(estimate).map(([name, value]) => [name, Math.round(value)]));
}

/** GPUs are sold in powers of two. */
function gib(value: number): string {
  return `${(value / 2 ** 30).toFixed(value < 10 * 2 ** 30 ? 1 : 0)} GiB`;
}
