import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { z } from "zod";
import { ToolError } from "@/core/errors.ts";
import type { StepEvent } from "@/core/step.ts";
import { sparkline } from "@/core/terminal.ts";
import { launchArguments, launchFlags, planLaunch } from "@/training/launch.ts";
import { effectiveRecipe } from "@/training/recipe.ts";
import { driftBetween, identityOf, type RunRecord } from "@/training/run_file.ts";
import { trainFault } from "@/training/train_faults.ts";
import { trainProgress } from "@/training/train_progress.ts";

const record: RunRecord = {
  version: 1,
  voiceworks: "0",
  created: "",
  recipe: effectiveRecipe({}, {}),
  base: { kind: "folder", name: "b", path: "/b", mark: "m" },
  dataset: { path: "/d", split: "row", train: { rows: 9, sha256: "t" }, val: { rows: 1, sha256: "v" } },
  processes: 1,
  env: {},
};

Deno.test("drift is named value by value; what moves no weight may change", () => {
  const changed = (recipe: Partial<RunRecord["recipe"]>) => ({ ...record, recipe: { ...record.recipe, ...recipe } });
  deepEqual(driftBetween(record, changed({ saveTotalLimit: 2, wandb: true, outputDir: "x", earlyStopping: 3 })), []);
  equal(identityOf(changed({ saveTotalLimit: 2 })), identityOf(record));
  deepEqual(driftBetween(record, changed({ batchSize: 8, use4bit: true, maxSteps: 5 })), [
    "max-steps: unset → 5",
    "batch-size: 4 → 8",
    "use-4bit: false → true",
  ]);
  notEqual(identityOf(changed({ batchSize: 8 })), identityOf(record));
  const moved = { ...record, base: { ...record.base, path: "/elsewhere" } };
  deepEqual(driftBetween(record, moved), [], "the same base in another place");
  const { val: _, ...dataset } = record.dataset;
  const other = { ...record, processes: 2, dataset: { ...dataset, train: { rows: 9, sha256: "u" } } };
  match(driftBetween(record, other).join("\n"), /training examples.*"t" → "u"\nvalidation.*unset\nprocesses: 1 → 2/);
});

Deno.test("a failure ends in one sentence with what helps", () => {
  const fault = (code: number, lines: string[] = [], goOn?: string) =>
    trainFault(new ToolError(["p"], code, lines), undefined, goOn);
  match(fault(137).message, /killed, most likely because the machine's memory/);
  match(fault(137).hint ?? "", /--max-seq-length 512 or 768/);
  match(fault(139).hint ?? "", /AMD_SERIALIZE_KERNEL=3/);
  match(fault(1, ["a", "b"]).message, /exit code 1\n {2}a\n {2}b/);
  match(fault(1, [], "deno task train").hint ?? "", /Go on from the last checkpoint: deno task train/);
  const told = trainFault(new ToolError(["p"], 1, ["Traceback"]), {
    state: "failed",
    kind: "not-finite",
    message: "the loss is nan at step 3",
  }, undefined);
  equal(told.message, "Cannot train: the loss is nan at step 3");
  match(told.hint ?? "", /lower --learning-rate/);
  const full = fault(1, ["x", 'outcome: {"state":"failed","kind":"disk","message":"the disk is full"}', "y"]);
  equal(full.message, "Cannot train: the disk is full");
});

Deno.test("the bar carries the curve of the loss and the time that the steps of this session need", () => {
  const shown: StepEvent[] = [];
  let now = 0;
  const take = trainProgress((event) => void shown.push(event), { now: () => now });
  const step = (done: number) => take({ type: "progress", label: "train", done, total: 200 });
  step(100); // A resumed run; the first step takes long.
  now = 60_000;
  step(101);
  for (let done = 102; done <= 110; done++) {
    now += 1000;
    take({ type: "metric", name: "loss", value: 5 - done / 100, step: done });
    step(done);
  }
  take({ type: "metric", name: "eval_loss", value: 3.5, step: 110 });
  take({ type: "progress", label: "evaluate", done: 1, total: 2 });
  const last = shown.findLast((event) => event.type === "progress" && event.label === "train");
  ok(last?.type === "progress");
  equal(last.leftSeconds, 90);
  match(last.detail ?? "", /^loss 3\.900 █.*▁$/);
  ok(
    shown.some((event) =>
      event.type === "log" && /step 110: evaluation loss 3.5000, the lowest so far/.test(event.message)
    ),
  );
  ok(shown.some((event) => event.type === "progress" && event.label === "evaluate at step 110"));
});

Deno.test("sparkline draws extremes, means of many, and nothing of nothing", () => {
  equal(sparkline([]), "");
  equal(sparkline([Number.NaN, 2, 1]), "█▁");
  equal(sparkline([1, 1]), "▄▄");
  equal(sparkline(Array.from({ length: 1000 }, (_, i) => i)).length, 16);
  equal(sparkline([0, 0, 8, 8], 2), "▁█");
});

Deno.test("launchers get processes, machines and files; senseless wishes are refused together", () => {
  const flags = (values: object) => z.object(launchFlags).parse(values);
  const { launch } = planLaunch(
    flags({ launch: "accelerate", processes: 4, machines: 2, machineRank: 1, mainAddress: "10.0.0.1" }),
  );
  ok(launch);
  const words = launchArguments(launch).join(" ");
  for (const word of ["--num_processes=8", "--num_machines=2", "--machine_rank=1", "--main_process_ip=10.0.0.1"]) {
    ok(words.includes(word), word);
  }
  const torchrun = planLaunch(flags({ launch: "torchrun", processes: 2 })).launch;
  ok(torchrun && launchArguments(torchrun).includes("--nproc-per-node=2"));
  equal(
    planLaunch(
      flags({ launch: "torchrun", machineRank: 2, machines: 2, fsdp: "a", deepspeed: "b", accelerateConfig: "c" }),
    ).faults.length,
    3,
  );
  deepEqual(planLaunch(flags({ processes: 2, fsdp: "x" })).faults.length, 2);
  equal(planLaunch(flags({})).launch, undefined);
});
