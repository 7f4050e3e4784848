/** Phase 3: a language model turns each passage into questions, answered in Deep Red's voices. */
import { UsageError, UserError } from "../core/errors.ts";
import { readTextFile, writeFileAtomic } from "../core/files.ts";
import { type Context, defineStep } from "../core/step.ts";
import { parseThemes } from "../corpus/themes.ts";
import type { Manner } from "../dialogue/converse.ts";
import { loadGates } from "../dialogue/gates_load.ts";
import { openLedger } from "../dialogue/ledger.ts";
import { loadPersonas } from "../dialogue/personas.ts";
import { loadPrompts, renderRequest } from "../dialogue/prompt.ts";
import { readVerdicts } from "../dialogue/verdicts.ts";
import { assignments, collectAnswers } from "./generate_answers.ts";
import { replayed, type RunNote } from "./generate_candidates.ts";
import { datasetCard } from "./generate_card.ts";
import { buildDataset } from "./generate_dataset.ts";
import { checkServer, engineFor } from "./generate_engine.ts";
import { type GenerateOptions, generateOptions, type GeneratePaths, generatePaths } from "./generate_options.ts";
import { type GenerateStats, REHEARSAL_NOTICE, statistics, summaryLines } from "./generate_report.ts";
import { splitDataset, type SplitResult } from "./split.ts";

export interface GenerateResult {
  paths: GeneratePaths;
  /** Passages and examples that were planned. */
  plan: { chunks: number; examples: number };
  /** Absent after a dry run. */
  stats?: GenerateStats;
  split?: SplitResult;
  /** Whether `--stats` was asked for. */
  detailed: boolean;
}

/** Makes the dataset out of the filtered passages. Answers are kept in a ledger beside it, so that no work is lost. */
export const generate = defineStep({
  name: "generate",
  summary: "Turns passages into questions and answers in Deep Red's voices",
  options: generateOptions,
  files(options, { env }) {
    const paths = generatePaths(options, env);
    const { input, personas, prompts, themes, gates, anachronisms, slop, evaluation } = paths;
    const { output, sources, rejects, stats, card, train, val, splitRejects } = paths;
    return {
      reads: [input, personas, prompts, themes, gates, anachronisms, slop, evaluation],
      writes: [output, sources, rejects, stats, card, ...(options.split ? [train, val, splitRejects] : [])],
    };
  },
  async run(options, context): Promise<GenerateResult> {
    const start = context.clock.now();
    const paths = generatePaths(options, context.env);
    const engine = engineFor(options, context);
    const [{ personas }, prompts, themes] = await Promise.all([
      loadPersonas(paths.personas),
      loadPrompts(paths.prompts),
      readTextFile(paths.themes).then((text) => parseThemes(text, paths.themes)),
    ]);
    const gates = await loadGates(paths, themes);
    const say = (level: "info" | "warn", message: string) => context.emit({ type: "log", level, message });
    const tasks = () => assignments(paths.input, personas, options, context.signal);
    const plan = await survey(tasks(), paths.input);
    const manner: Manner = {
      prompts,
      sampling: { temperature: options.temperature, maxTokens: options.maxTokens },
      seed: options.seed,
      structured: true,
    };
    if (options.dryRun) {
      await showPlan(tasks(), plan, manner, options, context);
      return { paths, plan, detailed: false };
    }
    if (!options.resume && !options.overwrite && await exists(paths.output)) {
      throw occupied(paths.output, "it exists already");
    }
    await checkServer(options, context);
    if (options.overwrite && !options.resume) await setAside(paths.ledger);
    using ledger = openLedger(paths.ledger);
    if (ledger.count() > 0 && !options.resume) {
      throw occupied(paths.ledger, `it holds ${ledger.count()} answers of a run`);
    }
    if (engine.name === "rehearsal") say("warn", REHEARSAL_NOTICE);
    ledger.setNote("run", JSON.stringify(runNote(options, engine, paths)));
    manner.structured = ledger.note(`prompt-only ${engine.model}`) === undefined;

    const { examples: total } = plan;
    const collected = await collectAnswers({
      tasks: tasks(),
      total,
      engine,
      manner,
      ledger,
      options,
      paths,
      context,
    });
    const { model } = engine;
    const tally = await buildDataset({
      candidates: replayed({ tasks: tasks(), manner, model, ledger }),
      total,
      gates,
      input: paths.input,
      verdicts: readVerdicts(paths.verdicts),
      paths,
      context,
    });
    const stats = statistics(tally, collected, {
      start,
      end: context.clock.now(),
      engine: engine.name,
      model,
      seed: options.seed,
    });
    await writeFileAtomic(paths.stats, JSON.stringify(stats, null, 2) + "\n");
    await writeFileAtomic(paths.card, datasetCard(stats, tally, options.temperature));
    tell(stats, paths, context);
    if (tally.accepted === 0) {
      throw new UserError(`Cannot make a dataset: none of ${tally.requested} examples passed`, {
        hint: `Each is kept with its reason in "${paths.rejects}".`,
      });
    }
    const result = { paths, plan, stats, detailed: options.stats };
    if (!options.split) return result;
    const { trainRatio: ratio, seed, splitBy: by } = options;
    const { evaluation } = paths;
    return { ...result, split: await splitDataset({ paths, ratio, seed, by, evaluation }, context) };
  },
  report({ plan, stats, detailed }) {
    if (!stats) return `planned: ${plan.examples} examples from ${plan.chunks} passages`;
    const lines = summaryLines(stats);
    return [...(detailed ? lines : lines.slice(0, 1)), ...(stats.rehearsal ? [REHEARSAL_NOTICE] : [])].join("\n");
  },
});

