import { equal, match, ok } from "node:assert/strict";
import { DISPLAY } from "@/core/display.ts";
import type { Comparison } from "@/evaluation/style/compare.ts";
import {
  channelsChart,
  exampleCards,
  factsTable,
  gainedWords,
  impostersChart,
  markersChart,
  sentenceLengths,
} from "@/view/style.ts";
import { definitionsTable, gatesTable, targetsChart, targetsTable } from "@/view/style_targets.ts";
import { comparisonPage } from "@/view/style_page.ts";
import { openingsTable, voiceCards, voiceLengths, voicesTable } from "@/view/voice.ts";
import { compare, continuations, sampleAuthor } from "../evaluation/style/fixtures.ts";
import { withFolder } from "../fakes/folder.ts";
import { fakeContext } from "../fakes/context.ts";
import { knownAnswer, sourcesAtHand, voicesAtHand } from "@/steps/gaea/walkthrough_voice.ts";

const CHARTS = { targetsChart, channelsChart, sentenceLengths, markersChart, impostersChart };

async function drawsAll(comparison: Comparison): Promise<void> {
  for (const [name, draw] of Object.entries(CHARTS)) {
    ok((await draw(comparison).svg()).startsWith("<svg"), name);
  }
  ok((await comparisonPage({ ...comparison, parted: "", time: "" })).includes("<svg"));
}

Deno.test("a comparison is drawn whole, and its texts are shown as text", async () => {
  const sample = await sampleAuthor();
  const tuned = continuations(sample.author.hold.map((text) => `<b>${text}`));
  const comparison = await compare(sample, tuned, { resamples: 100 });
  await drawsAll(comparison);
  equal(targetsTable(comparison).rows.length, 5);
  equal(gatesTable(comparison).rows.length, 3);
  equal(definitionsTable(comparison).rows.length, 5);
  ok(factsTable(comparison, "structure").rows.length > 5);
  match(gainedWords(comparison), /uses and the base does not: \w+/);
  const html = exampleCards(comparison, "structure").html();
  ok(html.includes("&lt;b&gt;") && !html.includes("<b>"));
});

Deno.test("a comparison that could measure nothing is drawn, too", async () => {
  const sample = await sampleAuthor();
  await drawsAll(await compare(sample, continuations(sample.author.train), { resamples: 100 })); // All of it is cut out.
  const scarce = { author: { ...sample.author, hold: sample.author.hold.slice(0, 1) }, base: sample.base.slice(0, 1) };
  await drawsAll(await compare(scarce, continuations(sample.author.hold.slice(0, 1)), { resamples: 100 }));
});

Deno.test("recorded voices stand in where nobody was asked, and say so", async () => {
  await withFolder(async (folder) => {
    const context = fakeContext();
    const voices = await voicesAtHand(folder, context);
    equal(voices.recorded, true);
    ok(context.events.some((event) => event.type === "log" && /what follows is a recording/.test(event.message)));
    equal(openingsTable(voices).rows.length, 6);
    equal(voicesTable(voices).rows.length, 2);
    ok((await voiceLengths(voices).svg()).startsWith("<svg"));
    const shown = (await voiceCards(voices, "v01.3")[DISPLAY]())["text/plain"];
    for (const title of ["Base", "Tuned", "The author"]) ok(shown.includes(title));
  });
});

Deno.test("texts whose answer is known lie somewhere in the middle, and claim nothing", async () => {
  await withFolder(async (folder) => {
    const { known, options } = await sourcesAtHand(folder, fakeContext());
    equal(known, true);
    equal(options.base, (await knownAnswer(folder, { env: {} })).base);
    const { compare: step } = await import("@/steps/gaea/compare.ts");
    const { comparison } = await step.run(
      step.options.parse({ ...options, page: false, resamples: 200 }),
      fakeContext(),
    );
    const score = comparison.transfer.score?.estimate ?? NaN;
    ok(score > 0.2 && score < 0.8, `${score}`);
    ok(comparison.targets.every(({ status }) => status !== "met"));
  });
});
