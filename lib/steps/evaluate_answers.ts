/** The answers of the models: asked for, as far as they are not kept already. */
import { UsageError } from "../core/errors.ts";
import { readJsonl, writeJsonl } from "../core/jsonl.ts";
import { openJsonlLog } from "../core/jsonl_log.ts";
import type { Context } from "../core/step.ts";
import type { EvaluationPrompt } from "../dialogue/gates_evaluation.ts";
import { Answer, type SidedAnswer } from "../evaluation/answers.ts";
import { askAll, wantedAnswers } from "../evaluation/asking.ts";
import { checkServers, exists, type Model } from "./evaluate_models.ts";
import { type EvaluateOptions, type EvaluatePaths, judgeOf } from "./evaluate_options.ts";

/**
 * Asks all models all questions, one model after the other, so that only one of them needs memory. What an earlier run
 * with the same questions and settings has kept is not asked again.
 *
 * @throws {UsageError} where answers of other settings are in the way.
 * @throws {ChatError} when a server cannot answer; what was kept stays, and the next run goes on from there.
 */
export async function gatherAnswers(
  models: readonly Model[],
  questions: readonly EvaluationPrompt[],
  systemPrompt: string,
  { options, paths, context }: { options: EvaluateOptions; paths: EvaluatePaths; context: Context },
): Promise<SidedAnswer[]> {
  const { emit, signal, clock } = context;
  const wanted = models.map((model) => ({
    model,
    list: wantedAnswers(questions, systemPrompt, options, model.identity),
  }));
  const hashes = new Set(wanted.flatMap(({ model, list }) => list.map(({ hash }) => `${model.side} ${hash}`)));
  const kept = await keptAnswers(paths.answers, hashes, options.overwrite, context);
  const known = new Set(kept.map(({ side, request }) => `${side} ${request}`));
  const answers = [...kept];
  if (kept.length > 0) {
    emit({
      type: "log",
      level: "info",
      message: `${kept.length} of ${hashes.size} answers are kept from an earlier run`,
    });
  }
  const open = wanted.map(({ model, list }) => ({
    model,
    missing: list.filter(({ hash }) => !known.has(`${model.side} ${hash}`)),
  })).filter(({ missing }) => missing.length > 0);
  const judge = judgeOf(options);
  await checkServers([
    ...open.flatMap(({ model }) => model.server ?? []),
    ...(judge && open.length > 0 ? [{ ...judge, flag: "judge-url" }] : []),
  ], context);
  using log = await openJsonlLog(paths.answers);
  for (const { model, missing } of open) {
    await using engine = await model.open();
    await askAll(missing, {
      side: model.side,
      engine,
      concurrency: options.parallel,
      clock,
      async keep(answer) {
        await log.add(answer);
        answers.push({ ...answer, side: model.side });
      },
      onRetry: (error, waitMs) => {
        if (error.kind === "empty") return; // An answer like any other, as likely as not.
        emit({ type: "log", level: "warn", message: `${error.message}; again in ${Math.round(waitMs / 1000)} s` });
      },
      onProgress: (done, total) =>
        emit({ type: "progress", label: `answers (${model.side})`, done, total, unit: "answers" }),
    }, signal);
  }
  emit({ type: "artifact", path: paths.answers, title: "Answers", rows: answers.length });
  return answers;
}

/** What is kept of answers that are wanted; others are in the way, or dropped by `overwrite`. */
async function keptAnswers(
  path: string,
  hashes: ReadonlySet<string>,
  overwrite: boolean,
  { signal, emit }: Context,
): Promise<SidedAnswer[]> {
  if (!await exists(path)) return [];
  const onTorn = (line: number) => emit({ type: "drop", reason: "torn_line", count: 1, detail: `${path}:${line}` });
  const rows = await Array.fromAsync(readJsonl(path, Answer, { signal, onTorn }));
  const own = (row: Answer): row is SidedAnswer => hashes.has(`${row.side} ${row.request}`);
  const latest = new Map(rows.filter(own).map((row) => [`${row.side} ${row.request}`, row]));
  const others = rows.filter((row) => !own(row)).length;
  if (others > 0 && !overwrite) {
    throw new UsageError(
      `Cannot go on with "${path}": ${others} of its ${rows.length} answers are to other questions, of another model, or by other settings`,
      "Name another --output-dir, or drop them by --overwrite.",
    );
  }
  if (others > 0) {
    await writeJsonl(path, latest.values());
    emit({ type: "drop", reason: "other_settings", count: others });
  }
  return [...latest.values()];
}

/** The system message of both models. @throws {UsageError} for a persona that is not there. */
export function systemPromptOf(
  { systemPrompt, persona }: EvaluateOptions,
  personas: readonly { readonly id: string; readonly system: string }[],
): string {
  if (systemPrompt !== undefined) return systemPrompt;
  const found = personas.find(({ id }) => id === persona);
  if (found) return found.system;
  throw new UsageError(
    `Cannot use --persona "${persona}": there are ${personas.map(({ id }) => id).join(", ")}`,
    "Or give the message itself by --system-prompt.",
  );
}
