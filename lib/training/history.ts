/** The figures of a training, as its events or Trainer's own state keep them. */
import { join } from "node:path";
import { z } from "zod";
import { readTextFile } from "../core/files.ts";
import { readLines } from "../core/jsonl.ts";
import type { StepEvent } from "../core/step.ts";

/** A figure at a step. A type and not an interface, which no chart would take. */
export type TrainingPoint = { step: number; series: string; value: number };

/** Series that are drawn, by the names of the metric events. */
export const SERIES = [
  "loss",
  "eval_loss",
  "learning_rate",
  "grad_norm",
  "tokens_per_second",
  "memory_bytes",
] as const;

/** The point that an event is, if it is one. */
export function pointOf(event: StepEvent): TrainingPoint | undefined {
  if (event.type !== "metric" || event.step === undefined) return undefined;
  return { step: event.step, series: event.name, value: event.value };
}

const MetricLine = z.looseObject({
  type: z.literal("metric"),
  name: z.string(),
  value: z.number(),
  step: z.int().nonnegative(),
});

/**
 * The figures in a run's events.jsonl. A run that went on from a checkpoint tells some steps again: the later word holds.
 * Lines that are no figures are passed over.
 *
 * @throws {UserError} the file cannot be read.
 */
export async function readEventHistory(path: string, signal?: AbortSignal): Promise<TrainingPoint[]> {
  const points: TrainingPoint[] = [];
  const decoder = new TextDecoder();
  for await (const { bytes } of readLines(path, signal)) {
    const found = MetricLine.safeParse(parsed(decoder.decode(bytes)));
    if (found.success) points.push({ step: found.data.step, series: found.data.name, value: found.data.value });
  }
  return latest(points);
}

const TrainerState = z.looseObject({
  global_step: z.int(),
  max_steps: z.int().optional(),
  log_history: z.array(z.record(z.string(), z.unknown())),
  best_metric: z.number().nullish(),
  best_global_step: z.int().nullish(),
});

/** What Trainer keeps of itself in a checkpoint. */
export interface TrainerHistory {
  readonly step: number;
  readonly maxSteps: number | undefined;
  readonly points: readonly TrainingPoint[];
}

/**
 * The figures in a trainer_state.json, also of another program that trains with transformers.
 *
 * @returns undefined where the file is no such state.
 * @throws {UserError} the file cannot be read.
 */
export async function readTrainerState(path: string): Promise<TrainerHistory | undefined> {
  // Python's JSON may say NaN.
  const text = (await readTextFile(path)).replace(/(:\s*)(?:NaN|-?Infinity)(?=\s*[,}\]])/g, "$1null");
  const found = TrainerState.safeParse(parsed(text));
  if (!found.success) return undefined;
  const points = found.data.log_history.flatMap((entry) => {
    const step = entry.step;
    if (typeof step !== "number") return [];
    return SERIES.flatMap((series) => {
      const value = entry[series];
      return typeof value === "number" ? [{ step, series, value }] : [];
    });
  });
  return { step: found.data.global_step, maxSteps: found.data.max_steps, points: latest(points) };
}

/** trainer_state.json of a folder, else of its newest checkpoint. */
export async function findTrainerState(folder: string): Promise<string | undefined> {
  const own = join(folder, "trainer_state.json");
  if (await isFile(own)) return own;
  const steps: number[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      const step = /^checkpoint-(\d+)$/.exec(name)?.[1];
      if (step !== undefined) steps.push(Number(step));
    }
  } catch {
    return undefined; // No folder, or none that may be read.
  }
  for (const step of steps.sort((a, b) => b - a)) {
    const path = join(folder, `checkpoint-${step}`, "trainer_state.json");
    if (await isFile(path)) return path;
  }
  return undefined;
}

/** In the order of the steps; of two words on one step the later one. */
function latest(points: readonly TrainingPoint[]): TrainingPoint[] {
  const byStep = new Map(points.map((point) => [`${point.series} ${point.step}`, point]));
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
