/** Checks of figures: steps, disk, learning rate, memory. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Gpu } from "@/core/gpu.ts";
import { checkLearning, scientific } from "@/training/preflight/check_learning.ts";
import { checkMemory, type Machine } from "@/training/preflight/check_memory.ts";
import { checkDisk, checkpointBytes, checkSchedule, diskPlan } from "@/training/preflight/check_schedule.ts";
import type { Finding } from "@/training/preflight/finding.ts";
import { Recipe } from "@/training/recipe.ts";
import { schedule } from "@/training/schedule.ts";
import { LLAMA_8B, QWEN_14B, QWEN_1_5B } from "../shapes.ts";

const GIB = 2 ** 30;

const recipe = (change: Partial<Recipe> = {}): Recipe => ({ ...Recipe.parse({}), ...change });

function steps(rows: number, change: Partial<Recipe> = {}, valRows = 100) {
  const values = recipe(change);
  return checkSchedule(schedule({ ...values, rows, valRows, processes: 1 }), values);
}

const bad = (found: readonly Finding[]) => found.filter(({ level }) => level !== "ok");

Deno.test("checkSchedule says how many steps there are and what the best checkpoint can be", () => {
  const [found, ...more] = steps(5000);
  deepEqual([found?.level, more.length], ["ok", 0]);
  match(
    found?.message ?? "",
    /^939 steps of 16 rows, 313 an epoch, the first 94 rising; 2 checkpoints, the best is one of 2/,
  );
  match(found?.message ?? "", /8 evaluations between them are for the eye only$/);
  deepEqual(found?.facts, { steps: 939, warmup: 94, saves: 2, evals: 10 });
  deepEqual(steps(0), []);
});

Deno.test("checkSchedule stops a training that is shorter than the way to its first checkpoint", () => {
  const [found] = bad(steps(1000));
  equal(found?.level, "error");
  match(found?.message ?? "", /^The training has 189 steps and saves every 500/);
  equal(found?.remedy, "--save-steps 63 --eval-steps 63");
  deepEqual(bad(steps(1000, { saveSteps: 63, evalSteps: 63 })), [], "the remedy leaves nothing to complain of");
  equal(bad(steps(1000, {}, 0))[0]?.remedy, "--save-steps 63");
});

Deno.test("checkSchedule warns of checkpoints that are never evaluated", () => {
  const [found] = bad(steps(5000, { saveSteps: 250 }));
  equal(found?.level, "warning");
  match(found?.message ?? "", /^2 of 4 checkpoints are never evaluated \(250, 750\)/);
  match(found?.remedy ?? "", /--save-steps 300$/);
  deepEqual(bad(steps(5000, { saveSteps: 250 }, 0)), [], "without validation nothing is best");
  equal(bad(steps(96, { saveSteps: 2 }))[0]?.remedy?.endsWith("--eval-steps 2"), true, "100 steps are not to be had");
});

Deno.test("checkSchedule warns of checkpoints that a limit deletes, and of stopping early between them", () => {
  const [limit] = bad(steps(5000, { saveSteps: 100, saveTotalLimit: 3 }));
  match(limit?.message ?? "", /^--save-total-limit 3 deletes 7 of 10 checkpoints \(100, 200, 300 … 700\)/);
  const [early] = bad(steps(5000, { earlyStopping: 3 }));
  match(early?.message ?? "", /Early stopping looks at every evaluation, but 8 of 10 have no checkpoint/);
  deepEqual(bad(steps(5000, { earlyStopping: 3, saveSteps: 100 })), []);
});

Deno.test("checkSchedule stops a training that is to end early without rows that could tell when", () => {
  const [found] = bad(steps(5000, { earlyStopping: 3 }, 0));
  equal(found?.level, "error");
  match(found?.message ?? "", /^--early-stopping 3 has no evaluations to go by/);
  deepEqual(
    bad(steps(5000, { earlyStopping: 3, saveSteps: 100, valSplit: 0 })),
    [],
    "a split beside the dataset will do",
  );
});

Deno.test("a checkpoint of rank 32 on 1.5B takes half a gigabyte, and a run is weighed against the disk", () => {
  const one = checkpointBytes(QWEN_1_5B, recipe());
  ok(one > 0.45e9 && one < 0.48e9);
  const plan = diskPlan(QWEN_1_5B, recipe(), 4, 3e9);
  equal(plan.checkpoints, 5 * one);
  const level = (free: number) => checkDisk(plan, free)[0];
  equal(level(1e9)?.level, "error");
  match(level(1e9)?.message ?? "", /^The checkpoints take 2.3 GB and the base 3.0 GB; 1.0 GB are free$/);
  equal(level(6e9)?.level, "warning");
  match(level(6e9)?.message ?? "", /merging and GGUF another 7.1 GB/);
  equal(level(100e9)?.level, "ok");
});

Deno.test("checkLearning finds the document's 5e-5 ten times low on 1.5B, 2e-4 right, 1e-2 wild", () => {
  const learning = (learningRate: number | "auto") => checkLearning(recipe({ learningRate }), QWEN_1_5B, 16, 1e6)[0];
  match(
    learning(5e-5)?.message ?? "",
    /^--learning-rate 5e-5 is 10 times below what fits, 5.1e-4 \(fitted for LoRA on Qwen/,
  );
  match(learning(5e-5)?.remedy ?? "", /--learning-rate auto/);
  deepEqual([5e-5, 1e-4, 2e-4, 1e-3, 1e-2].map((rate) => learning(rate)?.level), [
    "warning",
    "ok",
    "ok",
    "ok",
    "warning",
  ]);
  match(learning(1e-2)?.message ?? "", /20 times above/);
  match(learning("auto")?.message ?? "", /^--learning-rate auto is 5.1e-4/);
  equal(scientific(5e-5), "5e-5");
});

Deno.test("checkLearning looks at batch, rank, scale and capacity", () => {
  const messages = (change: Partial<Recipe>, batch = 16, tokens = 1e6) =>
    bad(checkLearning(recipe({ learningRate: 2e-4, ...change }), QWEN_1_5B, batch, tokens))
      .map(({ message }) => message);
  deepEqual(messages({}), []);
  match(messages({}, 64)[0] ?? "", /A step learns from 64 rows/);
  match(
    messages({ loraR: 256, loraAlpha: 512 })[0] ?? "",
    /--lora-r 256 is beyond half of the narrowest layer \(256\)/,
  );
  match(messages({ loraAlpha: 512 })[0] ?? "", /scales what is learnt by 16$/);
  const found = checkLearning(recipe({ learningRate: 2e-4 }), QWEN_1_5B, 16, 100e6).find(({ level }) => level !== "ok");
  match(found?.message ?? "", /^100,000,000 tokens are learnt by 36,929,536 values/);
  match(found?.remedy ?? "", /^--lora-r 128/);
});

function machine(...gpus: Partial<Gpu>[]): Machine {
  return {
    gpus: gpus.map((gpu) => ({ name: "GPU", kind: "nvidia", memory: 24 * GIB, free: 24 * GIB, ...gpu })),
    ram: 32 * GIB,
    os: "linux",
  };
}

Deno.test("checkMemory is content with 1.5B on 24 GB and says where the memory goes", () => {
  const [found] = checkMemory(QWEN_1_5B, recipe(), machine({}));
  equal(found?.level, "ok");
  match(
    found?.message ?? "",
    /^On GPU with 24 GiB free, a step needs about 6\.\d GiB \(2\.9 GiB weights, 0\.6 GiB LoRA/,
  );
});

Deno.test("checkMemory stops what does not fit, with the change that would make it fit", () => {
  const [batch] = checkMemory(QWEN_1_5B, recipe(), machine({ memory: 6 * GIB, free: 6 * GIB }));
  equal(batch?.level, "error");
  match(batch?.remedy ?? "", /^--batch-size 2 --gradient-accumulation-steps 8: about 5\.\d GiB$/);
  const [quantised] = checkMemory(LLAMA_8B, recipe(), machine({ memory: 16 * GIB, free: 16 * GIB }));
  match(quantised?.remedy ?? "", /--use-4bit: about/);
  const [amd] = checkMemory(
    LLAMA_8B,
    recipe(),
    machine({ kind: "amd", memory: 16 * GIB, free: undefined, architecture: "gfx1100" }),
  );
  match(amd?.remedy ?? "", /smaller base/);
  const [hopeless] = checkMemory(QWEN_14B, recipe(), machine({ memory: 4 * GIB, free: 4 * GIB }));
  match(hopeless?.remedy ?? "", /smaller base/);
});

Deno.test("checkMemory warns where others hold the memory, where an APU borrows it, and where devices share", () => {
  const [held] = checkMemory(QWEN_1_5B, recipe(), machine({ free: 2 * GIB }));
  equal(held?.level, "warning");
  match(held?.message ?? "", /^Of 24 GiB on GPU only 2.0 GiB are free/);
  const strix = machine({ kind: "amd", memory: GIB / 2, free: undefined, architecture: "gfx1151" });
  equal(checkMemory(QWEN_1_5B, recipe(), strix)[0]?.level, "warning");
  equal(checkMemory(QWEN_14B, recipe(), machine({}), { sharded: true })[0]?.level, "warning");
  equal(checkMemory(QWEN_1_5B, recipe(), machine({ memory: undefined, free: undefined }))[0]?.level, "ok");
});

Deno.test("checkMemory takes an older TRL's logits and an evaluation's batch into account", () => {
  const small = machine({ memory: 12 * GIB, free: 12 * GIB });
  equal(checkMemory(QWEN_1_5B, recipe(), small)[0]?.level, "ok");
  equal(checkMemory(QWEN_1_5B, recipe(), small, { fullLogits: true })[0]?.level, "error");
  const [evaluation] = checkMemory(QWEN_1_5B, recipe({ batchSize: 1, evalBatchSize: 16 }), small, { fullLogits: true });
  match(evaluation?.message ?? "", /an evaluation needs about/);
  match(evaluation?.remedy ?? "", /--eval-batch-size/);
  equal(checkMemory(QWEN_1_5B, recipe({ maxSeqLength: 8192 }), small, { longest: 600 })[0]?.level, "ok");
});

Deno.test("checkMemory goes by the maker that torch is built for, and by the processor where there is no GPU", () => {
  const both = machine({ kind: "amd", memory: GIB, architecture: "gfx1036" }, {});
  equal(checkMemory(QWEN_1_5B, recipe(), both)[0]?.level, "ok");
  const [days] = checkMemory(QWEN_1_5B, recipe(), machine());
  match(days?.message ?? "", /^There is no GPU: 1,54\d million parameters on a processor take days$/);
  const [small] = checkMemory(
    { ...QWEN_1_5B, hiddenSize: 256, intermediateSize: 512, vocabSize: 1280, layers: 3 },
    recipe(),
    machine(),
  );
  equal(small?.level, "ok");
  equal(checkMemory(QWEN_14B, recipe(), { ...machine(), ram: 8 * GIB })[0]?.level, "error");
});
