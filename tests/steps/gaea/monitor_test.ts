import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { monitor } from "@/steps/gaea/monitor.ts";
import { holdRun } from "@/training/run_file.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";

/** A run's folder as the trainer leaves it at a step. */
async function writeRun(folder: string, state: string, pid: number, steps: number) {
  const metrics = Array.from({ length: steps }, (_, at) => [
    { type: "metric", name: "loss", value: 3 - at / 10, step: at + 1 },
    ...((at + 1) % 2 === 0 ? [{ type: "metric", name: "eval_loss", value: 3.1 - at / 10, step: at + 1 }] : []),
  ]).flat();
  await Deno.writeTextFile(join(folder, "events.jsonl"), metrics.map((row) => JSON.stringify(row) + "\n").join(""));
  const started = new Date(Date.UTC(1969, 6, 20) - 60_000).toISOString();
  await Deno.writeTextFile(
    join(folder, "run.json"),
    JSON.stringify({ state, started, pid, step: steps, maxSteps: 10, resumedFrom: [], metrics: {} }),
  );
}

const watch = (run: string, context = fakeContext(), more: Record<string, unknown> = { once: true }) =>
  monitor.run(monitor.options.parse({ run, ...more }), context);

Deno.test("gaea:monitor tells how far a running training is, and how long it will take at this pace", () =>
  withFolder(async (folder) => {
    await writeRun(folder, "running", Deno.pid, 4);
    using _held = await holdRun(folder);
    const seen = await watch(folder);
    equal(seen.run.state, "running");
    equal(seen.secondsLeft, 90); // Four steps took a minute, six are left.
    match(monitor.report?.(seen) ?? "", /step +4 of 10[^]*best +2\.8000 at step 4/);
  }));

Deno.test("gaea:monitor goes on until the run ends, and tells each evaluation once", () =>
  withFolder(async (folder) => {
    await writeRun(folder, "running", Deno.pid, 4);
    using _held = await holdRun(folder);
    const context = fakeContext();
    let looks = 0;
    const clock = {
      ...context.clock,
      sleep: async () => {
        looks++;
        await writeRun(folder, looks === 2 ? "complete" : "running", Deno.pid, looks === 2 ? 10 : 6);
      },
    };
    const seen = await watch(folder, { ...context, clock }, { interval: 1 });
    deepEqual([looks, seen.run.state, seen.secondsLeft], [2, "complete", undefined]);
    const told = context.events.flatMap((event) =>
      event.type === "log" ? /step (\d+)/.exec(event.message)?.[1] ?? [] : []
    );
    deepEqual(told, ["2", "4", "6", "8", "10"]);
  }));

Deno.test("gaea:monitor says that a run has crashed, and where there is none", () =>
  withFolder(async (folder) => {
    await rejects(watch(folder), /there is no training in it/);
    await writeRun(folder, "running", 1, 4); // Nobody holds its folder.
    equal((await watch(folder)).run.state, "crashed");
  }));
