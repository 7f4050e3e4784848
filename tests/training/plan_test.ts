import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "@/core/errors.ts";
import { planTraining } from "@/training/plan.ts";
import { effectiveRecipe } from "@/training/recipe.ts";
import { runPaths, type RunRecord, writeJson } from "@/training/run_file.ts";
import { trainOptions } from "@/training/train_options.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";
import { conversations, writeRowsFile } from "../fakes/trainer.ts";

/** A data root with a dataset and a base in its output folder. */
async function withRoot(
  body: (root: string, plan: (options?: object) => ReturnType<typeof planTraining>) => Promise<void>,
): Promise<void> {
  await withFolder(async (root) => {
    for (const name of ["dataset", join("output", "merged")]) await Deno.mkdir(join(root, name), { recursive: true });
    await writeRowsFile(join(root, "dataset", "theme_dataset.jsonl"), conversations(10));
    const config = {
      model_type: "qwen2",
      hidden_size: 1536,
      num_hidden_layers: 28,
      vocab_size: 151936,
      num_attention_heads: 12,
      intermediate_size: 8960,
    };
    await writeJson(join(root, "output", "merged", "config.json"), config);
    const plan = (options: object = {}) =>
      planTraining(trainOptions.parse({ dataDir: root, baseModel: "output/merged", ...options }), fakeContext());
    await body(root, plan);
  });
}

/** A run of two checkpoints, the later of which is not whole. */
async function leaveRun(run: string, root: string, record: Partial<RunRecord> = {}): Promise<void> {
  for (const step of [10, 20]) {
    const folder = join(run, `checkpoint-${step}`);
    await Deno.mkdir(folder, { recursive: true });
    await writeJson(join(folder, "checkpoint-is-complete.json"), { identity: "x", files: {} });
  }
  await Deno.writeTextFile(join(run, "checkpoint-20", "checkpoint-is-incomplete.txt"), "");
  const whole: RunRecord = {
    version: 1,
    voiceworks: "0",
    created: "",
    recipe: effectiveRecipe({ baseModel: "output/merged", loraR: 8 }, {}),
    base: { kind: "folder", name: "output/merged", path: join(root, "output", "merged") },
    dataset: {
      path: join(root, "dataset", "theme_dataset.jsonl"),
      split: "row",
      train: { rows: 9, sha256: "t" },
      val: { rows: 1, sha256: "v" },
    },
    processes: 1,
    env: { AMD_SERIALIZE_KERNEL: "3" },
    ...record,
  };
  await writeJson(runPaths(run).recipe, whole);
}

Deno.test("a plan says where everything is; its folder is named after the time", async () => {
  await withRoot(async (root, plan) => {
    const found = await plan();
    match(found.outputDir, /[\\/]output[\\/]theme-deepred-\d{8}_\d{6}$/);
    deepEqual(found.base, { kind: "folder", name: "output/merged", path: join(root, "output", "merged") });
    equal(found.data.dataset, join(root, "dataset", "theme_dataset.jsonl"));
    equal((await plan({ runName: "mine" })).outputDir, join(root, "output", "mine"));
    equal((await plan({ learningRate: "auto" })).recipe.learningRate, 5.1e-4);
    const missing = await plan({ baseModel: "output/nothing" });
    equal(missing.base.path, join(root, "output", "nothing"), "told by the preflight");
    equal((await plan({ baseModel: "Qwen/Qwen2.5-1.5B-Instruct" })).base.kind, "hub");
  });
});

Deno.test("the recipe's values, its environment and its name are in the plan", async () => {
  await withRoot(async (_, plan) => {
    const found = await plan({ recipe: "amd-stable", batchSize: 1 });
    deepEqual([found.recipe.batchSize, found.recipe.maxSeqLength], [1, 768]);
    deepEqual(found.env, { AMD_SERIALIZE_KERNEL: "3", AMD_SERIALIZE_COPY: "3" });
    equal(found.recipeName, "amd-stable");
  });
});

Deno.test("a folder that holds something is not trained into, but for a run that may be replaced", async () => {
  await withRoot(async (root, plan) => {
    const run = join(root, "output", "theme-deepred-a");
    await leaveRun(run, root);
    await rejects(plan({ runName: "theme-deepred-a" }), /holds a run already/);
    ok((await plan({ runName: "theme-deepred-a", overwrite: true })).replaces);
    await rejects(plan({ outputDir: join(root, "dataset"), overwrite: true }), /holds files that are no run/);
    const file = join(root, "dataset", "theme_dataset.jsonl");
    await rejects(plan({ outputDir: file }), /it is a file/);
  });
});

Deno.test("a run is gone on with as it was begun, from its newest whole checkpoint, wherever one stands", async () => {
  await withRoot(async (root, plan) => {
    const run = join(root, "output", "theme-deepred-20260101_000000");
    await leaveRun(run, root);
    for (const options of [{ resumeLatest: true }, { resumeFromCheckpoint: run }]) {
      const found = await planTraining(trainOptions.parse({ dataDir: root, ...options }), fakeContext());
      equal(found.resumeFrom, join(run, "checkpoint-10"));
      equal(found.outputDir, run);
      equal(found.recipe.loraR, 8);
      deepEqual(found.env, { AMD_SERIALIZE_KERNEL: "3" });
    }
    const context = fakeContext();
    const options = { dataDir: join(root, "elsewhere"), outputDir: run, resumeLatest: true, batchSize: 2 };
    const found = await planTraining(trainOptions.parse(options), context);
    equal(found.base.path, join(root, "output", "merged"));
    equal(found.data.dataset, join(root, "dataset", "theme_dataset.jsonl"));
    equal(found.recipe.batchSize, 2, "what was said; the preflight tells the drift");
    ok(
      context.events.some((event) =>
        event.type === "log" && /checkpoint-20" is passed over: it was not/.test(event.message)
      ),
    );
    await rejects(plan({ resumeFromCheckpoint: join(run, "checkpoint-20") }), /it was not finished/);
    await rejects(plan({ resumeLatest: true, resumeFromCheckpoint: run }), UsageError);
  });
});

Deno.test("with --overwrite a run that cannot be gone on with, or is complete, is begun anew", async () => {
  await withRoot(async (root, plan) => {
    const both = { resumeLatest: true, overwrite: true, runName: "theme-deepred-a" };
    const run = join(root, "output", "theme-deepred-a");
    await rejects(plan({ ...both, overwrite: false }), /no whole checkpoint/);
    equal((await plan(both)).resumeFrom, undefined, "there is none");
    await leaveRun(run, root);
    equal((await plan(both)).resumeFrom, join(run, "checkpoint-10"));
    await writeJson(runPaths(run).state, { state: "complete", started: "", pid: 1, resumedFrom: [], metrics: {} });
    const anew = await plan(both);
    deepEqual([anew.resumeFrom, anew.replaces], [undefined, true]);
  });
});

Deno.test("machines other than the first keep what is theirs beside the run", async () => {
  await withRoot(async (root, plan) => {
    const launch = { launch: "torchrun", processes: 2, machines: 2, machineRank: 1, runName: "mine" };
    const found = await plan(launch);
    equal(found.outputDir, join(root, "output", "mine-machine-1"));
    equal(found.launch?.processes, 2);
    await rejects(plan({ processes: 2 }), /--processes without --launch/);
  });
});
