/** The benchmark in a notebook: of the server at hand, or a recorded one where there is none. */
import { join } from "node:path";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { presetPath, WORKSPACE } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import { serverStatus } from "../llm/models.ts";
import { apiToken, lmstudioAddress } from "../llm/server.ts";
import { runBenchmark } from "./benchmark.ts";
import { BenchmarkResults } from "./benchmark_file.ts";
import { loadBenchmarkPreset } from "./benchmark_prompt.ts";

/** What a stand-in for LM Studio was measured at; its models do not exist. */
export const RECORDED = join(WORKSPACE, "data-samples", "recorded", "benchmark.json");

export interface BenchmarkAtHand {
  readonly results: BenchmarkResults;
  /** Titles of the criteria by id. */
  readonly titles: Readonly<Record<string, string>>;
  /** Where the results come from, in a sentence. */
  readonly source: string;
  readonly recorded: boolean;
}

/**
 * Measures and rates the models of the server that the environment names (`LMSTUDIO_HOST` and `_PORT`). Where nobody
 * answers there, reads a recording.
 *
 * @param options Those of the step `benchmark`.
 */
export async function benchmarkAtHand(
  options: Readonly<Record<string, unknown>>,
  context: Context,
  recording: string = RECORDED,
): Promise<BenchmarkAtHand> {
  const address = lmstudioAddress({}, context.env);
  const server = await serverStatus(address.shown, { fetch: context.fetch, token: apiToken(context.env) });
  if (server.models.length > 0) {
    const { results, titles } = await runBenchmark({ ...options, autoBenchmark: true }, context);
    if (results) return { results, titles, source: `measured now at ${server.url}`, recorded: false };
  }
  const { rubric } = await loadBenchmarkPreset(presetPath("deepred/benchmark.jsonc"));
  const why = server.reachable ? `${server.url} has no model` : `nobody answers at ${server.url}`;
  context.emit({ type: "log", level: "warn", message: `${why}: what follows is a recording` });
  return {
    results: await readRecording(recording),
    titles: Object.fromEntries(rubric.criteria.map(({ id, title }) => [id, title])),
    source: "a recording: a stand-in for LM Studio was measured, whose models, answers and marks are made up",
    recorded: true,
  };
}

async function readRecording(path: string): Promise<BenchmarkResults> {
  const results = BenchmarkResults.safeParse(JSON.parse(await readTextFile(path)));
  if (results.success) return results.data;
  throw new UserError(`Cannot read "${path}": it is no benchmark's results`);
}
