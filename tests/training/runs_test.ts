import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { findTrainerState, pointOf, readEventHistory, readTrainerState } from "@/training/history.ts";
import { holdRun, isHeld, refuseHeld, type RunRecord } from "@/training/run_file.ts";
import { findRun, listRuns, readHistory, readRun, recipeDifferences } from "@/training/runs.ts";
import { withFolder } from "../fakes/folder.ts";
import { record, state, writeRun } from "./recorded_run.ts";

const metric = (name: string, value: number, step?: number) =>
  JSON.stringify({ type: "metric", name, value, ...(step === undefined ? {} : { step }) });

const EVENTS = [
  metric("eval_loss", 5.6, 0),
  metric("loss", 5.5, 1),
  '{"type":"progress","label":"train","done":1,"total":3}',
  metric("loss", 5.3, 2),
  metric("eval_loss", 5.2, 2),
  metric("loss", 5.25, 2), // Told again after a resume.
  metric("loss", 5.1, 3),
  metric("eval_loss", 5.4, 3),
  metric("no step", 1),
  "not JSON",
  '{"type":"metric","name":"loss","va',
].join("\n");

Deno.test("readEventHistory keeps the figures in order, the later word on a step, and passes over what is none", () =>
  withFolder(async (folder) => {
    await writeRun(folder, { events: EVENTS });
    const points = await readEventHistory(join(folder, "events.jsonl"));
    const of = (name: string) => points.filter(({ series }) => series === name).map(({ step, value }) => [step, value]);
    deepEqual(of("loss"), [[1, 5.5], [2, 5.25], [3, 5.1]]);
    deepEqual(of("eval_loss"), [[0, 5.6], [2, 5.2], [3, 5.4]]);
    equal(points.length, 6);
  }));

Deno.test("readTrainerState reads what transformers wrote, NaN included, and knows when a file is none", () =>
  withFolder(async (folder) => {
    const path = join(folder, "checkpoint-20", "trainer_state.json");
    await Deno.mkdir(join(folder, "checkpoint-9"));
    await Deno.mkdir(join(folder, "checkpoint-20"));
    const entries = [
      '{"loss": 2.5, "grad_norm": NaN, "learning_rate": 1e-4, "epoch": 0.5, "step": 10}',
      '{"eval_loss": 2.25, "eval_runtime": 1.0, "step": 20}',
      '{"train_loss": 2.4, "train_runtime": 9.0}',
    ];
    const text = `{"global_step": 20, "max_steps": 40, "log_history": [${entries.join(", ")}]}`;
    await Deno.writeTextFile(path, text);
    equal(await findTrainerState(folder), path);
    const found = await readTrainerState(path);
    deepEqual([found?.step, found?.maxSteps], [20, 40]);
    deepEqual(found?.points, [
      { step: 10, series: "loss", value: 2.5 },
      { step: 10, series: "learning_rate", value: 1e-4 },
      { step: 20, series: "eval_loss", value: 2.25 },
    ]);
    await Deno.writeTextFile(join(folder, "trainer_state.json"), "[]");
    equal(await readTrainerState(join(folder, "trainer_state.json")), undefined);
    equal(await findTrainerState(join(folder, "nothing")), undefined);
  }));

Deno.test("pointOf takes figures at a step and nothing else", () => {
  deepEqual(pointOf({ type: "metric", name: "loss", value: 2, step: 3 }), { step: 3, series: "loss", value: 2 });
  equal(pointOf({ type: "metric", name: "loss", value: 2 }), undefined);
  equal(pointOf({ type: "progress", label: "train", done: 1 }), undefined);
});

