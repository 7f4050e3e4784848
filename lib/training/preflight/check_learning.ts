/** Learning rate, rank and batch against what is known to work for a LoRA. */
import { count } from "../../core/format.ts";
import { fittedLearningRate } from "../learning_rate.ts";
import { loraParameters, type ModelShape } from "../model_shape.ts";
import type { Recipe } from "../recipe.ts";
import { type Finding, ok, warning } from "./finding.ts";

const CHECK = "learning";
/** Factors off the fitted rate from which one speaks up: what Axolotl's documents advise for 1B to 8B stays within. */
const TOO_LOW = 1 / 6, TOO_HIGH = 3;
/** "LoRA Without Regret" (Thinking Machines, 2025): LoRA loses to full fine-tuning with batches of 32 and more. */
const LARGE_BATCH = 32;
/** A scale over the rank beyond which it only multiplies the learning rate. */
const LARGE_SCALE = 4;

/** @param trainedTokens Tokens that are learnt, each counted once. */
export function checkLearning(
  recipe: Pick<Recipe, "learningRate" | "loraR" | "loraAlpha" | "loraTargets" | "epochs">,
  shape: ModelShape,
  effectiveBatch: number,
  trainedTokens: number | undefined,
): Finding[] {
  const findings: Finding[] = [];
  const { rate, basis } = fittedLearningRate(shape);
  const wanted = recipe.learningRate;
  if (wanted === "auto") {
    findings.push(ok(CHECK, `--learning-rate auto is ${scientific(rate)} (${basis})`, { facts: { rate } }));
  } else {
    const factor = wanted / rate;
    if (factor < TOO_LOW || factor > TOO_HIGH) {
      const times = factor < 1 ? `${round(1 / factor)} times below` : `${round(factor)} times above`;
      findings.push(warning(
        CHECK,
        `--learning-rate ${scientific(wanted)} is ${times} what fits, ${scientific(rate)} (${basis})`,
        factor < 1
          ? `--learning-rate auto, unless you mean to move the base as little as possible; 2e-4 is usual for a LoRA`
          : "--learning-rate auto: the loss may leap and not come back",
        { facts: { rate: wanted, fitted: rate } },
      ));
    } else {
      findings.push(ok(CHECK, `--learning-rate ${scientific(wanted)} is near ${scientific(rate)} (${basis})`));
    }
  }
  if (effectiveBatch > LARGE_BATCH) {
    findings.push(warning(
      CHECK,
      `A step learns from ${effectiveBatch} rows: a LoRA learns less of large batches than of many small ones`,
      "Lower --gradient-accumulation-steps so that a step has 8 to 32 rows.",
    ));
  }
  findings.push(...checkRank(recipe, shape, trainedTokens));
  return findings;
}

function checkRank(
  { loraR, loraAlpha, loraTargets }: Pick<Recipe, "loraR" | "loraAlpha" | "loraTargets">,
  shape: ModelShape,
  trainedTokens: number | undefined,
): Finding[] {
  const findings: Finding[] = [];
  const narrowest = Math.min(shape.hiddenSize, shape.kvHeads * shape.headDim);
  if (loraR > narrowest / 2) {
    findings.push(warning(
      CHECK,
      `--lora-r ${loraR} is beyond half of the narrowest layer (${narrowest}): it holds no less than the layer itself`,
      `--lora-r ${Math.max(1, Math.floor(narrowest / 8))} to ${Math.max(1, Math.floor(narrowest / 4))}`,
    ));
  }
  const scale = loraAlpha / loraR;
  if (scale > LARGE_SCALE || scale < 1 / 16) {
    findings.push(warning(
      CHECK,
      `--lora-alpha ${loraAlpha} over --lora-r ${loraR} scales what is learnt by ${round(scale)}`,
      `--lora-alpha ${2 * loraR}: twice the rank is usual`,
    ));
  }
  const capacity = loraParameters(shape, loraR, loraTargets);
  if (trainedTokens !== undefined && capacity > 0 && trainedTokens > capacity) {
    const rank = Math.min(256, 2 ** Math.ceil(Math.log2(loraR * trainedTokens / capacity)));
    findings.push(warning(
      CHECK,
      `${count(trainedTokens)} tokens are learnt by ${
        count(capacity)
      } values: fewer values than tokens hold a style, ` +
        "and not all that is said",
      `--lora-r ${rank}, if the model is to remember what it read`,
    ));
  }
  return findings;
}

/** `5e-5`, `5.1e-4`. */
export function scientific(value: number): string {
  return value.toExponential().replace("e+0", "").replace("e+", "e");
}

function round(value: number): string {
  return value >= 10 ? String(Math.round(value)) : value.toPrecision(2);
}