/** Reads the whole input once, so that a bad line is found before the first request and not hours after. */
async function survey(tasks: AsyncIterable<{ last: boolean }>, input: string): Promise<GenerateResult["plan"]> {
  const plan = { chunks: 0, examples: 0 };
  for await (const { last } of tasks) {
    plan.examples++;
    if (last) plan.chunks++;
  }
  if (plan.chunks > 0) return plan;
  throw new UserError(`Cannot generate from "${input}": it holds no passages`, {
    hint: "Run filter with a lower --min-matches, or retrieve more books.",
  });
}

/** Moves the answers of an earlier run out of the way; they may have cost hours, so they are not deleted. */
async function setAside(ledger: string): Promise<void> {
  if (!await exists(ledger)) return;
  // Opened once: a run that is still writing is refused, and everything is in the one file when it moves.
  openLedger(ledger)[Symbol.dispose]();
  await Deno.rename(ledger, ledger.replace(/\.sqlite$/, "_previous.sqlite"));
}

/** What the ledger's answers were asked with: the step gate tells it in the card, and finds them by it. */
function runNote(options: GenerateOptions, engine: { name: string; model: string }, paths: GeneratePaths): RunNote {
  const { temperature, maxTokens, seed, examplesPerChunk, maxChunks } = options;
  return {
    engine: engine.name,
    model: engine.model,
    temperature,
    maxTokens,
    seed,
    examplesPerChunk,
    ...(maxChunks === undefined ? {} : { maxChunks }),
    input: paths.input,
    personas: paths.personas,
    prompts: paths.prompts,
  };
}

function occupied(path: string, why: string): UsageError {
  return new UsageError(
    `Cannot write "${path}": ${why}`,
    "Go on with its answers by --resume, start anew by --overwrite, or name another --output.",
  );
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function showPlan(
  tasks: AsyncIterable<Parameters<typeof renderRequest>[0]>,
  plan: GenerateResult["plan"],
  manner: Manner,
  options: GenerateOptions,
  context: Context,
): Promise<void> {
  const say = (message: string) => context.emit({ type: "log", level: "info", message });
  const model = options.engine === "rehearsal" ? "the rehearsal engine" : options.lmstudioModel;
  say(
    `would ask ${model} for ${plan.examples} examples from ${plan.chunks} passages, ${options.concurrency} at a time`,
  );
  let shown = 0;
  for await (const task of tasks) {
    const request = renderRequest(task, manner.prompts, manner.sampling, {
      seed: manner.seed,
      attempt: 0,
      structured: true,
    });
    say(`--- ${task.chunk.id} as ${task.persona.id} ---`);
    for (const { role, content } of request.messages) say(`[${role}]\n${content}`);
    if (++shown === 2) return;
  }
}

function tell(stats: GenerateStats, paths: GeneratePaths, { emit }: Context): void {
  for (const [reason, count] of Object.entries(stats.rejects)) emit({ type: "drop", reason, count });
  emit({ type: "metric", name: "examples", value: stats.examples_generated });
  emit({ type: "artifact", path: paths.output, title: "Dataset", rows: stats.examples_generated });
  emit({ type: "artifact", path: paths.rejects, title: "Rejects", rows: stats.examples_failed });
  emit({ type: "artifact", path: paths.stats, title: "Statistics" });
  emit({ type: "artifact", path: paths.card, title: "Dataset card" });
}
