/** A LoRA adapter as PEFT saves it: what it changes, and whether it can be merged. */
import { join, resolve } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { readTextFile, sha256File } from "../core/files.ts";
import { hasNonFinite, isZero, readSafetensors, type Tensor, tensorBlocks } from "./safetensors.ts";

const Config = z.object({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  r: z.number().optional(),
  lora_alpha: z.number().optional(),
  use_dora: z.boolean().nullish(),
  use_rslora: z.boolean().nullish(),
});

export interface Adapter {
  readonly path: string;
  readonly config: z.infer<typeof Config>;
  /** Of adapter_model.safetensors. */
  readonly sha256: string;
  /** Names that its parameters have in the base: those that merging changes. */
  readonly targets: readonly string[];
  /** Second matrices of all pairs, and how many of them are zero: a pair with a zero does nothing. */
  readonly pairs: { readonly all: number; readonly zero: number };
}

/**
 * Reads an adapter and looks at its numbers.
 *
 * @throws {UserError} a folder without an adapter, another method than LoRA, numbers that are not finite.
 *
 * @example
 * ```ts ignore
 * const { targets, pairs } = await readAdapter("output/theme-deepred-20260101_120000/final");
 * ```
 */
export async function readAdapter(folder: string): Promise<Adapter> {
  const config = await readConfig(folder);
  const path = join(folder, "adapter_model.safetensors");
  const tensors = [...(await readSafetensors(path)).values()];
  let all = 0, zero = 0;
  for (const tensor of tensors) {
    const { finite, zeros } = await look(tensor);
    if (!finite) {
      throw new UserError(`Cannot merge "${folder}": "${tensor.name}" holds numbers that are not finite`, {
        hint: "Its training diverged: take an earlier checkpoint, or train with a lower learning rate.",
      });
    }
    if (!/\.lora_(?:B\.weight|embedding_B)$/.test(tensor.name)) continue;
    all++;
    if (zeros) zero++;
  }
  if (all === 0) {
    throw new UserError(`Cannot merge "${folder}": its adapter_model.safetensors holds no LoRA`, { exitCode: 2 });
  }
  const targets = [...new Set(tensors.map(({ name }) => targetOf(name)))];
  return { path: resolve(folder), config, sha256: await sha256File(path), targets, pairs: { all, zero } };
}

async function readConfig(folder: string): Promise<z.infer<typeof Config>> {
  const path = join(folder, "adapter_config.json");
  if (!await Deno.stat(path).then(() => true, () => false)) {
    throw new UsageError(
      `Cannot merge "${folder}": there is no adapter_config.json in it`,
      "Name the folder of an adapter (a run's final or checkpoint-N), or a run's folder together with --auto.",
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(await readTextFile(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  const config = Config.safeParse(value);
  if (!config.success) throw new UserError(`Cannot read "${path}": it is no configuration of an adapter`);
  if (config.data.peft_type !== "LORA") {
    throw new UserError(`Cannot merge "${folder}": its method is ${config.data.peft_type}, not LORA`, { exitCode: 2 });
  }
  return config.data;
}

async function look(tensor: Tensor): Promise<{ finite: boolean; zeros: boolean }> {
  let finite = true, zeros = true;
  for await (const block of tensorBlocks(tensor)) {
    finite &&= !hasNonFinite(tensor.dtype, block);
    zeros &&= isZero(tensor.dtype, block);
  }
  return { finite, zeros };
}

/**
 * The base's parameter that a tensor of an adapter belongs to.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { targetOf } from "@/training/adapter.ts";
 *
 * equal(targetOf("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"), "model.layers.0.mlp.up_proj.weight");
 * ```
 */
export function targetOf(name: string): string {
  return name.replace(/^base_model\.model\./, "")
    .replace(/\.lora_B\.bias$/, ".bias")
    .replace(/\.lora_(?:[AB]\.weight|embedding_[AB]|magnitude_vector(?:\.weight)?)$/, ".weight");
}

/** The input embedding or the output head: in many models one and the same matrix. */
const EMBEDDINGS = /(?:^|\.)(?:lm_head|embed_tokens|embed_out|wte|word_embeddings)\.[^.]+$/;

/** Targets that may not be changed in a model whose head and embedding are tied: merging would lose one of the two. */
export function tiedTargets(targets: readonly string[]): string[] {
  return targets.filter((name) => EMBEDDINGS.test(name));
}
