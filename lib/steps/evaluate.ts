/** Phase 4: whether the trained model is what it was meant to be, beside what it was before. */
import { resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import { writeFileAtomic } from "../core/files.ts";
import { writeJsonl } from "../core/jsonl.ts";
import { type Context, defineStep } from "../core/step.ts";
import { loadEvaluation } from "../dialogue/gates_evaluation.ts";
import { loadPersonas } from "../dialogue/personas.ts";
import { readAnswers, type Side, type SidedAnswer } from "../evaluation/answers.ts";
import {
  type Evidence,
  type Measure,
  measureAnswers,
  measureStrata,
  type StratumResult,
} from "../evaluation/measures.ts";
import { checkPatterns, matchQuestions, scoreAnswers, type Scored } from "../evaluation/scoring.ts";
import { chooseSuite } from "../evaluation/suite.ts";
import { coherenceMeasures } from "./evaluate_coherence.ts";
import { judgeAnswers, type Judging } from "./evaluate_judging.ts";
import {
  evaluateFiles,
  type EvaluateOptions,
  evaluateOptions,
  type EvaluatePaths,
  evaluatePaths,
  judgeOf,
} from "./evaluate_options.ts";
import { evaluationText } from "./evaluate_report.ts";
import { scoreRows, writeTranscripts } from "./evaluate_transcripts.ts";
import { gatherAnswers, systemPromptOf } from "./evaluate_answers.ts";
import { exists, type Model, modelsOf } from "./evaluate_models.ts";
import { loadRules } from "./evaluate_rules.ts";

/** What evaluation.json says. */
export interface Evaluation {
  readonly version: 1;
  readonly time: string;
  readonly suite: string;
  readonly questions: number;
  /** Of each side: the model's name, how many answers there are, and what tells its GGUF from others. */
  readonly models: Readonly<
    Partial<Record<Side, { readonly name: string; readonly answers: number; readonly fingerprint?: string }>>
  >;
  /** Where the answers come from. */
  readonly source: string;
  readonly systemPrompt?: string;
  readonly sampling?: Readonly<Record<string, number>>;
  readonly judge?: { readonly model: string; readonly samples: number; readonly missing: number };
  readonly measures: readonly Measure[];
  readonly strata: readonly StratumResult[];
}

export interface EvaluateResult {
  readonly evaluation: Evaluation;
  readonly scored: readonly Scored[];
  readonly evidence: Evidence;
  readonly paths: EvaluatePaths;
}

/** Asks the tuned model and the base the same questions, scores what they say, and rules on the targets. */
export const evaluate = defineStep({
  name: "evaluate",
  summary: "Measures the tuned model beside its base, and says which targets are shown to be met",
  options: evaluateOptions,
  files: (options, { env }) => evaluateFiles(options, env),
  async run(options, context): Promise<EvaluateResult> {
    const paths = evaluatePaths(options, context.env);
    const [{ prompts }, { personas }, rules] = await Promise.all([
      loadEvaluation(paths.evaluation),
      loadPersonas(paths.personas),
      loadRules(options, paths, context),
    ]);
    const judge = judgeOf(options);
    const systemPrompt = systemPromptOf(options, personas);
    const asked = chooseSuite(prompts, options.suite);
    checkPatterns(asked);
    const { answers, ...made } = options.answers === undefined
      ? await askedAnswers(asked, systemPrompt, { options, paths, context })
      : await recordedAnswers(options.answers, { options, paths, context });

    const scored = scoreAnswers(matchQuestions(answers, prompts), rules.scoring);
    const judging = judge && await judgeAnswers(scored, judge, { options, paths, context });
    const { exemplars } = rules;
    const { decisions, marks } = judging ?? {};
    const evidence: Evidence = { scored, decisions, marks, exemplars, seed: options.seed };
    const measures = withCoherence(
      measureAnswers(evidence),
      await coherenceMeasures(made.ggufs, { options, paths, context }),
    );
    const evaluation: Evaluation = {
      version: 1,
      time: new Date(context.clock.now()).toISOString(),
      suite: options.answers === undefined ? options.suite : "recorded",
      questions: new Set(scored.map(({ question }) => question.id)).size,
      models: made.models,
      source: made.source,
      ...(options.answers === undefined ? { systemPrompt, sampling: samplingOf(options) } : {}),
      ...(judging ? { judge: { model: judging.model, samples: options.judgeSamples, missing: judging.missing } } : {}),
      measures,
      strata: measureStrata(evidence),
    };
    if (judging) warnOfJudge(judging, context);
    await writeOutputs({ evaluation, scored, evidence, paths }, context);
    return { evaluation, scored, evidence, paths };
  },
  report: ({ evaluation, paths }) =>
    `${evaluationText(evaluation)}\n\nReport: ${paths.report}\nTranscripts: ${paths.transcripts}`,
});

interface Setting {
  readonly options: EvaluateOptions;
  readonly paths: EvaluatePaths;
  readonly context: Context;
}

/** Answers, with what they are of. */
interface Made {
  readonly answers: readonly SidedAnswer[];
  readonly models: Evaluation["models"];
  readonly source: string;
  readonly ggufs: Readonly<Partial<Record<Side, string | undefined>>>;
}

async function askedAnswers(
  questions: Parameters<typeof gatherAnswers>[1],
  systemPrompt: string,
  setting: Setting,
): Promise<Made> {
  const { options, paths, context } = setting;
  const models = await modelsOf(options, paths, context);
  const answers = await gatherAnswers(models, questions, systemPrompt, setting);
  return {
    answers,
    models: sides(answers, Object.fromEntries(models.map((model) => [model.side, model]))),
    source: paths.answers,
    ggufs: ggufsOf(models),
  };
}

async function recordedAnswers(path: string, { options, paths, context }: Setting): Promise<Made> {
  // A folder's own answers may be scored again into it; a report on others is not lost.
  const own = resolve(path) === resolve(paths.answers);
  if (!own && !options.overwrite && await exists(paths.evaluation_json)) {
    throw new UsageError(
      `Cannot write "${paths.evaluation_json}": it exists already`,
      "Replace it by --overwrite, or name another --output-dir.",
    );
  }
  const { answers, systems } = await readAnswers(path, {
    baseSystem: options.baseSystem,
    signal: context.signal,
    onTorn: (line) => context.emit({ type: "drop", reason: "torn_line", count: 1, detail: `${path}:${line}` }),
  });
  const ggufs = { tuned: options.gguf, base: options.baseGguf };
  const names = Object.entries(systems).map(([side, name]) => [side, { name }]);
  return { answers, models: sides(answers, Object.fromEntries(names)), source: path, ggufs };
}

function sides(
  answers: readonly SidedAnswer[],
  models: Readonly<Partial<Record<string, Pick<Model, "name" | "fingerprint">>>>,
): Evaluation["models"] {
  const counts = Map.groupBy(answers, ({ side }) => side);
  return Object.fromEntries([...counts].map(([side, list]) => {
    const { name = side, fingerprint } = models[side] ?? {};
    return [side, { name, answers: list.length, ...(fingerprint === undefined ? {} : { fingerprint }) }];
  }));
}

function ggufsOf(models: readonly Model[]): Made["ggufs"] {
  return Object.fromEntries(models.map(({ side, gguf }) => [side, gguf]));
}

function samplingOf({ samples, temperature, topP, maxTokens, seed }: EvaluateOptions): Record<string, number> {
  return { samples, temperature, topP, maxTokens, seed };
}

/** Perplexity stands before fluency and the share of whole answers, which belong to it. */
function withCoherence(measures: readonly Measure[], coherence: readonly Measure[]): Measure[] {
  const at = measures.findIndex(({ id }) => id === "fluency" || id === "whole_answers");
  return [...measures.slice(0, at), ...coherence, ...measures.slice(at)];
}

/** Share of unreadable answers from which a judge is not fit for the task. */
const UNREADABLE = 0.02;

function warnOfJudge({ model, missing }: Judging, { emit }: Context): void {
  if (missing <= UNREADABLE) return;
  const share = `${(100 * missing).toFixed(1)} %`;
  emit({
    type: "log",
    level: "warn",
    message: `${share} of what "${model}" answered as judge cannot be read: take another`,
  });
}

async function writeOutputs({ evaluation, scored, evidence, paths }: EvaluateResult, context: Context): Promise<void> {
  const { emit } = context;
  await writeJsonl(paths.scores, scoreRows(scored, evidence));
  await writeTranscripts(paths, evaluation, scored, evidence);
  const { evaluationPage } = await import("../view/evaluation.ts");
  await writeFileAtomic(paths.report, await evaluationPage(evaluation));
  await writeFileAtomic(paths.evaluation_json, JSON.stringify(evaluation, rounded, 2) + "\n");
  for (
    const [path, title] of [
      [paths.scores, "Scores of each answer"],
      [paths.transcripts, "Transcripts"],
      [paths.report, "Report"],
      [paths.evaluation_json, "Evaluation"],
    ] as const
  ) emit({ type: "artifact", path, title });
}

/** Numbers to six digits: more is noise. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}
