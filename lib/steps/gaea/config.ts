/** The configuration of the training, for Axolotl: written with its reasons, and checked before anything is trained. */
import { z } from "zod";
import { UsageError, UserError } from "../../core/errors.ts";
import { writeFileAtomic } from "../../core/files.ts";
import { readJsonl } from "../../core/jsonl.ts";
import { flagsOf } from "../../core/options.ts";
import { runPython } from "../../core/python.ts";
import { findToolchain } from "../../core/python_venv.ts";
import { type Context, defineStep } from "../../core/step.ts";
import { Example } from "../../records.ts";
import { checkConfig, type ConfigData, readConfigValues } from "../../training/axolotl_check.ts";
import { configParts, configValues, renderConfig } from "../../training/axolotl_config.ts";
import { findingLines } from "../../training/finding_lines.ts";
import { error, type Finding, ok, stopping } from "../../training/preflight/finding.ts";
import type { Schedule } from "../../training/schedule.ts";
import { gaeaPaths } from "./paths.ts";
import { preparePaths, PrepareStats } from "./prepare_write.ts";

const options = z.object({
  output: z.string().optional().describe("Configuration (YAML); default: <data-dir>/gaea/qlora_style_transfer.yaml"),
  check: z.boolean().default(false).describe("Write nothing: only check the configuration that is there"),
  baseModel: z.string().min(1).default("meta-llama/Llama-3.1-8B-Instruct").describe("Base model: a hub id or a folder"),
  dataset: z.string().optional().describe(
    "Training examples; default: <data-dir>/gaea/processed/visions_training.jsonl",
  ),
  validation: z.string().optional().describe("Validation examples; default: validation.jsonl beside them"),
  outputDir: z.string().optional().describe(
    "Folder of the run; default: <data-dir>/gaea/checkpoints/qlora-visions-style",
  ),
  adapter: z.enum(["qlora", "lora"]).default("qlora").describe(
    "qlora: the base in 4 bits; lora: the base whole, better and three times the memory",
  ),
  epochs: z.number().gt(0).max(100).default(3).describe("How often each example is seen; 5 for a weak voice"),
  learningRate: z.number().min(1e-6).max(0.01).default(2e-4).describe("3e-4 where the loss does not fall"),
  loraR: z.int().min(1).max(512).default(16).describe("Rank: 32 holds more, 8 saves memory"),
  loraAlpha: z.number().gt(0).default(32).describe("Weight of the adapter, over its rank: 64 for a weak voice"),
  loraDropout: z.number().min(0).lt(1).default(0.05).describe("Share of the adapter that is left out at random"),
  sequenceLen: z.int().min(64).default(4096).describe("Tokens of the longest example; 3072 saves memory"),
  microBatchSize: z.int().min(1).default(1).describe("Examples in memory at once"),
  gradientAccumulationSteps: z.int().min(1).default(8).describe("Batches that make a step"),
  samplePacking: z.boolean().default(false).describe("Several examples in one row: faster, and fewer steps"),
  lrScheduler: z.enum(["cosine", "linear", "constant_with_warmup"]).default("cosine").describe("How the rate falls"),
  warmupRatio: z.number().min(0).lt(1).default(0.03).describe("Share of the steps in which the rate rises"),
  weightDecay: z.number().min(0).lt(1).default(0).describe("Weight decay"),
  optimizer: z.enum(["adamw_bnb_8bit", "paged_adamw_8bit", "adamw_torch_fused", "adamw_torch"]).default(
    "adamw_bnb_8bit",
  )
    .describe("Optimizer; in 8 bits it takes a quarter of the memory"),
  attention: z.enum(["sdpa", "flash_attention_2", "eager"]).default("sdpa").describe(
    "Attention; flash_attention_2 where flash-attn is installed",
  ),
  chatTemplate: z.string().optional().describe(
    "Axolotl's name of it; default: llama3 for Llama 3, else the base's own",
  ),
  savesPerEpoch: z.int().min(1).default(2).describe("Checkpoints in an epoch, each evaluated"),
  saveTotalLimit: z.int().min(1).optional().describe("Checkpoints that are kept; default: all"),
  seed: z.int().min(0).default(42).describe("Draws the order of the examples and the first adapter"),
  axolotl: z.boolean().default(true).describe("Check by Axolotl's own code, too, where its environment is installed"),
  overwrite: z.boolean().default(false).describe("Replace an existing configuration"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
type ConfigOptions = z.output<typeof options>;

export interface ConfigResult {
  readonly path: string;
  readonly values: unknown;
  readonly findings: readonly Finding[];
  readonly steps: Schedule | undefined;
}

/** Writes and checks; what is wrong is an error only where it would stop the training. */
export const config = defineStep({
  name: "gaea:config",
  summary: "Writes Axolotl's configuration of the training and checks it",
  options,
  files(options, { env }) {
    const { dataset, validation, output } = pathsOf(options, env);
    return { reads: [dataset, validation], writes: [output] };
  },
  async run(options, context): Promise<ConfigResult> {
    const paths = pathsOf(options, context.env);
    const path = paths.output;
    if (!options.check) {
      if (!options.overwrite && await Deno.stat(path).then(() => true, () => false)) {
        throw new UsageError(
          `Cannot write "${path}": it exists already`,
          "Write it anew by --overwrite, or only check it by --check.",
        );
      }
      const parts = configParts({ ...options, ...paths });
      const found = await checkConfig(configValues(parts), await dataOf(paths, context));
      refuse(found.findings, path, false);
      await write(path, await renderConfig(parts, headOf(options, path)), context);
      context.emit({ type: "artifact", path, title: "Axolotl's configuration" });
    }
    const values = await readConfigValues(path);
    const { findings, steps } = await checkConfig(values, await dataOf(pathsIn(values) ?? paths, context));
    const own = options.axolotl && stopping(findings).length === 0 ? await askAxolotl(path, context) : [];
    const all = [...findings, ...own];
    refuse(all, path, true);
    return { path, values, findings: all, steps };
  },
  report: ({ path, findings }) =>
    [...findingLines(findings), "", `Train by it: deno task gaea:train --config ${path}`].join("\n"),
});

/** A configuration that was written or changed by hand is not lost. */
async function write(path: string, text: string, { emit }: Context): Promise<void> {
  const earlier = await Deno.readTextFile(path).catch(() => text);
  if (earlier !== text) {
    const kept = `${path}.before`;
    await writeFileAtomic(kept, earlier);
    emit({ type: "log", level: "info", message: `the earlier configuration is kept as "${kept}"` });
  }
  await writeFileAtomic(path, text);
}

function refuse(findings: readonly Finding[], path: string, written: boolean): void {
  const bad = stopping(findings);
  if (bad.length === 0) return;
  const said = bad.map(({ message, remedy }) => `  ${message}${remedy ? `\n    ${remedy}` : ""}`).join("\n");
  throw new UserError(`Cannot train by ${written ? `"${path}"` : "these values"}:\n${said}`, {
    exitCode: 2,
    ...(written ? {} : { hint: "Nothing was written." }),
  });
}

/** What the examples are like, where they are there. */
export async function dataOf(
  { dataset, validation }: { dataset: string; validation: string },
  { signal, emit }: Context,
): Promise<ConfigData | undefined> {
  const rowsOf = async (path: string) => {
    let rows = 0;
    for await (const _ of readJsonl(path, Example, { signal })) rows++;
    return rows;
  };
  if (!await Deno.stat(dataset).then(() => true, () => false)) {
    emit({ type: "log", level: "warn", message: `"${dataset}" is not there yet: make it by deno task gaea:prepare` });
    return undefined;
  }
  const validating = await Deno.stat(validation).then(() => true, () => false);
  const stats = await Deno.readTextFile(preparePaths(dataset, validation).stats)
    .then((text) => PrepareStats.safeParse(JSON.parse(text)).data, () => undefined);
  return {
    training: await rowsOf(dataset),
    validation: validating ? await rowsOf(validation) : 0,
    longest: stats?.after.max_tokens,
  };
}

/** Axolotl's own check; ok where its environment is not installed, since the keys were checked here. */
async function askAxolotl(path: string, context: Context): Promise<Finding[]> {
  if (await findToolchain("axolotl", context.env) === undefined) {
    return [
      ok(
        "axolotl",
        "Axolotl's own check was passed over: its environment is not installed (7 GB; gaea:train makes it)",
      ),
    ];
  }
  context.emit({ type: "log", level: "info", message: "Asking Axolotl, which takes a few seconds to start" });
  const faults: string[] = [];
  try {
    for await (const event of runPython("axolotl", "check_axolotl.py", [path], context)) {
      if (event.type === "log" && event.level === "error") faults.push(event.message);
    }
  } catch (thrown) {
    if (faults.length === 0) throw thrown;
  }
  return faults.length === 0
    ? [ok("axolotl", "Axolotl's own code accepts it")]
    : faults.map((fault) => error("axolotl", `Axolotl says: ${fault}`, "Change that value."));
}

/** Flags that say nothing about the training. */
const PASSING = new Set(["overwrite", "dataDir", "axolotl", "check"]);

/** How the file came about: the flags that differ from their defaults. */
function headOf(options: ConfigOptions, path: string): string[] {
  const given = flagsOf(config.options).flatMap((flag) => {
    const value = Reflect.get(options, flag.key);
    if (value === undefined || value === flag.default || PASSING.has(flag.key)) return [];
    return [typeof value === "boolean" ? `--${value ? "" : "no-"}${flag.name}` : `--${flag.name} ${String(value)}`];
  });
  return [
    `Written by: deno task gaea:config ${given.join(" ")}`.trimEnd(),
    `Train by:   deno task gaea:train --config ${path}`,
    `            or, in Axolotl's own environment: axolotl train ${path}`,
  ];
}

/** The examples that a configuration names. */
function pathsIn(values: unknown): { dataset: string; validation: string } | undefined {
  const Named = z.looseObject({
    datasets: z.array(z.looseObject({ path: z.string() })).min(1),
    test_datasets: z.array(z.looseObject({ path: z.string() })).optional(),
  });
  const named = Named.safeParse(values).data;
  const dataset = named?.datasets[0]?.path;
  return dataset === undefined ? undefined : { dataset, validation: named?.test_datasets?.[0]?.path ?? "" };
}

/** Where the options, or the data root, say that its files lie. */
export function pathsOf(options: ConfigOptions, env: Context["env"]) {
  const defaults = gaeaPaths(options.dataDir, env);
  const dataset = options.dataset ?? defaults.training;
  return {
    output: options.output ?? defaults.config,
    dataset,
    validation: options.validation ?? dataset.replace(/[^\\/]*$/, "validation.jsonl"),
    outputDir: options.outputDir ?? defaults.run,
  };
}
