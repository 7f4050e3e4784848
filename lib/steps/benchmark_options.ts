import { join } from "node:path";
import { z } from "zod";
import { dataDir, presetPath } from "../core/paths.ts";

/** The benchmark's flags that `generate --benchmark` has too, under the same names. */
export const benchmarkFlags = {
  autoBenchmark: z.boolean().default(false)
    .describe("Measure and rate every downloaded model; without it, print a sample prompt to paste into a chat window"),
  benchmarkOutput: z.string().optional().describe("Also write the results here, as JSON"),
  modelsFilter: z.array(z.string()).optional()
    .describe("Only models whose name has one of these in it (* stands for anything); default: all"),
  benchmarkExamples: z.int().min(1).max(20).default(2).describe("Exchanges that one benchmark request asks for"),
  benchmarkMaxTokens: z.int().min(64).default(2048).describe("Longest benchmark answer in tokens, reasoning included"),
  evaluatorModel: z.string().min(1).default("openai/gpt-oss-20b").describe("Model that rates the answers"),
  lmsCliPath: z.string().optional().describe("LM Studio's command line; default: found by itself"),
};

export const benchmarkOptions = z.object({
  ...benchmarkFlags,
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
  lmstudioUrl: z.string().optional()
    .describe("Address of the server; default: host and port, else http://localhost:1234"),
  lmstudioHost: z.string().optional().describe("Host of the server; default: $LMSTUDIO_HOST, else localhost"),
  lmstudioPort: z.int().min(1).max(65535).optional().describe("Port of the server; default: $LMSTUDIO_PORT, else 1234"),
  temperature: z.number().min(0).max(2).default(0.8).describe("Sampling temperature of the models that are measured"),
  runs: z.int().min(1).max(100).default(2).describe("Measured answers of each model, after one that is thrown away"),
  judgeSamples: z.int().min(0).max(50).default(5)
    .describe("Marks that the evaluator gives to an answer on each criterion; 0 measures the speed only"),
  judgeConcurrency: z.int().min(1).max(64).default(4).describe("Questions to the evaluator at a time"),
  contextLength: z.int().min(2048).default(8192).describe("Context that every model is loaded with, in tokens"),
  seed: z.int().min(0).default(1969).describe("Draws the voices and the sampling seeds, the same for every model"),
  personas: z.string().optional().describe("Voices; default: lib/presets/deepred/personas.jsonc"),
  benchmarkPreset: z.string().optional()
    .describe("Sample passage, prompt and criteria; default: lib/presets/deepred/benchmark.jsonc"),
});
export type BenchmarkOptions = z.output<typeof benchmarkOptions>;

export function benchmarkPaths(options: BenchmarkOptions, env: Readonly<Record<string, string>>) {
  const root = dataDir(options.dataDir, env);
  return {
    personas: options.personas ?? presetPath("deepred/personas.jsonc"),
    preset: options.benchmarkPreset ?? presetPath("deepred/benchmark.jsonc"),
    results: join(root, "benchmark.json"),
    output: options.benchmarkOutput,
    kept: join(root, "benchmark_measured.jsonl"),
  };
}
