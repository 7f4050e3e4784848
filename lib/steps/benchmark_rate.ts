/** Has the evaluator rate what the measured models wrote. */
import { isAbort, messageOf } from "../core/errors.ts";
import { judge, type Judged, ratingOf } from "../evaluation/judge.ts";
import type { Downloaded } from "../llm/load.ts";
import { openaiEngine } from "../llm/openai.ts";
import type { Bench } from "./benchmark_measure.ts";
import type { BenchmarkRow } from "./benchmark_file.ts";
import { asOneText, benchmarkMessages, readForm } from "./benchmark_prompt.ts";

/**
 * Loads the evaluator, alone, and puts ratings into the rows.
 *
 * @returns Why there are none, if there are none. What was measured stands all the same.
 */
export async function rateModels(
  rows: readonly BenchmarkRow[],
  evaluator: Downloaded,
  bench: Bench,
): Promise<string | undefined> {
  const { loader, options, preset, server, context } = bench;
  const { signal, clock, emit } = context;
  const items = rows.flatMap((row) => responses(row, bench).map((item) => ({ row, item })));
  if (options.judgeSamples === 0) return "ratings were switched off by --judge-samples 0";
  if (items.length === 0) return "there is no answer to rate";
  try {
    const contextLength = Math.min(options.contextLength, evaluator.contextLength ?? Infinity);
    const { id } = await loader.loadAlone(evaluator.key, contextLength, signal);
    const judgements = await judge(items.map(({ item }) => item), {
      engine: openaiEngine({ ...server, model: id }),
      rubric: preset.rubric,
      samples: options.judgeSamples,
      seed: options.seed,
      concurrency: options.judgeConcurrency,
      clock,
      onProgress: (done, total) => emit({ type: "progress", label: "rating", done, total, unit: "marks" }),
    }, signal);
    for (const row of rows) {
      const own = judgements.filter((_, index) => items[index]?.row === row);
      if (own.length === 0) continue;
      const { overall, criteria, missing } = ratingOf(own);
      if (overall !== undefined) row.rating = overall;
      row.criteria = Object.fromEntries(
        Object.entries(criteria).map(([id, { score, evidence }]) => [
          id,
          { ...(score === undefined ? {} : { score: Math.round(score * 10) / 10 }), evidence },
        ]),
      );
      if (missing > 0) row.marksMissing = missing;
      if (family(row.model) === family(evaluator.key)) row.kin = true;
    }
    return undefined;
  } catch (error) {
    if (signal.aborted || isAbort(error)) throw error;
    const why = messageOf(error);
    emit({ type: "log", level: "warn", message: `no ratings: ${why}` });
    return why;
  } finally {
    if (!signal.aborted) {
      await loader.unloadAll().catch((error) => emit({ type: "log", level: "warn", message: messageOf(error) }));
    }
  }
}

function responses(row: BenchmarkRow, { preset, personas, options }: Bench): Judged[] {
  return row.runs.flatMap((run, number) => {
    const persona = personas.find(({ id }) => id === run.persona);
    if (run.content === undefined || !persona) return [];
    const { exchanges, exact } = readForm(run.content, options.benchmarkExamples);
    const ended = run.finishReason === "length" ? "; it was cut off where its tokens ran out" : "";
    return [{
      id: `${row.model} ${number}`,
      task: asOneText(benchmarkMessages(preset, persona, options.benchmarkExamples)),
      text: run.content,
      facts: {
        format_compliance: `it ${exact ? "is" : "is not"} the ordered JSON and nothing else; ` +
          `${exchanges.length} of ${options.benchmarkExamples} exchanges can be taken from it${ended}`,
      },
    }];
  });
}

/** `openai/gpt-oss-20b` and `gpt-oss-120b-abliterated` are of one family; so are all of one name up to its first number. */
function family(model: string): string {
  const name = model.split("/").at(-1)?.toLowerCase().replace(/^openai-/, "") ?? "";
  return name.split(/[^a-z]*\d/)[0] ?? name;
}
