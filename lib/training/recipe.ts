/**
 * What a training run is: every value that decides what comes out of it. The step `train` takes these as flags, a recipe
 * file gives some of them, and `recipe.json` of a run keeps them all.
 */
import { join } from "node:path";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { readJsonc } from "../core/jsonc.ts";
import { checkOptions } from "../core/options.ts";
import { presetPath } from "../core/paths.ts";

/** `5e-5`, or `auto`. The command line gives text. */
const learningRate = z.union([z.number(), z.string()])
  .refine(
    (value) => value === "auto" || Number(value) > 0 && Number(value) <= 1,
    "valid is a number above 0, 1 at most, or auto",
  );

/** Layers that a LoRA must leave alone: many models tie them together, and merging loses one of the two. */
const TIED = ["lm_head", "embed_tokens"];

const shape = {
  baseModel: z.string().min(1).default("Qwen/Qwen2.5-1.5B-Instruct").describe(
    "Model to train on: an id of the Hugging Face hub, a folder (also one below the data root), or tiny, which is made here",
  ),
  dataset: z.string().optional().describe(
    "ChatML examples (JSON Lines); default: <data-dir>/dataset/theme_dataset.jsonl, with its _train and _val",
  ),
  outputDir: z.string().optional().describe(
    "Folder of the run; default: <data-dir>/output/theme-deepred-YYYYMMDD_HHMMSS",
  ),
  epochs: z.number().gt(0).default(3).describe("Passes over the training examples"),
  maxSteps: z.int().min(1).optional().describe("End after so many steps; default: by epochs"),
  batchSize: z.int().min(1).default(4).describe("Examples at a time on each device"),
  gradientAccumulationSteps: z.int().min(1).default(4).describe("Batches to a step"),
  evalBatchSize: z.int().min(1).optional().describe(
    "Examples at a time in an evaluation; default: as --batch-size. Losses are comparable at the same size only",
  ),
  learningRate: learningRate.default(5e-5).describe("Peak learning rate; auto goes by the size of the base"),
  lrScheduler: z.enum(["cosine", "linear", "constant_with_warmup"]).default("cosine").describe(
    "How the learning rate goes on after the warmup",
  ),
  warmupRatio: z.number().min(0).lt(1).default(0.1).describe("Share of the steps in which the learning rate rises"),
  weightDecay: z.number().min(0).default(0.01).describe("Weight decay of AdamW"),
  maxGradNorm: z.number().gt(0).default(1).describe("Gradients are clipped to this norm"),
  optimizer: z.enum(["adamw_torch_fused", "adamw_torch", "adamw_8bit", "paged_adamw_8bit"]).default("adamw_torch_fused")
    .describe("Optimizer; those in 8 bit take bitsandbytes"),
  maxSeqLength: z.int().min(16).default(1024).describe("Longest example in tokens; what is longer is cut and counted"),
  packing: z.boolean().default(false).describe("Put several short examples into one row"),
  trainOn: z.enum(["assistant", "all"]).default("assistant").describe("Tokens that are learnt"),
  loraR: z.int().min(1).default(32).describe("Rank of the LoRA"),
  loraAlpha: z.number().gt(0).default(64).describe("Scale of the LoRA, over its rank"),
  loraDropout: z.number().min(0).lt(1).default(0.05).describe("Dropout of the LoRA"),
  loraTargets: z.array(z.string().min(1)).min(1)
    .refine((names) => !names.some((name) => TIED.includes(name)), `valid are layers other than ${TIED.join(" and ")}`)
    .default(["all-linear"]).describe("Layers that get a LoRA, by the ends of their names"),
  use4bit: z.boolean().default(false).describe("Hold the base in 4 bit (QLoRA)"),
  use8bit: z.boolean().default(false).describe("Hold the base in 8 bit"),
  precision: z.enum(["auto", "bf16", "fp16", "fp32"]).default("auto").describe(
    "Arithmetic; auto is bf16 on a GPU that has it, else fp16 on a GPU, else fp32",
  ),
  gradientCheckpointing: z.boolean().default(true).describe("Compute activations twice and hold them once"),
  attention: z.enum(["auto", "sdpa", "eager", "flash_attention_2"]).default("auto").describe(
    "Attention; auto leaves it to transformers",
  ),
  valSplit: z.number().min(0).max(0.5).default(0.1).describe(
    "Share of the examples for validation where the dataset has no _train and _val; 0: none",
  ),
  evalSteps: z.int().min(1).default(100).describe("Steps between evaluations"),
  saveSteps: z.int().min(1).default(500).describe("Steps between checkpoints"),
  saveTotalLimit: z.int().min(1).optional().describe("Checkpoints to keep; default: all"),
  loggingSteps: z.int().min(1).default(10).describe("Steps between figures"),
  earlyStopping: z.int().min(0).default(0).describe(
    "End when so many evaluations in a row bring no lower loss; 0: never",
  ),
  seed: z.int().min(0).max(2 ** 32 - 1).default(1969).describe("Draws the validation examples, the order and the LoRA"),
  wandb: z.boolean().default(false).describe("Also report to Weights & Biases"),
};

