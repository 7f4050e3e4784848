/** Trainings in notebooks where there is no torch: what was recorded is shown by the same calls. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { StepEvent } from "@/core/step.ts";
import { loadPipeline } from "@/steps/pipelines.ts";
import { liveTraining, lookAt, trainingTrial, trialRuns, watchTraining } from "@/steps/walkthrough_training.ts";
import { recipeDifferences } from "@/training/runs.ts";
import { tokenCdf } from "@/training/preflight/token_survey.ts";
import { findingsView, labelsView } from "@/view/findings.ts";
import { memoryChart, scheduleChart, tokenChart } from "@/view/training.ts";
import { compareChart, differencesTable, runsTable } from "@/view/training_curves.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

/** A machine on which no environment was ever made. */
async function withoutTorch(
  body: (trial: Awaited<ReturnType<typeof loadPipeline>>, context: ReturnType<typeof fakeContext>) => Promise<void>,
) {
  await withFolder(async (folder) => {
    const context = fakeContext({ env: { VOICEWORKS_CACHE: join(folder, "cache") } });
    await body(await loadPipeline("rehearsal", folder, context.env), context);
  });
}

Deno.test("a trial trains few steps into a folder of its own", () =>
  withoutTorch((pipeline) => {
    const options = trainingTrial(pipeline, "first", { loraR: 4 });
    equal(options.outputDir, join(trialRuns(pipeline), "first"));
    deepEqual([options.recipe, options.maxSteps, options.loraR, options.resumeLatest], ["cpu-rehearsal", 24, 4, false]);
    return Promise.resolve();
  }));

Deno.test("without torch the recorded look is shown, which every picture can draw", () =>
  withoutTorch(async (pipeline, context) => {
    const seen = await lookAt(trainingTrial(pipeline, "first"), context);
    ok(context.events.some((event) => event.type === "log" && /was recorded/.test(event.message)));
    match(findingsView(seen.findings).text(), /learns to end with <\|im_end\|>/);
    match(labelsView(seen.labels, 2).text(), /⟦[^⟧]*<\|im_end\|>⟧/);
    ok(seen.tokens && seen.schedule && seen.memory);
    for (
      const picture of [
        tokenChart(tokenCdf(seen.tokens), seen.recipe.maxSeqLength),
        scheduleChart(seen.schedule, seen.recipe.lrScheduler),
        memoryChart(seen.memory),
      ]
    ) ok(!/NaN|undefined/.test(await picture.svg()));
    ok(!/\/root|\/tmp|\/work/.test(JSON.stringify(seen)), "no path of a machine");
  }));

Deno.test("without torch two recorded trainings are watched, compared and listed", () =>
  withoutTorch(async (pipeline, context) => {
    const options = trainingTrial(pipeline, "first");
    const fast = await watchTraining(options, context);
    const slow = await watchTraining(options, context, { recorded: "slow" });
    deepEqual([fast.recorded, fast.ended, fast.run.state, fast.run.step], [true, "complete", "complete", 30]);
    ok((fast.run.loss ?? 9) < (slow.run.loss ?? 0));
    const differences = recipeDifferences([fast.run, slow.run]);
    ok(differences.some(({ option }) => option === "learning-rate"));
    match(differencesTable(["fast", "slow"], differences).text(), /lora-r +8 +4/);
    match(runsTable([fast.run, slow.run]).text(), /fast +complete +tiny/);
    const svg = await compareChart([fast, slow].map(({ run, points }) => ({ name: run.name, points }))).svg();
    ok(!/NaN|undefined/.test(svg));
  }));

Deno.test("liveTraining draws what has a step, as wide as the whole training", () => {
  const live = liveTraining();
  const events: StepEvent[] = [
    { type: "progress", label: "train", done: 0, total: 90 },
    { type: "metric", name: "loss", value: 2, step: 1 },
    { type: "log", level: "info", message: "x" },
  ];
  deepEqual(events.map((event) => live.take(event)), [false, true, false]);
  equal(live.points.length, 1);
  ok(JSON.stringify(Object(live.draw()).spec).includes("[0,90]"));
});
