/** Phase 3: a language model turns each passage into questions, answered in Deep Red's voices. */
import { UsageError, UserError } from "../core/errors.ts";
import { exists, refuseFolder, writeFileAtomic } from "../core/files.ts";
import { counted } from "../core/format.ts";
import { type Context, defineStep } from "../core/step.ts";
import { evaluationFiles } from "../dialogue/gates_evaluation.ts";
import { loadGates } from "../dialogue/gates_load.ts";
import { openLedger } from "../dialogue/ledger.ts";
import { readVerdicts } from "../dialogue/verdicts.ts";
import type { BenchmarkResult } from "./benchmark.ts";
import { datasetCard } from "./generate_card.ts";
import { modelOf, openAnswering } from "./generate_engine.ts";
import { generateOptions, type GeneratePaths, generatePaths } from "./generate_options.ts";
import { openPlan } from "./generate_plan.ts";
import { type Preview, preview, previewText } from "./generate_preview.ts";
import { formsOf } from "./generate_probe.ts";
import { type GenerateStats, REHEARSAL_NOTICE, statistics, summaryLines } from "./generate_report.ts";
import { notedRun, runNote, tellChanges } from "./generate_resume.ts";
import { type Made, makeDataset } from "./generate_rounds.ts";
import { splitDataset, type SplitResult } from "./split.ts";

export interface GenerateResult {
  paths: GeneratePaths;
  /** Passages and examples that were planned. */
  plan: { chunks: number; examples: number };
  /** Of a dry run. */
  preview?: Preview;
  /** Absent after a dry run. */
  stats?: GenerateStats;
  /** Parts of the mix that are not full. */
  missing: readonly string[];
  split?: SplitResult;
  /** Whether `--stats` was asked for. */
  detailed: boolean;
  /** Of `--benchmark`, in words. */
  benchmark?: { result: BenchmarkResult; text: string };
}

