/** How much memory a LoRA training takes on a device, and what would make it fit. All sizes are in bytes. */
import { loraParameters, type ModelShape, parameters } from "./model_shape.ts";

/** What memory depends on. */
export interface MemoryPlan {
  readonly loraR: number;
  readonly loraTargets: readonly string[];
  readonly loraDropout: number;
  /** Examples at a time on a device, in training and in an evaluation. */
  readonly batchSize: number;
  readonly evalBatchSize: number;
  /** Tokens of the longest row that will be seen. */
  readonly tokens: number;
  readonly base: "16bit" | "32bit" | "8bit" | "4bit";
  readonly optimizer: "32bit" | "8bit";
  readonly gradientCheckpointing: boolean;
  /** Attention that keeps a matrix of tokens × tokens. */
  readonly eagerAttention: boolean;
  /**
   * `tiles`: TRL 1.4 and newer reckon the loss piece by piece (trl#5575). `full`: logits of all tokens are held, several
   * times, as transformers' own Trainer and older TRL do.
   */
  readonly logits: "tiles" | "full";
  /** PEFT's prepare_model_for_kbit_training holds what is not quantised in 32 bit. */
  readonly upcastEmbeddings?: boolean;
}

/** Where the memory goes. `train` and `evaluation` are the peaks of the two; `total` is the larger. */
export interface MemoryEstimate {
  readonly weights: number;
  /** The LoRA with its gradients and the optimizer's state. */
  readonly adapter: number;
  readonly activations: number;
  readonly logits: number;
  readonly overhead: number;
  readonly train: number;
  readonly evaluation: number;
  readonly total: number;
}

/** Bytes of a quantised weight: NF4 in blocks of 64 with a 32-bit scale each; int8 with a scale a row. */
const WEIGHT = { "32bit": 4, "16bit": 2, "8bit": 1, "4bit": 0.5 + 4 / 64 };
/** Driver, libraries and fragmentation, as Unsloth calibrated it (studio/backend/utils/hardware/VRAM_ESTIMATION.md). */
const OVERHEAD = 1.4e9;
/** What gradients of a layer take beside what was kept for them; the same source. */
const BACKWARD = 1.25;
/** Copies of full logits in 32 bit that live at once: upcast, shifted, softmax, gradient. */
const LOGIT_COPIES = 4;
/** Tokens × entries of the vocabulary in a tile of TRL's loss (trl/kernels/chunked_logprob.py, 1.16). */
const TILE = { tokens: 4096, vocabulary: 32768 };

/**
 * Memory of a training on one device: weights + LoRA with its gradients and optimizer + activations + logits + overhead.
 * Activations of a layer are what autograd keeps, measured by hooks on saved tensors of Qwen2 and Llama layers with LoRA
 * on all matrices (transformers 5.23, PEFT 0.21, SDPA). Against published peaks it is within 15 % (see the tests).
 *
 * @example
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { estimateMemory } from "@/training/memory.ts";
 *
 * const qwen = {
 *   modelType: "qwen2", hiddenSize: 1536, layers: 28, vocabSize: 151936, heads: 12, kvHeads: 2, headDim: 128,
 *   intermediateSize: 8960, experts: 1, tied: true, maxPositions: 32768,
 * };
 * const { total } = estimateMemory(qwen, {
 *   loraR: 32, loraTargets: ["all-linear"], loraDropout: 0.05, batchSize: 4, evalBatchSize: 4, tokens: 1024,
 *   base: "16bit", optimizer: "32bit", gradientCheckpointing: true, eagerAttention: false, logits: "tiles",
 * });
 * ok(total > 5.5e9 && total < 7.5e9);
 * ```
 */
export function estimateMemory(shape: ModelShape, plan: MemoryPlan): MemoryEstimate {
  const { linear, embedding } = parameters(shape);
  const quantised = plan.base === "4bit" || plan.base === "8bit";
  const width = plan.base === "32bit" ? 4 : 2;
  const plain = quantised && plan.upcastEmbeddings ? 4 : width;
  // A quantised matrix is unpacked to be multiplied; the largest one is a layer's first of the feed-forward part.
  const unpacked = quantised ? shape.hiddenSize * shape.intermediateSize * 2 : 0;
  const weights = linear * WEIGHT[plan.base] + embedding * plain + unpacked;

  const lora = loraParameters(shape, plan.loraR, plan.loraTargets);
  // In 32 bit on a plain base (PEFT), in bf16 on a quantised one (TRL); gradients and AdamW's two moments likewise.
  const one = quantised ? 2 : 4;
  const adapter = lora * (2 * one + 2 * (plan.optimizer === "8bit" ? 1 : one));

  const rows = plan.batchSize * plan.tokens;
  const layer = layerActivations(shape, plan, width) * BACKWARD;
  const held = shape.hiddenSize * width;
  const perToken = plan.gradientCheckpointing ? shape.layers * held + layer : shape.layers * layer;
  const activations = rows * perToken;
  const logits = logitBytes(shape, plan, rows, width, LOGIT_COPIES);

  const evalRows = plan.evalBatchSize * plan.tokens;
  const evalActivations = evalRows * (layer + 2 * held);
  // Without gradients: logits as they come, and upcast.
  const evalLogits = logitBytes(shape, plan, evalRows, width, 1.5);

  const standing = weights + adapter + OVERHEAD;
  const train = standing + activations + logits;
  const evaluation = standing + evalActivations + evalLogits;
  return {
    weights,
    adapter,
    activations,
    logits,
    overhead: OVERHEAD,
    train,
    evaluation,
    total: Math.max(train, evaluation),
  };
}

