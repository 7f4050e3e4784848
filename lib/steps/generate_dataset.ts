/** Second half of generation: the dataset is built from the ledger, in order, through all gates. */
import { createJsonl } from "../core/jsonl.ts";
import type { Context } from "../core/step.ts";
import { type Ask, converse, type Manner, type Outcome } from "../dialogue/converse.ts";
import { duplicateIndex, words } from "../dialogue/duplicates.ts";
import { failedGate } from "../dialogue/gates.ts";
import type { Ledger } from "../dialogue/ledger.ts";
import type { Exchange } from "../dialogue/parse.ts";
import type { Assignment } from "../dialogue/prompt.ts";
import { requestHash } from "../llm/chat.ts";
import type { Example, Reject } from "../records.ts";
import type { GeneratePaths } from "./generate_options.ts";

/** What the dataset holds and what was left out. */
export interface Tally {
  chunks: number;
  requested: number;
  accepted: number;
  rejects: Map<string, number>;
  personas: Map<string, number>;
  themes: Map<string, number>;
  /** By title, with author and year. */
  sources: Map<string, number>;
  models: Map<string, number>;
  responseWords: number;
  responseCharacters: number;
  corrected: number;
}

/**
 * Takes every conversation out of the ledger by the same turns in which it was made, so that a resumed run, whatever its
 * concurrency, writes the same bytes as an undisturbed one.
 */
export async function buildDataset(
  { tasks, total, model, manner, ledger, themesIn, paths, context }: {
    tasks: AsyncIterable<Assignment & { readonly last: boolean }>;
    total: number;
    model: string;
    manner: Manner;
    ledger: Ledger;
    themesIn: (text: string) => readonly string[];
    paths: GeneratePaths;
    context: Context;
  },
): Promise<Tally> {
  const tally: Tally = {
    chunks: 0,
    requested: 0,
    accepted: 0,
    rejects: new Map(),
    personas: new Map(),
    themes: new Map(),
    sources: new Map(),
    models: new Map(),
    responseWords: 0,
    responseCharacters: 0,
    corrected: 0,
  };
  const ask: Ask = (request) => Promise.resolve(ledger.get(requestHash(request, model)));
  const repeats = repetitionGate();
  await using dataset = await createJsonl(paths.output);
  await using rejects = await createJsonl(paths.rejects);

  for await (const task of tasks) {
    context.signal.throwIfAborted();
    tally.requested++;
    if (task.last) tally.chunks++;
    const outcome = await converse(task, { ...manner, structured: true }, ask);
    const verdict = judge(task, outcome, themesIn, repeats);
    if (verdict) {
      count(tally.rejects, verdict.reason);
      await rejects.write(verdict);
    } else if (outcome.kind === "exchange") {
      const hash = requestHash(outcome.request, model);
      await dataset.write(
        toExample(task, outcome.exchange, { hash, model: outcome.model, seed: outcome.request.seed }),
      );
      add(tally, task, outcome.exchange, outcome.model, outcome.tries);
    }
    if (tally.requested % 500 === 0) {
      context.emit({ type: "progress", label: "gates", done: tally.requested, total, unit: "examples" });
    }
  }
  context.emit({ type: "progress", label: "gates", done: tally.requested, total, unit: "examples" });
  await rejects.commit();
  await dataset.commit();
  return tally;
}

type Repetition = (task: Assignment, exchange: Exchange) => { reason: string; detail: string } | undefined;

/** Catches what an earlier example has said already; what passes is remembered. */
function repetitionGate(): Repetition {
  const answers = duplicateIndex();
  const ids: string[] = [];
  const questions = new Map<string, string>();
  return (task, { user, assistant }) => {
    const id = exampleId(task);
    // One persona does not answer one question twice; another persona may well be asked the same.
    const question = `${task.persona.id} ${words(user).join(" ")}`;
    const asked = questions.get(question);
    if (asked !== undefined) return { reason: "duplicate_question", detail: `as in ${asked}` };
    const near = answers.nearest(assistant);
    if (near) {
      const detail = `${near.similarity.toFixed(2)} like ${ids[near.index] ?? ""}`;
      return { reason: near.similarity === 1 ? "duplicate" : "near_duplicate", detail };
    }
    questions.set(question, id);
    answers.add(assistant);
    ids.push(id);
    return undefined;
  };
}

/** Why an example is left out, or `undefined`. */
function judge(
  task: Assignment,
  outcome: Outcome,
  themesIn: (text: string) => readonly string[],
  repeats: Repetition,
): Reject | undefined {
  const id = exampleId(task);
  if (outcome.kind === "failed") return { reason: "not_answered", id, detail: "the server gave no answer" };
  if (outcome.kind === "reject") return { reason: outcome.reason, id, detail: outcome.detail, row: outcome.said };
  const { exchange } = outcome;
  const failed = failedGate({ ...exchange, passage: task.chunk.text, themesIn }) ?? repeats(task, exchange);
  return failed && { ...failed, id, row: exchange };
}

function exampleId({ chunk, persona }: Assignment): string {
  return `${chunk.id}/${persona.id}`;
}

function toExample(
  { chunk, persona, themes }: Assignment,
  { user, assistant }: Exchange,
  answered: { hash: string; model: string; seed: number | undefined },
): Example {
  const { id, source_id, source_title, author, year, chapter, start, end } = chunk;
  return {
    messages: [
      { role: "system", content: persona.system },
      { role: "user", content: user },
      { role: "assistant", content: assistant },
    ],
    metadata: {
      persona: persona.id,
      chunk_id: id,
      source_id,
      source_title,
      ...defined({ author, year, chapter, start, end }),
      themes,
      request: answered.hash.slice(0, 16),
      ...defined({ model: answered.model, seed: answered.seed }),
    },
  };
}

/** The entries that have a value. */
function defined(entries: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

function add(
  tally: Tally,
  { chunk, persona, themes }: Assignment,
  { assistant }: Exchange,
  model: string,
  tries: number,
) {
  tally.accepted++;
  count(tally.personas, persona.id);
  count(tally.themes, themes[0] ?? "none");
  const details = [chunk.author, chunk.year].filter((part) => part !== undefined && part !== "").join(", ");
  count(tally.sources, details ? `${chunk.source_title} (${details})` : chunk.source_title);
  count(tally.models, model);
  tally.responseWords += words(assistant).length;
  tally.responseCharacters += assistant.length;
  if (tries > 1) tally.corrected++;
}

function count(counts: Map<string, number>, key: string) {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
