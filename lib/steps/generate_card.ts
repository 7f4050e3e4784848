/** The dataset card: what a dataset is, where it comes from, and what was left out. */
import { count, counted } from "../core/format.ts";
import { type GenerateStats, REHEARSAL_NOTICE, sorted } from "./generate_report.ts";
import type { Tally } from "./generate_tally.ts";

/** The card in Markdown; says nothing that would differ between two runs with the same answers. */
export function datasetCard(stats: GenerateStats, tally: Tally, temperature: number | undefined): string {
  const rows = (counts: ReadonlyMap<string, number>) =>
    Object.entries(sorted(counts)).map(([name, number]) => `| ${cell(name)} | ${count(number)} |`).join("\n");
  const themes = Object.keys(stats.theme_distribution);
  const grid = Object.entries(stats.coverage).map(([persona, row]) =>
    `| ${cell(persona)} | ${themes.map((theme) => count(row[theme] ?? 0)).join(" | ")} |`
  ).join("\n");
  const models = Object.entries(stats.models).map(([name, model]) =>
    `| ${cell(name)} | ${count(model.answers)} | ${count(model.prompt_tokens)} | ${count(model.completion_tokens)} | ` +
    `${Math.round(100 * model.acceptance)} % |`
  ).join("\n");
  return `# Deep Red theme dataset
${stats.rehearsal ? `\n> **${REHEARSAL_NOTICE}**\n` : ""}
ChatML conversations: a system prompt that sets one of Deep Red's voices, a question, and the answer in that voice.
Questions and answers were written by a model out of passages of the books below; nothing in them is a quotation to be
relied upon. Every line of the dataset has its line in the file of sources, which names book, place, persona, model and
seed; what was left out is in the file of rejects, each with its reason.

| | |
|---|---|
| Examples | ${count(stats.examples_generated)} |
| Passages | ${count(stats.chunks_processed)} |
| Engine | ${stats.engine} |
| Model | ${cell(Object.keys(stats.models).join(", ") || stats.model)} |
| Temperature | ${temperature ?? "unknown"} |
| Seed | ${stats.seed} |
| Words per answer | ${stats.average_response_length} on average |

## Sources

| Work | Examples |
|---|---|
${rows(tally.sources)}

## Voices and themes

| Persona | ${themes.map(cell).join(" | ")} |
|---|${themes.map(() => "---|").join("")}
${grid}

## Models

| Model | Answers | Tokens read | Tokens written | Accepted |
|---|---|---|---|---|
${models}

## Left out

${count(stats.examples_failed)} of ${counted(stats.examples_requested, "example")}; each is kept in the file of rejects.

| Reason | Examples |
|---|---|
${rows(tally.rejects)}
`;
}

/** Text of others inside a Markdown table. */
function cell(text: string): string {
  return text.replace(/[\\|<>[\]`*_]/g, (mark) => `\\${mark}`).replace(/\s+/g, " ");
}