Deno.test("listRuns tells complete, stopped, crashed, foreign and broken runs, newest first", () =>
  withFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    const started = (day: number) => `2026-01-0${day}T00:00:00.000Z`;
    await writeRun(at("a"), { record: record(), state: state({ started: started(1) }), events: EVENTS });
    const failed = state({ state: "failed", started: started(2), message: "the memory did not suffice" });
    await writeRun(at("b"), { record: record(), state: failed });
    const running = state({ state: "running", started: started(3) });
    const { ended: _, ...open } = running;
    await writeRun(at("c"), { record: record(), state: open });
    await writeRun(at("d"), { record: record(), state: { ...open, started: started(4) } });
    await Deno.mkdir(at("merged-deepred"));
    await Deno.writeTextFile(join(folder, "deepred.gguf"), "x");
    await Deno.mkdir(at("theirs"));
    await Deno.writeTextFile(join(at("theirs"), "trainer_state.json"), '{"global_step": 7, "log_history": []}');
    await Deno.mkdir(at("broken"));
    await Deno.writeTextFile(join(at("broken"), "run.json"), "{");
    using _held = await holdRun(at("d"));
    const runs = await listRuns(folder);
    deepEqual(runs.slice(1).map(({ name, state }) => [name, state]), [
      ["d", "running"],
      ["c", "crashed"],
      ["b", "failed"],
      ["a", "complete"],
      ["broken", "broken"],
    ]);
    equal(runs[0]?.name, "theirs", "by the time of its state, which is now");
    const [a] = runs.filter(({ name }) => name === "a");
    deepEqual([a?.loss, a?.best, a?.seconds, a?.step], [5.1, { loss: 5.2, step: 2 }, 90_000, 30]);
    match(runs.find(({ name }) => name === "b")?.problem ?? "", /memory/);
    match(runs.find(({ name }) => name === "broken")?.problem ?? "", /not JSON/);
    deepEqual(await listRuns(at("nothing")), []);
  }));

Deno.test("holdRun lets nobody else in, and lets go when it is disposed", () =>
  withFolder(async (folder) => {
    equal(await isHeld(folder), false);
    const held = await holdRun(folder);
    equal(await isHeld(folder), true);
    await rejects(holdRun(folder), /another process does/);
    await rejects(refuseHeld(folder), /another process does/);
    held[Symbol.dispose]();
    equal(await isHeld(folder), false);
    await refuseHeld(folder);
  }));

Deno.test("findRun takes names, their ends, folders, latest and previous, and says what there is", () =>
  withFolder(async (folder) => {
    const day = (n: number) => state({ started: `2026-01-0${n}T00:00:00.000Z` });
    await writeRun(join(folder, "theme-one"), { record: record(), state: day(1), events: EVENTS });
    await writeRun(join(folder, "theme-two"), { record: record(), state: day(2), events: EVENTS });
    await writeRun(join(folder, "out", "theirs"), { record: record(), state: day(3) });
    const runs = (await listRuns(folder)).filter(({ name }) => name.startsWith("theme"));
    const name = async (word: string) => (await findRun(word, runs)).name;
    deepEqual(await Promise.all(["latest", "previous", "theme-one", "two"].map(name)), [
      "theme-two",
      "theme-one",
      "theme-one",
      "theme-two",
    ]);
    equal(await name(join(folder, "out", "theirs")), "theirs");
    await rejects(findRun("theme", runs), /means several runs: theme-two, theme-one/);
    await rejects(findRun("three", runs), /There is no run "three": there are theme-two/);
    await rejects(findRun(join(folder, "out"), runs), /holds no training/);
    await rejects(findRun("latest", []), /there are no runs/);
  }));

Deno.test("recipeDifferences names options, base and data that are not alike", () => {
  const run = (one: RunRecord | undefined) => ({
    name: "",
    folder: "",
    state: "complete" as const,
    ...(one ? { record: one } : {}),
  });
  deepEqual(recipeDifferences([run(record()), run(record())]), []);
  const other = record({ base: { kind: "hub", name: "Qwen/Q", path: "Qwen/Q" } }, {
    loraR: 8,
    learningRate: 2e-4,
    packing: true,
  });
  deepEqual(recipeDifferences([run(record()), run(other)]), [
    { option: "base model", values: ["tiny", "Qwen/Q"] },
    { option: "learning-rate", values: ["0.00005", "0.0002"] },
    { option: "packing", values: ["false", "true"] },
    { option: "lora-r", values: ["32", "8"] },
  ]);
  ok(recipeDifferences([run(record()), run(undefined)]).length > 10);
});

Deno.test("readHistory takes events before Trainer's state, and nothing for nothing", () =>
  withFolder(async (folder) => {
    deepEqual(await readHistory(folder), []);
    equal(await readRun(folder), undefined);
    await Deno.writeTextFile(
      join(folder, "trainer_state.json"),
      '{"global_step": 1, "log_history": [{"step": 1, "loss": 9}]}',
    );
    equal((await readHistory(folder))[0]?.value, 9);
    await writeRun(folder, { events: EVENTS });
    equal((await readHistory(folder)).length, 6);
  }));
