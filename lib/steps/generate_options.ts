import { z } from "zod";
import { beside, dataDir } from "../core/paths.ts";
import { join } from "node:path";
import { gateFiles } from "../dialogue/gates_load.ts";
import { parseDuration } from "../llm/duration.ts";
import { serverAddress } from "../llm/server.ts";
import { benchmarkFlags } from "./benchmark_options.ts";
import { datasetPaths } from "./dataset_paths.ts";
import { planOptions, planPaths } from "./generate_plan_options.ts";

/** A stretch of time as a flag takes it. */
const stretch = () => z.string().refine(isDuration, "write it like 2h, 90m, 1h30m or 45s");

function isAddress(text: string): boolean {
  try {
    return serverAddress(text).root !== "";
  } catch {
    return false;
  }
}

function isDuration(text: string): boolean {
  try {
    return parseDuration(text) > 0;
  } catch {
    return false;
  }
}

const MOST_AT_A_TIME = 256;
const atATime = (value: string | number) => /^[1-9]\d{0,2}$/.test(String(value)) && Number(value) <= MOST_AT_A_TIME;

const { input, ...asked } = planOptions.shape;

export const generateOptions = z.object({
  input,
  output: z.string().optional().describe("Dataset to write; default: <data-dir>/dataset/theme_dataset.jsonl"),
  ...asked,
  engine: z.enum(["lmstudio", "llama-server", "rehearsal"]).default("lmstudio").describe(
    "Who answers: LM Studio or any OpenAI-compatible server, a llama-server of its own, or the rehearsal without a model",
  ),
  model: z.string().min(1).optional().describe(
    "GGUF that a llama-server of its own serves; with a server, another way to write --lmstudio-model",
  ),
  lmstudioUrl: z.array(z.string().refine(isAddress, "valid is a URL such as http://localhost:1234")).optional()
    .describe(
      "Address of the server, or of several that share the work; default: host and port, else http://localhost:1234",
    ),
  lmstudioHost: z.string().optional().describe("Host of the server; default: $LMSTUDIO_HOST, else localhost"),
  lmstudioPort: z.int().min(1).max(65535).optional().describe("Port of the server; default: $LMSTUDIO_PORT, else 1234"),
  lmstudioModel: z.string().min(1).default("openai/gpt-oss-20b")
    .describe("Model that answers; auto is the one that the benchmark recommends"),
  budget: stretch().optional()
    .describe(
      "Make only what fits into this time, such as 2h, measured on the first examples; default: make everything",
    ),
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
  concurrency: z.union([z.int(), z.string()])
    .refine((value) => value === "auto" || atATime(value), `a whole number from 1 to ${MOST_AT_A_TIME}, or auto`)
    .transform((value): "auto" | number => value === "auto" ? value : Number(value))
    .prefault("auto")
    .describe("Requests at a time on each server; auto seeks as many as bring something"),
  retries: z.int().min(0).max(20).default(4).describe("Further tries of a request that failed on the way"),
  idleTimeout: stretch().default("2m").describe("Longest silence of a server in the middle of an answer"),
  giveUpAfter: stretch().default("30m").describe("End the run when no server has answered for so long"),
  maxErrorRate: z.number().gt(0).max(1).default(0.5).describe("End the run when this share of its requests fails"),
  gates: z.string().optional().describe("Thresholds of the gates; default: lib/presets/deepred/gates.jsonc"),
  anachronisms: z.string().optional().describe("Words that came late; default: lib/presets/deepred/anachronisms.jsonc"),
  slop: z.string().optional().describe("Overused turns; default: lib/presets/deepred/slop.jsonc"),
  evaluation: z.string().optional()
    .describe("Questions that are kept out; default: lib/presets/deepred/evaluation.jsonc"),
  dryRun: z.boolean().default(false)
    .describe("Show the plan, three prompts and a forecast from a few trial requests; write nothing"),
  stats: z.boolean().default(false).describe("Print statistics at the end"),
  verbose: z.boolean().default(false).describe("Tell of every request"),
  benchmark: z.boolean().default(false).describe("Do not generate: run the step benchmark"),
  ...benchmarkFlags,
});
export type GenerateOptions = z.output<typeof generateOptions>;

/** Every file of a run; companions are named after the dataset. */
export function generatePaths(options: GenerateOptions, env: Readonly<Record<string, string>>) {
  const root = dataDir(options.dataDir, env);
  const output = options.output ?? join(root, "dataset", "theme_dataset.jsonl");
  const plan = planPaths(options, env);
  const { personas, prompts, sources: [first] } = plan;
  return {
    plan,
    input: first?.path ?? "",
    /** Passages of the corpus, if there are any: the other kinds of source are no files of passages. */
    corpus: plan.sources.find(({ kind }) => kind === "gutenberg")?.path,
    personas,
    prompts,
    ...gateFiles(options),
    ...datasetPaths(output),
    checkpoint: beside(output, "_checkpoint.json"),
    ledger: beside(output, "_ledger.sqlite"),
  };
}

export type GeneratePaths = ReturnType<typeof generatePaths>;
