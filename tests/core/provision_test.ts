import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "@/core/errors.ts";
import { runStages, type Stage } from "@/core/pipeline.ts";
import { defineStep, type Provision, type StepEvent } from "@/core/step.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

/** A stage that writes its file, after `before` where that is given. */
function stage(path: string, name: string, needs: readonly Provision[], before?: () => Promise<unknown>): Stage {
  const step = defineStep({
    name,
    summary: "",
    options: z.object({}),
    files: () => ({ reads: [], writes: [path] }),
    needs: () => needs,
    async run() {
      await before?.();
      await Deno.writeTextFile(path, name);
    },
  });
  return { name, step, options: {} };
}

Deno.test("what a stage needs is provided while the stages before it work, once for all that need it", () =>
  withFolder(async (folder) => {
    const happened: string[] = [];
    const made = Promise.withResolvers<void>();
    const tools: Provision = {
      name: "tools",
      async provide({ emit }) {
        emit({ type: "log", level: "info", message: "making" });
        await made.promise;
        happened.push("tools");
      },
    };
    const make = () => Promise.resolve(made.resolve());
    const stages = [
      stage(join(folder, "a"), "first", [], () => make().then(() => happened.push("first"))),
      stage(join(folder, "b"), "second", [tools], () => Promise.resolve(happened.push("second"))),
      stage(join(folder, "c"), "third", [tools]),
    ];
    const events: StepEvent[] = [];
    // The first stage ends what is being provided: in turn, it would wait for ever.
    await runStages(stages, join(folder, "runs"), fakeContext({ emit: (event) => void events.push(event) }));
    equal(happened.filter((what) => what === "tools").length, 1);
    ok(happened.indexOf("tools") < happened.indexOf("second"));
    const log = (await Deno.readTextFile(join(folder, "runs", "events.jsonl"))).trim().split("\n");
    deepEqual(log.map((line) => JSON.parse(line)).map(({ step, message }) => [step, message]), [["tools", "making"]]);
  }));

Deno.test("what a stage needs and cannot have is told at once, and stops that stage and none before", () =>
  withFolder(async (folder) => {
    const told = Promise.withResolvers<void>();
    const events: StepEvent[] = [];
    const emit = (event: StepEvent) => {
      events.push(event);
      told.resolve();
    };
    const none: Provision = {
      name: "tools",
      provide: () => Promise.reject(new UserError("Cannot find tools", { hint: "Install them." })),
    };
    const first = join(folder, "a"), second = join(folder, "b");
    const stages = [stage(first, "first", [], () => told.promise), stage(second, "second", [none])];
    await rejects(runStages(stages, join(folder, "runs"), fakeContext({ emit })), /Cannot find tools/);
    equal(await Deno.readTextFile(first), "first");
    await rejects(Deno.stat(second), Deno.errors.NotFound);
    const [warning] = events;
    match(JSON.stringify(warning), /warn.*\\"second\\" will fail: Cannot find tools\\nInstall them/);
    equal(events.length, 1);
  }));

Deno.test("nothing is provided for a stage that is kept or passed over", () =>
  withFolder(async (folder) => {
    let provided = 0;
    const tools: Provision = { name: "tools", provide: () => Promise.resolve(provided++) };
    const run = (skip?: string) => {
      const only = stage(join(folder, "a"), "only", [tools]);
      return runStages([skip === undefined ? only : { ...only, skip }], join(folder, "runs"), fakeContext());
    };
    await run("not asked for");
    equal(provided, 0);
    await run();
    await run();
    equal(provided, 1);
  }));

Deno.test("where a stage fails, what is being provided is stopped before the run ends", () =>
  withFolder(async (folder) => {
    let stopped = false;
    const endless: Provision = {
      name: "tools",
      provide: ({ signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            stopped = true;
            reject(signal.reason);
          })
        ),
    };
    const fails = stage(join(folder, "a"), "first", [], () => Promise.reject(new UserError("as asked")));
    const stages = [fails, stage(join(folder, "b"), "second", [endless])];
    await rejects(runStages(stages, join(folder, "runs"), fakeContext()), /as asked/);
    ok(stopped);
  }));