/** Bytes that autograd keeps for one token in one layer. */
function layerActivations(shape: ModelShape, plan: MemoryPlan, width: 2 | 4): number {
  const { hiddenSize, heads, kvHeads, headDim, intermediateSize } = shape;
  const key = kvHeads * headDim;
  const kept = width === 2
    ? 24 * hiddenSize + 4 * key + 8 * intermediateSize + 28 * plan.loraR
    : 40 * hiddenSize + 8 * key + 16 * intermediateSize + 28 * plan.loraR;
  // Each LoRA keeps its input once more, as dropout left it.
  const dropped = plan.loraDropout > 0 ? 24 * hiddenSize + 4 * intermediateSize : 0;
  const square = plan.eagerAttention ? heads * plan.tokens * (4 + width) : 0;
  return kept + dropped + square;
}

function logitBytes(shape: ModelShape, plan: MemoryPlan, rows: number, width: 2 | 4, copies: number): number {
  if (plan.logits === "full") return rows * shape.vocabSize * 4 * copies;
  const tile = Math.min(rows, TILE.tokens) * Math.min(shape.vocabSize, TILE.vocabulary) * width;
  return tile + 2 * rows * shape.hiddenSize * width;
}

/** A change that lessens the memory, with what is then needed. */
export interface MemoryChange {
  /** As flags of `train`. */
  readonly flags: string;
  readonly total: number;
}

/**
 * The gentlest change that brings a training below `room` bytes: smaller batches with more accumulation (the same steps),
 * then checkpointing, a shorter longest row, 4 bit, and all of them. Undefined where none does.
 *
 * @param options.accumulation Batches to a step now.
 * @param options.allow4bit Whether the device can.
 * @param options.evalBatch Whether the evaluation's batch was named: else it goes with that of the training.
 */
export function changeToFit(
  shape: ModelShape,
  plan: MemoryPlan,
  room: number,
  options: ChangeOptions,
): MemoryChange | undefined {
  const attempts = [
    {},
    { checkpointing: true },
    { tokens: 768 },
    { tokens: 512 },
    ...(options.allow4bit ? [{ fourBit: true }, { fourBit: true, tokens: 512 }] : []),
  ];
  for (const attempt of attempts) {
    const change = fitted(shape, plan, room, options, attempt);
    if (change) return change;
  }
  return undefined;
}

interface ChangeOptions {
  readonly accumulation: number;
  readonly allow4bit: boolean;
  readonly evalBatch: boolean;
}

interface Attempt {
  readonly checkpointing?: boolean;
  readonly tokens?: number;
  readonly fourBit?: boolean;
}

/** The largest batch with which an attempt fits. */
function fitted(
  shape: ModelShape,
  plan: MemoryPlan,
  room: number,
  { accumulation, evalBatch }: ChangeOptions,
  { checkpointing, tokens, fourBit }: Attempt,
): MemoryChange | undefined {
  if (checkpointing && plan.gradientCheckpointing || tokens !== undefined && tokens >= plan.tokens) return undefined;
  if (fourBit && plan.base === "4bit") return undefined;
  const flags = [
    ...(checkpointing || (!plan.gradientCheckpointing && (tokens || fourBit)) ? ["--gradient-checkpointing"] : []),
    ...(tokens ? [`--max-seq-length ${tokens}`] : []),
    ...(fourBit ? ["--use-4bit"] : []),
  ];
  const changed: MemoryPlan = {
    ...plan,
    ...(flags.includes("--gradient-checkpointing") ? { gradientCheckpointing: true } : {}),
    ...(tokens ? { tokens } : {}),
    ...(fourBit ? { base: "4bit" } : {}),
  };
  for (const batchSize of halvings(plan.batchSize)) {
    const evalBatchSize = Math.min(plan.evalBatchSize, batchSize);
    const { total } = estimateMemory(shape, { ...changed, batchSize, evalBatchSize });
    if (total > room) continue;
    const batches = batchSize === plan.batchSize
      ? []
      : [`--batch-size ${batchSize}`, `--gradient-accumulation-steps ${plan.batchSize * accumulation / batchSize}`];
    const evaluation = evalBatch && plan.evalBatchSize > batchSize ? [`--eval-batch-size ${evalBatchSize}`] : [];
    return { flags: [...batches, ...evaluation, ...flags].join(" "), total };
  }
  return undefined;
}

/** 6 → 6, 3, 1: divisors only, so that a step keeps its number of examples. */
function halvings(batchSize: number): number[] {
  return Array.from({ length: batchSize }, (_, i) => batchSize - i).filter((size) => batchSize % size === 0);
}
