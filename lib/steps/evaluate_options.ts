import { join } from "node:path";
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { dataDir, presetPath } from "../core/paths.ts";
import { evaluationFiles } from "../dialogue/gates_evaluation.ts";
import { gateFiles } from "../dialogue/gates_load.ts";
import { datasetPaths } from "./dataset_paths.ts";

export const evaluateOptions = z.object({
  gguf: z.string().optional().describe(
    "GGUF of the tuned model, served by a llama-server of its own; default, without --url: <data-dir>/output/deepred.gguf",
  ),
  baseGguf: z.string().optional().describe(
    "GGUF of the model before training; default, beside a tuned GGUF: <data-dir>/output/base.gguf, if it is there",
  ),
  url: z.string().optional().describe("Address of an OpenAI-compatible server that has the tuned model"),
  modelName: z.string().optional().describe("Name of the tuned model at --url"),
  baseUrl: z.string().optional().describe("Address of the server that has the base model; default: --url"),
  baseModelName: z.string().optional().describe("Name of the base model at --base-url"),
  answers: z.string().optional().describe(
    "Score these recorded answers instead of asking: JSONL with system, prompt_id, prompt, sample, answer, and side if need be",
  ),
  baseSystem: z.string().optional().describe('Which system of --answers is the base; default: the one called "base"'),
  suite: z.enum(["quick", "full"]).default("full")
    .describe("Ask a few of each stratum, or all; only all can show much"),
  samples: z.int().min(1).max(50).default(3).describe("Answers to each question"),
  temperature: z.number().min(0).max(2).default(0.7).describe("Sampling temperature, the same for both models"),
  topP: z.number().gt(0).max(1).default(0.95).describe("Nucleus of the sampling, the same for both models"),
  maxTokens: z.int().min(8).default(320).describe("Longest answer in tokens"),
  seed: z.int().min(0).default(1969).describe("Draws the sampling seeds, the same for both models"),
  persona: z.string().default("primary").describe("Whose system message both models are given, by its id"),
  systemPrompt: z.string().optional().describe("The system message itself, instead of a persona's"),
  parallel: z.int().min(1).max(64).default(4).describe("Questions at a time"),
  contextSize: z.int().min(256).default(4096)
    .describe("Tokens that a question and its answer may have on a llama-server"),
  gpuLayers: z.int().min(0).optional().describe("Layers that a llama-server puts on the GPU; default: as many as fit"),
  threads: z.int().min(1).optional().describe("Threads of a llama-server; default: as many as there are cores"),
  judgeUrl: z.string().optional().describe("Address of a server whose model judges voice and temporal compliance"),
  judgeModel: z.string().optional().describe(
    "Name of the model that judges; best of another family than the judged one",
  ),
  judgeSamples: z.int().min(1).max(15).default(3).describe("Readings of the judge for each mark and decision"),
  heldout: z.string().optional().describe(
    "Dataset or text for perplexity that training did not see; default: <data-dir>/dataset/theme_dataset_val.jsonl",
  ),
  trained: z.string().optional().describe(
    "Dataset that was trained on: what --heldout shares with it is left out; default: <data-dir>/dataset/theme_dataset_train.jsonl",
  ),
  generalText: z.string().optional().describe("Text of another kind, to see what training has cost there"),
  exemplars: z.string().optional().describe(
    "Dataset whose answers say how dense theme words may be; default: --trained, else the personas' samples",
  ),
  evaluation: z.string().optional().describe(
    "Questions, with those of the _suite beside them; default: lib/presets/deepred/evaluation.jsonc",
  ),
  judgePreset: z.string().optional()
    .describe("What the judge is asked; default: lib/presets/deepred/evaluation_judge.jsonc"),
  themes: z.string().optional().describe("Themes; default: lib/presets/deepred/themes.jsonc"),
  anachronisms: z.string().optional().describe("Lexicon; default: lib/presets/deepred/anachronisms.jsonc"),
  personas: z.string().optional().describe("Personas; default: lib/presets/deepred/personas.jsonc"),
  gates: z.string().optional()
    .describe("Last year and limits on repetition; default: lib/presets/deepred/gates.jsonc"),
  outputDir: z.string().optional().describe("Folder for all that comes out; default: <data-dir>/output/evaluation"),
  overwrite: z.boolean().default(false)
    .describe("Replace a report of other answers, and drop answers to other questions or settings"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
export type EvaluateOptions = z.output<typeof evaluateOptions>;

/** Every path of a run. */
export function evaluatePaths(options: EvaluateOptions, env: Readonly<Record<string, string>>) {
  const root = dataDir(options.dataDir, env);
  const dataset = datasetPaths(join(root, "dataset", "theme_dataset.jsonl"));
  const folder = options.outputDir ?? join(root, "output", "evaluation");
  const out = (name: string) => join(folder, name);
  return {
    ...gateFiles(options),
    personas: options.personas ?? presetPath("deepred/personas.jsonc"),
    judgePreset: options.judgePreset ?? presetPath("deepred/evaluation_judge.jsonc"),
    gguf: options.gguf ?? join(root, "output", "deepred.gguf"),
    baseGguf: options.baseGguf ?? join(root, "output", "base.gguf"),
    heldout: options.heldout ?? dataset.val,
    trained: options.trained ?? dataset.train,
    folder,
    answers: out("answers.jsonl"),
    judgements: out("judgements.jsonl"),
    perplexity: out("perplexity.json"),
    scores: out("scores.jsonl"),
    evaluation_json: out("evaluation.json"),
    report: out("report.html"),
    transcripts: out("transcripts.md"),
    transcriptsHtml: out("transcripts.html"),
  };
}
export type EvaluatePaths = ReturnType<typeof evaluatePaths>;

/** What a run reads and writes. */
export function evaluateFiles(options: EvaluateOptions, env: Readonly<Record<string, string>>) {
  const paths = evaluatePaths(options, env);
  const served = options.url === undefined && options.answers === undefined;
  return {
    reads: [
      ...(options.answers === undefined ? [] : [options.answers]),
      ...(served || options.gguf !== undefined ? [paths.gguf, paths.baseGguf] : []),
      ...evaluationFiles(paths.evaluation),
      ...[paths.themes, paths.anachronisms, paths.personas, paths.gates],
      ...(options.judgeUrl === undefined ? [] : [paths.judgePreset]),
      ...[paths.heldout, paths.trained],
      ...(options.generalText === undefined ? [] : [options.generalText]),
      ...(options.exemplars === undefined ? [] : [options.exemplars]),
    ],
    writes: [
      ...(options.answers === undefined ? [paths.answers] : []),
      ...[paths.scores, paths.evaluation_json, paths.report, paths.transcripts, paths.transcriptsHtml],
    ],
  };
}

/** The model that judges. @throws {UsageError} for half a judge. */
export function judgeOf({ judgeUrl, judgeModel }: EvaluateOptions): { url: string; model: string } | undefined {
  if (judgeUrl === undefined && judgeModel === undefined) return undefined;
  if (judgeUrl === undefined) throw new UsageError("Missing --judge-url: the server that has --judge-model");
  if (judgeModel === undefined) throw new UsageError("Missing --judge-model: which model of --judge-url judges");
  return { url: judgeUrl, model: judgeModel };
}
