/** What a judge makes of the answers: marks for the voice, decisions on temporal compliance. Each is kept when it comes. */
import { z } from "zod";
import { sha256 } from "../core/files.ts";
import { openJsonlLog } from "../core/jsonl_log.ts";
import type { Context } from "../core/step.ts";
import { userTurns } from "../dialogue/gates_evaluation.ts";
import { adjudicate, type Case, type Decision, loadJudgePreset } from "../evaluation/adjudicate.ts";
import { judge, type Judged, type Judgement } from "../evaluation/judge.ts";
import { answerKey } from "../evaluation/scoring.ts";
import type { Scored } from "../evaluation/scoring.ts";
import { checkServers } from "./evaluate_models.ts";
import type { EvaluateOptions, EvaluatePaths } from "./evaluate_options.ts";
import { judgeEngine, readKept } from "./judge_answers.ts";

export interface Judging {
  readonly model: string;
  readonly marks: ReadonlyMap<string, Judgement>;
  readonly decisions: ReadonlyMap<string, Decision>;
  /** Share of the judge's answers that could not be read. Above 0.02 it is not fit for the task. */
  readonly missing: number;
}

const Mark = z.object({
  score: z.number().optional(),
  samples: z.array(z.number()).readonly(),
  missing: z.number(),
  evidence: z.string(),
});
const Kept = z.object({
  /** Of the answer, the judge and all that it was asked. */
  hash: z.string(),
  key: z.string(),
  judgement: z.object({ id: z.string(), marks: z.record(z.string(), Mark) }).optional(),
  decision: z.object({
    id: z.string(),
    violation: z.boolean().optional(),
    votes: z.array(z.boolean()).readonly(),
    missing: z.number(),
    evidence: z.string(),
  }).optional(),
});
type Kept = z.output<typeof Kept>;

/** Answers that are judged between two writes. */
const BATCH = 16;

/**
 * Judges what needs judging; what an earlier run judged is not judged again.
 *
 * @throws {ChatError} when the judge cannot be asked at all.
 */
export async function judgeAnswers(
  scored: readonly Scored[],
  { url, model }: { url: string; model: string },
  { options, paths, context }: { options: EvaluateOptions; paths: EvaluatePaths; context: Context },
): Promise<Judging> {
  const { signal, clock, emit } = context;
  const preset = await loadJudgePreset(paths.judgePreset);
  const engine = judgeEngine({ url, model }, context);
  const samples = options.judgeSamples;
  const kept = await readKept(paths.judgements, Kept, signal);
  using log = await openJsonlLog(paths.judgements);
  const shared = { engine, samples, seed: options.seed, concurrency: options.parallel, clock };
  const hashOf = (one: Scored, what: unknown) =>
    sha256(
      JSON.stringify([model, samples, options.seed, answerKey(one), one.answer.answer, userTurns(one.question), what]),
    );
  const found: Kept[] = [];

  async function work(
    list: readonly Scored[],
    what: unknown,
    label: string,
    ask: (batch: readonly Scored[]) => Promise<Pick<Kept, "judgement" | "decision">[]>,
  ): Promise<void> {
    const hashes = new Map(list.map((one) => [one, hashOf(one, what)]));
    const old = list.flatMap((one) => kept.get(hashes.get(one) ?? "") ?? []);
    found.push(...old);
    const left = list.filter((one) => !kept.has(hashes.get(one) ?? ""));
    if (left.length > 0) await checkServers([{ url, model, flag: "judge-url" }], context);
    for (let at = 0; at < left.length; at += BATCH) {
      emit({ type: "progress", label, done: old.length + at, total: list.length, unit: "answers" });
      const batch = left.slice(at, at + BATCH);
      const results = await ask(batch);
      for (const [index, one] of batch.entries()) {
        const row: Kept = { hash: hashes.get(one) ?? "", key: answerKey(one), ...results[index] };
        await log.add(row);
        found.push(row);
      }
    }
    if (list.length > 0) {
      emit({ type: "progress", label, done: list.length, total: list.length, unit: "answers" });
    }
  }

  await work(scored.filter(showsVoice), preset.voice, "voice", async (batch) => {
    const judgements = await judge(batch.map(judged), { ...shared, rubric: preset.voice }, signal);
    return judgements.map((judgement) => ({ judgement }));
  });
  await work(scored.filter(isDoubtful), preset.temporal, "temporal", async (batch) => {
    const decisions = await adjudicate(batch.map(caseOf), { ...shared, preset: preset.temporal }, signal);
    return decisions.map((decision) => ({ decision }));
  });

  const marks = new Map<string, Judgement>(), decisions = new Map<string, Decision>();
  let missing = 0, asked = 0;
  for (const { key, judgement, decision } of found) {
    if (judgement) {
      marks.set(key, judgement as Judgement);
      for (const mark of Object.values(judgement.marks)) {
        missing += mark.missing;
        asked += mark.missing + mark.samples.length;
      }
    }
    if (decision) {
      decisions.set(key, decision as Decision);
      missing += decision.missing;
      asked += decision.missing + decision.votes.length;
    }
  }
  return { model, marks, decisions, missing: asked === 0 ? 0 : missing / asked };
}

/** One answer to each question of style: a second one says little more about the voice, and costs as much. */
function showsVoice({ style, answer }: Scored): boolean {
  return style !== undefined && answer.sample === 0;
}

/** Where the rules noticed something, or where a question asks for later things and is not plainly turned down. */
function isDoubtful({ temporal, question }: Scored): boolean {
  return temporal !== undefined &&
    (temporal.nominations.length > 0 || (question.evidence !== undefined && !temporal.denies));
}

function judged(one: Scored): Judged {
  return { id: answerKey(one), task: taskOf(one), text: one.answer.answer };
}

function caseOf(one: Scored): Case {
  const nominations = one.temporal?.nominations ?? [];
  return {
    id: answerKey(one),
    task: taskOf(one),
    text: one.answer.answer,
    fact: one.question.evidence?.fact,
    year: one.question.evidence?.year,
    nominated: nominations.map(({ text, why, excuse }) => `"${text}" (${why}${excuse ? `; perhaps ${excuse}` : ""})`)
      .join("; ") || "nothing",
  };
}

function taskOf({ question: { before = [], prompt } }: Scored): string {
  return [...before.map((text, turn) => `${turn % 2 === 0 ? "User" : "Deep Red"}: ${text}`), `User: ${prompt}`].join(
    "\n",
  );
}
