/** The pipelines as lists of steps, and the presets that fill in their options. */
import { join } from "node:path";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { readJsonc } from "../core/jsonc.ts";
import { checkOptions, type Flag, flagsOf, type RawFlags } from "../core/options.ts";
import { dataDir, presetPath, WORKSPACE } from "../core/paths.ts";
import type { Stage } from "../core/pipeline.ts";
import type { Step } from "../core/step.ts";
import { findStep } from "./mod.ts";

/** Read from top to bottom: each step's output is the next one's input. */
export const DEEPRED = [
  "retrieve", // books → corpus/priority_works.jsonl
  "chunk", // works → theme_chunks/chunks.jsonl
  "filter", // chunks on theme → theme_chunks/filtered.jsonl
  "generate", // passages → dataset/theme_dataset.jsonl
  "split", // dataset → _train and _val
  "rehearse=gguf", // the untrained base, once through merging, conversion and loading: before any hour is spent
  "train", // dataset → output/theme-deepred/final
  "merge", // adapter into base → output/merged-deepred
  "gguf", // merged model → output/deepred.gguf
  "base=gguf", // the base in the same form, to compare with → output/base.gguf
  "evaluate", // both, asked the same → output/evaluation
] as const;

/** A stage of a pipeline: a step's name, with another before `=` where the step is used for something else. */
type Entry = string;

/** What each preset runs. */
const PIPELINES: Readonly<Record<string, readonly Entry[]>> = {
  rehearsal: DEEPRED,
  deepred: DEEPRED,
};

export const PRESET_NAMES: readonly string[] = Object.keys(PIPELINES);

/** Options that name one step's own file or mean something else to a whole pipeline. */
const NOT_SHARED = new Set(["input", "output", "dryRun", "dataDir"]);

const Preset = z.strictObject({
  summary: z.string(),
  /** Folder below the data root, so that a rehearsal never touches production data. */
  folder: z.string().optional(),
  /** Options by stage; `${workspace}` stands for the folder of deno.json, `${data}` for the one that the preset works in. */
  options: z.record(z.string(), z.record(z.string(), z.unknown())),
});

/** A preset, with its steps and the folders that it works in. */
export interface Pipeline {
  readonly name: string;
  readonly summary: string;
  readonly stages: readonly { readonly name: string; readonly step: Step }[];
  readonly dataDir: string;
  /** Markers, events and the report of its runs. */
  readonly runs: string;
  /** By the name of the stage. */
  readonly options: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/**
 * Loads a preset by name.
 *
 * @param dataRoot The `--data-dir` option, where given.
 * @throws {UsageError} an unknown preset, or one that asks for what it may not have.
 */
export async function loadPipeline(
  name: string,
  dataRoot: string | undefined,
  env: Readonly<Record<string, string>>,
): Promise<Pipeline> {
  const entries = PIPELINES[name]?.map((entry) => entry.split("=")).map(([stage = "", step = stage]) => ({
    stage,
    step,
  }));
  if (!entries) {
    throw new UsageError(
      `Unknown preset "${name}": did you mean "${closest(name, PRESET_NAMES)}"? There are ${PRESET_NAMES.join(", ")}`,
    );
  }
  const path = presetPath(`${name}/pipeline.jsonc`);
  const preset = await readJsonc(path, Preset);
  const root = join(dataDir(dataRoot, env), preset.folder ?? "");
  const places = { workspace: WORKSPACE.replace(/[\\/]$/, ""), data: root };
  const options = expand(preset.options, places) as Record<string, Record<string, unknown>>;
  const strangers = Object.keys(options).filter((name) => !entries.some(({ stage }) => stage === name));
  if (strangers.length > 0) {
    throw new UsageError(`Cannot use "${path}": it has options for "${strangers.join('", "')}", which it does not run`);
  }
  if (name !== "rehearsal" && Object.values(options).some((values) => values.engine === "rehearsal")) {
    throw new UsageError(`Cannot use "${path}": only the preset "rehearsal" may choose the engine "rehearsal"`);
  }
  return {
    name,
    summary: preset.summary,
    stages: await Promise.all(entries.map(async ({ stage, step }) => ({ name: stage, step: await findStep(step) }))),
    dataDir: root,
    runs: join(root, "runs", name),
    options,
  };
}

/** Puts folders in for `${workspace}` and `${data}`, wherever they stand. */
function expand(value: unknown, places: Readonly<Record<string, string>>): unknown {
  if (typeof value === "string") return value.replace(/\$\{(\w+)\}/g, (whole, name: string) => places[name] ?? whole);
  if (Array.isArray(value)) return value.map((entry) => expand(entry, places));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, expand(entry, places)]));
}

/** The flags that a pipeline hands to each of its steps that knows them. */
export function sharedFlags(pipeline: Pipeline): Flag[] {
  const flags = new Map<string, Flag>();
  const steps = [...new Set(pipeline.stages.map(({ step }) => step))];
  for (const step of steps) {
    for (const flag of flagsOf(step.options)) {
      if (NOT_SHARED.has(flag.key)) continue;
      const { default: _, ...plain } = flag;
      const known = flags.get(flag.key);
      flags.set(flag.key, {
        ...plain,
        required: false,
        description: `${known ? known.description.split(" (")[0] : flag.description} (${
          steps.filter((other) => flag.key in other.options.shape).map((other) => other.name).join(", ")
        })`,
      });
    }
  }
  return [...flags.values()];
}

/**
 * The stages of a pipeline: preset options, over them what the command line gave, all checked before any step runs.
 *
 * @throws {UsageError} with the faults of all stages at once.
 */
export function stagesOf(pipeline: Pipeline, given: RawFlags["values"] = {}): Stage[] {
  const faults = new Set<string>();
  const stages = pipeline.stages.map(({ name, step }): Stage => {
    const known = Object.entries(given).filter(([key]) => key in step.options.shape && !NOT_SHARED.has(key));
    const values = { ...pipeline.options[name], ...Object.fromEntries(known), dataDir: pipeline.dataDir };
    try {
      return { name, step, options: checkOptions(step.options, values) };
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      error.faults.forEach((fault) => faults.add(fault));
      return { name, step, options: {} };
    }
  });
  if (faults.size > 0) throw new UsageError([...faults]);
  return stages;
}
