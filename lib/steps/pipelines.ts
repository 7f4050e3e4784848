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

/** Its own way out follows within a minute; and so it trains beside the compiler that makes llama.cpp. */
const REHEARSAL = DEEPRED.filter((entry) => entry !== "rehearse=gguf");

/** An author's manuscript → a voice that was measured. The base is converted and asked first: before any hour is spent. */
export const GAEA = [
  "curate=gaea:curate", // manuscript → gaea/curated
  "prepare=gaea:prepare", // chunks → gaea/processed/visions_training.jsonl and validation.jsonl
  "config=gaea:config", // → gaea/qlora_style_transfer.yaml
  "base=gguf", // base → gaea/gguf/base.gguf
  "baseline=gaea:voice", // what the base writes → gaea/benchmarks/voice_baseline.jsonl
  "train=gaea:train", // → gaea/checkpoints/qlora-visions-style
  "merge=gaea:merge", // → gaea/merged_models/llama-3.1-8b-visions-style
  "tuned=gguf", // → gaea/gguf/visions-style.gguf
  "finetuned=gaea:voice", // what the tuned model writes to the same openings → gaea/benchmarks/voice_finetuned.jsonl
  "compare=gaea:compare", // both and the author → gaea/benchmarks/comparison.json
  "blind=gaea:blind", // by a judge model, where one is named → gaea/benchmarks/blind.json
  "decide=gaea:decide", // → gaea/DECISION.md
] as const;

/** A stage of a pipeline: a step's name, with another before `=` where the step is used for something else. */
type Entry = string;

interface Kind {
  readonly stages: readonly Entry[];
  readonly preset: string;
  /** What it is where it is no production, or where the command line does not name what production takes. */
  readonly rehearsal?: { readonly preset: string; readonly without?: "manuscript" };
}

/** What each name runs, by which preset. */
const PIPELINES: Readonly<Record<string, Kind>> = {
  rehearsal: { stages: REHEARSAL, preset: "rehearsal/pipeline", rehearsal: { preset: "rehearsal/pipeline" } },
  deepred: { stages: DEEPRED, preset: "deepred/pipeline" },
  gaea: {
    stages: GAEA,
    preset: "gaea/pipeline",
    rehearsal: { preset: "gaea/rehearsal", without: "manuscript" },
  },
};

export const PRESET_NAMES: readonly string[] = Object.keys(PIPELINES);

/** Options that name one step's own file, choose what a step is there for, or mean something else to a whole pipeline. */
const NOT_SHARED = new Set([
  ...["input", "output", "dryRun", "dataDir", "check", "verifyOnly", "rehearse", "report"],
  ...["baseline", "finetuned", "latest", "port"],
]);

/** Options of a step that mean something else than those of the same name in the steps before it. */
const APART: Readonly<Record<string, readonly string[]>> = {
  "gaea:voice": ["maxTokens"],
  "gaea:compare": ["minWords"],
  "gaea:blind": ["maxWords"],
};

const Preset = z.strictObject({
  summary: z.string(),
  /** Folder below the data root, so that a rehearsal never touches production data. */
  folder: z.string().optional(),
  /** Options of every stage that knows them, as if the command line had given them. */
  shared: z.record(z.string(), z.unknown()).default({}),
  /**
   * Options by stage; `${workspace}` stands for the folder of deno.json, `${data}` for the one that the preset works in,
   * `${adapter}` for the kind that can be trained without a GPU, and the name of a shared option for its value.
   */
  options: z.record(z.string(), z.record(z.string(), z.unknown())),
  /** Stages that are passed over unless an option is given, and what is said then. */
  skip: z.record(z.string(), z.strictObject({ without: z.string(), why: z.string() })).default({}),
});

/** A preset, with its steps and the folders that it works in. */
export interface Pipeline {
  readonly name: string;
  readonly summary: string;
  readonly stages: readonly { readonly name: string; readonly step: Step }[];
  readonly dataDir: string;
  /** Markers, events and the report of its runs. */
  readonly runs: string;
  /** It tries the way on samples, with a tiny model. */
  readonly rehearsal: boolean;
  readonly shared: Readonly<Record<string, unknown>>;
  /** By the name of the stage; names of shared options still stand in them. */
  readonly options: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Options by which the preset hands files from stage to stage. */
  readonly handed: ReadonlySet<string>;
  readonly skip: z.output<typeof Preset>["skip"];
}

/** What a preset is, and its stages: read without its steps, which take longer to load than anybody waits for help. */
export interface Outline {
  readonly summary: string;
  readonly stages: readonly { readonly name: string; readonly step: string }[];
}

/** @throws {UsageError} an unknown preset. */
export async function outlineOf(name: string, given: Given = {}): Promise<Outline> {
  const { stages, path } = chosen(name, given);
  const { summary } = await readJsonc(path, Preset);
  return { summary, stages };
}

interface Given {
  /** Whether `--manuscript` was given: without it the pipeline gaea is a rehearsal. */
  readonly manuscript?: boolean;
}

