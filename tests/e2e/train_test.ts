/** Training with the real torch on the tiny base: what is stopped, killed or run out of room goes on and ends the same. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { isAbort, UserError } from "@/core/errors.ts";
import { readJsonl } from "@/core/jsonl.ts";
import { findPython } from "@/core/python_venv.ts";
import type { StepEvent } from "@/core/step.ts";
import { checkpointsOf, latestCheckpoint } from "@/training/checkpoints.ts";
import type { TrainingPlan } from "@/training/plan.ts";
import { readRunRecord, readRunState, runPaths } from "@/training/run_file.ts";
import { trainModel } from "@/training/train.ts";
import { withFolder } from "../fakes/folder.ts";
import { realContext } from "../fakes/llama.ts";
import { conversations, faultyTrainer, tinyPlan, writeRowsFile } from "../fakes/trainer.ts";

const ignore = !await findPython().then(() => true, () => false);
const unix = Deno.build.os !== "windows";

const History = z.object({
  log_history: z.array(z.looseObject({ step: z.int(), loss: z.number().optional(), eval_loss: z.number().optional() })),
});

/** Losses of a run by step, as its last trainer_state.json has them. */
async function losses(run: string) {
  const { log_history } = History.parse(JSON.parse(await Deno.readTextFile(join(run, "trainer_state.json"))));
  const of = (name: "loss" | "eval_loss") =>
    log_history.filter((entry) => entry[name] !== undefined).map((entry) => [entry.step, entry[name]] as const);
  return { loss: of("loss"), evalLoss: of("eval_loss") };
}

/** The plan that goes on with a run. */
async function resumed(plan: TrainingPlan): Promise<TrainingPlan> {
  const { checkpoint } = await latestCheckpoint([plan.outputDir]);
  return { ...plan, resumeFrom: checkpoint.folder, before: await readRunRecord(plan.outputDir) };
}

const inFolder = (plan: TrainingPlan, name: string) => ({ ...plan, outputDir: join(plan.outputDir, "..", name) });

/** One straight run that the others are held against, and a place for them. */
async function withStraight(body: (plan: TrainingPlan, folder: string) => Promise<void>) {
  await withFolder(async (folder) => {
    const plan = await tinyPlan(folder);
    await trainModel(inFolder(plan, "straight"), realContext());
    await body(plan, folder);
  });
}

