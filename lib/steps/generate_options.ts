import { z } from "zod";
import { beside, dataDir, presetPath } from "../core/paths.ts";
import { join } from "node:path";
import { gateFiles } from "../dialogue/gates_load.ts";
import { verdictsPath } from "../dialogue/verdicts.ts";

export const generateOptions = z.object({
  input: z.string().optional().describe("Passages on theme; default: <data-dir>/theme_chunks/filtered.jsonl"),
  output: z.string().optional().describe("Dataset to write; default: <data-dir>/dataset/theme_dataset.jsonl"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
  engine: z.enum(["lmstudio", "rehearsal"]).default("lmstudio")
    .describe("Who answers: LM Studio or any OpenAI-compatible server, or the rehearsal without a model"),
  lmstudioUrl: z.string().optional()
    .describe("Address of the server; default: host and port, else http://localhost:1234"),
  lmstudioHost: z.string().optional().describe("Host of the server; default: $LMSTUDIO_HOST, else localhost"),
  lmstudioPort: z.int().min(1).max(65535).optional().describe("Port of the server; default: $LMSTUDIO_PORT, else 1234"),
  lmstudioModel: z.string().min(1).default("openai/gpt-oss-20b").describe("Model that answers"),
  examplesPerChunk: z.int().min(1).max(100).default(2)
    .describe("Examples made of each passage, each in another persona's voice"),
  maxChunks: z.int().min(1).optional().describe("Use only the first passages; default: all"),
  batchSize: z.int().min(1).default(50).describe("Passages between two updates of the checkpoint file"),
  resume: z.boolean().default(false).describe(
    "Go on with the answers that an earlier run left; none is asked for twice",
  ),
  overwrite: z.boolean().default(false).describe("Replace an existing dataset and start with no answers"),
  split: z.boolean().default(true).describe("Write _train and _val beside the dataset"),
  trainRatio: z.number().gt(0).lt(1).default(0.9).describe("Share of the examples for training"),
  splitBy: z.enum(["book", "row"]).default("book").describe(
    "Deal whole books to a side, so that validation measures what training did not see, or single examples",
  ),
  temperature: z.number().min(0).max(2).default(0.8).describe("Sampling temperature"),
  maxTokens: z.int().min(64).default(2048).describe("Longest answer in tokens, reasoning included"),
  concurrency: z.int().min(1).max(256).default(4).describe(
    "Requests at a time; LM Studio answers 4 unless told otherwise",
  ),
  retries: z.int().min(0).max(20).default(4).describe("Further tries of a request that failed on the way"),
  seed: z.int().min(0).default(1969).describe("Draws personas, the split and the sampling seed of each request"),
  personas: z.string().optional().describe("Personas; default: lib/presets/deepred/personas.jsonc"),
  prompts: z.string().optional().describe("Prompts; default: lib/presets/deepred/prompts.jsonc"),
  themes: z.string().optional().describe("Themes; default: lib/presets/deepred/themes.jsonc"),
  gates: z.string().optional().describe("Thresholds of the gates; default: lib/presets/deepred/gates.jsonc"),
  anachronisms: z.string().optional().describe("Words that came late; default: lib/presets/deepred/anachronisms.jsonc"),
  slop: z.string().optional().describe("Overused turns; default: lib/presets/deepred/slop.jsonc"),
  evaluation: z.string().optional()
    .describe("Questions that are kept out; default: lib/presets/deepred/evaluation.jsonc"),
  dryRun: z.boolean().default(false).describe("Show the plan and two prompts; ask nothing, write nothing"),
  stats: z.boolean().default(false).describe("Print statistics at the end"),
  verbose: z.boolean().default(false).describe("Tell of every request"),
});
export type GenerateOptions = z.output<typeof generateOptions>;

/** Every file of a run; companions are named after the dataset. */
export function generatePaths(options: GenerateOptions, env: Readonly<Record<string, string>>) {
  const root = dataDir(options.dataDir, env);
  const output = options.output ?? join(root, "dataset", "theme_dataset.jsonl");
  return {
    input: options.input ?? join(root, "theme_chunks", "filtered.jsonl"),
    personas: options.personas ?? presetPath("deepred/personas.jsonc"),
    prompts: options.prompts ?? presetPath("deepred/prompts.jsonc"),
    ...gateFiles(options),
    ...datasetPaths(output),
    checkpoint: beside(output, "_checkpoint.json"),
    ledger: beside(output, "_ledger.sqlite"),
  };
}

/** The files of a dataset, named after it. */
export function datasetPaths(output: string) {
  return {
    output,
    sources: beside(output, "_sources.jsonl"),
    rejects: beside(output, "_rejects.jsonl"),
    stats: beside(output, "_stats.json"),
    card: beside(output, "_card.md"),
    verdicts: verdictsPath(output),
    train: beside(output, "_train.jsonl"),
    val: beside(output, "_val.jsonl"),
    splitRejects: beside(output, "_split_rejects.jsonl"),
  };
}
export type DatasetPaths = ReturnType<typeof datasetPaths>;

export type GeneratePaths = ReturnType<typeof generatePaths>;
