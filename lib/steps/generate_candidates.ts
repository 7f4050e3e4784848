/** What came of every example that was asked for, read from the ledger along the plan of a run. */
import { z } from "zod";
import { sha256 } from "../core/files.ts";
import { type Ask, converse, type Manner } from "../dialogue/converse.ts";
import type { GateSubject, GateVerdict } from "../dialogue/gates.ts";
import type { Judge } from "../dialogue/gates_thread.ts";
import type { Answer, Asked, Ledger } from "../dialogue/ledger.ts";
import { type Exchange, parseExchange } from "../dialogue/parse.ts";
import type { Assignment } from "../dialogue/prompt.ts";
import { promptHash, requestHash } from "../llm/chat.ts";
import type { FilteredChunk } from "../records.ts";
import type { Trails } from "./generate_trails.ts";

/** What a run asked with, kept in the ledger as the note `run`. */
export const RunNote = z.object({
  engine: z.string(),
  model: z.string(),
  temperature: z.number(),
  maxTokens: z.number(),
  seed: z.number(),
  examplesPerChunk: z.number(),
  maxChunks: z.number().optional(),
  /** Examples that it planned. */
  planned: z.number().optional(),
  /** Where it found what it asked about, and with which prompts and personas. */
  input: z.string(),
  personas: z.string(),
  prompts: z.string(),
  /** Options that decide what is asked. */
  plan: z.record(z.string(), z.unknown()).optional(),
});
export type RunNote = z.output<typeof RunNote>;

type Sent = Asked["requests"][number];

/** An example that may go into the dataset. */
export interface Candidate extends Assignment {
  readonly outcome:
    | { readonly kind: "exchange"; readonly exchange: Exchange; readonly model: string; readonly request: Sent }
    | { readonly kind: "reject"; readonly reason: string; readonly detail: string; readonly said: string }
    | { readonly kind: "failed" };
  /** All answers to its requests, in turn. */
  readonly answers: readonly Answer[];
  /** What the gates that look at it alone said, where they were asked already; `null` where it passes. */
  readonly verdict?: GateVerdict | null | undefined;
}

/** What the gates look at. */
export function subjectOf({ chunk: { text }, themes }: Assignment, exchange: Exchange): GateSubject {
  return { ...exchange, passage: text, themes };
}

/** Candidates that are judged at a time. */
const AHEAD = 512;

/** The same candidates with what the gates say of each, asked for while earlier ones are worked on. */
export async function* judged(candidates: AsyncIterable<Candidate>, { judge }: Judge): AsyncGenerator<Candidate> {
  const hand: Promise<Candidate>[] = [];
  const asked = async (candidate: Candidate): Promise<Candidate> => {
    const { outcome } = candidate;
    if (outcome.kind !== "exchange") return candidate;
    return { ...candidate, verdict: await judge(subjectOf(candidate, outcome.exchange)) ?? null };
  };
  for await (const candidate of candidates) {
    const next = asked(candidate);
    next.catch(() => {}); // Told when its turn comes.
    if (hand.push(next) < AHEAD) continue;
    const first = hand.shift();
    if (first) yield await first;
  }
  for (const rest of hand) yield await rest;
}

/** Names an example by its passage and its persona. */
export function exampleId({ chunk, persona }: Pick<Assignment, "chunk" | "persona">): string {
  return `${chunk.id}/${persona.id}`;
}

/** Short: it only tells apart passages of one id. */
export function passageHash({ text }: Pick<FilteredChunk, "text">): string {
  if (hashed?.text !== text) hashed = { text, hash: sha256(text).slice(0, 16) };
  return hashed.hash;
}

/** Examples of one passage follow each other. */
let hashed: { text: string; hash: string } | undefined;

/** Keeps in the ledger how each example was asked for. */
async function* keeping(
  found: AsyncIterable<Candidate & { readonly requests: readonly Sent[] }>,
  ledger: Ledger,
): AsyncGenerator<Candidate> {
  let kept: [string, Asked][] = [];
  ledger.setNote("remembered", "");
  ledger.forget();
  for await (const { requests, ...candidate } of found) {
    yield candidate;
    if (requests.length > 0) {
      const { chunk, themes } = candidate;
      kept.push([exampleId(candidate), { passage: passageHash(chunk), themes: [...themes], requests: [...requests] }]);
    }
    if (kept.length >= 1000) {
      ledger.remember(kept);
      kept = [];
    }
  }
  ledger.remember(kept);
  ledger.setNote("remembered", String(ledger.count()));
}

/** What a run just collected, along its plan. */
export function collected(
  { tasks, trails, ledger }: { tasks: AsyncIterable<Assignment>; trails: Trails; ledger: Ledger },
): AsyncGenerator<Candidate> {
  async function* found() {
    for await (const task of tasks) {
      const { requests = [], verdict } = trails.of(exampleId(task)) ?? {};
      yield { ...task, requests, verdict, ...answersTo({ requests }, ledger) };
    }
  }
  return keeping(found(), ledger);
}

/** What the ledger holds along a plan: every conversation is taken by the same turns in which it was made. */
export function replayed(
  { tasks, manner, model, ledger }: {
    tasks: AsyncIterable<Assignment>;
    manner: Manner;
    model: string;
    ledger: Ledger;
  },
): AsyncGenerator<Candidate> {
  async function* found() {
    for await (const task of tasks) {
      const requests: Sent[] = [];
      const ask: Ask = (request) => {
        const prompt = promptHash(request);
        const hash = requestHash(request, model, prompt);
        const answer = ledger.get(hash);
        if (answer) requests.push({ hash, prompt, ...(request.seed === undefined ? {} : { seed: request.seed }) });
        return Promise.resolve(answer);
      };
      await converse(task, manner, ask);
      yield { ...task, requests, ...answersTo({ requests }, ledger) };
    }
  }
  return keeping(found(), ledger);
}

/** The answers up to the first usable one, else why the last one is none. */
export function answersTo(
  { requests }: { readonly requests: readonly Sent[] },
  ledger: Ledger,
): Pick<Candidate, "answers" | "outcome"> {
  let outcome: Candidate["outcome"] = { kind: "failed" };
  const answers: Answer[] = [];
  for (const request of requests) {
    const answer = ledger.get(request.hash);
    if (!answer) continue;
    answers.push(answer);
    if ("fault" in answer) {
      outcome = { kind: "reject", reason: answer.fault.kind, detail: answer.fault.message, said: "" };
      continue;
    }
    const { reply } = answer;
    const parsed = parseExchange(reply);
    if (parsed.ok) {
      return { answers, outcome: { kind: "exchange", exchange: parsed.exchange, model: reply.model, request } };
    }
    outcome = { kind: "reject", reason: "invalid_json", detail: parsed.error, said: reply.content || reply.reasoning };
  }
  return { answers, outcome };
}
