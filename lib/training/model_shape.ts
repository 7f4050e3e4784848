/** What a base model's config.json says of its size. */
import { z } from "zod";

/** The widths of a decoder. */
export interface ModelShape {
  /** `model_type`: "qwen2", "llama" … */
  readonly modelType: string;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly vocabSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Of the feed-forward part; of one expert where there are several. */
  readonly intermediateSize: number;
  /** 1 for a dense model. */
  readonly experts: number;
  /** Input and output embeddings are one matrix. */
  readonly tied: boolean;
  /** Longest sequence that its positions were made for. */
  readonly maxPositions: number | undefined;
}

const size = z.int().positive();

const Config = z.looseObject({
  model_type: z.string(),
  hidden_size: size,
  num_hidden_layers: size,
  vocab_size: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  intermediate_size: size,
  moe_intermediate_size: size.nullish(),
  num_local_experts: size.nullish(),
  num_experts: size.nullish(),
  n_routed_experts: size.nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  max_position_embeddings: size.nullish(),
});

/**
 * The shape out of a parsed config.json; that of the language part where a model also sees or hears.
 *
 * @throws {z.ZodError} where a width is missing, as in models that are no decoders.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { parseShape } from "@/training/model_shape.ts";
 *
 * const shape = parseShape({
 *   model_type: "qwen2", hidden_size: 1536, num_hidden_layers: 28, vocab_size: 151936, num_attention_heads: 12,
 *   num_key_value_heads: 2, intermediate_size: 8960, tie_word_embeddings: true,
 * });
 * equal(shape.headDim, 128);
 * ```
 */
export function parseShape(config: unknown): ModelShape {
  const whole = z.looseObject({ text_config: z.looseObject({}).optional() }).parse(config);
  // What the language part does not say stands outside of it.
  const found = Config.parse({ ...whole, ...whole.text_config });
  const experts = found.num_local_experts ?? found.num_experts ?? found.n_routed_experts ?? 1;
  return {
    modelType: found.model_type,
    hiddenSize: found.hidden_size,
    layers: found.num_hidden_layers,
    vocabSize: found.vocab_size,
    heads: found.num_attention_heads,
    kvHeads: found.num_key_value_heads ?? found.num_attention_heads,
    headDim: found.head_dim ?? Math.floor(found.hidden_size / found.num_attention_heads),
    intermediateSize: experts > 1 ? found.moe_intermediate_size ?? found.intermediate_size : found.intermediate_size,
    experts,
    // transformers takes true for granted.
    tied: found.tie_word_embeddings ?? true,
    maxPositions: found.max_position_embeddings ?? undefined,
  };
}

/** The matrices of a layer that a LoRA can be put on: what goes in, what comes out, how many of them a layer has. */
export function linearLayers(shape: ModelShape): Record<string, { in: number; out: number; times: number }> {
  const { hiddenSize, heads, kvHeads, headDim, intermediateSize, experts } = shape;
  const query = heads * headDim, key = kvHeads * headDim;
  return {
    q_proj: { in: hiddenSize, out: query, times: 1 },
    k_proj: { in: hiddenSize, out: key, times: 1 },
    v_proj: { in: hiddenSize, out: key, times: 1 },
    o_proj: { in: query, out: hiddenSize, times: 1 },
    gate_proj: { in: hiddenSize, out: intermediateSize, times: experts },
    up_proj: { in: hiddenSize, out: intermediateSize, times: experts },
    down_proj: { in: intermediateSize, out: hiddenSize, times: experts },
  };
}

/** Parameters: in the matrices of all layers, and in embeddings (biases and norms are left out: a ten thousandth). */
export function parameters(shape: ModelShape): { linear: number; embedding: number; total: number } {
  const layer = Object.values(linearLayers(shape)).reduce((sum, one) => sum + one.in * one.out * one.times, 0);
  const linear = layer * shape.layers;
  const embedding = shape.vocabSize * shape.hiddenSize * (shape.tied ? 1 : 2);
  return { linear, embedding, total: linear + embedding };
}

/**
 * Parameters of a LoRA: for each target a matrix down to the rank and one up again. `all-linear` is every one that
 * {@linkcode linearLayers} knows; a target that it does not know counts nothing.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { loraParameters } from "@/training/model_shape.ts";
 *
 * const shape = {
 *   modelType: "llama", hiddenSize: 4096, layers: 32, vocabSize: 128256, heads: 32, kvHeads: 8, headDim: 128,
 *   intermediateSize: 14336, experts: 1, tied: false, maxPositions: 131072,
 * };
 * equal(loraParameters(shape, 16, ["all-linear"]), 41_943_040);
 * ```
 */
export function loraParameters(shape: ModelShape, rank: number, targets: readonly string[]): number {
  const layers = Object.entries(linearLayers(shape)).filter(([name]) =>
    targets.some((target) => target === "all-linear" || name === target || target.endsWith(`.${name}`))
  );
  return shape.layers * layers.reduce((sum, [, one]) => sum + rank * (one.in + one.out) * one.times, 0);
}
