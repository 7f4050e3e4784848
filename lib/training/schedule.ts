/**
 * When a training logs, evaluates and saves, reckoned before it begins: the arithmetic of transformers 5.23
 * (Trainer.set_initial_training_values, DefaultFlowCallback, rotate_checkpoints).
 */

export interface ScheduleInput {
  /** Rows that are trained on: after those without a trained token are left out, and after packing. */
  readonly rows: number;
  /** Rows to evaluate on; 0: no evaluations. */
  readonly valRows: number;
  readonly batchSize: number;
  readonly gradientAccumulationSteps: number;
  /** Devices that share a step. */
  readonly processes: number;
  readonly epochs: number;
  /** Takes the place of the epochs. */
  readonly maxSteps?: number | undefined;
  /** Share of the steps. */
  readonly warmupRatio: number;
  readonly saveSteps: number;
  readonly evalSteps: number;
  /** Checkpoints that are kept. */
  readonly saveTotalLimit?: number | undefined;
}

export interface Schedule {
  /** Rows that one step learns from. */
  readonly effectiveBatch: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** Steps in which the learning rate rises. */
  readonly warmupSteps: number;
  /** Steps with a checkpoint; the last step always has one. */
  readonly saves: readonly number[];
  /** Steps with an evaluation; the last step always has one. */
  readonly evals: readonly number[];
  /** Checkpoints that an evaluation at the same step ranks: the best one is one of these. */
  readonly ranked: readonly number[];
  /** Checkpoints that are deleted, the best one not being among them. */
  readonly deleted: readonly number[];
  /** Checkpoints that lie on the disk at once, at most. */
  readonly most: number;
}

/**
 * The steps of a training.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { schedule } from "@/training/schedule.ts";
 *
 * const { totalSteps, saves, ranked } = schedule({
 *   rows: 5000, valRows: 500, batchSize: 4, gradientAccumulationSteps: 4, processes: 1, epochs: 3, warmupRatio: 0.1,
 *   saveSteps: 500, evalSteps: 100,
 * });
 * deepEqual([totalSteps, saves, ranked], [939, [500, 939], [500, 939]]);
 * ```
 */
export function schedule(input: ScheduleInput): Schedule {
  const { batchSize, gradientAccumulationSteps, processes, saveSteps, evalSteps } = input;
  const batches = Math.ceil(input.rows / (batchSize * processes));
  // What is left at the end of an epoch is a step too.
  const stepsPerEpoch = Math.max(1, Math.ceil(batches / gradientAccumulationSteps));
  const totalSteps = input.rows === 0 ? 0 : input.maxSteps ?? Math.ceil(input.epochs * stepsPerEpoch);
  const saves = everyAndLast(saveSteps, totalSteps);
  const evals = input.valRows > 0 ? everyAndLast(evalSteps, totalSteps) : [];
  const evaluated = new Set(evals);
  const limit = input.saveTotalLimit ?? Infinity;
  // The best one is kept beside the latest, though the limit be 1.
  const most = Math.min(saves.length, evals.length > 0 ? Math.max(limit, 2) : limit);
  return {
    effectiveBatch: batchSize * gradientAccumulationSteps * processes,
    stepsPerEpoch,
    totalSteps,
    warmupSteps: Math.ceil(totalSteps * input.warmupRatio),
    saves,
    evals,
    ranked: saves.filter((step) => evaluated.has(step)),
    deleted: saves.slice(0, Math.max(0, saves.length - limit)),
    most,
  };
}

function everyAndLast(every: number, last: number): number[] {
  const steps = Array.from({ length: Math.floor(last / every) }, (_, i) => (i + 1) * every);
  if (last > 0 && steps.at(-1) !== last) steps.push(last);
  return steps;
}

/**
 * Rows that packing leaves: examples put together, best fit first, none cut ("bfd" of TRL). An example that is longer
 * than a row is cut to it.
 *
 * @param lengths Tokens of each example.
 * @param size Tokens of a row.
 */
export function packedRows(lengths: readonly number[], size: number): number {
  // Rows by the room that is left in them, so that each example is one look-up.
  const rows = new Uint32Array(size + 1);
  let count = 0;
  for (const length of [...lengths].sort((a, b) => b - a)) {
    const needed = Math.min(length, size);
    if (needed === 0) continue;
    let room = needed;
    while (room <= size && rows[room] === 0) room++;
    if (room > size) {
      count++;
      room = size;
    } else rows[room] = (rows[room] ?? 0) - 1;
    rows[room - needed] = (rows[room - needed] ?? 0) + 1;
  }
  return count;
}
