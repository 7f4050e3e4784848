import { deepEqual, match, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "@/core/errors.ts";
import { planStages, runStages, selectStages, type Stage } from "@/core/pipeline.ts";
import { defineStep, type Step } from "@/core/step.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

/** Copies a file with a prefix, and counts how often it ran. */
function copier(name: string, from: string, to: string): Step & { runs: number } {
  const step = {
    ...defineStep({
      name,
      summary: "",
      options: z.object({ prefix: z.string().default("") }),
      files: () => ({ reads: [from], writes: [to] }),
      async run({ prefix }) {
        step.runs++;
        if (prefix === "fail") throw new Error("as asked");
        await Deno.writeTextFile(to, prefix + await Deno.readTextFile(from));
      },
    }),
    runs: 0,
  };
  return step;
}

async function setUp(
  body: (tools: {
    folder: string;
    runs: string;
    steps: ReturnType<typeof copier>[];
    stages: (prefix?: string) => Stage[];
  }) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const path = (name: string) => join(folder, name);
    await Deno.writeTextFile(path("a"), "text");
    const steps = [copier("one", path("a"), path("b")), copier("two", path("b"), path("c"))];
    const stages = (prefix = "") =>
      steps.map((step, index) => ({ name: step.name, step, options: { prefix: index === 0 ? prefix : "" } }));
    await body({ folder, runs: path("runs"), steps, stages });
  });
}

Deno.test("runStages keeps what is up to date", () =>
  setUp(async ({ runs, steps, stages }) => {
    await runStages(stages(), runs, fakeContext());
    const again = await runStages(stages(), runs, fakeContext());
    deepEqual(steps.map((step) => step.runs), [1, 1]);
    deepEqual(again.map(({ action }) => action), ["keep", "keep"]);
  }));

Deno.test("runStages runs again what a changed option, input or output concerns, and says why", () =>
  setUp(async ({ folder, runs, steps, stages }) => {
    await runStages(stages(), runs, fakeContext());
    const [option] = await runStages(stages("new "), runs, fakeContext());
    match(option?.why ?? "", /option prefix changed: "" → "new "/);
    deepEqual(steps.map((step) => step.runs), [2, 2]);

    await Deno.writeTextFile(join(folder, "a"), "other");
    const [input] = await runStages(stages("new "), runs, fakeContext());
    match(input?.why ?? "", /input ".*a" changed/);

    await Deno.remove(join(folder, "c"));
    const results = await runStages(stages("new "), runs, fakeContext());
    deepEqual(results.map(({ action }) => action), ["keep", "run"]);
    match(results[1]?.why ?? "", /output ".*c" is gone/);
  }));

Deno.test("runStages does not run a step whose rewritten input has the same content", () =>
  setUp(async ({ folder, runs, steps, stages }) => {
    await runStages(stages(), runs, fakeContext());
    await Deno.remove(join(folder, "b"));
    await runStages(stages(), runs, fakeContext());
    deepEqual(steps.map((step) => step.runs), [2, 1]);
  }));

Deno.test("runStages leaves no marker for a step that failed", () =>
  setUp(async ({ runs, steps, stages }) => {
    await runStages(stages(), runs, fakeContext());
    await rejects(runStages(stages("fail"), runs, fakeContext()), /as asked/);
    await runStages(stages(), runs, fakeContext());
    deepEqual(steps.map((step) => step.runs), [3, 1]);
  }));

Deno.test("runStages runs everything with force, and a broken marker counts as none", () =>
  setUp(async ({ runs, steps, stages }) => {
    await runStages(stages(), runs, fakeContext());
    await runStages(stages(), runs, fakeContext(), { force: true });
    await Deno.writeTextFile(join(runs, "one.json"), "{ torn");
    await runStages(stages(), runs, fakeContext());
    deepEqual(steps.map((step) => step.runs), [3, 2]);
  }));

Deno.test("planStages tells that a step waits for what an earlier one will write", () =>
  setUp(async ({ runs, steps, stages }) => {
    await runStages(stages(), runs, fakeContext());
    const plan = await planStages(stages("new "), runs, fakeContext());
    deepEqual(plan.map(({ action }) => action), ["run", "run"]);
    match(plan[1]?.why ?? "", /will be written anew/);
    deepEqual(plan.map(({ lastSeconds }) => typeof lastSeconds), ["number", "number"]);
    deepEqual(steps.map((step) => step.runs), [1, 1]);
  }));

Deno.test("selectStages cuts by from, to and only, and refuses unknown names and a wrong order", () =>
  setUp(({ stages }) => {
    const names = (selection: Parameters<typeof selectStages>[1]) =>
      selectStages(stages(), selection).map(({ step }) => step.name);
    deepEqual(names({}), ["one", "two"]);
    deepEqual(names({ from: "two" }), ["two"]);
    deepEqual(names({ to: "one" }), ["one"]);
    deepEqual(names({ only: "two" }), ["two"]);
    throws(() => names({ only: "two", from: "one" }), /--only with --from: it names the one step/);
    throws(() => names({ only: "two", from: "one", to: "two" }), /--only with --from and --to/);
    throws(() => names({ only: "three" }), /--only "three": valid is one of one, two/);
    throws(() => names({ from: "two", to: "one" }), /the order is one → two/);
    return Promise.resolve();
  }));

Deno.test("runStages says in words where the record of its runs cannot be written", () =>
  setUp(async ({ folder, stages }) => {
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    await rejects(
      runStages(stages(), join(file, "runs"), fakeContext()),
      (error) => error instanceof UserError && /^Cannot write ".*events\.jsonl": a file stands/.test(error.message),
    );
  }));

Deno.test("runStages passes a stage over that says why, and goes on", () =>
  setUp(async ({ folder, runs, steps, stages }) => {
    const [one, two] = stages();
    if (!one || !two) throw new Error("there are two stages");
    await Deno.writeTextFile(join(folder, "b"), "there");
    const skipped = [{ ...one, skip: "nobody to ask" }, two];
    const results = await runStages(skipped, runs, fakeContext(), { force: true });
    deepEqual(results.map(({ action, why, writes }) => [action, why, writes.length]), [
      ["skip", "nobody to ask", 0],
      ["run", "--force", 1],
    ]);
    deepEqual(steps.map(({ runs }) => runs), [0, 1]);
    deepEqual((await planStages(skipped, runs, fakeContext())).map(({ action }) => action), ["skip", "keep"]);
  }));

Deno.test("runStages stops behind a step that is not finished, keeps its files, and runs it again", () =>
  setUp(async ({ folder, runs, steps, stages }) => {
    const [first] = steps;
    if (!first) throw new Error("there are two steps");
    first.unfinished = () => first.runs < 2 ? "3 of 4 books are missing" : undefined;
    await rejects(
      runStages(stages(), runs, fakeContext()),
      (error) =>
        error instanceof UserError && error.exitCode === 1 &&
        /Cannot go on after "one": 3 of 4 books are missing/.test(error.message) && /--from two/.test(error.hint ?? ""),
    );
    deepEqual(await Deno.readTextFile(join(folder, "b")), "text");
    await runStages(stages(), runs, fakeContext());
    deepEqual(steps.map((step) => step.runs), [2, 1]);
  }));
