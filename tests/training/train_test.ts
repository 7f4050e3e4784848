import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { isAbort, UserError } from "@/core/errors.ts";
import { findPython } from "@/core/python_venv.ts";
import type { Context } from "@/core/step.ts";
import type { TrainingPlan } from "@/training/plan.ts";
import { effectiveRecipe } from "@/training/recipe.ts";
import { readRunRecord, readRunState, runPaths } from "@/training/run_file.ts";
import { DriftError, trainModel } from "@/training/train.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";
import { conversations, fakePlan, fakeTrainer, writeRowsFile } from "../fakes/trainer.ts";

const python = await findPython().then((found) => found.command[0], () => undefined);
const ignore = python === undefined;
const unix = Deno.build.os !== "windows";

/** Runs a trainer of a few lines, with the system's Python. */
async function run(
  body: string,
  { plan, signal, stopMs, silenceMs }: {
    plan?: (plan: TrainingPlan) => TrainingPlan;
    signal?: AbortSignal;
    stopMs?: number;
    silenceMs?: number;
  } = {},
  check: (
    found: { folder: string; context: ReturnType<typeof fakeContext>; result: Promise<unknown> },
  ) => Promise<void>,
) {
  await withFolder(async (folder) => {
    const env = { VOICEWORKS_CACHE: folder, VOICEWORKS_PYTHON_TRAIN: python ?? "" };
    const overrides: Partial<Context> = { env, ...(signal ? { signal } : {}) };
    const context = fakeContext(overrides);
    const base = await fakePlan(folder);
    const script = await fakeTrainer(folder, body);
    const result = trainModel(plan?.(base) ?? base, context, {
      script,
      ...(stopMs === undefined ? {} : { stopMs }),
      ...(silenceMs === undefined ? {} : { silenceMs }),
    });
    await check({ folder: join(folder, "run"), context, result });
  });
}

const DONE = `outcome(state="complete", step=4, maxSteps=4, metrics={"train_loss": 2.5, "eval_loss": None})`;

Deno.test({
  name: "a run keeps its recipe, its rows, its events and how it went",
  ignore,
  async fn() {
    await run(
      `emit(type="progress", label="train", done=4, total=4)
emit(type="metric", name="loss", value=2.5, step=4)
${DONE}`,
      {},
      async ({ folder, context, result }) => {
        await result;
        const paths = runPaths(folder);
        const record = await readRunRecord(folder);
        equal(record?.recipe.loraR, 32);
        equal(record?.dataset.split, "row");
        deepEqual([record?.dataset.train.rows, record?.dataset.val?.rows], [9, 1]);
        const state = await readRunState(folder);
        deepEqual([state?.state, state?.step, state?.metrics], ["complete", 4, { train_loss: 2.5 }]);
        ok(state?.ended);
        equal((await Deno.readTextFile(paths.events)).trim().split("\n").length, 2);
        equal((await Deno.readTextFile(paths.preflight)).trim(), "[]");
        ok(context.events.some((event) => event.type === "metric" && event.value === 2.5));
      },
    );
  },
});

Deno.test({
  name: "a trainer that prints garbage is trained through all the same",
  ignore,
  async fn() {
    await run(
      `sys.stdout.buffer.write(b"\\xff\\xfe\\x00 garbage \\x1b[2J\\n" * 50 + b"no end")
sys.stderr.buffer.write(b"\\x80\\x81\\n" * 50)
with open(os.environ["VOICEWORKS_EVENTS"], "ab") as file:
    file.write(b'{"type":"metric","name":"loss","value":"x"}\\n\\xff\\xfe\\n[]\\n{"type":"progress"\\n')
emit(type="metric", name="loss", value=1.5, step=1)
${DONE}`,
      {},
      async ({ context, result }) => {
        await result;
        ok(context.events.some((event) => event.type === "metric" && event.value === 1.5));
        const unreadable = context.events.filter((event) => event.type === "log" && /unreadable/.test(event.message));
        equal(unreadable.length, 4);
      },
    );
  },
});

Deno.test({
  name: "asked to stop, the trainer has the time to save; the run says how to go on",
  ignore,
  async fn() {
    const controller = new AbortController();
    await run(
      `emit(type="progress", label="train", done=1, total=9)
while not os.path.exists(config["stopFile"]): time.sleep(0.01)
folder = os.path.join(config["output"], "checkpoint-2")
os.makedirs(folder)
with open(os.path.join(folder, "checkpoint-is-complete.json"), "w") as file: file.write('{"identity": "x", "files": {}}')
outcome(state="stopped", step=2, maxSteps=9)
sys.exit(75)`,
      { signal: controller.signal },
      async ({ folder, context, result }) => {
        const { emit } = context;
        context.emit = (event) => {
          if (event.type === "progress") controller.abort(new DOMException("stop", "AbortError"));
          emit(event);
        };
        await rejects(result, isAbort);
        const state = await readRunState(folder);
        deepEqual([state?.state, state?.step, state?.checkpoint], ["stopped", 2, join(folder, "checkpoint-2")]);
        ok(
          context.events.some((event) =>
            event.type === "log" &&
            /stopped at step 2 of 9; go on by: deno task train --resume-latest/.test(event.message)
          ),
        );
        await rejects(Deno.stat(runPaths(folder).stop), Deno.errors.NotFound);
      },
    );
  },
});

