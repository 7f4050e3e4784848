/** Shapes of models that people train, as their config.json has them. */
import type { ModelShape } from "@/training/model_shape.ts";

export const QWEN_1_5B: ModelShape = {
  modelType: "qwen2",
  hiddenSize: 1536,
  layers: 28,
  vocabSize: 151936,
  heads: 12,
  kvHeads: 2,
  headDim: 128,
  intermediateSize: 8960,
  experts: 1,
  tied: true,
  maxPositions: 32768,
};

export const LLAMA_8B: ModelShape = {
  modelType: "llama",
  hiddenSize: 4096,
  layers: 32,
  vocabSize: 128256,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  intermediateSize: 14336,
  experts: 1,
  tied: false,
  maxPositions: 131072,
};

export const QWEN_14B: ModelShape = {
  modelType: "qwen2",
  hiddenSize: 5120,
  layers: 48,
  vocabSize: 152064,
  heads: 40,
  kvHeads: 8,
  headDim: 128,
  intermediateSize: 13824,
  experts: 1,
  tied: false,
  maxPositions: 32768,
};
