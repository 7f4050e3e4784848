import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { loadPipeline } from "@/steps/pipelines.ts";
import { evaluationAtHand, fewOfEach, remarkedOn } from "@/steps/walkthrough_evaluate.ts";
import {
  conditionsTable,
  definitionsTable,
  evaluationPage,
  measuresTable,
  strataChart,
  targetsChart,
} from "@/view/evaluation.ts";
import { sideBySideAnswers, talkCards, transcriptPage } from "@/view/evaluation_transcripts.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

type Layers = {
  layer: { data?: { values: Record<string, unknown>[] } }[];
  data: { values: Record<string, unknown>[] };
};

Deno.test("evaluationAtHand without a model scores the recording, and the pictures show what it found", () =>
  withFolder(async (folder) => {
    const context = fakeContext();
    const pipeline = await loadPipeline("rehearsal", folder, {});
    const { evaluation, conversations, recorded, source } = await evaluationAtHand(pipeline, {}, context);
    ok(recorded && /stand-ins that do not exist/.test(source));
    ok(context.events.some((event) => event.type === "log" && /recording/.test(event.message)));
    equal(evaluation.measures.length, 8);
    const temporal = evaluation.measures.find(({ id }) => id === "temporal_compliance");
    ok((temporal?.tuned?.estimate ?? 0) > 0.9 && (temporal?.base?.estimate ?? 1) < 0.6);

    const { layer, data } = targetsChart(evaluation).spec as unknown as Layers;
    const shares = evaluation.measures.filter(({ unit }) => unit === "share");
    equal(data.values.length, 2 * shares.length);
    const targets = Object.fromEntries((layer[0]?.data?.values ?? []).map(({ name, target }) => [name, target]));
    equal(targets["Temporal compliance"], 0.95);
    equal(targets["Over-refusal (less is better)"], 0.1);
    // Relative to the base, which knows 80 %.
    equal(Number(targets["Control accuracy"]).toFixed(2), "0.70");
    match(await targetsChart(evaluation).svg(), /Temporal compliance/);
    match(await strataChart(evaluation).svg(), /false presupposition/);
    equal((strataChart(evaluation).spec as unknown as Layers).data.values.length, 16);

    match(measuresTable(evaluation).text(), /Temporal compliance .*98\.6 %.*not shown/);
    match(definitionsTable(evaluation).html(), /Wilson interval over questions/);
    match(conditionsTable({ ...evaluation, source }).text(), /stand-in\/deep-red, 101 answers/);
    match(await evaluationPage(evaluation), /<svg.*<svg/s);

    equal(fewOfEach(conversations, 1).length, new Set(conversations.map(({ category }) => category)).size);
    deepEqual(fewOfEach(conversations, 2, ["control"]).map(({ category }) => category), ["control", "control"]);
    const violations = remarkedOn(conversations, "violation");
    equal(violations.length, 1);
    match(talkCards(violations[0] as typeof conversations[number]).text(), /violation: /);
    match(sideBySideAnswers(conversations.slice(0, 3)).html(), /tuned.*base/s);
    await Deno.stat(join(folder, "rehearsal", "output", "evaluation_recorded", "report.html"));
  }));

Deno.test("transcripts show what models wrote as text, and an empty answer as nothing", async () => {
  const evil = "<img src=x onerror=alert(1)>";
  const talk = {
    id: "x",
    category: "open",
    before: [evil, "y"],
    prompt: "And?",
    fact: evil,
    answers: { tuned: [{ text: evil, notes: [evil] }], base: [{ text: " ", notes: [] }] },
  };
  const html = await transcriptPage([talk], { tuned: evil, base: "base" });
  ok(!html.includes("<img"));
  match(html, /&lt;img src=x/);
  match(talkCards(talk).text(), /\(nothing\)/);
});
