/** What the step train says to a person who reads a terminal. */
import { count, duration } from "../core/format.ts";
import type { Finding } from "../training/preflight/finding.ts";
import { type TrainingPlan, worldSize } from "../training/plan.ts";
import type { TrainedRun } from "../training/train.ts";
import { findingsView } from "../view/findings.ts";

/** Findings, and what they mean for the training. */
export function findingsText(findings: readonly Finding[], strict = false): string {
  return findingsView(findings, strict).text();
}

/** A plan with all its values. */
export function planText(plan: TrainingPlan): string {
  const { recipe, base, data, outputDir, resumeFrom, launch, env } = plan;
  const effective = recipe.batchSize * recipe.gradientAccumulationSteps * worldSize(plan);
  return JSON.stringify(
    {
      base,
      data,
      outputDir,
      ...(resumeFrom === undefined ? {} : { resumeFrom }),
      ...(launch === undefined ? {} : { launch }),
      ...(Object.keys(env).length === 0 ? {} : { env }),
      examplesPerStep: effective,
      recipe,
    },
    null,
    2,
  );
}

/** How a training ended, and what comes next. */
export function trainedText(
  { folder, final, outcome, seconds }: TrainedRun & { seconds: number },
  mergeTask = "merge",
): string {
  const { step, metrics = {}, endedEarly } = outcome;
  const loss = (name: string) => typeof metrics[name] === "number" ? metrics[name].toFixed(4) : undefined;
  const losses = [
    loss("train_loss") && `training loss ${loss("train_loss")}`,
    loss("eval_loss") && `evaluation loss ${loss("eval_loss")}`,
  ].filter(Boolean).join(", ");
  return [
    `${count(step ?? 0)} steps in ${duration(seconds)}${endedEarly ? ", ended early" : ""}${losses && `: ${losses}`}`,
    `adapter: ${final}`,
    `next: deno task ${mergeTask} --auto --lora-path "${folder}" --verify`,
  ].join("\n");
}
