/**
 * A language model as judge: one criterion a question, a whole mark from 1 to 5 against five described anchors, asked
 * several times and averaged. What cannot be read is missing; it never becomes a mark in the middle.
 */
import { z } from "zod";
import type { Clock } from "../core/step.ts";
import { seedOf } from "../dialogue/random.ts";
import type { ChatEngine, ChatRequest } from "../llm/chat.ts";
import { workThrough } from "../llm/pool.ts";
import { structuredAsker } from "./judge_ask.ts";
import { readMark } from "./judge_mark.ts";

const Anchors = z.tuple([z.string(), z.string(), z.string(), z.string(), z.string()], {
  error: "there must be five descriptions, for the marks 1 to 5",
});

export const Criterion = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9_]*$/, "must be lower-case letters, digits and underscores"),
  title: z.string().min(1),
  /** What is asked. */
  asks: z.string().min(1),
  /** What deserves 1, 2, 3, 4 and 5. */
  anchors: Anchors,
});
export type Criterion = z.infer<typeof Criterion>;

const PLACEHOLDERS = ["title", "asks", "anchors", "task", "response", "facts", "criterion"];
const Template = z.string().min(1).superRefine((text, check) => {
  for (const [, name = ""] of text.matchAll(/\{\{\s*([^}]*?)\s*\}\}/g)) {
    if (!PLACEHOLDERS.includes(name)) {
      check.addIssue(`unknown placeholder "{{${name}}}": there are ${PLACEHOLDERS.join(", ")}`);
    }
  }
});

/** How a judge is asked, and about what. */
export const Rubric = z.strictObject({
  system: Template,
  user: Template,
  criteria: z.array(Criterion).min(1),
});
export type Rubric = z.infer<typeof Rubric>;

/** A response to be judged. */
export interface Judged {
  readonly id: string;
  /** What the response answers to. */
  readonly task: string;
  readonly text: string;
  /** What a program found out, by criterion: a judge need not guess it. */
  readonly facts?: Readonly<Record<string, string>>;
}

export interface CriterionMark {
  /** Mean of the samples; undefined where none could be read. */
  readonly score: number | undefined;
  readonly samples: readonly number[];
  /** Samples without a readable mark after all tries. */
  readonly missing: number;
  /** Why, in the judge's words: of the sample nearest to the mean. */
  readonly evidence: string;
}

export interface Judgement {
  readonly id: string;
  readonly marks: Readonly<Record<string, CriterionMark>>;
}

export interface JudgeOptions {
  readonly engine: ChatEngine;
  readonly rubric: Rubric;
  /** Questions per criterion. */
  readonly samples: number;
  /** @default {1}, since the mean over samples stands for the mean over the judge's own probabilities. */
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly seed: number;
  /** Questions at a time. */
  readonly concurrency: number;
  readonly clock: Clock;
  onProgress?(done: number, total: number): void;
}

/** Longest response that is shown to the judge, in characters: with the rest it fits into 8,192 tokens. */
const LONGEST = 12_000;
const EVIDENCE = 400;

/**
 * Judges every response on every criterion.
 *
 * @throws {ChatError} when the judge cannot be asked at all (no server, no model, no right).
 * @throws {DOMException} AbortError when the signal fires.
 */
export async function judge(
  items: readonly Judged[],
  options: JudgeOptions,
  signal: AbortSignal,
): Promise<Judgement[]> {
  const { engine, rubric, samples, seed, clock } = options;
  const readings = new Map<string, { score: number; evidence: string }[]>();
  const place = (item: Judged, { id }: Criterion) => JSON.stringify([item.id, id]);
  const ask = structuredAsker(engine, clock);
  let done = 0;

  async function sample(item: Judged, criterion: Criterion, number: number, signal: AbortSignal): Promise<void> {
    const mark = await ask(
      ({ structured, attempt }) =>
        question(item, criterion, rubric, {
          structured,
          temperature: options.temperature ?? 1,
          maxTokens: options.maxTokens ?? 2048,
          seed: seedOf(seed, item.id, criterion.id, number, attempt),
        }),
      (text) => readMark(text, criterion),
      signal,
    );
    if (mark) readings.get(place(item, criterion))?.push(mark);
  }

  const asked = items.flatMap((item) => rubric.criteria.map((criterion) => ({ item, criterion })));
  for (const { item, criterion } of asked) readings.set(place(item, criterion), []);
  const questions = asked.filter(({ item }) => item.text.trim() !== "")
    .flatMap((pair) => Array.from({ length: samples }, (_, number) => ({ ...pair, number })));
  await workThrough(
    inTurn(questions), // Several workers ask for the next one at once: a stream's iterator would hang.
    options.concurrency,
    async ({ item, criterion, number }, signal) => {
      await sample(item, criterion, number, signal);
      options.onProgress?.(++done, questions.length);
    },
    signal,
  );
  return items.map((item) => ({
    id: item.id,
    marks: Object.fromEntries(rubric.criteria.map((criterion) => {
      if (item.text.trim() === "") return [criterion.id, NOTHING];
      return [criterion.id, markOf(readings.get(place(item, criterion)) ?? [], samples)];
    })),
  }));
}

