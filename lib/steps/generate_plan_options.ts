/** Options that choose what a generation asks, and the files that they name. */
import { join } from "node:path";
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { dataDir, presetPath } from "../core/paths.ts";
import { ORDERS } from "../dialogue/plan_order.ts";
import { SOURCE_KINDS, type SourceKind } from "../dialogue/source_kinds.ts";

/** Options that decide what is asked; a part of the options of generate. */
export const planOptions = z.object({
  input: z.string().optional().describe(
    "Passages on theme, or the file or folder of --source-kind; default: <data-dir>/theme_chunks/filtered.jsonl",
  ),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
  sourceKind: z.enum(SOURCE_KINDS).default("gutenberg").describe(
    "What the input is: passages of the corpus; scripts, speeches or chess literature as .txt, .md, .fountain or .jsonl; " +
      "or gap: no passages, but a file of topics (default: lib/presets/deepred/topics.jsonc)",
  ),
  sources: z.array(z.string()).default([]).describe(
    "Further sources, each as kind=path: script=films,speech=speeches,chess=books",
  ),
  targetMix: z.string().optional().describe(
    'Recipe of components with their numbers of examples: a preset ("deepred": 10,000 in four parts) or a file; each stops ' +
      "when it is full, and what is missing is told",
  ),
  maxExamples: z.int().min(1).optional().describe(
    "Stop at so many accepted examples; with --target-mix, scale the recipe to this sum. Default: no limit",
  ),
  covered: z.string().optional().describe(
    "A dataset's _sources.jsonl: personas and themes with fewest examples there come first, as for filling gaps",
  ),
  minAlignment: z.number().min(-1).max(1).optional().describe(
    "Leave out passages of the corpus that align scored lower; needs its output as --input. Default: keep all",
  ),
  order: z.enum(ORDERS).default("best-first").describe(
    "Order in which passages are taken: the best of each theme and book by turns, or as the file has them",
  ),
  examplesPerChunk: z.int().min(1).max(100).default(2)
    .describe("Examples made of each passage, each in another persona's voice"),
  maxChunks: z.int().min(1).optional().describe("Use only the first passages of the order; default: all"),
  personas: z.array(z.string()).default([]).describe(
    "Only these personas, by id or category: primary,grandmaster,scientific; default: all",
  ),
  personaFile: z.string().optional().describe("Personas; default: lib/presets/deepred/personas.jsonc"),
  personaWeights: z.array(z.string()).default([]).describe(
    "How often personas or categories are drawn beside the others, 0 for never: primary=3,dostoevsky=0.5; default: all alike",
  ),
  prompts: z.string().optional().describe("Prompts; default: lib/presets/deepred/prompts.jsonc"),
  themes: z.string().optional().describe("Themes; default: lib/presets/deepred/themes.jsonc"),
  seed: z.int().min(0).default(1969).describe("Draws personas, the split and the sampling seed of each request"),
});
export type PlanStepOptions = z.output<typeof planOptions>;

/** A source that is to be read; the corpus is of the kind `gutenberg`. */
export interface SourcePath {
  readonly kind: SourceKind;
  readonly path: string;
}

/**
 * The files that a plan reads.
 *
 * @throws {UsageError} with every fault of the options.
 */
export function planPaths(options: PlanStepOptions, env: Readonly<Record<string, string>>) {
  const faults: string[] = [];
  // Until now --personas named the file.
  const [file] = options.personas.filter(isPath);
  if (file !== undefined && (options.personas.length > 1 || options.personaFile !== undefined)) {
    faults.push(`Cannot use --personas "${options.personas.join(",")}": it takes ids; name the file by --persona-file`);
  }
  const { sourceKind: kind } = options;
  const topics = presetPath("deepred/topics.jsonc");
  const usual = kind === "gutenberg"
    ? join(dataDir(options.dataDir, env), "theme_chunks", "filtered.jsonl")
    : kind === "gap"
    ? topics
    : undefined;
  const input = options.input ?? usual;
  if (input === undefined) faults.push(`Cannot use --source-kind "${kind}" without --input: name its file or folder`);
  const sources: SourcePath[] = input === undefined ? [] : [{ kind, path: input }];
  for (const entry of options.sources) {
    const [, name = "", path = ""] = /^([^=]+)=(.+)$/.exec(entry)?.map((part) => part.trim()) ?? [];
    const found = SOURCE_KINDS.find((known) => known === name);
    if (found && path) sources.push({ kind: found, path });
    else faults.push(`Cannot use --sources "${entry}": valid is kind=path, with one of ${SOURCE_KINDS.join(", ")}`);
  }
  if (faults.length > 0) throw new UsageError(faults);
  return {
    sources,
    topics,
    mix: options.targetMix === undefined ? undefined : mixPath(options.targetMix),
    personas: options.personaFile ?? file ?? presetPath("deepred/personas.jsonc"),
    prompts: options.prompts ?? presetPath("deepred/prompts.jsonc"),
    themes: options.themes ?? presetPath("deepred/themes.jsonc"),
  };
}

/** A name is a preset's; what looks like a path is one. */
function mixPath(name: string): string {
  return /^[\w-]+$/.test(name) ? presetPath(`${name}/mix.jsonc`) : name;
}

/** Whether an entry of `--personas` is a file. */
export function isPath(entry: string): boolean {
  return /[\\/]|\.jsonc?$/i.test(entry);
}
