/** The learning rate that fits a LoRA on a base model. */

/** What the fit needs of a base model's config.json. */
export interface Hidden {
  readonly hiddenSize: number;
  /** `model_type`: "qwen2", "llama" … */
  readonly modelType: string;
}

export interface FittedRate {
  readonly rate: number;
  /** How it was found, for a sentence. */
  readonly basis: string;
}

/** A rate for full fine-tuning of a model with a hidden size of 2,000, and what a LoRA takes more. */
const FULL = 5e-5, LORA = 10, HIDDEN = 2000;
const EXPONENTS: readonly [RegExp, string, number][] = [[/^qwen/i, "Qwen", 0.0775], [/^llama/i, "Llama", 0.781]];

/**
 * `5e-5 × 10 × (2000 / hidden size) ^ P`, P = 0.0775 for Qwen and 0.781 for Llama: the fit behind `get_lr` of the Tinker
 * cookbook (Thinking Machines, after "LoRA Without Regret", 2025), nearly independent of the rank. Of other families
 * nothing was measured: they get the smaller of the two. Two significant digits.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { fittedLearningRate } from "@/training/learning_rate.ts";
 *
 * equal(fittedLearningRate({ hiddenSize: 1536, modelType: "qwen2" }).rate, 5.1e-4); // Qwen2.5-1.5B
 * equal(fittedLearningRate({ hiddenSize: 4096, modelType: "llama" }).rate, 2.9e-4); // Llama-3.1-8B
 * ```
 */
export function fittedLearningRate({ hiddenSize, modelType }: Hidden): FittedRate {
  const at = (exponent: number) => Number((FULL * LORA * (HIDDEN / hiddenSize) ** exponent).toPrecision(2));
  const known = EXPONENTS.find(([pattern]) => pattern.test(modelType));
  if (known) return { rate: at(known[2]), basis: `fitted for LoRA on ${known[1]}, hidden size ${hiddenSize}` };
  return {
    rate: Math.min(...EXPONENTS.map(([, , exponent]) => at(exponent))),
    basis: `the most cautious of the fits for LoRA, hidden size ${hiddenSize}; none was made for "${modelType}"`,
  };
}
