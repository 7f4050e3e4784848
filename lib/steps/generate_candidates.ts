/** What came of every example that was asked for, read from the ledger: along the plan of a run, or along what it kept. */
import { z } from "zod";
import { sha256 } from "../core/files.ts";
import { type Ask, converse, type Manner } from "../dialogue/converse.ts";
import type { Answer, Asked, Ledger } from "../dialogue/ledger.ts";
import { type Exchange, parseExchange } from "../dialogue/parse.ts";
import type { Persona } from "../dialogue/personas.ts";
import { type Assignment, themesOf } from "../dialogue/prompt.ts";
import { requestHash } from "../llm/chat.ts";
import type { FilteredChunk } from "../records.ts";

/** What a run asked with, kept in the ledger as the note `run`. */
export const RunNote = z.object({
  engine: z.string(),
  model: z.string(),
  temperature: z.number(),
  maxTokens: z.number(),
  seed: z.number(),
  examplesPerChunk: z.number(),
  maxChunks: z.number().optional(),
});
export type RunNote = z.output<typeof RunNote>;

type Sent = Asked["requests"][number];

/** An example that may go into the dataset. */
export interface Candidate extends Assignment {
  /** The last one of its passage. */
  readonly last: boolean;
  readonly outcome:
    | { readonly kind: "exchange"; readonly exchange: Exchange; readonly model: string; readonly request: Sent }
    | { readonly kind: "reject"; readonly reason: string; readonly detail: string; readonly said: string }
    | { readonly kind: "failed" };
  /** All answers to its requests, in turn. */
  readonly answers: readonly Answer[];
}

/** Names an example by its passage and its persona. */
export function exampleId({ chunk, persona }: Pick<Assignment, "chunk" | "persona">): string {
  return `${chunk.id}/${persona.id}`;
}

/** Short: it only tells apart passages of one id. */
function passageHash(chunk: Pick<FilteredChunk, "text">): string {
  return sha256(chunk.text).slice(0, 16);
}

/**
 * Takes every conversation by the same turns in which it was made, and keeps in the ledger how each was asked for.
 */
export async function* replayed(
  { tasks, manner, model, ledger }: {
    tasks: AsyncIterable<Assignment & { readonly last: boolean }>;
    manner: Manner;
    model: string;
    ledger: Ledger;
  },
): AsyncGenerator<Candidate> {
  let kept: [string, Asked][] = [];
  for await (const task of tasks) {
    const requests: Sent[] = [];
    const answers: Answer[] = [];
    const ask: Ask = (request) => {
      const hash = requestHash(request, model);
      const answer = ledger.get(hash);
      if (answer) {
        const prompt = sha256(JSON.stringify(request.messages));
        requests.push({ hash, prompt, ...(request.seed === undefined ? {} : { seed: request.seed }) });
        answers.push(answer);
      }
      return Promise.resolve(answer);
    };
    const outcome = await converse(task, { ...manner, structured: true }, ask);
    const request = requests.at(-1);
    yield {
      ...task,
      answers,
      outcome: outcome.kind !== "exchange"
        ? outcome
        : request
        ? { kind: "exchange", exchange: outcome.exchange, model: outcome.model, request }
        : { kind: "failed" },
    };
    if (requests.length > 0) kept.push([exampleId(task), { passage: passageHash(task.chunk), requests }]);
    if (kept.length >= 1000) {
      ledger.remember(kept);
      kept = [];
    }
  }
  ledger.remember(kept);
  ledger.setNote("remembered", String(ledger.count()));
}

/** What the ledger holds of these passages, in their order and that of the personas; `onUnasked` hears of the others. */
export async function* remembered(
  { chunks, personas, ledger, onUnasked }: {
    chunks: AsyncIterable<FilteredChunk>;
    personas: readonly Persona[];
    ledger: Ledger;
    onUnasked?: (chunk: FilteredChunk) => void;
  },
): AsyncGenerator<Candidate> {
  for await (const chunk of chunks) {
    const passage = passageHash(chunk);
    const themes = themesOf(chunk);
    const found = personas.flatMap((persona) => {
      const asked = ledger.asked(exampleId({ chunk, persona }));
      return asked?.passage === passage ? [{ persona, asked }] : [];
    });
    if (found.length === 0) onUnasked?.(chunk);
    for (const [index, { persona, asked }] of found.entries()) {
      const answers = asked.requests.flatMap(({ hash }) => ledger.get(hash) ?? []);
      yield {
        chunk,
        persona,
        themes,
        last: index === found.length - 1,
        answers,
        outcome: outcomeOf(asked, ledger),
      };
    }
  }
}

/** The first usable answer, else why the last one is none. */
function outcomeOf({ requests }: Asked, ledger: Ledger): Candidate["outcome"] {
  let last: Candidate["outcome"] = { kind: "failed" };
  for (const request of requests) {
    const answer = ledger.get(request.hash);
    if (!answer) continue;
    if ("fault" in answer) {
      last = { kind: "reject", reason: answer.fault.kind, detail: answer.fault.message, said: "" };
      continue;
    }
    const { reply } = answer;
    const parsed = parseExchange(reply);
    if (parsed.ok) return { kind: "exchange", exchange: parsed.exchange, model: reply.model, request };
    last = { kind: "reject", reason: "invalid_json", detail: parsed.error, said: reply.content || reply.reasoning };
  }
  return last;
}
