/** The author's voice is trained: by Axolotl, or by the trainer of deepred with the same values. */
import { join, resolve } from "node:path";
import { z } from "zod";
import { UsageError } from "../../core/errors.ts";
import { readJsonl } from "../../core/jsonl.ts";
import { type Context, defineStep } from "../../core/step.ts";
import { Example } from "../../records.ts";
import { readAxolotlConfig, recipeOf } from "../../training/axolotl_recipe.ts";
import { launchFlags } from "../../training/launch.ts";
import { planTraining, type TrainingPlan } from "../../training/plan.ts";
import { runPaths } from "../../training/run_file.ts";
import { pythonPackages } from "../provisions.ts";
import { trainedText } from "../train_report.ts";
import { orAnew, runPlan, train as trainStep, type TrainResult } from "../train.ts";
import { gaeaPaths } from "./paths.ts";

const options = z.object({
  config: z.string().optional().describe(
    "Axolotl's configuration, as gaea:config writes it; default: <data-dir>/gaea/qlora_style_transfer.yaml",
  ),
  trainer: z.enum(["axolotl", "trl"]).default("axolotl").describe(
    "axolotl: as configured; trl: the same values by the trainer of deepred, which also works without a GPU",
  ),
  baseModel: z.string().optional().describe(
    "Base model, in place of the configuration's; tiny is one that is made here",
  ),
  outputDir: z.string().optional().describe(
    "Folder of the run; default: that of the configuration, else <data-dir>/gaea/checkpoints/qlora-visions-style",
  ),
  resumeLatest: z.boolean().default(false).describe("Go on from the newest whole checkpoint of the run"),
  overwrite: z.boolean().default(false).describe(
    "Replace a run that lies in the folder; with --resume-latest only where it cannot be gone on with",
  ),
  check: z.boolean().default(false).describe("Only look for what could go wrong, and say what to do about it"),
  strict: z.boolean().default(false).describe("Let warnings stop the training too"),
  dryRun: z.boolean().default(false).describe("Show what would be trained, with all values; write nothing"),
  ...launchFlags,
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
type GaeaTrainOptions = z.output<typeof options>;

/** Trains the LoRA of an author's voice. */
export const train = defineStep({
  name: "gaea:train",
  summary: "Trains the LoRA of the author's voice, by Axolotl or by TRL, after a look for all that could go wrong",
  options,
  files(options, { env }) {
    const paths = gaeaPaths(options.dataDir, env);
    const { final, trainResults } = runPaths(options.outputDir ?? paths.run);
    const adapter = ["adapter_config.json", "adapter_model.safetensors"].map((name) => join(final, name));
    return {
      reads: [options.config ?? paths.config, paths.training, paths.validation],
      writes: [...adapter, trainResults],
    };
  },
  needs: ({ trainer }) => [pythonPackages(trainer === "trl" ? "train" : "axolotl")],
  run: (options, context) => orAnew(options, context, (options) => runOnce(options, context)),
  report: (result) => result.kind === "trained" ? trainedText(result, "gaea:merge") : trainStep.report?.(result) ?? "",
});

async function runOnce(options: GaeaTrainOptions, context: Context): Promise<TrainResult> {
  const path = configOf(options, context);
  const plan = await planVoice(options, context);
  if (options.trainer === "trl") {
    return await runPlan(plan, options, context, { task: "gaea:train --trainer trl" });
  }
  return await runPlan(plan, options, context, {
    task: "gaea:train",
    script: "train_axolotl.py",
    toolchain: "axolotl",
    extra: { axolotl: resolve(path) },
  });
}

function configOf({ config, dataDir }: GaeaTrainOptions, { env }: Context): string {
  return config ?? gaeaPaths(dataDir, env).config;
}

/**
 * The plan of the run: values and files from the configuration, the rest from the flags.
 *
 * @throws {UserError} a configuration that cannot be read, or one without examples; and as `planTraining`.
 */
export async function planVoice(options: GaeaTrainOptions, context: Context): Promise<TrainingPlan> {
  const path = configOf(options, context);
  const config = await readAxolotlConfig(path);
  const dataset = config.datasets[0]?.path ?? "";
  const val = config.test_datasets?.[0]?.path;
  const rows = await countRows(dataset, context);
  if (rows === 0) {
    throw new UsageError(
      `Cannot train by "${path}": "${dataset}" holds no examples`,
      "Make them: deno task gaea:prepare",
    );
  }
  const { trainer: _, config: __, check: ___, strict: ____, ...flags } = options;
  const plan = await planTraining(
    trainStep.options.parse({
      ...recipeOf(config, rows),
      ...Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)),
      outputDir: options.outputDir ?? config.output_dir ?? gaeaPaths(options.dataDir, context.env).run,
      dataset,
      valSplit: 0, // The halves were dealt by gaea:prepare.
    }),
    context,
  );
  return {
    ...plan,
    data: { dataset, split: val === undefined ? undefined : { train: dataset, val } },
    noSplit: undefined,
  };
}

async function countRows(path: string, { signal }: Context): Promise<number> {
  let rows = 0;
  for await (const _ of readJsonl(path, Example, { signal })) rows++;
  return rows;
}