/** All values, with their defaults. Where two cannot stand together, {@linkcode clashes} says so. */
export const Recipe = z.strictObject({
  ...shape,
  learningRate: shape.learningRate.transform((value): "auto" | number => value === "auto" ? value : Number(value)),
});
export type Recipe = z.output<typeof Recipe>;

type Unset<Shape> = {
  [K in keyof Shape]: Shape[K] extends z.ZodDefault<infer Inner> ? z.ZodOptional<Inner> : Shape[K];
};

/**
 * The same options without their defaults, so that what was said can be told from what was not: a recipe file stands
 * between the two. Their help still shows the defaults.
 */
export const recipeFlags = Object.fromEntries(
  Object.entries(shape).map(([key, schema]) => {
    if (!(schema instanceof z.ZodDefault)) return [key, schema];
    const meta = { description: schema.description, default: schema.def.defaultValue };
    return [key, (schema.unwrap() as z.ZodType).optional().meta(meta)];
  }),
) as Unset<typeof shape>;

/** What was said, by flags or by a file. */
export type GivenRecipe = { readonly [K in keyof Recipe]?: z.input<typeof Recipe>[K] | undefined };

const RecipeFile = z.preprocess(
  camelKeys,
  z.strictObject({
    summary: z.string().min(1),
    /** Set for the trainer, where the user's environment does not set it. */
    env: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/, "no name of an environment variable"), z.string())
      // It makes ROCm take the GPU for another one, which crashes where the real one is supported: legacy-rocm-build#5824.
      .refine((env) => !("HSA_OVERRIDE_GFX_VERSION" in env), "a recipe may not set HSA_OVERRIDE_GFX_VERSION")
      .default({}),
    ...recipeFlags,
  }),
);
export type RecipeFile = z.output<typeof RecipeFile>;

/** `base_model` and `base-model` are `baseModel`, as on the command line. */
function camelKeys(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  const camel = (key: string) =>
    key.replace(/(?<=[a-z0-9])[-_]([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [camel(key), entry]));
}

/** The recipes that come with Voiceworks. */
export const RECIPE_NAMES = ["hf-1.5b", "temporal", "amd-stable", "14b", "cpu-rehearsal"] as const;

/**
 * A recipe by name, or from a file.
 *
 * @throws {UsageError} an unknown name, or every fault of the file with `file:line`; {UserError} it cannot be read.
 */
export async function loadRecipe(name: string): Promise<RecipeFile> {
  if (/[\\/.]jsonc?$|[\\/]/.test(name) || /\.jsonc?$/.test(name)) return await readJsonc(name, RecipeFile);
  if (!(RECIPE_NAMES as readonly string[]).includes(name)) {
    throw new UsageError(
      `Unknown recipe "${name}": did you mean "${closest(name, RECIPE_NAMES)}"?`,
      `There are ${RECIPE_NAMES.join(", ")}; a file is given by its path.`,
    );
  }
  return await readJsonc(presetPath(join("deepred", "recipes", `${name}.jsonc`).replaceAll("\\", "/")), RecipeFile);
}

/**
 * The values that hold: defaults, over them the file's, over them those that were given.
 *
 * @throws {UsageError} every value that is not valid, and every two that cannot stand together.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { effectiveRecipe } from "@/training/recipe.ts";
 *
 * const recipe = effectiveRecipe({ batchSize: 2, loraR: 16 }, { loraR: 8 });
 * equal(recipe.batchSize, 2);
 * equal(recipe.loraR, 8);
 * equal(recipe.learningRate, 5e-5);
 * ```
 */
export function effectiveRecipe(file: GivenRecipe | undefined, given: GivenRecipe): Recipe {
  const pick = (values: object | undefined) =>
    Object.fromEntries(Object.entries(values ?? {}).filter(([key, value]) => key in shape && value !== undefined));
  const values = { ...pick(file), ...pick(given) };
  return checkOptions(Recipe, values, clashes(values));
}

/** Values that cannot stand together, each as a fault. */
function clashes(recipe: GivenRecipe): string[] {
  const faults: string[] = [];
  if (recipe.use4bit && recipe.use8bit) {
    faults.push("Cannot use --use-4bit with --use-8bit: the base is held in one of them");
  }
  return faults;
}
