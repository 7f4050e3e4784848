/** What an Axolotl configuration says of a training, in the terms of a recipe. */
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { explain } from "../core/jsonl.ts";
import type { GivenRecipe, Recipe } from "./recipe.ts";

const Dataset = z.looseObject({ path: z.string() });

/** The part of the configuration that decides a run here; Axolotl reads the rest itself. */
export const AxolotlConfig = z.looseObject({
  base_model: z.string().min(1),
  datasets: z.array(Dataset).length(1, "exactly one dataset is expected"),
  test_datasets: z.array(Dataset).max(1).optional(),
  output_dir: z.string().optional(),
  load_in_4bit: z.boolean().default(false),
  load_in_8bit: z.boolean().default(false),
  lora_r: z.int().min(1).default(16),
  lora_alpha: z.number().gt(0).default(32),
  lora_dropout: z.number().min(0).lt(1).default(0.05),
  sequence_len: z.int().min(16).default(4096),
  sample_packing: z.boolean().default(false),
  micro_batch_size: z.int().min(1).default(1),
  eval_batch_size: z.int().min(1).optional(),
  gradient_accumulation_steps: z.int().min(1).default(8),
  num_epochs: z.number().gt(0).default(3),
  max_steps: z.int().min(1).optional(),
  learning_rate: z.coerce.number().gt(0).default(2e-4),
  lr_scheduler: z.string().default("cosine"),
  optimizer: z.string().default("adamw_bnb_8bit"),
  warmup_ratio: z.number().min(0).lt(1).default(0.03),
  weight_decay: z.number().min(0).default(0),
  saves_per_epoch: z.number().gt(0).default(2),
  evals_per_epoch: z.number().gt(0).default(2),
  save_total_limit: z.int().min(1).optional(),
  gradient_checkpointing: z.boolean().default(true),
  logging_steps: z.int().min(1).default(1),
  seed: z.int().min(0).default(42),
});
export type AxolotlConfig = z.output<typeof AxolotlConfig>;

/**
 * Reads a configuration.
 *
 * @throws {UserError} no YAML, or a value of another kind; the message names the file and the value.
 */
export async function readAxolotlConfig(path: string): Promise<AxolotlConfig> {
  const name = "yaml"; // Only who reads a configuration pays for it.
  const { parse }: typeof import("yaml") = await import(name);
  const text = await readTextFile(path);
  const hint = "Write one: deno task gaea:config";
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new UserError(`Cannot read "${path}": it is not YAML: ${words}`, { exitCode: 2, hint, cause });
  }
  const config = AxolotlConfig.safeParse(value);
  if (!config.success) throw new UserError(`Cannot read "${path}": ${explain(config.error)}`, { exitCode: 2, hint });
  return config.data;
}

const SCHEDULERS: Readonly<Record<string, Recipe["lrScheduler"]>> = {
  cosine: "cosine",
  linear: "linear",
  constant_with_warmup: "constant_with_warmup",
};
const OPTIMIZERS: Readonly<Record<string, Recipe["optimizer"]>> = {
  adamw_bnb_8bit: "adamw_8bit",
  adamw_8bit: "adamw_8bit",
  paged_adamw_8bit: "paged_adamw_8bit",
  adamw_torch: "adamw_torch",
  adamw_torch_fused: "adamw_torch_fused",
};

/**
 * The same training as a recipe: for the preflight, for the record of the run, and for `--trainer trl`.
 *
 * @param rows Training examples: saves and evaluations are counted by epoch there, in steps here.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { AxolotlConfig, recipeOf } from "@/training/axolotl_recipe.ts";
 *
 * const config = AxolotlConfig.parse({ base_model: "base", datasets: [{ path: "train.jsonl" }] });
 * equal(recipeOf(config, 36).saveSteps, 3); // 36 examples, 8 to a step: 5 steps an epoch, saved twice in it.
 * ```
 */
export function recipeOf(config: AxolotlConfig, rows: number): GivenRecipe {
  const stepsPerEpoch = Math.max(
    1,
    Math.ceil(Math.ceil(rows / config.micro_batch_size) / config.gradient_accumulation_steps),
  );
  // As transformers turns a share of all steps into a number: the next whole one.
  const every = (perEpoch: number) => Math.max(1, Math.ceil(stepsPerEpoch / perEpoch));
  const { max_steps: maxSteps, eval_batch_size: evalBatchSize, save_total_limit: saveTotalLimit } = config;
  return {
    baseModel: config.base_model,
    epochs: config.num_epochs,
    batchSize: config.micro_batch_size,
    gradientAccumulationSteps: config.gradient_accumulation_steps,
    learningRate: config.learning_rate,
    lrScheduler: SCHEDULERS[config.lr_scheduler] ?? "cosine",
    warmupRatio: config.warmup_ratio,
    weightDecay: config.weight_decay,
    optimizer: OPTIMIZERS[config.optimizer] ?? "adamw_torch",
    maxSeqLength: config.sequence_len,
    packing: config.sample_packing,
    loraR: config.lora_r,
    loraAlpha: config.lora_alpha,
    loraDropout: config.lora_dropout,
    use4bit: config.load_in_4bit,
    use8bit: config.load_in_8bit,
    gradientCheckpointing: config.gradient_checkpointing,
    saveSteps: every(config.saves_per_epoch),
    evalSteps: every(config.evals_per_epoch),
    loggingSteps: config.logging_steps,
    seed: config.seed,
    ...(maxSteps === undefined ? {} : { maxSteps }),
    ...(evalBatchSize === undefined ? {} : { evalBatchSize }),
    ...(saveTotalLimit === undefined ? {} : { saveTotalLimit }),
  };
}
