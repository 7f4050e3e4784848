/** Whether a base model can be trained as the recipe asks. */
import { bytes, count } from "../../core/format.ts";
import type { Gpu } from "../../core/gpu.ts";
import { linearLayers, loraParameters, parameters } from "../model_shape.ts";
import type { Recipe } from "../recipe.ts";
import type { BaseSurvey } from "./base_survey.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

const CHECK = "base";

/** Matrices that read or write tokens. */
const TOKEN_LAYERS = /(^|\.)(lm_head|embed_tokens|wte|embed_in|embed_out)$/;

/** What a recipe asks of a base, and of the machine to hold it. */
export function checkBase(
  { config = {}, shape, tensors, toFetch }: BaseSurvey,
  recipe: Pick<Recipe, "baseModel" | "loraTargets" | "loraR" | "maxSeqLength" | "use4bit" | "use8bit">,
  machine: { readonly os: typeof Deno.build.os; readonly gpus: readonly Gpu[] },
): Finding[] {
  if (!shape) return []; // Told where it was read.
  const name = recipe.baseModel;
  const findings: Finding[] = [];
  const architectures = Array.isArray(config.architectures) ? config.architectures.map(String) : [];
  if (
    architectures.length > 0 &&
    !architectures.some((one) => /ForCausalLM|LMHeadModel|ForConditionalGeneration/.test(one))
  ) {
    findings.push(error(
      CHECK,
      `"${name}" is a ${architectures.join(", ")}, which does not write text`,
      "Choose a model whose architecture ends in ForCausalLM.",
    ));
  }
  if (config.quantization_config) {
    findings.push(error(
      CHECK,
      `"${name}" is quantised already: a LoRA trained on it cannot be merged without loss`,
      "Train on the model in 16 bit; --use-4bit quantises it while it is loaded.",
    ));
  }
  if (shape.maxPositions !== undefined && recipe.maxSeqLength > shape.maxPositions) {
    findings.push(error(
      CHECK,
      `--max-seq-length ${recipe.maxSeqLength} is beyond the ${count(shape.maxPositions)} positions of "${name}"`,
      `--max-seq-length ${shape.maxPositions} or less`,
    ));
  }
  findings.push(...checkTargets(recipe, { shape, tensors }), ...checkQuantising(recipe, machine));
  if (toFetch !== undefined) {
    findings.push(ok(CHECK, `"${name}" will be fetched from the hub: about ${bytes(toFetch)}`, {
      facts: { bytes: toFetch },
    }));
  }
  if (findings.some(({ level }) => level === "error")) return findings;
  const { total } = parameters(shape);
  const lora = loraParameters(shape, recipe.loraR, recipe.loraTargets);
  findings.push(ok(
    CHECK,
    `${architectures[0] ?? shape.modelType}, about ${
      count(Math.round(total / 1e6))
    } million parameters; the LoRA has ` +
      `${count(Math.round(lora / 1e4) / 100)} million`,
    { facts: { parameters: total, lora_parameters: lora } },
  ));
  return findings;
}

function checkTargets(
  { loraTargets }: Pick<Recipe, "loraTargets">,
  { shape, tensors }: Required<Pick<BaseSurvey, "shape">> & { tensors: readonly string[] | undefined },
): Finding[] {
  const tokens = loraTargets.filter((target) => TOKEN_LAYERS.test(target));
  if (tokens.length > 0) {
    const why = shape.tied
      ? "both are one matrix here, and merging loses one of the two"
      : "merging and GGUF lose them";
    return [error(
      CHECK,
      `A LoRA on ${tokens.join(" and ")} does not survive: ${why}`,
      "--lora-targets all-linear, which leaves them alone",
    )];
  }
  if (loraTargets.includes("all-linear")) return [];
  const known = tensors
    ? (target: string) => tensors.some((name) => name.replace(/\.weight$/, "").endsWith(target))
    : (target: string) => Object.keys(linearLayers(shape)).some((name) => target.endsWith(name));
  const strangers = loraTargets.filter((target) => !known(target));
  if (strangers.length === 0) return [];
  const message = `No layer is named ${strangers.map((name) => `"${name}"`).join(", ")}`;
  const remedy = `--lora-targets all-linear, or of ${Object.keys(linearLayers(shape)).join(", ")}`;
  // Without the weights at hand the names are those that most models have.
  return [tensors ? error(CHECK, message, remedy) : warning(CHECK, `${message} in most models`, remedy)];
}

function checkQuantising(
  { use4bit, use8bit }: Pick<Recipe, "use4bit" | "use8bit">,
  { os, gpus }: { os: typeof Deno.build.os; gpus: readonly Gpu[] },
): Finding[] {
  if (!use4bit && !use8bit) return [];
  const flag = use4bit ? "--use-4bit" : "--use-8bit";
  if (os === "darwin") {
    return [error(CHECK, `${flag} takes bitsandbytes, which macOS does not have`, `Leave ${flag} out: 16 bit.`)];
  }
  const amd = gpus.find(({ kind }) => kind === "amd");
  if (!amd) return [];
  return [warning(
    CHECK,
    `${flag} takes bitsandbytes, which AMD's ${amd.architecture ?? "GPUs"} is not sure to run (ROCm/TheRock#2945)`,
    `Leave ${flag} out: a LoRA in bf16 is the safe way there.`,
  )];
}
