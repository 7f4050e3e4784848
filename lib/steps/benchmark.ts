/** Before Phase 3: which of the models at hand is fast, and which is good enough. */
import { messageOf, UsageError, UserError } from "../core/errors.ts";
import { ask } from "../core/exec.ts";
import { refuseFolder, writeFileAtomic } from "../core/files.ts";
import { type Context, defineStep } from "../core/step.ts";
import { loadPersonas } from "../dialogue/personas.ts";
import { findLms, isLocal, lmsFor } from "../llm/lms.ts";
import { type Downloaded, type ModelLoader, modelLoader, type Skipped } from "../llm/load.ts";
import { apiToken, lmstudioAddress } from "../llm/server.ts";
import type { BenchmarkResults, BenchmarkRow } from "./benchmark_file.ts";
import { type KeptRows, openKeptRows } from "./benchmark_kept.ts";
import { type Bench, measureModel } from "./benchmark_measure.ts";
import { type BenchmarkOptions, benchmarkOptions, benchmarkPaths } from "./benchmark_options.ts";
import { asOneText, benchmarkMessages, loadBenchmarkPreset } from "./benchmark_prompt.ts";
import { rateModels } from "./benchmark_rate.ts";
import { ranked, recommend, resultsText } from "./benchmark_report.ts";

export { type BenchmarkResults, type BenchmarkRow, recommendedModel } from "./benchmark_file.ts";
export { benchmarkFlags } from "./benchmark_options.ts";
export { type BenchmarkPoint, benchmarkPoints, resultsText } from "./benchmark_report.ts";

export interface BenchmarkResult {
  /** For pasting into a chat window. */
  readonly prompt: string;
  /** Absent without `--auto-benchmark`. */
  readonly results?: BenchmarkResults;
  /** Titles of the criteria by id. */
  readonly titles: Readonly<Record<string, string>>;
}

/** Measures and rates the models of an LM Studio, or prints a sample prompt for measuring by hand. */
export const benchmark = defineStep({
  name: "benchmark",
  summary: "Finds the fastest model that is good enough to generate with",
  options: benchmarkOptions,
  files(options, { env }) {
    const { personas, preset, results, output } = benchmarkPaths(options, env);
    return { reads: [personas, preset], writes: options.autoBenchmark ? [results, ...(output ? [output] : [])] : [] };
  },
  run: (options, context) => runBenchmark(options, context),
  report: benchmarkReport,
});

/** Runs the benchmark with options of its own or of `generate --benchmark`: what it does not know, it passes over. */
export async function runBenchmark(
  given: Readonly<Record<string, unknown>>,
  context: Context,
  run: typeof ask = ask,
): Promise<BenchmarkResult> {
  // Of several servers the first one is measured.
  const { lmstudioUrl: url } = given;
  const options = benchmarkOptions.parse({ ...given, lmstudioUrl: Array.isArray(url) ? url[0] : url });
  const paths = benchmarkPaths(options, context.env);
  const [{ personas }, preset] = await Promise.all([loadPersonas(paths.personas), loadBenchmarkPreset(paths.preset)]);
  const [first] = personas;
  if (!first) throw new UsageError(`Cannot benchmark with "${paths.personas}": it holds no persona`);
  const titles = Object.fromEntries(preset.rubric.criteria.map(({ id, title }) => [id, title]));
  const prompt = asOneText(benchmarkMessages(preset, first, options.benchmarkExamples));
  if (!options.autoBenchmark) return { prompt, titles };

  // Said now, and not after an hour of measuring.
  for (const path of [paths.results, paths.output]) if (path) await refuseFolder(path, "benchmark.json");
  const server = {
    address: lmstudioAddress(options, context.env),
    fetch: context.fetch,
    token: apiToken(context.env),
  };
  const loader = await loaderFor(options, server, context, run);
  const bench: Bench = { loader, preset, personas, options, server, context };
  const { candidates, skipped, evaluator } = await chooseModels(bench);
  const kept = await openKeptRows(paths.kept, bench);
  const { rows, unrated } = await keepingLoaded(
    loader,
    context,
    () => measureAndRate(candidates, evaluator, kept, bench),
  );
  const recommended = recommend(rows);
  const results: BenchmarkResults = {
    version: 1,
    time: new Date(context.clock.now()).toISOString(),
    server: server.address.shown,
    evaluator: options.evaluatorModel,
    ...(unrated === undefined ? {} : { unrated }),
    settings: {
      examples: options.benchmarkExamples,
      maxTokens: options.benchmarkMaxTokens,
      runs: options.runs,
      judgeSamples: options.judgeSamples,
      temperature: options.temperature,
      contextLength: options.contextLength,
      seed: options.seed,
      loadedBy: loader.means,
    },
    models: ranked(rows),
    skipped: skipped.map(({ key, reason }) => ({ model: key, reason })),
    ...(recommended === undefined ? {} : { recommended }),
  };
  for (const path of new Set([paths.results, ...(paths.output ? [paths.output] : [])])) {
    await writeFileAtomic(path, JSON.stringify(results, null, 2) + "\n");
    context.emit({ type: "artifact", path, title: "Benchmark", rows: rows.length });
  }
  await kept.drop(rows);
  return { prompt, results, titles };
}

