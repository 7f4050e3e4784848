/** Phase 4: a LoRA that speaks as the dataset does. */
import { join } from "node:path";
import { UsageError, UserError } from "../core/errors.ts";
import { beside, dataDir } from "../core/paths.ts";
import { type Context, defineStep } from "../core/step.ts";
import { planTraining, type TrainingPlan } from "../training/plan.ts";
import { type Finding, stopping } from "../training/preflight/finding.ts";
import { preflight } from "../training/preflight/mod.ts";
import { runPaths } from "../training/run_file.ts";
import { DriftError, type TrainedRun, type TrainerSettings, trainModel } from "../training/train.ts";
import { type TrainOptions, trainOptions } from "../training/train_options.ts";
import { pythonPackages } from "./provisions.ts";
import { findingsText, planText, trainedText } from "./train_report.ts";

/** What the step did: looked, showed, or trained. */
export type TrainResult =
  | { readonly kind: "check"; readonly findings: readonly Finding[] }
  | { readonly kind: "plan"; readonly plan: TrainingPlan }
  | ({ readonly kind: "trained"; readonly seconds: number } & TrainedRun);

/** Trains a LoRA on a dataset of conversations, after a look for all that could go wrong. */
export const train = defineStep({
  name: "train",
  summary: "Trains a LoRA on the dataset, after a look for all that could go wrong",
  options: trainOptions,
  files(options, { env }) {
    const root = dataDir(options.dataDir, env);
    const dataset = options.dataset ?? join(root, "dataset", "theme_dataset.jsonl");
    const halves = ["_train.jsonl", "_val.jsonl"].map((ending) => beside(dataset, ending));
    const recipe = options.recipe !== undefined && /[\\/.]/.test(options.recipe) ? [options.recipe] : [];
    // Without a name the folder is a new one each time.
    const folder = options.outputDir ?? (options.runName && join(root, "output", options.runName));
    if (folder === undefined) return { reads: [dataset, ...halves, ...recipe], writes: [] };
    const { final, trainResults } = runPaths(folder);
    const adapter = ["adapter_config.json", "adapter_model.safetensors"].map((name) => join(final, name));
    return { reads: [dataset, ...halves, ...recipe], writes: [...adapter, trainResults] };
  },
  needs: () => [pythonPackages("train")],
  run: (options, context) =>
    orAnew(options, context, async (options) => await runPlan(await planTraining(options, context), options, context)),
  report(result) {
    if (result.kind === "check") return findingsText(result.findings);
    return result.kind === "plan" ? planText(result.plan) : trainedText(result);
  },
});

/** `--resume-latest --overwrite`: goes on where that is possible, else begins anew. */
export async function orAnew<Options extends Pick<TrainOptions, "resumeLatest" | "overwrite">>(
  options: Options,
  context: Context,
  run: (options: Options) => Promise<TrainResult>,
): Promise<TrainResult> {
  try {
    return await run(options);
  } catch (error) {
    if (!(error instanceof DriftError && options.resumeLatest && options.overwrite)) throw error;
    context.emit({ type: "log", level: "warn", message: `begins anew: ${error.faults.join("; ")}` });
    return await run({ ...options, resumeLatest: false });
  }
}

/**
 * Looks for what could go wrong with a planned training, and trains where nothing is.
 *
 * @throws {UsageError} findings that stop it; and as `trainModel`.
 */
export async function runPlan(
  plan: TrainingPlan,
  options: Pick<TrainOptions, "dryRun" | "check" | "strict">,
  context: Context,
  settings: TrainerSettings = {},
): Promise<TrainResult> {
  if (options.dryRun) return { kind: "plan", plan };
  const findings = await preflight(plan, context, { packages: options.check ? "look" : "trust" });
  const stops = stopping(findings, options.strict);
  if (options.check) {
    if (stops.length > 0) throw new UserError(findingsText(findings, options.strict), { exitCode: 2 });
    return { kind: "check", findings };
  }
  if (stops.length > 0) {
    const Stop = stops.every(({ check }) => check === "resume") ? DriftError : UsageError;
    throw new Stop(
      stops.map(({ check, message, remedy }) => `${check}: ${message}${remedy === undefined ? "" : `\n  ${remedy}`}`),
      options.strict ? "Warnings stop the training because of --strict." : "Nothing was trained.",
    );
  }
  for (const { level, check, message, remedy } of findings) {
    if (level !== "warning") continue;
    context.emit({ type: "log", level: "warn", message: `${check}: ${message}${remedy ? `. ${remedy}` : ""}` });
  }
  const started = context.clock.now();
  const run = await trainModel(plan, context, { ...settings, findings });
  return { kind: "trained", ...run, seconds: (context.clock.now() - started) / 1000 };
}