Deno.test({
  name: "stopped or killed at any moment and gone on with, a training ends as a straight one",
  ignore,
  async fn() {
    await withStraight(async (plan, folder) => {
      const straight = await losses(join(folder, "straight"));
      deepEqual(straight.loss.map(([step]) => step), [1, 2, 3, 4, 5, 6, 7, 8]);
      deepEqual(straight.evalLoss.map(([step]) => step), [0, 4, 8]);
      const first = straight.evalLoss[0]?.[1] ?? 0, last = straight.evalLoss.at(-1)?.[1] ?? 0;
      ok(last < first, `${first} → ${last}`);
      const { final, trainResults, evalResults } = runPaths(join(folder, "straight"));
      for (
        const path of [trainResults, evalResults, join(final, "adapter_config.json"), join(final, "tokenizer.json")]
      ) {
        ok((await Deno.stat(path)).isFile, path);
      }
      equal(JSON.parse(await Deno.readTextFile(evalResults)).eval_loss, last);
      const metrics = new Set<string>();
      for await (
        const event of readJsonl(runPaths(join(folder, "straight")).events, z.looseObject({ type: z.string() }))
      ) {
        if (event.type === "metric") metrics.add(String(event.name));
      }
      for (
        const name of ["loss", "eval_loss", "learning_rate", "grad_norm", "tokens_per_second", "memory_bytes", "epoch"]
      ) {
        ok(metrics.has(name), name);
      }

      // Asked to stop at the third step.
      const stopped = inFolder(plan, "stopped");
      const controller = new AbortController();
      const seen: StepEvent[] = [];
      const context = realContext({
        signal: controller.signal,
        emit: (event) => {
          seen.push(event);
          if (event.type === "metric" && event.name === "loss" && event.step === 3) {
            controller.abort(new DOMException("stop", "AbortError"));
          }
        },
      });
      await rejects(trainModel(stopped, context), isAbort);
      const state = await readRunState(stopped.outputDir);
      equal(state?.state, "stopped");
      ok(seen.some((event) => event.type === "log" && /go on by: deno task train --resume-latest/.test(event.message)));
      await trainModel(await resumed(stopped), realContext());
      deepEqual(await losses(stopped.outputDir), straight);
      equal((await readRunState(stopped.outputDir))?.resumedFrom.length, 1);

      if (!unix) return;
      // Killed while the second checkpoint was being written, then once more in the middle of a step.
      const killed = inFolder(plan, "killed");
      const inSave = await faultyTrainer(
        folder,
        `seal = training_loop.seal
def dying(folder, identity):
    if folder.name == "checkpoint-8": os.kill(os.getpid(), signal.SIGKILL)
    seal(folder, identity)
training_loop.seal = dying`,
      );
      await rejects(trainModel(killed, realContext(), { script: inSave }), /it was killed/);
      equal((await readRunState(killed.outputDir))?.state, "failed");
      const faults = (await checkpointsOf(killed.outputDir)).map(({ step, fault }) => [step, fault]);
      deepEqual(faults, [[8, "it was not finished"], [4, undefined]]);
      await rejects(Deno.stat(runPaths(killed.outputDir).final), Deno.errors.NotFound);
      const inStep = await faultyTrainer(
        folder,
        `step = LoraTrainer.training_step
def dying(self, *args, **kwargs):
    if self.state.global_step == 6: os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *args, **kwargs)
LoraTrainer.training_step = dying`,
      );
      await rejects(trainModel(await resumed(killed), realContext(), { script: inStep }), /it was killed/);
      await trainModel(await resumed(killed), realContext());
      deepEqual(await losses(killed.outputDir), straight);
    });
  },
});