function chosen(name: string, given: Given) {
  const kind = PIPELINES[name];
  if (!kind) {
    throw new UsageError(
      `Unknown preset "${name}": did you mean "${closest(name, PRESET_NAMES)}"? There are ${PRESET_NAMES.join(", ")}`,
    );
  }
  const rehearsal = kind.rehearsal && !(kind.rehearsal.without && given[kind.rehearsal.without])
    ? kind.rehearsal
    : undefined;
  return {
    stages: kind.stages.map((entry) => entry.split("=")).map(([name = "", step = name]) => ({ name, step })),
    path: presetPath(`${rehearsal?.preset ?? kind.preset}.jsonc`),
    isRehearsal: rehearsal !== undefined,
  };
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
  given: Given = {},
): Promise<Pipeline> {
  const { stages, path, isRehearsal } = chosen(name, given);
  const preset = await readJsonc(path, Preset);
  const root = join(dataDir(dataRoot, env), preset.folder ?? "");
  // bitsandbytes, which holds a base in 4 bit, is not to be had for macOS.
  const adapter = Deno.build.os === "darwin" ? "lora" : "qlora";
  const places = { workspace: WORKSPACE.replace(/[\\/]$/, ""), data: root, adapter };
  const options = expand(preset.options, places) as Record<string, Record<string, unknown>>;
  const strangers = [...Object.keys(options), ...Object.keys(preset.skip)]
    .filter((name) => !stages.some((stage) => stage.name === name));
  if (strangers.length > 0) {
    throw new UsageError(`Cannot use "${path}": it has options for "${strangers.join('", "')}", which it does not run`);
  }
  if (name !== "rehearsal" && Object.values(options).some((values) => values.engine === "rehearsal")) {
    throw new UsageError(`Cannot use "${path}": only the preset "rehearsal" may choose the engine "rehearsal"`);
  }
  return {
    name,
    summary: preset.summary,
    stages: await Promise.all(stages.map(async ({ name, step }) => ({ name, step: await findStep(step) }))),
    dataDir: root,
    runs: join(root, "runs", name),
    rehearsal: isRehearsal,
    shared: preset.shared,
    options,
    handed: new Set(Object.values(preset.options).flatMap(handedOn)),
    skip: expand(preset.skip, places) as Pipeline["skip"],
  };
}

/** Keys of the options that name a place in the data root. */
function handedOn(values: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(values).filter((key) => JSON.stringify(values[key]).includes("${data}"));
}

/** Puts values in for `${workspace}`, `${data}` and the like, wherever they stand. */
function expand(value: unknown, places: Readonly<Record<string, unknown>>): unknown {
  if (typeof value === "string") {
    const whole = /^\$\{(\w+)\}$/.exec(value)?.[1];
    if (whole !== undefined && whole in places) return places[whole]; // A number stays one.
    return value.replace(/\$\{(\w+)\}/g, (whole, name: string) => String(places[name] ?? whole));
  }
  if (Array.isArray(value)) return value.map((entry) => expand(entry, places));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, expand(entry, places)]));
}

/** Whether a flag of the pipeline reaches a step. */
function takes({ handed }: Pipeline, { name, options }: Step, key: string): boolean {
  return key in options.shape && !NOT_SHARED.has(key) && !handed.has(key) && !APART[name]?.includes(key);
}

/** The flags that a pipeline hands to each of its steps that knows them. */
export function sharedFlags(pipeline: Pipeline): Flag[] {
  const flags = new Map<string, Flag>();
  const steps = [...new Set(pipeline.stages.map(({ step }) => step))];
  for (const step of steps) {
    for (const flag of flagsOf(step.options)) {
      if (!takes(pipeline, step, flag.key)) continue;
      const { default: _, ...plain } = flag;
      const known = flags.get(flag.key);
      flags.set(flag.key, {
        ...plain,
        required: false,
        description: `${known ? known.description.split(" (")[0] : flag.description} (${
          steps.filter((other) => takes(pipeline, other, flag.key)).map((other) => other.name).join(", ")
        })`,
      });
    }
  }
  return [...flags.values()];
}

/**
 * The stages of a pipeline: preset options, over them what the command line gave, all checked before any step runs.
 *
 * @param earlier Faults found before; they are reported together with those found here.
 * @throws {UsageError} with the faults of all stages at once.
 */
export function stagesOf(
  pipeline: Pipeline,
  given: RawFlags["values"] = {},
  earlier: readonly string[] = [],
): Stage[] {
  const faults = new Set(earlier);
  const shared = { ...pipeline.shared, ...given };
  const stages = pipeline.stages.map(({ name, step }): Stage => {
    const knownOf = (values: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(Object.entries(values).filter(([key]) => takes(pipeline, step, key)));
    const own = expand(pipeline.options[name] ?? {}, shared) as Record<string, unknown>;
    const values = { ...knownOf(pipeline.shared), ...own, ...knownOf(given), dataDir: pipeline.dataDir };
    const { without, why } = pipeline.skip[name] ?? {};
    const skip = without !== undefined && shared[without] === undefined ? why : undefined;
    try {
      return { name, step, options: checkOptions(step.options, values), ...(skip === undefined ? {} : { skip }) };
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      error.faults.forEach((fault) => faults.add(fault));
      return { name, step, options: {} };
    }
  });
  if (faults.size > 0) throw new UsageError([...faults]);
  return stages;
}