async function* inTurn<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** The mark of an empty response, for which no judge is needed. */
const NOTHING: CriterionMark = { score: 1, samples: [1], missing: 0, evidence: "The response is empty." };

function markOf(readings: readonly { score: number; evidence: string }[], asked: number): CriterionMark {
  const samples = readings.map(({ score }) => score);
  const missing = asked - samples.length;
  if (samples.length === 0) return { score: undefined, samples, missing, evidence: "" };
  const score = samples.reduce((sum, mark) => sum + mark, 0) / samples.length;
  const off = (reading: { score: number }) => Math.abs(reading.score - score);
  const evidence = [...readings].sort((a, b) => off(a) - off(b))[0]?.evidence ?? "";
  return { score, samples, missing, evidence };
}

/** Marks of several responses of one author together: per criterion the mean, and over all criteria to one decimal. */
export interface Rating {
  /** One decimal; undefined as long as a criterion has no mark at all. */
  readonly overall: number | undefined;
  readonly criteria: Readonly<Record<string, { score: number | undefined; evidence: string }>>;
  /** Share of samples that could not be read. Above 0.02 the judge is not fit for the task. */
  readonly missing: number;
}

/**
 * Sums judgements up.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { ratingOf } from "@/evaluation/judge.ts";
 *
 * const mark = (score?: number) => ({ score, samples: score === undefined ? [] : [score], missing: 0, evidence: "" });
 * equal(ratingOf([{ id: "1", marks: { format: mark(5), voice: mark(4) } }]).overall, 4.5);
 * equal(ratingOf([{ id: "1", marks: { format: mark(5), voice: mark() } }]).overall, undefined);
 * ```
 */
export function ratingOf(judgements: readonly Judgement[]): Rating {
  const ids = [...new Set(judgements.flatMap(({ marks }) => Object.keys(marks)))];
  let missing = 0, asked = 0;
  const criteria = Object.fromEntries(ids.map((id) => {
    const marks = judgements.flatMap(({ marks }) => marks[id] ?? []);
    for (const mark of marks) {
      missing += mark.missing;
      asked += mark.missing + mark.samples.length;
    }
    const read = marks.flatMap((mark) => mark.score === undefined ? [] : [{ ...mark, score: mark.score }]);
    const score = read.length > 0 ? read.reduce((sum, mark) => sum + mark.score, 0) / read.length : undefined;
    const lowest = [...read].sort((a, b) => a.score - b.score)[0];
    return [id, { score, evidence: lowest?.evidence ?? "" }];
  }));
  const scores = Object.values(criteria).map(({ score }) => score);
  const known = scores.filter((score) => score !== undefined);
  const whole = known.length === scores.length && known.length > 0;
  const overall = whole ? Math.round(known.reduce((a, b) => a + b, 0) / known.length * 10) / 10 : undefined;
  return { overall, criteria, missing: asked === 0 ? 0 : missing / asked };
}

/** Renders one question. The score stands before the evidence, since small judges reason their marks into the middle. */
function question(
  item: Judged,
  { id, title, asks, anchors }: Criterion,
  rubric: Rubric,
  { structured, ...sampling }: { structured: boolean; temperature: number; maxTokens: number; seed: number },
): ChatRequest {
  const values: Record<string, string> = {
    criterion: id,
    title,
    asks,
    anchors: anchors.map((text, index) => `${index + 1}: ${text}`).join("\n"),
    task: quoted(item.task),
    response: quoted(item.text.slice(0, LONGEST)),
    facts: item.facts?.[id] ?? "nothing",
  };
  const fill = (template: string) =>
    template.replace(/\{\{\s*([^}]*?)\s*\}\}/g, (_, name: string) => values[name] ?? "").trim();
  return {
    messages: [{ role: "system", content: fill(rubric.system) }, { role: "user", content: fill(rubric.user) }],
    ...sampling,
    ...(structured ? { schema: { name: "mark", schema: schemaFor(id) } } : {}),
  };
}

function schemaFor(criterion: string): Record<string, unknown> {
  return {
    type: "object",
    properties: {
      criterion: { type: "string", enum: [criterion] },
      score: { type: "integer", enum: [1, 2, 3, 4, 5] },
      evidence: { type: "string", maxLength: EVIDENCE },
    },
    required: ["criterion", "score", "evidence"],
    additionalProperties: false,
  };
}

/** What is judged can neither close the mark that holds it, nor speak as a control token of a chat template. */
export function quoted(text: string): string {
  return text.replace(/<(?=\/?\s*(?:task|response)\b)/gi, "‹").replaceAll("<|", "‹|").replaceAll("|>", "|›");
}
