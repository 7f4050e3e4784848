/** Runs a planned training: keeps what it is, starts the trainer, passes on what it tells, and says how it ended. */
import { join, resolve } from "node:path";
import { isAbort, ToolError, UsageError, UserError } from "../core/errors.ts";
import type { Context, StepEvent } from "../core/step.ts";
import { VERSION } from "../core/version.ts";
import { removeAll } from "../llm/llama_cpp_cache.ts";
import { baseMark } from "./base.ts";
import { checkpointsOf } from "./checkpoints.ts";
import { writeRows } from "./dataset.ts";
import { type TrainingPlan, worldSize } from "./plan.ts";
import type { Finding } from "./preflight/finding.ts";
import {
  driftBetween,
  holdRun,
  identityOf,
  type Outcome,
  readOutcome,
  readRunState,
  refuseHeld,
  runPaths,
  type RunRecord,
  type RunState,
  writeJson,
} from "./run_file.ts";
import { trainFault } from "./train_faults.ts";
import { type ProcessSettings, runTrainer, watchSilence } from "./train_process.ts";
import { trainProgress } from "./train_progress.ts";

/** What a finished training left. */
export interface TrainedRun {
  readonly folder: string;
  readonly final: string;
  readonly outcome: Outcome;
}

export interface TrainerSettings extends ProcessSettings {
  /** What was found before; kept with the run. */
  readonly findings?: readonly Finding[];
  /** The task that goes on with the run, and what it needs to be told; for advice. @default {"train"} */
  readonly task?: string;
  /** What only this trainer reads of its configuration. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Silence after which a warning comes, in milliseconds: longer than any step or saving. @default {900_000} */
  readonly silenceMs?: number;
}

/** A run that cannot be gone on with: something that decides its weights is not what it was. */
export class DriftError extends UsageError {}

/**
 * Trains. The run's folder then holds `final/`, `train_results.json` and `eval_results.json`.
 *
 * @throws {UsageError} a run that cannot be gone on with, since something that decides its weights has changed.
 * {UserError} the training failed: why, and what helps. The signal's reason where it was stopped: by then a checkpoint
 * is saved.
 */
export async function trainModel(
  plan: TrainingPlan,
  context: Context,
  settings: TrainerSettings = {},
): Promise<TrainedRun> {
  const { outputDir: folder } = plan;
  const paths = runPaths(folder);
  if (plan.recipe.learningRate === "auto") {
    throw new UserError(`Cannot tell the learning rate for "${plan.base.name}": its config.json cannot be read`, {
      exitCode: 2,
      hint: "Give a number: --learning-rate 1e-4",
    });
  }
  await refuseHeld(folder);
  const record = await prepareRun(plan, context);
  await writeJson(paths.preflight, settings.findings ?? []);
  await writeJson(paths.config, { ...trainerConfig(plan, record), ...settings.extra });
  for (const path of [paths.outcome, paths.stop]) await removeAll(path);
  await endLastLine(paths.events);
  const earlier = plan.resumeFrom ? await readRunState(folder) : undefined;
  let state: RunState = {
    state: "running",
    started: new Date(context.clock.now()).toISOString(),
    pid: Deno.pid,
    resumedFrom: [...earlier?.resumedFrom ?? [], ...plan.resumeFrom ? [plan.resumeFrom] : []],
    metrics: {},
    ...(plan.resumeFrom ? { checkpoint: plan.resumeFrom } : {}),
  };
  using _held = await holdRun(folder);
  await writeJson(paths.state, state);

  const show = trainProgress(context.emit, context.clock);
  const watch = watchSilence(settings.silenceMs ?? 900_000, context.emit);
  const take = (event: StepEvent) => {
    watch.heard();
    show(event);
    if (event.type === "metric" && (event.name === "loss" || event.name === "eval_loss")) {
      state.metrics[event.name] = event.value;
      state.step = event.step;
    }
    if (event.type === "progress" && event.label === "train") state.maxSteps = event.total;
  };
  let thrown: unknown;
  try {
    await runTrainer(plan, take, context, settings);
  } catch (error) {
    thrown = error;
  } finally {
    watch.end();
    await removeAll(paths.stop);
  }
  const outcome = await readOutcome(folder);
  const whole = (await checkpointsOf(folder)).find(({ fault }) => fault === undefined);
  const goOn = whole && `deno task ${settings.task ?? "train"} --resume-latest --output-dir "${folder}"`;
  state = { ...state, ...endOf(outcome, whole?.folder), ended: new Date(context.clock.now()).toISOString() };
  // Where the disk is full, why it failed is the more important word.
  const keep = () => writeJson(paths.state, state).catch(() => {});

  if (!thrown && outcome?.state === "complete") {
    state.state = "complete";
    await writeJson(paths.state, state);
    context.emit({ type: "artifact", path: paths.trainResults, title: "Training results" });
    return { folder, final: paths.final, outcome };
  }
  if (outcome?.state === "stopped" || isAbort(thrown)) {
    state.state = "stopped";
    await keep();
    const at = outcome?.step === undefined ? "" : ` at step ${outcome.step} of ${outcome.maxSteps}`;
    const message = goOn ? `stopped${at}; go on by: ${goOn}` : `stopped${at}, before there was a checkpoint`;
    context.emit({ type: "log", level: "info", message });
    context.signal.throwIfAborted();
    throw new UserError(`The training was stopped from outside${at}`, goOn ? { hint: `Go on by: ${goOn}` } : {});
  }
  const fault = thrown instanceof ToolError
    ? trainFault(thrown, outcome, goOn)
    : thrown ?? new UserError("Cannot train: the trainer ended without a word", { hint: `See "${paths.log}".` });
  state = { ...state, state: "failed", message: fault instanceof Error ? fault.message : String(fault) };
  await keep();
  throw fault;
}

