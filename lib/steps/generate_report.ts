/** What a generation tells about itself: the statistics file, the dataset card, the lines at the end. */
import { count, duration } from "../core/format.ts";
import type { Collected } from "./generate_answers.ts";
import type { Tally } from "./generate_dataset.ts";

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
  /** In words. */
  average_response_length: number;
  average_response_characters: number;
  /** Examples that needed a correction or a fresh try. */
  corrected: number;
  requests_sent: number;
  answers_reused: number;
  engine: string;
  model: string;
  answered_by: Record<string, number>;
  seed: number;
  /** True where no model was asked: such a dataset is for trying the chain, not for training. */
  rehearsal: boolean;
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
    chunks_processed: tally.chunks,
    examples_requested: requested,
    examples_generated: accepted,
    examples_failed: requested - accepted,
    rejects: sorted(tally.rejects),
    system_prompt_distribution: sorted(tally.personas),
    theme_distribution: sorted(tally.themes),
    average_response_length: Math.round(tally.responseWords / (accepted || 1)),
    average_response_characters: Math.round(tally.responseCharacters / (accepted || 1)),
    corrected: tally.corrected,
    requests_sent: collected.sent,
    answers_reused: collected.reused,
    engine: run.engine,
    model: run.model,
    answered_by: sorted(tally.models),
    seed: run.seed,
    rehearsal: run.engine === "rehearsal",
  };
}

/** Most frequent first, then by name: the order does not depend on arrival. */
function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

/** Lines for `--stats`. */
export function summaryLines(stats: GenerateStats): string[] {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts).map(([name, number]) => `${name} ${count(number)}`).join(", ") || "none";
  const seconds = (Date.parse(stats.end_time) - Date.parse(stats.start_time)) / 1000;
  return [
    `${count(stats.examples_generated)} of ${count(stats.examples_requested)} examples from ` +
    `${count(stats.chunks_processed)} passages in ${duration(seconds)}, answered by ${stats.model} (${stats.engine})`,
    `left out   ${list(stats.rejects)}`,
    `personas   ${list(stats.system_prompt_distribution)}`,
    `themes     ${list(stats.theme_distribution)}`,
    `answers    ${stats.average_response_length} words on average`,
  ];
}

export const REHEARSAL_NOTICE =
  "REHEARSAL: no model was asked. These examples were put together from templates and serve to try the chain, not to train.";

/** The dataset card, in Markdown; says nothing that would differ between two runs with the same answers. */
export function datasetCard(stats: GenerateStats, tally: Tally, temperature: number): string {
  const rows = (counts: ReadonlyMap<string, number>) =>
    Object.entries(sorted(counts)).map(([name, number]) => `| ${cell(name)} | ${count(number)} |`).join("\n");
  return `# Deep Red theme dataset
${stats.rehearsal ? `\n> **${REHEARSAL_NOTICE}**\n` : ""}
ChatML conversations: a system prompt that sets one of Deep Red's voices, a question, and the answer in that voice.
Questions and answers were written by a model out of passages of the books below; nothing in them is a quotation to be
relied upon.

| | |
|---|---|
| Examples | ${count(stats.examples_generated)} |
| Passages | ${count(stats.chunks_processed)} |
| Engine | ${stats.engine} |
| Model | ${cell(Object.keys(stats.answered_by).join(", ") || stats.model)} |
| Temperature | ${temperature} |
| Seed | ${stats.seed} |
| Words per answer | ${stats.average_response_length} on average |

## Sources

| Work | Examples |
|---|---|
${rows(tally.sources)}

## Voices

| Persona | Examples |
|---|---|
${rows(tally.personas)}

## Left out

${count(stats.examples_failed)} of ${count(stats.examples_requested)} examples; each is kept in the rejects file.

| Reason | Examples |
|---|---|
${rows(tally.rejects)}
`;
}

/** Text of others inside a Markdown table. */
function cell(text: string): string {
  return text.replace(/[\\|<>[\]`*_]/g, (mark) => `\\${mark}`).replace(/\s+/g, " ");
}
