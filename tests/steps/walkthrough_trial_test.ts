import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { dirname, join } from "node:path";
import { presetPath } from "@/core/paths.ts";
import { loadPersonas } from "@/dialogue/personas.ts";
import { loadPrompts } from "@/dialogue/prompt.ts";
import { gateFiles, loadGates } from "@/dialogue/gates_load.ts";
import { rehearsalEngine } from "@/llm/rehearsal.ts";
import type { ChatEngine } from "@/llm/chat.ts";
import { FilteredChunk } from "@/records.ts";
import { readJsonl } from "@/core/jsonl.ts";
import { loadBenchmarkPreset } from "@/steps/benchmark_prompt.ts";
import { generate } from "@/steps/generate.ts";
import { loadPipeline, type Pipeline } from "@/steps/pipelines.ts";
import { upTo } from "@/steps/walkthrough.ts";
import { benchmarkAtHand } from "@/steps/walkthrough_benchmark.ts";
import { watch } from "@/steps/walkthrough_live.ts";
import { finished, forecastFor, readRejects, regate, trial } from "@/steps/walkthrough_trial.ts";
import { compareVoices, editPersona, markVoices, pickPersona, variedPassages } from "@/steps/walkthrough_voices.ts";
import { sideBySide, voiceTable } from "@/view/dialogue.ts";
import { fakeContext } from "../fakes/context.ts";

type Test = (pipeline: Pipeline, env: Record<string, string>) => Promise<void>;

async function withSamples(test: Test): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const env = { VOICEWORKS_CACHE: join(folder, "cache") };
    const pipeline = await loadPipeline("rehearsal", folder, env);
    await upTo(pipeline, "filter", fakeContext({ env }));
    await test(pipeline, env);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("trial runs beside the dataset, stops, goes on, and is gated anew without asking", () =>
  withSamples(async (pipeline, env) => {
    const options = trial(pipeline, { maxChunks: 30, examplesPerChunk: 6 });
    equal(dirname(options.output ?? ""), join(pipeline.dataDir, "trial"));
    const forecast = await forecastFor(options, 1000, fakeContext({ env }), 4);
    deepEqual([forecast?.items, forecast?.measured, Math.round(forecast?.requests.mid ?? 0)], [1000, 4, 1000]);
    ok((forecast?.promptTokens.mid ?? 0) > 100_000);

    const quiet = { broadcast: undefined };
    const first = await watch(generate, { ...options, overwrite: true }, fakeContext({ env }), {
      ...quiet,
      stopAt: 0.3,
    });
    equal(first.ended, "stopped");
    throws(() => finished(first), /stopped before it was built/);
    const second = await watch(generate, { ...options, resume: true }, fakeContext({ env }), quiet);
    const { paths, stats } = finished(second);
    ok(stats.answers_reused > 0, `${stats.answers_reused} reused`);
    equal((await readRejects(paths.rejects)).length, stats.examples_failed);

    const before = await Deno.readTextFile(paths.output);
    const regated = await regate(
      options,
      { duplicates: { questionsOf: "persona" }, shortest: 500 },
      fakeContext({ env }),
    );
    const now = regated.result.stats;
    equal(now.examples_requested, stats.examples_requested);
    equal(now.examples_generated - stats.examples_generated, regated.cameIn.length - regated.wentOut.length);
    ok(regated.cameIn.length > 0 && regated.wentOut.some(({ reason }) => reason === "too_short"));
    equal(await Deno.readTextFile(paths.output), before, "the run's own dataset stays");
    await rejects(regate(options, { shortest: -1 }, fakeContext({ env })), /shortest/);
  }));

Deno.test("compareVoices asks old and new with one seed; without a model nothing is marked, and told so", () =>
  withSamples(async (pipeline) => {
    const path = join(pipeline.dataDir, "theme_chunks", "filtered.jsonl");
    const passages = variedPassages(await Array.fromAsync(readJsonl(path, FilteredChunk)), 3);
    equal(new Set(passages.map(({ source_id }) => source_id)).size, 3);
    const { personas } = await loadPersonas(presetPath("deepred/personas.jsonc"));
    const prompts = await loadPrompts(presetPath("deepred/prompts.jsonc"));
    const { themes } = await loadGates(gateFiles({}));
    const { rubric } = await loadBenchmarkPreset(presetPath("deepred/benchmark.jsonc"));
    const old = pickPersona(personas, "grandmaster");
    const edited = editPersona(old, { voice: "Says little." });
    throws(() => editPersona(old, { traits: [] }), /traits/);

    const pairs = await compareVoices(passages, [old, edited], prompts, rehearsalEngine(), themes, fakeContext());
    deepEqual(pairs.map(({ passage }) => passage.id), passages.map(({ id }) => id));
    for (const { before, after } of pairs) {
      equal(before.request.seed, after.request.seed);
      deepEqual([before.persona, after.persona], [old, edited]);
    }
    const context = fakeContext();
    deepEqual(await markVoices(pairs, rehearsalEngine(), rubric, context), pairs);
    match(JSON.stringify(context.events), /Not judged: no model is reachable/);
    match(sideBySide(pairs).text(), /not judged/);

    const judging: ChatEngine = {
      ...rehearsalEngine(),
      name: "lmstudio",
      chat: (request) => {
        const asked = request.messages[1]?.content ?? "";
        const criterion = rubric.criteria.find(({ id }) => asked.includes(`"criterion" is "${id}"`))?.id;
        const content = JSON.stringify({ criterion, score: asked.includes("Says little.") ? 5 : 2, evidence: "so" });
        const timing = { firstTokenMs: 0, totalMs: 0 };
        return Promise.resolve({ content, reasoning: "", finishReason: "stop", model: "m", usage: {}, timing });
      },
    };
    const marked = await markVoices(pairs, judging, rubric, fakeContext());
    deepEqual(marked.map(({ before, after }) => [before.rating?.overall, after.rating?.overall]), [[2, 5], [2, 5], [
      2,
      5,
    ]]);
    ok(!("format_compliance" in (marked[0]?.after.rating?.criteria ?? {})), "a program knows that better");
    deepEqual(voiceTable(marked).rows.map((row) => row.at(-1)), ["2.0", "5.0"]);
  }));

Deno.test("benchmarkAtHand reads the recording where nobody answers, and says so", async () => {
  const context = fakeContext();
  const { results, source, recorded, titles } = await benchmarkAtHand({}, context);
  ok(recorded && results.models.length > 2);
  match(source, /stand-in.*made up/);
  match(JSON.stringify(context.events), /what follows is a recording/);
  equal(titles.response_character, "Response Character");
});