/** The result for a person who reads a terminal. */
export function benchmarkReport({ prompt, results, titles }: BenchmarkResult): string {
  return results ? resultsText(results, titles) : prompt;
}

async function loaderFor(
  options: BenchmarkOptions,
  { address, ...access }: Pick<Bench["server"], "address" | "fetch" | "token">,
  { clock, env }: Context,
  run: typeof ask,
): Promise<ModelLoader> {
  // An lms that was not asked for is used on this machine only: it may not know, or not be let into, another.
  const wanted = options.lmsCliPath !== undefined || isLocal(new URL(address.root).hostname);
  const command = !wanted ? undefined : await findLms({
    path: options.lmsCliPath,
    env,
    read: (path) => Deno.readTextFile(path).catch(() => undefined),
    os: Deno.build.os,
    ask: run,
  });
  const lms = command === undefined ? undefined : lmsFor(command, address, run);
  return await modelLoader({ address, access, lms, clock });
}

/** @throws {UserError} where there is nothing to measure, or the evaluator is not there. */
async function chooseModels({ loader, options, server, context }: Bench): Promise<{
  candidates: Downloaded[];
  skipped: Skipped[];
  evaluator: Downloaded;
}> {
  const { usable, skipped } = await loader.downloaded();
  const { shown } = server.address;
  for (const { key, reason } of skipped) context.emit({ type: "drop", reason, count: 1, id: key });
  const names = usable.map(({ key }) => key).join(", ") || "no language model";
  const patterns = (options.modelsFilter ?? []).map((pattern) =>
    new RegExp(pattern.trim().replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*"), "i")
  );
  const candidates = usable.filter(({ key }) => patterns.length === 0 || patterns.some((pattern) => pattern.test(key)));
  if (candidates.length === 0) {
    throw new UserError(
      patterns.length > 0 && usable.length > 0
        ? `Cannot benchmark: --models-filter ${options.modelsFilter?.join(",")} matches no model`
        : `Cannot benchmark: ${shown} has no language model`,
      { hint: usable.length > 0 ? `There are ${names}.` : "Download one in LM Studio or by `lms get`." },
    );
  }
  const evaluator = usable.find(({ key }) => key === options.evaluatorModel);
  if (options.judgeSamples > 0 && !evaluator) {
    // Said now, and not after an hour of measuring.
    throw new UserError(`Cannot rate with "${options.evaluatorModel}": ${shown} does not have it`, {
      hint: `It has ${names}. Name one by --evaluator-model, or measure the speed only by --judge-samples 0.`,
    });
  }
  return { candidates, skipped, evaluator: evaluator ?? { key: options.evaluatorModel } };
}

async function measureAndRate(
  candidates: readonly Downloaded[],
  evaluator: Downloaded,
  kept: KeptRows,
  bench: Bench,
): Promise<{ rows: BenchmarkRow[]; unrated: string | undefined }> {
  const { context: { emit }, loader } = bench;
  if (loader.means === "none") {
    emit({
      type: "log",
      level: "info",
      message: "not LM Studio: its models are measured as they are, without loading",
    });
  }
  const rows: BenchmarkRow[] = [];
  const progress = () => emit({ type: "progress", label: "models", done: rows.length, total: candidates.length });
  try {
    for (const model of candidates) {
      progress();
      let row = kept.of(model.key);
      if (!row) await kept.keep(row = await measureModel(model, bench));
      rows.push(row);
    }
    progress();
    return { rows, unrated: await rateModels(rows, evaluator, bench) };
  } catch (error) {
    kept.tell();
    throw error;
  }
}

/** Leaves the server's memory as it was found, whatever happens. */
async function keepingLoaded<T>(
  loader: ModelLoader,
  { emit }: Pick<Context, "emit">,
  work: () => Promise<T>,
): Promise<T> {
  const before = await loader.loaded();
  const say = (level: "info" | "warn", message: string) => emit({ type: "log", level, message });
  try {
    return await work();
  } finally {
    if (before.length > 0) {
      say(
        "info",
        `loading again what was loaded before: ${before.map(({ key }) => key).join(", ")}`,
      );
    }
    const problems = await loader.restore(before).catch((error) => [messageOf(error)]);
    for (const problem of problems) say("warn", `LM Studio is not as it was found: ${problem}`);
  }
}
