/** The process that trains: started, asked to stop, listened to. */
import { resolve } from "node:path";
import { ToolError } from "../core/errors.ts";
import { WORKSPACE } from "../core/paths.ts";
import { runPython, type Toolchain } from "../core/python.ts";
import { pythonFor } from "../core/python_venv.ts";
import { type Context, emitAll, type StepEvent } from "../core/step.ts";
import { launchArguments, threadsEach } from "./launch.ts";
import type { TrainingPlan } from "./plan.ts";
import { runPaths } from "./run_file.ts";

/** Exit code of a trainer that was asked to stop and did. */
const STOPPED = 75;

export interface ProcessSettings {
  /** The trainer. @default {"train_lora.py"} */
  readonly script?: string;
  /** The packages that it runs on. @default {"train"} */
  readonly toolchain?: Toolchain;
  /**
   * What the trainer may use to finish its step and save a checkpoint once it was asked to stop: a step of a large model
   * takes half a minute, a checkpoint on a slow disk another one. A second Ctrl-C waits for nothing. @default {600_000}
   */
  readonly stopMs?: number;
}

/**
 * Runs the trainer on the configuration that lies in the run's folder, and hands on what it tells. A trainer that was
 * asked to stop and did is no failure.
 *
 * @throws {ToolError} it failed. The signal's reason where it had to be ended.
 */
export async function runTrainer(
  plan: TrainingPlan,
  take: (event: StepEvent) => void,
  context: Context,
  { script = "train_lora.py", toolchain = "train", stopMs = 600_000 }: ProcessSettings,
): Promise<void> {
  const paths = runPaths(plan.outputDir);
  await emitAll(pythonFor(toolchain, context), context);
  // A signal would end a trainer in the middle of a step; a file asks it, on every system.
  const leave = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    void Deno.writeTextFile(paths.stop, "").catch(() => leave.abort(context.signal.reason));
    timer = setTimeout(() => leave.abort(context.signal.reason), stopMs);
    context.emit({ type: "log", level: "info", message: "finishing the step and saving a checkpoint" });
  };
  context.signal.throwIfAborted();
  context.signal.addEventListener("abort", stop, { once: true });
  const local = plan.base.kind !== "hub";
  const env = { ...plan.env, ...(local ? { HF_HUB_OFFLINE: "1" } : {}) };
  const config = ["--config", paths.config];
  const { launch } = plan;
  const run = launch
    ? runPython(
      toolchain,
      "launch.py",
      [...launchArguments(launch), resolve(WORKSPACE, "lib", "python", script), ...config],
      { ...context, signal: leave.signal },
      { env: { OMP_NUM_THREADS: String(threadsEach(launch)), ...env }, eventFile: paths.events },
    )
    : runPython(toolchain, script, config, { ...context, signal: leave.signal }, { env, eventFile: paths.events });
  try {
    for await (const event of run) take(event);
  } catch (error) {
    if (!(error instanceof ToolError && error.code === STOPPED)) throw error;
  } finally {
    context.signal.removeEventListener("abort", stop);
    clearTimeout(timer);
  }
}

/** Says once that nothing was heard for long: a GPU that hangs says nothing at all. */
export function watchSilence(ms: number, emit: Context["emit"]): { heard(): void; end(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const message =
    `nothing was heard of the trainer for ${Math.round(ms / 60_000)} minutes: the GPU may hang. Ctrl-C twice ` +
    "ends it; on AMD go on with the settings of --recipe amd-stable (AMD_SERIALIZE_KERNEL=3, a smaller batch)";
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => emit({ type: "log", level: "warn", message }), ms);
  };
  heard();
  return { heard, end: () => clearTimeout(timer) };
}
