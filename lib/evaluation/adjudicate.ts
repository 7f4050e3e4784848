/** A judge decides, yes or no, whether an answer knows too late; shown the fact, and what the rules noticed. */
import { z } from "zod";
import { readJsonc } from "../core/jsonc.ts";
import type { Clock } from "../core/step.ts";
import { seedOf } from "../dialogue/random.ts";
import type { ChatEngine, ChatRequest } from "../llm/chat.ts";
import { workThrough } from "../llm/pool.ts";
import { quoted, Rubric } from "./judge.ts";
import { structuredAsker } from "./judge_ask.ts";
import { objects } from "./judge_mark.ts";

/** What is asked of the judge: `lib/presets/deepred/evaluation_judge.jsonc`. */
export const JudgePreset = z.strictObject({
  voice: Rubric,
  temporal: z.strictObject({ system: z.string().min(1), user: z.string().min(1) }),
});
export type JudgePreset = z.output<typeof JudgePreset>;

/** @throws {UsageError} with every fault, each as `file:line`. */
export function loadJudgePreset(path: string): Promise<JudgePreset> {
  return readJsonc(path, JudgePreset);
}

/** An answer that is to be decided on. */
export interface Case {
  readonly id: string;
  readonly task: string;
  readonly text: string;
  readonly fact?: string | undefined;
  readonly year?: number | undefined;
  /** What the rules noticed, in words. */
  readonly nominated: string;
}

export interface Decision {
  readonly id: string;
  /** What most samples say; undefined for a tie, and where none could be read. */
  readonly violation: boolean | undefined;
  readonly votes: readonly boolean[];
  /** Samples without a readable decision. */
  readonly missing: number;
  /** Of a sample that agrees. */
  readonly evidence: string;
}

const Verdict = z.object({
  violation: z.union([z.boolean(), z.enum(["true", "false"]).transform((word) => word === "true")]),
  evidence: z.string().catch(""),
});
type Verdict = z.output<typeof Verdict>;

/**
 * Reads a decision: one JSON object, alone or with talk around it. Two that disagree are none.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { readDecision } from "@/evaluation/adjudicate.ts";
 *
 * equal(readDecision('Clear: {"violation": true, "evidence": "It names Fischer."}')?.violation, true);
 * equal(readDecision("Yes, it is a violation."), undefined);
 * ```
 */
export function readDecision(text: string): Verdict | undefined {
  const [first, ...others] = objects(text).flatMap((value) => Verdict.safeParse(value).data ?? []);
  if (!first || others.some(({ violation }) => violation !== first.violation)) return undefined;
  return { violation: first.violation, evidence: first.evidence.trim().slice(0, 600) };
}

/**
 * Decides every case, by the majority of several samples.
 *
 * @throws {ChatError} when the judge cannot be asked at all.
 * @throws {DOMException} AbortError when the signal fires.
 */
export async function adjudicate(
  cases: readonly Case[],
  options: {
    readonly engine: ChatEngine;
    readonly preset: JudgePreset["temporal"];
    /** An odd number has no ties. */
    readonly samples: number;
    readonly seed: number;
    readonly concurrency: number;
    readonly clock: Clock;
    onProgress?(done: number, total: number): void;
  },
  signal: AbortSignal,
): Promise<Decision[]> {
  const { engine, preset, samples, seed, concurrency, clock } = options;
  const ask = structuredAsker(engine, clock);
  const read = new Map<string, Verdict[]>(cases.map(({ id }) => [id, []]));
  const questions = cases.flatMap((one) => Array.from({ length: samples }, (_, number) => ({ one, number })));
  let done = 0;
  await workThrough(
    (async function* () {
      yield* questions;
    })(),
    concurrency,
    async ({ one, number }, signal) => {
      const verdict = await ask(
        ({ structured, attempt }) => question(one, preset, structured, seedOf(seed, one.id, number, attempt)),
        readDecision,
        signal,
      );
      if (verdict) read.get(one.id)?.push(verdict);
      options.onProgress?.(++done, questions.length);
    },
    signal,
  );
  return cases.map(({ id }) => {
    const verdicts = read.get(id) ?? [];
    const votes = verdicts.map(({ violation }) => violation);
    const yes = votes.filter(Boolean).length, no = votes.length - yes;
    const violation = yes === no ? undefined : yes > no;
    const evidence = verdicts.find((one) => one.violation === violation)?.evidence ?? "";
    return { id, violation, votes, missing: samples - votes.length, evidence };
  });
}

/** A sampled judge is asked warmly, so that its samples differ where it is unsure. */
const TEMPERATURE = 0.7;
const LONGEST = 12_000;

function question(
  { task, text, fact, year, nominated }: Case,
  { system, user }: JudgePreset["temporal"],
  structured: boolean,
  seed: number,
): ChatRequest {
  const values: Record<string, string> = {
    task: quoted(task),
    response: quoted(text.slice(0, LONGEST)),
    fact: fact ?? "none in particular",
    year: year === undefined ? "any after 1969" : String(year),
    nominated: quoted(nominated),
  };
  const fill = (template: string) =>
    template.replace(/\{\{\s*([^}]*?)\s*\}\}/g, (_, name: string) => values[name] ?? "").trim();
  const properties = { violation: { type: "boolean" }, evidence: { type: "string", maxLength: 400 } };
  return {
    messages: [{ role: "system", content: fill(system) }, { role: "user", content: fill(user) }],
    temperature: TEMPERATURE,
    maxTokens: 2048,
    seed,
    ...(structured
      ? {
        schema: {
          name: "decision",
          schema: { type: "object", properties, required: ["violation", "evidence"], additionalProperties: false },
        },
      }
      : {}),
  };
}
