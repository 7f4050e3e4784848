/** What a dataset tells about its making: the statistics file and the lines at the end. */
import { count, counted, duration } from "../core/format.ts";
import type { Collected } from "./generate_asking.ts";
import type { ModelTally, Tally } from "./generate_tally.ts";

export interface GenerateStats {
  start_time: string;
  end_time: string;
  chunks_processed: number;
  examples_requested: number;
  examples_generated: number;
  /** Everything that was asked for and is not in the dataset; `rejects` says why. */
  examples_failed: number;
  rejects: Record<string, number>;
  system_prompt_distribution: Record<string, number>;
  theme_distribution: Record<string, number>;
  /** Examples by persona, and by the strongest theme of their passage. */
  coverage: Record<string, Record<string, number>>;
  /** In words. */
  average_response_length: number;
  average_response_characters: number;
  /** Examples that needed a correction or a fresh try. */
  corrected: number;
  requests_sent: number;
  answers_reused: number;
  engine: string;
  model: string;
  /** What each model that answered was asked, spent and had accepted. */
  models: Record<string, ModelStats>;
  seed: number;
  /** True where no model was asked: such a dataset is for trying the chain, not for training. */
  rehearsal: boolean;
}

export interface ModelStats {
  answers: number;
  prompt_tokens: number;
  completion_tokens: number;
  accepted: number;
  rejected: number;
  /** Accepted of those that it answered, 0 to 1. */
  acceptance: number;
}

export function statistics(
  tally: Tally,
  collected: Collected,
  run: { start: number; end: number; engine: string; model: string; seed: number },
): GenerateStats {
  const { accepted, requested } = tally;
  return {
    start_time: new Date(run.start).toISOString(),
    end_time: new Date(run.end).toISOString(),
    chunks_processed: tally.chunks.size,
    examples_requested: requested,
    examples_generated: accepted,
    examples_failed: requested - accepted,
    rejects: sorted(tally.rejects),
    system_prompt_distribution: sorted(tally.personas),
    theme_distribution: sorted(tally.themes),
    coverage: coverage(tally),
    average_response_length: Math.round(tally.responseWords / (accepted || 1)),
    average_response_characters: Math.round(tally.responseCharacters / (accepted || 1)),
    corrected: tally.corrected,
    requests_sent: collected.sent,
    answers_reused: collected.reused,
    engine: run.engine,
    model: run.model,
    models: Object.fromEntries([...tally.models].sort(([a], [b]) => (a < b ? -1 : 1)).map(modelStats)),
    seed: run.seed,
    rehearsal: run.engine === "rehearsal",
  };
}

function modelStats([name, tally]: [string, ModelTally]): [string, ModelStats] {
  const { answers, promptTokens, completionTokens, accepted, rejected } = tally;
  const acceptance = Math.round(1000 * accepted / (accepted + rejected || 1)) / 1000;
  return [name, {
    answers,
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    accepted,
    rejected,
    acceptance,
  }];
}

/** Every persona with every theme that there is, also where they did not meet: a gap is what one looks for. */
function coverage({ coverage, themes }: Tally): Record<string, Record<string, number>> {
  const names = Object.keys(sorted(themes));
  return Object.fromEntries(
    [...coverage].sort(([a], [b]) => (a < b ? -1 : 1)).map(([persona, row]) => [
      persona,
      Object.fromEntries(names.map((theme) => [theme, row.get(theme) ?? 0])),
    ]),
  );
}

/** Most frequent first, then by name: the order does not depend on arrival. */
export function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

/** Lines for `--stats`. */
export function summaryLines(stats: GenerateStats): string[] {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts).map(([name, number]) => `${name} ${count(number)}`).join(", ") || "none";
  const seconds = (Date.parse(stats.end_time) - Date.parse(stats.start_time)) / 1000;
  return [
    `${count(stats.examples_generated)} of ${counted(stats.examples_requested, "example")} from ` +
    `${counted(stats.chunks_processed, "passage")} in ${
      duration(seconds)
    }, answered by ${stats.model} (${stats.engine})`,
    `left out   ${list(stats.rejects)}`,
    `personas   ${list(stats.system_prompt_distribution)}`,
    `themes     ${list(stats.theme_distribution)}`,
    `answers    ${stats.average_response_length} words on average`,
    ...Object.entries(stats.models).map(([name, model]) =>
      `model      ${name}: ${count(model.accepted)} of ${count(model.accepted + model.rejected)} accepted, ` +
      `${count(model.prompt_tokens)} tokens read and ${count(model.completion_tokens)} written`
    ),
  ];
}

export const REHEARSAL_NOTICE =
  "REHEARSAL: no model was asked. These examples were put together from templates and serve to try the chain, not to train.";
