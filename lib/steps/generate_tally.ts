/** What a dataset holds and what was left out, counted. */
import { yearText } from "../core/format.ts";
import type { Candidate } from "./generate_candidates.ts";

/** What one model did. */
export interface ModelTally {
  /** Requests that it answered. */
  answers: number;
  promptTokens: number;
  completionTokens: number;
  accepted: number;
  rejected: number;
}

export interface Tally {
  /** Ids of the passages that it was asked about. */
  chunks: Set<string>;
  requested: number;
  accepted: number;
  rejects: Map<string, number>;
  personas: Map<string, number>;
  themes: Map<string, number>;
  /** Examples by persona and strongest theme of the passage. */
  coverage: Map<string, Map<string, number>>;
  /** By title, with author and year. */
  sources: Map<string, number>;
  models: Map<string, ModelTally>;
  responseWords: number;
  responseCharacters: number;
  corrected: number;
}

export function emptyTally(): Tally {
  return {
    chunks: new Set(),
    requested: 0,
    accepted: 0,
    rejects: new Map(),
    personas: new Map(),
    themes: new Map(),
    coverage: new Map(),
    sources: new Map(),
    models: new Map(),
    responseWords: 0,
    responseCharacters: 0,
    corrected: 0,
  };
}

/** Counts a candidate with why it was left out, if it was, and the words of its answer, if it was not. */
export function count(tally: Tally, candidate: Candidate, reason: string | undefined, words: number): void {
  const { chunk, persona, themes, outcome, answers } = candidate;
  tally.requested++;
  tally.chunks.add(chunk.id);
  const model = spend(tally, candidate);
  if (reason !== undefined || outcome.kind !== "exchange") {
    add(tally.rejects, reason ?? "not_answered");
    if (model) model.rejected++;
    return;
  }
  tally.accepted++;
  if (model) model.accepted++;
  const theme = themes[0] ?? "none";
  add(tally.personas, persona.id);
  add(tally.themes, theme);
  const row = tally.coverage.get(persona.id) ?? new Map<string, number>();
  add(row, theme);
  tally.coverage.set(persona.id, row);
  const year = chunk.year === undefined ? undefined : yearText(chunk.year);
  const details = [chunk.author, year].filter((part) => part !== undefined && part !== "").join(", ");
  add(tally.sources, details ? `${chunk.source_title} (${details})` : chunk.source_title);
  const { assistant } = outcome.exchange;
  tally.responseWords += words;
  tally.responseCharacters += assistant.length;
  if (answers.length > 1) tally.corrected++;
}

/** Adds the tokens of a candidate's answers; returns the model that gave the last one. */
function spend(tally: Tally, { answers }: Candidate): ModelTally | undefined {
  let last: ModelTally | undefined;
  for (const answer of answers) {
    if ("fault" in answer) continue;
    const { model, usage } = answer.reply;
    last = tally.models.get(model) ??
      { answers: 0, promptTokens: 0, completionTokens: 0, accepted: 0, rejected: 0 };
    tally.models.set(model, last);
    last.answers++;
    last.promptTokens += usage.promptTokens ?? 0;
    last.completionTokens += usage.completionTokens ?? 0;
  }
  return last;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
