import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { readFlags } from "@/core/options.ts";
import { allSteps, findStep, STEP_NAMES } from "@/steps/mod.ts";
import { loadPipeline, PRESET_NAMES, sharedFlags, stagesOf } from "@/steps/pipelines.ts";

for (const name of PRESET_NAMES) {
  Deno.test(`loadPipeline: every option of the preset "${name}" is one that its step takes`, async () => {
    const pipeline = await loadPipeline(name, undefined, {});
    for (const { step, options } of stagesOf(pipeline)) {
      const strangers = Object.keys(pipeline.options[step.name] ?? {}).filter((key) => !(key in step.options.shape));
      deepEqual(strangers, []);
      equal(typeof options.dataDir, "string");
    }
  });
}

Deno.test("loadPipeline keeps the rehearsal out of the folders of real data", async () => {
  const [rehearsal, deepred] = await Promise.all(
    ["rehearsal", "deepred"].map((name) => loadPipeline(name, "/data", {})),
  );
  match(rehearsal?.dataDir ?? "", /[\\/]data[\\/]rehearsal$/);
  match(deepred?.dataDir ?? "", /[\\/]data$/);
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
