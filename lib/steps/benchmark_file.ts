/** The benchmark's results as they are kept, and what generation takes from them. */
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";

const Run = z.object({
  persona: z.string(),
  seed: z.number(),
  /** Why there is no answer. */
  error: z.string().optional(),
  content: z.string().optional(),
  /** Characters of reasoning. */
  reasoning: z.number().optional(),
  finishReason: z.string().optional(),
  completionTokens: z.number().optional(),
  counted: z.enum(["usage", "pieces"]).optional(),
  firstTokenMs: z.number().optional(),
  firstAnswerMs: z.number().optional(),
  totalMs: z.number().optional(),
  /** Exchanges in the answer that can be used. */
  usable: z.number().optional(),
  /** Whether the answer is the ordered JSON and nothing else. */
  exact: z.boolean().optional(),
  /** The server's own figures, as it sent them. */
  serverStats: z.unknown().optional(),
});

export const BenchmarkRow = z.object({
  model: z.string(),
  /** Why it could not be measured. */
  error: z.string().optional(),
  tokensPerSecond: z.number().optional(),
  /** True where the server told no number of tokens. */
  estimated: z.boolean().optional(),
  ttftSeconds: z.number().optional(),
  seconds: z.number().optional(),
  /** For 1,000 usable exchanges, one request at a time. */
  hoursPer1000: z.number().optional(),
  loadSeconds: z.number().optional(),
  /** 1.0 to 5.0. */
  rating: z.number().optional(),
  criteria: z.record(z.string(), z.object({ score: z.number().optional(), evidence: z.string() })).optional(),
  /** Share of the evaluator's marks that could not be read. */
  marksMissing: z.number().optional(),
  /** Rated by a model of its own family, which models favour. */
  kin: z.boolean().optional(),
  runs: z.array(Run),
});
export type BenchmarkRow = z.infer<typeof BenchmarkRow>;
export type BenchmarkRun = z.infer<typeof Run>;

export const BenchmarkResults = z.object({
  version: z.literal(1),
  time: z.string(),
  server: z.string(),
  evaluator: z.string(),
  /** Why there are no ratings. */
  unrated: z.string().optional(),
  settings: z.record(z.string(), z.union([z.string(), z.number()])),
  /** Fastest first; those that could not be measured last. */
  models: z.array(BenchmarkRow),
  skipped: z.array(z.object({ model: z.string(), reason: z.string() })),
  /** The model to generate with. */
  recommended: z.string().optional(),
});
export type BenchmarkResults = z.infer<typeof BenchmarkResults>;

/**
 * The model that the last benchmark recommends: `generate --lmstudio-model auto` uses it.
 *
 * @throws {UserError} where no benchmark was run, or it recommends none.
 */
export async function recommendedModel(dataDir: string): Promise<string> {
  const path = join(dataDir, "benchmark.json");
  const run = "Run `deno task benchmark --auto-benchmark`, or name a model by --lmstudio-model.";
  const text = await readTextFile(path).catch((cause) => {
    throw new UserError(`Cannot choose a model: no benchmark's results are at "${path}"`, { hint: run, cause });
  });
  const results = BenchmarkResults.safeParse(jsonOf(text));
  if (!results.success) throw new UserError(`Cannot read "${path}": it is no benchmark's results`, { hint: run });
  const { recommended } = results.data;
  if (recommended !== undefined) return recommended;
  throw new UserError(`Cannot choose a model: the benchmark at "${path}" found none that is rated well enough`, {
    hint: run,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
