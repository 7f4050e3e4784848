/** A training seen from another terminal: how far, how well, how warm. Works on finished runs too, and on other trainers'. */
import { z } from "zod";
import { UsageError } from "../../core/errors.ts";
import { bytes, count, duration } from "../../core/format.ts";
import { type GpuLoad, gpuLoads } from "../../core/gpu_load.ts";
import { defineStep } from "../../core/step.ts";
import { sparkline } from "../../core/terminal.ts";
import { textTable } from "../../core/text_table.ts";
import { type Checkpoint, checkpointsOf } from "../../training/checkpoints.ts";
import type { TrainingPoint } from "../../training/history.ts";
import { readHistory, readRun, type Run } from "../../training/runs.ts";
import { gaeaPaths } from "./paths.ts";

const options = z.object({
  run: z.string().optional().describe(
    "Folder of the run, also of another trainer; default: <data-dir>/gaea/checkpoints/qlora-visions-style",
  ),
  once: z.boolean().default(false).describe("Tell how it is now, and end; else go on until the run ends, or Ctrl-C"),
  interval: z.number().min(1).default(10).describe("Seconds between two looks"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});

export interface MonitorResult {
  readonly run: Run;
  readonly points: readonly TrainingPoint[];
  readonly checkpoints: readonly Checkpoint[];
  readonly gpus: readonly GpuLoad[];
  /** Seconds to the end, at the pace so far; undefined where the run has ended or has no pace. */
  readonly secondsLeft: number | undefined;
}

/** Watches a training run. */
export const monitor = defineStep({
  name: "gaea:monitor",
  summary: "Watches a running or finished training from another terminal",
  options,
  files: () => ({ reads: [], writes: [] }),
  async run(options, context): Promise<MonitorResult> {
    const folder = options.run ?? gaeaPaths(options.dataDir, context.env).run;
    let told = 0;
    while (true) {
      const seen = await look(folder, context.clock.now(), context.signal);
      const { run, secondsLeft: left } = seen;
      const over = run.state !== "running";
      if (run.step !== undefined && run.maxSteps !== undefined) {
        const ending = left === undefined ? {} : { leftSeconds: left };
        const detail = [`loss ${run.loss?.toFixed(3) ?? "–"}`, ...seen.gpus.map(gpuText)].join("  ");
        const total = run.maxSteps;
        context.emit({ type: "progress", label: "train", done: run.step, total, unit: "steps", detail, ...ending });
      }
      const evaluations = seen.points.filter(({ series }) => series === "eval_loss");
      for (const { step, value } of evaluations.slice(told)) {
        if (!options.once) {
          context.emit({ type: "log", level: "info", message: `step ${step}: evaluation loss ${value.toFixed(4)}` });
        }
      }
      told = evaluations.length;
      if (options.once || over) return seen;
      await context.clock.sleep(1000 * options.interval, context.signal);
    }
  },
  report: monitorText,
});

async function look(folder: string, now: number, signal: AbortSignal): Promise<MonitorResult> {
  const run = await readRun(folder, { signal });
  if (!run) {
    throw new UsageError(`Cannot watch "${folder}": there is no training in it`, "Name the folder of a run by --run.");
  }
  const [points, checkpoints, gpus] = await Promise.all([
    readHistory(folder, signal),
    checkpointsOf(folder),
    gpuLoads(),
  ]);
  return { run, points, checkpoints, gpus, secondsLeft: leftOf(run, now) };
}

function leftOf({ state, began, step, maxSteps }: Run, now: number): number | undefined {
  if (state !== "running" || began === undefined || !step || maxSteps === undefined) return undefined;
  return (now - began) / 1000 / step * (maxSteps - step);
}

const gpuText = ({ used, memory, celsius }: GpuLoad) =>
  [
    ...(used === undefined || memory === undefined ? [] : [`${bytes(used)} of ${bytes(memory)}`]),
    ...(celsius === undefined ? [] : [`${celsius} °C`]),
  ].join(", ");

function monitorText({ run, points, checkpoints, gpus, secondsLeft }: MonitorResult): string {
  const last = (series: string) => points.findLast((point) => point.series === series)?.value;
  const series = (name: string) => points.filter((point) => point.series === name).map(({ value }) => value);
  const losses = new Map(
    points.filter((point) => point.series === "eval_loss").map(({ step, value }) => [step, value]),
  );
  const figures: [string, string][] = [
    ["run", run.folder],
    ["state", run.problem ? `${run.state}: ${run.problem}` : run.state],
    ["step", `${count(run.step ?? 0)}${run.maxSteps === undefined ? "" : ` of ${count(run.maxSteps)}`}`],
    ["loss", `${run.loss?.toFixed(4) ?? "–"}  ${sparkline(series("loss"))}`],
    ["evaluation loss", `${last("eval_loss")?.toFixed(4) ?? "–"}  ${sparkline(series("eval_loss"))}`],
    ["best", run.best ? `${run.best.loss.toFixed(4)} at step ${count(run.best.step)}` : "–"],
    [
      "tokens a second",
      last("tokens_per_second") === undefined ? "–" : count(Math.round(last("tokens_per_second") ?? 0)),
    ],
    ["left", secondsLeft === undefined ? "–" : duration(secondsLeft)],
    ...gpus.map((gpu): [string, string] => [gpu.name, gpuText(gpu)]),
  ];
  const saved = checkpoints.map((checkpoint) => [
    checkpoint.folder,
    losses.get(checkpoint.step)?.toFixed(4) ?? "–",
    checkpoint.fault ?? "whole",
  ]);
  return [
    textTable(["", ""], figures).trimStart(),
    ...(saved.length > 0 ? [textTable(["Checkpoint", "Evaluation loss", ""], saved)] : []),
  ].join("\n\n");
}
