/**
 * A language model as rater of a blind trial. It reads each pair twice, with the sides changed: only what it says both
 * times is a win, else it is a tie, since many judges favour a side (Zheng et al. 2023, arXiv 2306.05685).
 */
import { z } from "zod";
import type { Clock } from "../../core/step.ts";
import { seedOf } from "../../dialogue/random.ts";
import { type ChatEngine, type ChatRequest, splitReasoning } from "../../llm/chat.ts";
import { ChatError } from "../../llm/errors.ts";
import { chatPatiently, workThrough } from "../../llm/pool.ts";
import type { Trial } from "./trial.ts";
import { type Question, QUESTIONS, type Vote } from "./votes.ts";

/** How the judge is asked. */
export const BlindPrompts = z.strictObject({
  system: z.string().min(1),
  /** With {{prompt}}, {{excerpts}}, {{a}}, {{b}} and {{asks}}. */
  user: z.string().min(1),
  asks: z.strictObject({ fidelity: z.string().min(1), quality: z.string().min(1) }),
});
export type BlindPrompts = z.infer<typeof BlindPrompts>;

export interface JudgeOptions {
  readonly engine: ChatEngine;
  readonly prompts: BlindPrompts;
  readonly seed: number;
  /** Questions at a time. */
  readonly concurrency: number;
  readonly clock: Clock;
  /** Called with each vote, so that it can be kept at once. */
  onVote(vote: Vote): void;
  onProgress?(done: number, total: number): void;
}

export interface JudgeOutcome {
  /** Pairs that it decided the same way in both orders, of those that it answered. */
  readonly consistent: number;
  readonly answered: number;
  /** Questions without a readable answer in both orders. */
  readonly unreadable: number;
}

const RETRIES = 2;
const Answer = z.object({ winner: z.enum(["A", "B", "tie"]) });
const SCHEMA = {
  name: "comparison",
  schema: {
    type: "object",
    properties: { winner: { type: "string", enum: ["A", "B", "tie"] }, reason: { type: "string", maxLength: 300 } },
    required: ["winner", "reason"],
    additionalProperties: false,
  },
};

/**
 * Judges every trial on both questions; those with a vote in `known` are passed over.
 *
 * @throws {ChatError} when the judge cannot be asked at all. {DOMException} AbortError when the signal fires.
 */
export async function judgeTrials(
  trials: readonly Trial[],
  known: ReadonlySet<string>,
  options: JudgeOptions,
  signal: AbortSignal,
): Promise<JudgeOutcome> {
  const { engine, clock } = options;
  const rater = judgeName(engine.model);
  const questions = trials.flatMap((trial) => QUESTIONS.map((question) => ({ trial, question })))
    .filter(({ trial, question }) => !known.has(voteKey(trial.id, question)));
  let consistent = 0, answered = 0, unreadable = 0, done = 0;

  async function winner(trial: Trial, question: Question, swapped: boolean, signal: AbortSignal) {
    for (let attempt = 0; attempt <= RETRIES; attempt++) {
      try {
        const request = requestFor(trial, question, swapped, attempt, options);
        const reply = await chatPatiently(engine, request, { retries: 3, clock }, signal);
        const read = readAnswer(reply.content || splitReasoning(reply.reasoning).content);
        if (read === "tie") return "tie";
        if (read) return trial.texts[(read === "A") === swapped ? 1 : 0].side;
      } catch (error) {
        if (!(error instanceof ChatError) || error.fatal) throw error;
      }
    }
    return undefined;
  }

  await workThrough(
    inTurn(questions),
    options.concurrency,
    async ({ trial, question }, signal) => {
      const started = clock.now();
      const first = await winner(trial, question, false, signal);
      const second = await winner(trial, question, true, signal);
      options.onProgress?.(++done, questions.length);
      if (first === undefined || second === undefined) return void unreadable++;
      answered++;
      if (first === second) consistent++;
      const [left, right] = [trial.texts[0].side, trial.texts[1].side];
      const decided = first === second ? first : "tie";
      const choice = decided === "tie" ? "tie" as const : decided === left ? "left" as const : "right" as const;
      const given = new Date(clock.now()).toISOString();
      options.onVote({
        rater,
        trial: trial.id,
        question,
        choice,
        left,
        right,
        latency_ms: clock.now() - started,
        given,
      });
    },
    signal,
  );
  return { consistent, answered, unreadable };
}

/** The rater's name of a model, so that its votes are told from those of people. */
export function judgeName(model: string): string {
  return `judge:${model}`;
}

export function voteKey(trial: string, question: Question): string {
  return JSON.stringify([trial, question]);
}

async function* inTurn<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

function requestFor(
  trial: Trial,
  question: Question,
  swapped: boolean,
  attempt: number,
  { prompts, seed }: JudgeOptions,
): ChatRequest {
  const [first, second] = swapped ? [trial.texts[1], trial.texts[0]] : trial.texts;
  const values: Record<string, string> = {
    prompt: quoted(trial.prompt),
    excerpts: trial.excerpts.map((text, at) => `<excerpt number="${at + 1}">\n${quoted(text)}\n</excerpt>`).join("\n"),
    a: quoted(first.text),
    b: quoted(second.text),
    asks: prompts.asks[question],
  };
  const fill = (template: string) => template.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => values[name] ?? "");
  return {
    messages: [{ role: "system", content: fill(prompts.system) }, { role: "user", content: fill(prompts.user) }],
    temperature: 0,
    maxTokens: 1024,
    seed: seedOf(seed, trial.id, question, String(swapped), attempt),
    // A judge whose grammar garbles its answers is asked in words the second time.
    ...(attempt === 0 ? { schema: SCHEMA } : {}),
  };
}

/** The verdict of an answer: one JSON object, alone, fenced or with talk around it. Two different ones are none. */
function readAnswer(text: string): "A" | "B" | "tie" | undefined {
  const found = [...text.matchAll(/\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}/gs)].flatMap(([json]) => {
    try {
      return Answer.safeParse(JSON.parse(json)).data?.winner ?? [];
    } catch {
      return [];
    }
  });
  return new Set(found).size === 1 ? found[0] : undefined;
}

/** What is judged can neither close the mark that holds it, nor speak as a control token of a chat template. */
function quoted(text: string): string {
  return text.replace(/<(?=\/?\s*(?:excerpt|prompt|text)\b)/gi, "‹").replaceAll("<|", "‹|").replaceAll("|>", "|›");
}
