import { deepEqual, equal, ok } from "node:assert/strict";
import { packedRows, schedule, type ScheduleInput } from "@/training/schedule.ts";

const PLAN: ScheduleInput = {
  rows: 5000,
  valRows: 500,
  batchSize: 4,
  gradientAccumulationSteps: 4,
  processes: 1,
  epochs: 3,
  warmupRatio: 0.1,
  saveSteps: 500,
  evalSteps: 100,
};

Deno.test("schedule counts what is left of an epoch as a step, and half an epoch up", () => {
  equal(schedule({ ...PLAN, rows: 17 }).stepsPerEpoch, 2);
  equal(schedule({ ...PLAN, rows: 16 }).stepsPerEpoch, 1);
  equal(schedule({ ...PLAN, rows: 17, epochs: 0.6 }).totalSteps, 2);
  equal(schedule({ ...PLAN, maxSteps: 7 }).totalSteps, 7);
  equal(schedule({ ...PLAN, rows: 0 }).totalSteps, 0);
  deepEqual(schedule({ ...PLAN, rows: 0 }).saves, []);
});

Deno.test("schedule deals the rows to the devices before it counts batches", () => {
  const two = schedule({ ...PLAN, processes: 2 });
  equal(two.effectiveBatch, 32);
  equal(two.stepsPerEpoch, Math.ceil(Math.ceil(5000 / 8) / 4));
});

Deno.test("schedule evaluates and saves at the last step too, and ranks what has both", () => {
  const plan = schedule({ ...PLAN, evalSteps: 200, saveSteps: 300 });
  deepEqual(plan.saves, [300, 600, 900, 939]);
  deepEqual(plan.evals, [200, 400, 600, 800, 939]);
  deepEqual(plan.ranked, [600, 939]);
  deepEqual(schedule({ ...PLAN, valRows: 0 }).ranked, []);
});

Deno.test("schedule tells what a limit deletes, and that the best is kept beside the latest", () => {
  const plan = schedule({ ...PLAN, saveSteps: 200, saveTotalLimit: 2 });
  deepEqual(plan.saves, [200, 400, 600, 800, 939]);
  deepEqual(plan.deleted, [200, 400, 600]);
  equal(plan.most, 2);
  equal(schedule({ ...PLAN, saveSteps: 200, saveTotalLimit: 1 }).most, 2);
  equal(schedule({ ...PLAN, saveSteps: 200, saveTotalLimit: 1, valRows: 0 }).most, 1);
});

Deno.test("packedRows fills rows, cuts what is too long, and leaves nothing out", () => {
  equal(packedRows([5, 5, 5, 5], 10), 2);
  equal(packedRows([6, 6, 4, 4], 10), 2);
  equal(packedRows([20, 3, 7], 10), 2);
  equal(packedRows([0, 0], 10), 0);
  const lengths = Array.from({ length: 1000 }, (_, i) => 20 + (i * 37) % 300);
  const least = lengths.reduce((a, b) => a + b, 0) / 1024;
  ok(packedRows(lengths, 1024) < 1.02 * least + 1);
});