/** Makes the dataset out of the filtered passages. Answers are kept in a ledger beside it, so that no work is lost. */
export const generate = defineStep({
  name: "generate",
  summary: "Turns passages into questions and answers in Deep Red's voices",
  options: generateOptions,
  files(options, { env }) {
    const paths = generatePaths(options, env);
    const { plan, gates, anachronisms, slop, evaluation } = paths;
    const { output, sources, rejects, stats, card, train, val, splitRejects } = paths;
    const asked = [...plan.sources.map(({ path }) => path), plan.personas, plan.prompts, plan.themes];
    return {
      reads: [...asked, ...(plan.mix ? [plan.mix] : []), gates, anachronisms, slop, ...evaluationFiles(evaluation)],
      writes: [output, sources, rejects, stats, card, ...(options.split ? [train, val, splitRejects] : [])],
    };
  },
  async run(options, context): Promise<GenerateResult> {
    const start = context.clock.now();
    const paths = generatePaths(options, context.env);
    const nothing = { paths, plan: { chunks: 0, examples: 0 }, missing: [], detailed: false };
    if (options.benchmark) {
      const { benchmarkReport, runBenchmark } = await import("./benchmark.ts");
      const result = await runBenchmark({ ...options, personas: paths.personas }, context);
      return { ...nothing, benchmark: { result, text: benchmarkReport(result) } };
    }
    const model = await modelOf(options, context.env);
    await using plan = await openPlan(options, context);
    const gates = await loadGates(paths, plan.themes);
    const manner = {
      prompts: plan.prompts,
      sampling: { temperature: options.temperature, maxTokens: options.maxTokens },
      seed: options.seed,
    };
    if (options.dryRun) {
      const open = () => {
        if (options.engine !== "llama-server") return openAnswering(options, context);
        throw new UserError("a dry run starts no llama-server");
      };
      const forms = formsOf(undefined);
      const shown = await preview({ plan, manner: { ...manner, forms }, model, open, options, context });
      return { ...nothing, plan: plan.size, preview: shown };
    }
    await refuseFolder(paths.output);
    if (!options.resume && !options.overwrite && await exists(paths.output)) {
      throw occupied(paths.output, "it exists already");
    }
    await using answering = await openAnswering(options, context);
    if (options.overwrite && !options.resume) await setAside(paths.ledger);
    using ledger = openLedger(paths.ledger);
    if (ledger.count() > 0 && !options.resume) {
      throw occupied(paths.ledger, `it holds ${counted(ledger.count(), "answer")} of a run`);
    }
    const before = notedRun(ledger);
    if (before) tellChanges(before, runNote(options, answering, paths, plan.size.examples), context.emit);
    if (answering.name === "rehearsal") context.emit({ type: "log", level: "warn", message: REHEARSAL_NOTICE });

    const verdicts = readVerdicts(paths.verdicts);
    const made = await makeDataset({ plan, answering, manner, ledger, gates, verdicts, options, paths, context });
    const { tally, account } = made;
    const stats = statistics(tally, account, {
      start,
      end: context.clock.now(),
      engine: answering.name,
      model: answering.model,
      seed: options.seed,
    });
    for (const [reason, count] of Object.entries(stats.rejects)) context.emit({ type: "drop", reason, count });
    if (tally.accepted === 0) {
      throw new UserError(`Cannot make a dataset: none of ${counted(tally.requested, "example")} passed`, {
        hint: `Each is kept with its reason in "${paths.rejects}".`,
      });
    }
    await writeFileAtomic(paths.stats, JSON.stringify({ ...stats, ...extraStats(made) }, null, 2) + "\n");
    await writeFileAtomic(paths.card, datasetCard(stats, tally, options.temperature));
    tell(stats, made, paths, context);
    const result = { paths, plan: plan.size, stats, missing: made.missing, detailed: options.stats };
    if (!options.split) return result;
    const { trainRatio: ratio, seed, splitBy: by } = options;
    const { evaluation } = paths;
    return { ...result, split: await splitDataset({ paths, ratio, seed, by, evaluation }, context) };
  },
  report({ plan, preview, stats, missing, detailed, benchmark }) {
    if (benchmark) return benchmark.text;
    if (preview) return previewText(preview, plan);
    if (!stats) return "";
    const lines = summaryLines(stats);
    const notice = stats.rehearsal ? [REHEARSAL_NOTICE] : [];
    return [...(detailed ? lines : lines.slice(0, 1)), ...missing, ...notice].join("\n");
  },
});

/** What the statistics file tells beyond the statistics of the dataset. */
function extraStats({ form, mix, account }: Made): Record<string, unknown> {
  return {
    requests_unanswered: account.unanswered,
    ...(form ? { structured_output: form } : {}),
    ...(mix ? { mix: mix.map(({ component, target, accepted }) => ({ component, target, accepted })) } : {}),
  };
}

/** Moves the answers of an earlier run out of the way; they may have cost hours, so they are not deleted. */
async function setAside(ledger: string): Promise<void> {
  if (!await exists(ledger)) return;
  // Opened once: a run that is still writing is refused, and everything is in the one file when it moves.
  openLedger(ledger)[Symbol.dispose]();
  await Deno.rename(ledger, ledger.replace(/\.sqlite$/, "_previous.sqlite"));
}

function occupied(path: string, why: string): UsageError {
  return new UsageError(
    `Cannot write "${path}": ${why}`,
    "Go on with its answers by --resume, start anew by --overwrite, or name another --output.",
  );
}

function tell(stats: GenerateStats, { missing }: Made, paths: GeneratePaths, { emit }: Context): void {
  for (const message of missing) emit({ type: "log", level: "warn", message });
  emit({ type: "metric", name: "examples", value: stats.examples_generated });
  emit({ type: "artifact", path: paths.output, title: "Dataset", rows: stats.examples_generated });
  emit({ type: "artifact", path: paths.rejects, title: "Rejects", rows: stats.examples_failed });
  emit({ type: "artifact", path: paths.stats, title: "Statistics" });
  emit({ type: "artifact", path: paths.card, title: "Dataset card" });
}
