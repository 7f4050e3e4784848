/** Phase 3: the dataset is built anew from the answers that are there, with other thresholds, themes or passages. */
import { join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { exists, refuseFolder, writeFileAtomic } from "../core/files.ts";
import { counted } from "../core/format.ts";
import { beside, dataDir, presetPath } from "../core/paths.ts";
import { type Context, defineStep } from "../core/step.ts";
import { countThemes } from "../corpus/themes.ts";
import { gateFiles, loadGates } from "../dialogue/gates_load.ts";
import { openJudge } from "../dialogue/gates_thread.ts";
import { openLedger } from "../dialogue/ledger.ts";
import { evaluationFiles } from "../dialogue/gates_evaluation.ts";
import { loadPersonas } from "../dialogue/personas.ts";
import type { SourceChunk } from "../dialogue/source_kinds.ts";
import { readVerdicts } from "../dialogue/verdicts.ts";
import { ifThere, recall, runOf, sourcesOf } from "./gate_run.ts";
import { judged } from "./generate_candidates.ts";
import { datasetCard } from "./generate_card.ts";
import { buildDataset } from "./generate_dataset.ts";
import { type DatasetPaths, datasetPaths } from "./dataset_paths.ts";
import { generateOptions } from "./generate_options.ts";
import { sourceChunks } from "./generate_plan.ts";
import { planOptions } from "./generate_plan_options.ts";
import { recalled } from "./generate_recalled.ts";
import { type GenerateStats, REHEARSAL_NOTICE, statistics, summaryLines } from "./generate_report.ts";
import { splitDataset, type SplitResult } from "./split.ts";

const {
  gates,
  anachronisms,
  slop,
  evaluation,
  split,
  trainRatio,
  splitBy,
  stats,
  dataDir: root,
} = generateOptions.shape;

const options = z.object({
  input: z.string().optional().describe(
    "Passages on theme, or the file or folder of the run's --source-kind; default: what the run read",
  ),
  output: z.string().optional()
    .describe("Dataset to write; default: <data-dir>/dataset/theme_dataset.jsonl"),
  ledger: z.string().optional().describe(
    "Answers of a run; default: the _ledger.sqlite beside the output, else that of <data-dir>/dataset/theme_dataset.jsonl",
  ),
  gates,
  anachronisms,
  slop,
  evaluation,
  themes: z.string().optional().describe("Themes; default: those of the run"),
  personas: z.string().optional().describe("Personas; default: those of the run"),
  minMatches: z.number().min(0).optional().describe(
    "Leave out passages whose theme words weigh less, counted anew with --themes; default: take all of the input",
  ),
  split,
  trainRatio,
  splitBy,
  stats,
  overwrite: z.boolean().default(false).describe("Replace an existing dataset; the answers stay"),
  dataDir: root,
});
type Options = z.output<typeof options>;

export interface GateResult {
  paths: DatasetPaths;
  stats: GenerateStats;
  /** Answers that have no place in the dataset now, by reason. */
  unused: Record<string, number>;
  split?: SplitResult;
  /** Whether `--stats` was asked for. */
  detailed: boolean;
}

/** Builds the dataset from the ledger. No model is asked; the same settings as those of the run make the same dataset. */
export const gate = defineStep({
  name: "gate",
  summary: "Builds the dataset anew from the answers that are there, with other thresholds, themes or passages",
  options,
  files(options, { env }) {
    const { passages, personas, dataset, gates, ledger } = pathsOf(options, env);
    const { output, sources, rejects, stats, card, train, val, splitRejects } = dataset;
    return {
      reads: [passages, ledger.given, personas, ...Object.values(gates), ...evaluationFiles(gates.evaluation).slice(1)],
      writes: [output, sources, rejects, stats, card, ...(options.split ? [train, val, splitRejects] : [])],
    };
  },
  async run(options, context): Promise<GateResult> {
    const start = context.clock.now();
    const { personas: personasPath, dataset: paths, gates: usual, ledger: where } = pathsOf(options, context.env);
    await refuseFolder(paths.output);
    const ledgerPath = !await exists(where.given) && await exists(where.other) ? where.other : where.given;
    if (!options.overwrite && await exists(paths.output)) {
      throw new UsageError(
        `Cannot write "${paths.output}": it exists already`,
        "Replace it by --overwrite (the answers stay), or name another --output.",
      );
    }
    if (!await exists(ledgerPath)) {
      throw new UserError(`Cannot gate: there are no answers in "${ledgerPath}"`, {
        hint: "Run generate first, or name its --ledger.",
      });
    }
    using ledger = openLedger(ledgerPath, { emptyToo: false });
    const run = runOf(ledger, ledgerPath);
    const { themes } = planOptions.parse(run.plan ?? {});
    const files = { ...usual, themes: options.themes ?? await ifThere(themes, context) ?? usual.themes };
    const gates = await loadGates(files);
    const { personas } = await loadPersonas(options.personas ?? await ifThere(run.personas, context) ?? personasPath);
    if (ledger.note("remembered") !== String(ledger.count())) await recall(run, ledger, ledgerPath, context);
    if (run.engine === "rehearsal") context.emit({ type: "log", level: "warn", message: REHEARSAL_NOTICE });

    const unused = new Map<string, number>();
    const { minMatches } = options;
    const sources = await sourcesOf(run, options, context);
    const corpus = sources.find(({ kind }) => kind === "gutenberg")?.path;
    const others: SourceChunk[] = [];
    for (const source of sources.filter(({ kind }) => kind !== "gutenberg")) {
      others.push(...await sourceChunks(source, { seed: run.seed, themes: gates.themes, context }));
    }
    const candidates = recalled({
      input: corpus,
      others,
      personas,
      ledger,
      keep: ({ text, kind }) =>
        minMatches === undefined || kind === "gap" || countThemes(gates.themes, text).score >= minMatches,
      dropped: (reason) => unused.set(reason, (unused.get(reason) ?? 0) + 1),
      signal: context.signal,
    });
    using beside = openJudge(gates, files);
    const tally = await buildDataset({
      candidates: judged(candidates, beside),
      gates,
      input: corpus,
      // Verdicts follow the words: those on the run's own dataset hold for another one of its answers.
      verdicts: readVerdicts(
        await exists(paths.verdicts) ? paths.verdicts : ledgerPath.replace(/_ledger\.sqlite$/, "_verdicts.sqlite"),
      ),
      paths,
      context,
    });
    const { engine, model, seed, temperature } = run;
    const answers = [...tally.models.values()].reduce((sum, model) => sum + model.answers, 0);
    const stats = statistics(tally, { sent: 0, reused: answers, unanswered: 0 }, {
      start,
      end: context.clock.now(),
      engine,
      model,
      seed,
    });
    for (const [reason, count] of [...unused, ...Object.entries(stats.rejects)]) {
      context.emit({ type: "drop", reason, count });
    }
    if (tally.accepted === 0) {
      throw new UserError(`Cannot make a dataset: none of ${counted(tally.requested, "example")} passed`, {
        hint: tally.requested === 0
          ? `No answer in "${ledgerPath}" belongs to a passage of "${sources.map(({ path }) => path).join('", "')}".`
          : `Each is kept with its reason in "${paths.rejects}".`,
      });
    }
    await writeFileAtomic(paths.stats, JSON.stringify(stats, null, 2) + "\n");
    await writeFileAtomic(paths.card, datasetCard(stats, tally, temperature));
    tell(stats, paths, context);
    const result = { paths, stats, unused: Object.fromEntries(unused), detailed: options.stats };
    if (!options.split) return result;
    const { trainRatio: ratio, splitBy: by } = options;
    return { ...result, split: await splitDataset({ paths, ratio, seed, by, evaluation: files.evaluation }, context) };
  },
  report({ stats, detailed }) {
    const lines = summaryLines(stats);
    return [...(detailed ? lines : lines.slice(0, 1)), ...(stats.rehearsal ? [REHEARSAL_NOTICE] : [])].join("\n");
  },
});

function tell(
  stats: GenerateStats,
  paths: DatasetPaths,
  { emit }: Pick<Context, "emit">,
): void {
  emit({ type: "metric", name: "examples", value: stats.examples_generated });
  emit({ type: "artifact", path: paths.output, title: "Dataset", rows: stats.examples_generated });
  emit({ type: "artifact", path: paths.rejects, title: "Rejects", rows: stats.examples_failed });
  emit({ type: "artifact", path: paths.stats, title: "Statistics" });
  emit({ type: "artifact", path: paths.card, title: "Dataset card" });
}

function pathsOf(options: Options, env: Context["env"]) {
  const root = dataDir(options.dataDir, env);
  const standard = join(root, "dataset", "theme_dataset.jsonl");
  const output = options.output ?? standard;
  const given = options.ledger ?? beside(output, "_ledger.sqlite");
  return {
    passages: options.input ?? join(root, "theme_chunks", "filtered.jsonl"),
    personas: options.personas ?? presetPath("deepred/personas.jsonc"),
    gates: gateFiles(options),
    dataset: datasetPaths(output),
    ledger: { given, other: options.ledger ?? beside(standard, "_ledger.sqlite") },
  };
}