Deno.test({
  name: "a loss that is no number, missing memory, a full disk and a missing package each end in a sentence",
  ignore: ignore || !unix,
  async fn() {
    await withFolder(async (folder) => {
      const plan = await tinyPlan(folder, { maxSteps: 4, saveSteps: 2, evalSteps: 2 });
      const loss = (line: string) =>
        `compute = LoraTrainer.compute_loss
def broken(self, *args, **kwargs):
    loss = compute(self, *args, **kwargs)
    ${line}
    return loss
LoraTrainer.compute_loss = broken`;
      const faults = [
        [
          loss(`if self.model.training and self.state.global_step == 2: loss = loss * float("nan")`),
          /the loss is nan at step 3/,
          [2],
        ],
        [
          loss(`if self.state.global_step == 1: raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")`),
          /the memory did not suffice \(CUDA out of memory/,
          [],
        ],
        // The adapter is larger than any file may be.
        [`import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))`, /the disk is full/, []],
        [`sys.modules["peft"] = None`, /a Python package is missing or does not fit/, []],
      ] as const;
      for (const [index, [patch, message, whole]] of faults.entries()) {
        const broken = inFolder(plan, `fault-${index}`);
        await rejects(trainModel(broken, realContext(), { script: await faultyTrainer(folder, patch) }), (error) => {
          ok(error instanceof UserError);
          match(error.message, message);
          ok(!/Traceback/.test(error.message) && error.hint);
          return true;
        });
        equal((await readRunState(broken.outputDir))?.state, "failed");
        const steps = (await checkpointsOf(broken.outputDir)).filter(({ fault }) => !fault).map(({ step }) => step);
        deepEqual(steps, whole, message.source);
      }
    });
  },
});

Deno.test({
  name: "two processes learn what one does with the same examples to a step",
  ignore: ignore || !unix,
  async fn() {
    await withFolder(async (folder) => {
      // Dropout draws by process; without it the sums are the same.
      const recipe = { loraDropout: 0, maxSteps: 4, gradientAccumulationSteps: 4 } as const;
      const one = await tinyPlan(folder, recipe, 36); // 32 to train on: an epoch of four steps.
      await trainModel(inFolder(one, "one"), realContext());
      const { loss: straight, evalLoss } = await losses(join(folder, "one"));
      for (const by of ["torchrun", "accelerate"] as const) {
        const port = freePort();
        const two = inFolder({
          ...one,
          recipe: { ...one.recipe, gradientAccumulationSteps: 2 },
          launch: { by, processes: 2, machines: 1, machineRank: 0, mainAddress: "127.0.0.1", mainPort: port },
        }, by);
        await trainModel(two, realContext());
        const shared = await losses(two.outputDir);
        deepEqual(shared.loss.map(([step]) => step), straight.map(([step]) => step));
        const far = Math.max(...shared.loss.map(([, value], at) => Math.abs((value ?? 0) - (straight[at]?.[1] ?? 0))));
        ok(far < 1e-4, `${by}: losses differ by ${far}`);
        ok(Math.abs((shared.evalLoss.at(-1)?.[1] ?? 0) - (evalLoss.at(-1)?.[1] ?? 0)) < 0.05);
        equal((await checkpointsOf(two.outputDir)).every(({ fault }) => fault === undefined), true);
      }
    });
  },
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

Deno.test({
  name: "packed rows, a base in 4 bit with evaluations between, and an early end all train",
  ignore,
  async fn() {
    await withFolder(async (folder) => {
      const plan = await tinyPlan(folder);
      const recipes = {
        packed: { packing: true, maxSteps: 3 },
        early: { earlyStopping: 1, learningRate: 1e-7, evalSteps: 1, saveSteps: 8, saveTotalLimit: 1 },
        ...(Deno.build.os === "darwin"
          ? {}
          : { quantised: { use4bit: true, maxSteps: 3, evalSteps: 1, saveSteps: 3 } }),
      };
      for (const [name, recipe] of Object.entries(recipes)) {
        const run = inFolder({ ...plan, recipe: { ...plan.recipe, ...recipe } }, name);
        const { outcome } = await trainModel(run, realContext());
        equal(outcome.state, "complete", name);
        const { loss } = await losses(run.outputDir);
        ok(loss.every(([, value]) => Number.isFinite(value)), name);
        if (name === "early") {
          ok(outcome.endedEarly);
          ok((outcome.step ?? 8) < 8);
          equal((await checkpointsOf(run.outputDir)).length, 1);
        }
      }
    });
  },
});

Deno.test({
  name: "rows that are cut or hold nothing to learn are counted and kept",
  ignore,
  async fn() {
    await withFolder(async (folder) => {
      const plan = await tinyPlan(folder, { maxSteps: 1, maxSeqLength: 120, valSplit: 0 });
      const rows = [...conversations(6), ...conversations(1, 60), {
        messages: [{ role: "user", content: "on and ".repeat(90) }, { role: "assistant", content: "Yes." }],
      }];
      await writeRowsFile(plan.data.dataset, rows);
      const context = realContext();
      await trainModel(plan, context);
      const drops = context.events.filter((event) => event.type === "drop").map(({ reason, id }) => [reason, id]);
      deepEqual(drops, [["truncated", "rows.jsonl:7"], ["truncated", "rows.jsonl:8"], [
        "no_trained_tokens",
        "rows.jsonl:8",
      ]]);
      const kept = await Array.fromAsync(
        readJsonl(runPaths(plan.outputDir).rejects, z.object({ reason: z.string(), id: z.string(), row: z.unknown() })),
      );
      equal(kept.length, 3);
      const environment = JSON.parse(await Deno.readTextFile(runPaths(plan.outputDir).environment));
      deepEqual([environment.trainRows, environment.valRows], [7, 0]);
    });
  },
});