Deno.test({
  name: "a trainer that ignores both the wish to stop and SIGTERM is ended",
  ignore: ignore || !unix,
  async fn() {
    const controller = new AbortController();
    await run(
      `signal.signal(signal.SIGTERM, signal.SIG_IGN)
emit(type="metric", name="pid", value=os.getpid())
time.sleep(300)`,
      { signal: controller.signal, stopMs: 1 },
      async ({ folder, context, result }) => {
        let pid = 0;
        const { emit } = context;
        context.emit = (event) => {
          if (event.type === "metric") pid = event.value;
          if (event.type === "metric") controller.abort(new DOMException("stop", "AbortError"));
          emit(event);
        };
        await rejects(result, isAbort);
        const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] }).output();
        match(new TextDecoder().decode(stdout).trim(), /^(Z.*)?$/);
        equal((await readRunState(folder))?.state, "stopped");
      },
    );
  },
});

Deno.test({
  name: "what a trainer ends with becomes a sentence, and the run is marked as failed",
  ignore: ignore || !unix,
  async fn() {
    const ends = [
      [`os.kill(os.getpid(), signal.SIGSEGV)`, /it crashed \(segmentation fault\)/],
      [`os.kill(os.getpid(), signal.SIGKILL)`, /it was killed, most likely because/],
      [`print("HSA_STATUS_ERROR", file=sys.stderr); os.abort()`, /aborted, most likely by the GPU's driver/],
      [
        `outcome(state="failed", kind="memory", message="the memory did not suffice (x)"); sys.exit(1)`,
        /did not suffice \(x\)/,
      ],
      [`print("what?", file=sys.stderr); sys.exit(3)`, /exit code 3\n {2}what\?/],
      [`pass`, /ended without a word/],
    ] as const;
    for (const [body, message] of ends) {
      await run(body, {}, async ({ folder, result }) => {
        await rejects(result, (error) => {
          ok(error instanceof UserError, body);
          match(error.message, message);
          ok(error.hint);
          return true;
        });
        const state = await readRunState(folder);
        equal(state?.state, "failed");
        match(state?.message ?? "", message);
      });
    }
  },
});

Deno.test({
  name: "long silence is a warning that says what to do",
  ignore,
  async fn() {
    await run(`time.sleep(0.5)\n${DONE}`, { silenceMs: 50 }, async ({ context, result }) => {
      await result;
      ok(context.events.some((event) => event.type === "log" && /the GPU may hang/.test(event.message)));
    });
  },
});

Deno.test({
  name: "a run is not gone on with once something that decides its weights has changed; its rows stay as they were",
  ignore,
  async fn() {
    await run(DONE, {}, async ({ folder, context, result }) => {
      await result;
      const root = join(folder, "..");
      const before = await readRunRecord(folder);
      ok(before);
      const rows = await Deno.readTextFile(runPaths(folder).train);
      const plan = { ...await fakePlan(root), before, resumeFrom: join(folder, "checkpoint-1") };
      const script = join(root, "trainer.py");
      await trainModel(plan, context, { script });
      deepEqual((await readRunState(folder))?.resumedFrom, [plan.resumeFrom]);
      equal(await Deno.readTextFile(runPaths(folder).train), rows);

      await writeRowsFile(join(root, "rows.jsonl"), conversations(11));
      const other = { ...plan, recipe: effectiveRecipe({ loraR: 8 }, {}) };
      await rejects(trainModel(other, context, { script }), (error) => {
        ok(error instanceof DriftError);
        match(error.message, /lora-r: 32 → 8\ntraining examples/);
        return true;
      });
      equal(await Deno.readTextFile(runPaths(folder).train), rows);
      deepEqual(await readRunRecord(folder), before);
    });
  },
});

Deno.test({
  name: "a run that is replaced leaves nothing behind, and what it did not write stays",
  ignore,
  async fn() {
    await run(DONE, {}, async ({ folder, context, result }) => {
      await result;
      await Deno.mkdir(join(folder, "checkpoint-4"));
      await Deno.mkdir(join(folder, "final"));
      await Deno.writeTextFile(join(folder, "notes.md"), "mine");
      const root = join(folder, "..");
      await trainModel({ ...await fakePlan(root), replaces: true }, context, { script: join(root, "trainer.py") });
      const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
      ok(names.includes("notes.md"));
      ok(!names.includes("checkpoint-4") && !names.includes("final"));
    });
  },
});
