/** Gaea's notebooks where there is no torch, no server and no vote: what was recorded, and what is known, is shown. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { tallyVotes } from "@/evaluation/blind/tally.ts";
import { monitor } from "@/steps/gaea/monitor.ts";
import { knownVotes, SEED, talliesWhile, trialsAtHand, votesAtHand } from "@/steps/gaea/walkthrough_blind.ts";
import {
  findingsWith,
  lookAtVoice,
  voiceConfig,
  voiceMemory,
  voiceMergeAtHand,
  voicePipeline,
  voiceRunAtHand,
  watchVoice,
} from "@/steps/gaea/walkthrough_training.ts";
import { candidateChart, findingTable, fourBitTable, mergeScale } from "@/view/merging.ts";
import { findingsView, labelsView } from "@/view/findings.ts";
import { memoryChart, scheduleChart } from "@/view/training.ts";
import { trainingChart } from "@/view/training_curves.ts";
import { pairsNeededChart, questionsTable, ratersTable, trialCards, winRateChart } from "@/view/trial.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";

/** A machine on which no environment was ever made. */
async function bare(body: (context: ReturnType<typeof fakeContext>, folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const env = { VOICEWORKS_CACHE: join(folder, "cache"), GUTENBERG_DATA: join(folder, "data") };
    await body(fakeContext({ env }), folder);
  });
}

const drawn = async (chart: { svg(): Promise<string> }) => {
  const svg = await chart.svg();
  ok(!/NaN|undefined/.test(svg));
  return svg;
};

Deno.test("a configuration is written, and faults are found in other values without writing them", () =>
  bare(async (context) => {
    const pipeline = await voicePipeline(undefined, context);
    const { text, steps, findings } = await voiceConfig(pipeline, context);
    match(text, /^# Written by: deno task gaea:config/);
    ok(steps && steps.totalSteps > 10 && findings.every(({ level }) => level !== "error"));
    const wrong = await findingsWith(pipeline, { sequence_len: 256, lora_alfa: 1 }, context);
    match(JSON.stringify(wrong), /lora_alfa.*no key of Axolotl/);
    equal((await voiceConfig(pipeline, context)).text, text);
  }));

Deno.test("with a manuscript it is the real pipeline, on that manuscript", () =>
  bare(async (context) => {
    const pipeline = await voicePipeline("novel.md", context);
    equal(pipeline.rehearsal, false);
    deepEqual(pipeline.options.curate?.manuscript, ["novel.md"]);
  }));

Deno.test("without torch a recorded rehearsal is looked at, watched, monitored and merged", () =>
  bare(async (context) => {
    const pipeline = await voicePipeline(undefined, context);
    const seen = await lookAtVoice(pipeline, context);
    match(findingsView(seen.findings).text(), /examples/);
    match(labelsView(seen.labels, 1).text(), /⟦[^⟧]*<\|im_end\|>⟧/);
    ok(seen.schedule);
    await drawn(scheduleChart(seen.schedule, seen.recipe.lrScheduler));
    const watched = await watchVoice(pipeline, context);
    deepEqual([watched.recorded, watched.run.state, watched.ended], [true, "complete", "complete"]);
    const run = await voiceRunAtHand(pipeline, context);
    const { points, run: { best } } = await monitor.run(monitor.options.parse({ run, once: true }), context);
    ok(best && best.loss > 0);
    await drawn(trainingChart(points));
    const merged = await voiceMergeAtHand(pipeline, run, context);
    await drawn(candidateChart(merged.candidates ?? []));
    match(await drawn(mergeScale(merged)), /4-bit base/);
    match(findingTable(merged.findings).text(), /4 bit +ok/);
    match(fourBitTable(merged).text(), /loss merged into the whole base/);
    ok(!/\/root|\/tmp|\/work/.test(JSON.stringify([seen, { ...merged, output: "" }])), "no path of a machine");
    ok(context.events.some((event) => event.type === "log" && /recorded/.test(event.message)));
  }));

Deno.test("memory of the real training is that of published ones, and less than the document's card", async () => {
  const { total } = voiceMemory({ adapter: "qlora", tokens: 4096, loraR: 16 });
  ok(total > 8e9 && total < 25e9, String(total));
  ok(voiceMemory({ adapter: "qlora", tokens: 3072, loraR: 8 }).total < total);
  ok(voiceMemory({ adapter: "lora", tokens: 4096, loraR: 16 }).total > total);
  await drawn(memoryChart(voiceMemory({ adapter: "qlora", tokens: 4096, loraR: 16 })));
});

Deno.test("fourBitTable says why nothing was measured", () => {
  match(fourBitTable({ figures: null }).text(), /not measured/);
});

Deno.test("a blind trial is shown on recorded texts, with sides drawn for each rater", () =>
  bare(async (context, folder) => {
    const { trials } = await trialsAtHand(join(folder, "data"), context);
    ok(trials.filter(({ kind }) => kind === "pair").length >= 4 && trials.some(({ kind }) => kind !== "pair"));
    const [trial] = trials;
    ok(trial);
    const orders = new Set(
      Array.from({ length: 12 }, (_, at) => trialCards(trial, `reader ${at}`, SEED).text().split("\nA\n")[1] ?? ""),
    );
    equal(orders.size, 2);
    const titles = trialCards(trial, "reader", SEED).html().match(/font-weight:600">[^<]*/g)?.join() ?? "";
    match(titles, /opening.*author.*A.*B/i);
    ok(!/base|tuned/.test(titles), "no name gives it away");
  }));

Deno.test("weighted coins show more than 60 % where they prefer the tuned text, and not where they do not", () =>
  bare(async (context, folder) => {
    const dataDir = join(folder, "data");
    const voted = await votesAtHand(dataDir, { pairs: 160, rate: 0.75, ties: 0.08 }, context);
    const tally = tallyVotes(voted.votes, voted.trials, SEED);
    equal(tally.questions.fidelity.claim, "shown");
    equal(tally.raters.find(({ rater }) => rater === "presses one key")?.counts, false);
    match(ratersTable(tally).text(), /presses one key/);
    match(questionsTable(tally).text(), /shown/);
    const tallies = talliesWhile(voted);
    const widths = tallies.map(({ tally: { winRate } }) => (winRate?.upper ?? 0) - (winRate?.lower ?? 0));
    ok((widths.at(-1) ?? 1) < 0.5 * (widths[0] ?? 0), String(widths));
    await drawn(winRateChart(tallies));
    await drawn(pairsNeededChart(tally.questions.fidelity.winRate?.estimate));
    await drawn(pairsNeededChart(0.5));
    const even = knownVotes({ pairs: 160, rate: 0.5, ties: 0.08 });
    equal(tallyVotes(even.votes, even.trials, SEED).questions.fidelity.claim, "not met");
    // Votes that people gave go before coins.
    await Deno.mkdir(join(dataDir, "gaea", "benchmarks"), { recursive: true });
    const given = even.votes.slice(0, 30).map((vote) => ({ ...vote, rater: "Ada" }));
    await Deno.writeTextFile(join(dataDir, "gaea", "benchmarks", "blind.json"), JSON.stringify({ votes: given }));
    const own = await votesAtHand(dataDir, { pairs: 9, rate: 1, ties: 0 }, context);
    deepEqual(new Set(own.votes.map(({ rater }) => rater)), new Set(["Ada"]));
  }));
