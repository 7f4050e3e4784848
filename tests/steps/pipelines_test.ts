import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { readFlags } from "@/core/options.ts";
import { allSteps, findStep, STEP_NAMES } from "@/steps/mod.ts";
import { loadPipeline, outlineOf, PRESET_NAMES, sharedFlags, stagesOf } from "@/steps/pipelines.ts";

for (
  const [name, given] of [...PRESET_NAMES.map((name) => [name, {}] as const), ["gaea", { manuscript: true }]] as const
) {
  Deno.test(`loadPipeline: every option of the preset "${name}" ${JSON.stringify(given)} is one that its step takes`, async () => {
    const pipeline = await loadPipeline(name, undefined, {}, given);
    const { shared } = pipeline;
    for (const { name, step, options } of stagesOf(pipeline)) {
      const strangers = Object.keys(pipeline.options[name] ?? {}).filter((key) => !(key in step.options.shape));
      deepEqual(strangers, []);
      equal(typeof options.dataDir, "string");
      ok(!JSON.stringify(options).includes("${"), `${name}: ${JSON.stringify(options)}`);
    }
    for (const key of Object.keys(shared)) ok(pipeline.stages.some(({ step }) => key in step.options.shape), key);
  });
}

Deno.test("the pipeline gaea is a rehearsal without a manuscript; with one, one base goes through all of it", async () => {
  const rehearsal = await loadPipeline("gaea", "/data", {});
  equal(rehearsal.rehearsal, true);
  match(rehearsal.dataDir, /[\\/]data[\\/]rehearsal$/);
  const pipeline = await loadPipeline("gaea", "/data", {}, { manuscript: true });
  equal(pipeline.rehearsal, false);
  const flags = ["--manuscript", "a.md,b.md", "--base-model", "owner/other", "--sequence-len", "3072"];
  const { values, faults } = readFlags(sharedFlags(pipeline), flags);
  deepEqual(faults, []);
  const stages = Object.fromEntries(stagesOf(pipeline, values).map(({ name, options }) => [name, options]));
  deepEqual(stages.curate?.manuscript, ["a.md", "b.md"]);
  for (const name of ["config", "train", "merge"]) equal(stages[name]?.baseModel, "owner/other");
  equal(stages.prepare?.tokenizer, "owner/other");
  equal(stages.base?.modelPath, "owner/other");
  equal(stages.baseline?.vllmModel, "owner/other");
  deepEqual([stages.prepare?.sequenceLength, stages.config?.sequenceLen], [3072, 3072]);
});

Deno.test("what is rehearsed is the base of the recipe that is trained by", async () => {
  const pipeline = await loadPipeline("deepred", "/data", {});
  const { values } = readFlags(sharedFlags(pipeline), ["--recipe", "14b"]);
  const stages = Object.fromEntries(stagesOf(pipeline, values).map(({ name, options }) => [name, options]));
  deepEqual([stages.rehearse?.recipe, stages.train?.recipe], ["14b", "14b"]);
  equal(stages.rehearse?.baseModel, undefined);
});

Deno.test("a pipeline takes no flag for what its stages hand to each other, or that two steps understand differently", async () => {
  const pipeline = await loadPipeline("gaea", "/data", {}, { manuscript: true });
  const names = sharedFlags(pipeline).map(({ key }) => key);
  for (const key of ["output", "outputPath", "gguf", "loraPath", "base", "tuned", "model", "finetuned", "port"]) {
    equal(names.includes(key), false, key);
  }
  const { values } = readFlags(sharedFlags(pipeline), [
    "--min-words",
    "600",
    "--max-words",
    "1500",
    "--max-tokens",
    "3000",
  ]);
  const stages = Object.fromEntries(stagesOf(pipeline, values).map(({ name, options }) => [name, options]));
  deepEqual([stages.curate?.minWords, stages.compare?.minWords], [600, 5000]);
  deepEqual([stages.curate?.maxWords, stages.blind?.maxWords], [1500, 450]);
  deepEqual([stages.prepare?.maxTokens, stages.baseline?.maxTokens], [3000, 600]);
});

Deno.test("a stage is passed over where the option that it takes is not given", async () => {
  const pipeline = await loadPipeline("gaea", "/data", {});
  const skipped = (given: Record<string, unknown>) =>
    stagesOf(pipeline, given).filter(({ skip }) => skip !== undefined).map(({ name }) => name);
  deepEqual(skipped({}), ["blind"]);
  deepEqual(skipped({ judgeModel: "judge" }), []);
});

Deno.test("loadPipeline keeps the rehearsal out of the folders of real data", async () => {
  const [rehearsal, deepred] = await Promise.all(
    ["rehearsal", "deepred"].map((name) => loadPipeline(name, "/data", {})),
  );
  match(rehearsal?.dataDir ?? "", /[\\/]data[\\/]rehearsal$/);
  match(deepred?.dataDir ?? "", /[\\/]data$/);
});

Deno.test("outlineOf tells of the same stages as are run", async () => {
  for (const name of PRESET_NAMES) {
    const { stages, summary } = await loadPipeline(name, undefined, {});
    deepEqual(await outlineOf(name), { summary, stages: stages.map(({ name, step }) => ({ name, step: step.name })) });
  }
});

Deno.test("loadPipeline names the nearest preset", async () => {
  await rejects(loadPipeline("rehersal", undefined, {}), /did you mean "rehearsal"\?/);
});

Deno.test("stagesOf hands a flag to every step that knows it, and says all faults at once", async () => {
  const pipeline = await loadPipeline("deepred", "/data", {});
  const { values } = readFlags(sharedFlags(pipeline), ["--seed", "7", "--chunk-size", "500"]);
  const stages = stagesOf(pipeline, values);
  deepEqual(stages.filter(({ options }) => options.seed === 7).map(({ name }) => name), [
    "generate",
    "split",
    "train",
    "evaluate",
  ]);
  equal(stages.find(({ step }) => step.name === "chunk")?.options.chunkSize, 500);
  throws(() => stagesOf(pipeline, { chunkSize: 0, trainRatio: 2 }), /--chunk-size 0[^]*--train-ratio 2/);
  throws(
    () => stagesOf(pipeline, { chunkSize: 0 }, ["Unknown flag --sede"]),
    /Unknown flag --sede\n[^]*--chunk-size 0/,
  );
});

Deno.test("findStep loads every step under its own name, with a description of every option", async () => {
  for (const step of await allSteps()) {
    equal(STEP_NAMES.includes(step.name), true);
    for (const [key, schema] of Object.entries(step.options.shape)) {
      equal(typeof (schema as { description?: string }).description, "string", `${step.name} --${key}`);
    }
  }
  await rejects(findStep("chunks"), /did you mean "chunk"\?/);
});