/** Writes down what the run is; one that is gone on with must be what it was. */
async function prepareRun(plan: TrainingPlan, context: Context): Promise<RunRecord> {
  const { outputDir: folder, recipe, before, resumeFrom, data } = plan;
  const paths = runPaths(folder);
  if (plan.replaces) await clearRun(folder);
  await Deno.mkdir(folder, { recursive: true });
  // The rows of a run stay as they were until it is sure that these are the same.
  const fresh = resumeFrom ? join(folder, ".rows") : folder;
  const rows = await writeRows(data, recipe, { train: runPaths(fresh).train, val: runPaths(fresh).val }, context);
  const { kind, name, path } = plan.base;
  const mark = await baseMark(plan.base);
  const record: RunRecord = {
    version: 1,
    voiceworks: VERSION,
    created: before?.created ?? new Date(context.clock.now()).toISOString(),
    ...(plan.recipeName === undefined ? {} : { recipeName: plan.recipeName }),
    recipe,
    base: { kind, name, path, ...(mark === undefined ? {} : { mark }) },
    dataset: {
      path: resolve(data.dataset),
      split: rows.split,
      train: rows.train,
      ...(rows.val ? { val: rows.val } : {}),
    },
    processes: worldSize(plan),
    env: { ...plan.env },
  };
  if (resumeFrom) {
    const drift = before ? driftBetween(before, record) : [];
    if (drift.length > 0) {
      await removeAll(fresh);
      throw new DriftError(
        [`Cannot go on from "${resumeFrom}": it would not end where it would have ended`, ...drift],
        "Leave these as they were, or begin a new run. The rows of this one lie in its folder: --dataset " +
          `"${paths.train}"`,
      );
    }
    if (!before) {
      const message = `"${resumeFrom}" does not say what it was trained with: whether it fits is not known`;
      context.emit({ type: "log", level: "warn", message });
    }
    for (const name of ["train", "val"] as const) {
      const moved = runPaths(fresh)[name];
      if (await Deno.stat(moved).then(() => true, () => false)) await Deno.rename(moved, paths[name]);
    }
    await removeAll(fresh);
  }
  await writeJson(paths.recipe, record);
  return record;
}

/** A trainer that was killed, or found no room, may have left half a line, which the next one would go on with. */
async function endLastLine(path: string): Promise<void> {
  const bytes = await Deno.readFile(path).catch(() => new Uint8Array());
  if (bytes.length > 0 && bytes.at(-1) !== 0x0a) await Deno.writeTextFile(path, "\n", { append: true });
}

/** Takes away what a run wrote, and nothing else. */
async function clearRun(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const path = join(folder, name);
    const ours = Object.values(runPaths(folder)).includes(path) || name === "trainer_state.json";
    if (ours || /^checkpoint-\d+$/.test(name) || name === ".final.part" || name === ".rows") await removeAll(path);
  }
}

function trainerConfig(plan: TrainingPlan, record: RunRecord) {
  const { outputDir: folder, launch } = plan;
  const { train, val, stop } = runPaths(folder);
  return {
    recipe: record.recipe,
    base: plan.base.path,
    train,
    val: record.dataset.val ? val : null,
    output: folder,
    resume: plan.resumeFrom ?? null,
    identity: identityOf(record),
    stopFile: stop,
    fsdp: launch?.fsdp === undefined ? null : resolve(launch.fsdp),
    deepspeed: launch?.deepspeed === undefined ? null : resolve(launch.deepspeed),
  };
}

/** What the trainer's last word adds to `run.json`. */
function endOf(outcome: Outcome | undefined, checkpoint: string | undefined): Partial<RunState> {
  const metrics = Object.entries(outcome?.metrics ?? {}).filter((entry): entry is [string, number] =>
    entry[1] !== null
  );
  return {
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(outcome?.step === undefined ? {} : { step: outcome.step }),
    ...(outcome?.maxSteps === undefined ? {} : { maxSteps: outcome.maxSteps }),
    ...(metrics.length > 0 ? { metrics: Object.fromEntries(metrics) } : {}),
  };
}
