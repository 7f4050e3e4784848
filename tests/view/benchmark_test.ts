import { deepEqual, equal, match, ok } from "node:assert/strict";
import { BenchmarkResults } from "@/steps/benchmark_file.ts";
import { RECORDED } from "@/steps/walkthrough_benchmark.ts";
import {
  evidenceTable,
  firstAnswers,
  hoursPerThousand,
  marksMap,
  type MeasuredModel,
  promptCard,
  rankedTable,
  speedAndRating,
} from "@/view/benchmark.ts";

const HOSTILE = "<script>alert(1)</script>";
const model = (name: string, changes: Partial<MeasuredModel> = {}): MeasuredModel => ({
  model: name,
  tokensPerSecond: 40,
  ttftSeconds: 0.5,
  seconds: 9,
  hoursPer1000: 2.5,
  rating: 4,
  criteria: { voice: { score: 4, evidence: HOSTILE } },
  runs: [{ persona: "primary", content: HOSTILE }],
  ...changes,
});
const failed: MeasuredModel = { model: `${HOSTILE} b`, error: `Cannot load "b": ${HOSTILE}`, runs: [] };
const results = { models: [model("a"), failed], recommended: "a" };

for (
  const [name, picture] of Object.entries({
    speedAndRating: speedAndRating(results),
    "speedAndRating of nothing": speedAndRating({ models: [failed] }),
    hoursPerThousand: hoursPerThousand(results),
    "hoursPerThousand of useless models": hoursPerThousand({ models: [model(HOSTILE, { hoursPer1000: undefined })] }),
    marksMap: marksMap(results, { voice: HOSTILE }),
    "marksMap of nothing": marksMap({ models: [failed] }, {}),
  })
) {
  Deno.test(`${name} draws, with all text escaped`, async () => {
    const svg = await picture.svg();
    match(svg, /^<svg/);
    ok(!svg.includes("<script"));
    ok(!/NaN|undefined|Infinity/.test(svg));
  });
}

Deno.test("rankedTable ranks what was measured and tells why the rest was not", () => {
  const { rows } = rankedTable({ ...results, models: [model("a", { estimated: true, kin: true }), failed] });
  deepEqual(rows[0], [1, "a", "~40.0", "0.50", "9.0", "2.50", "4.0", "recommended; rated by its own family"]);
  deepEqual([rows[1]?.[0], rows[1]?.[2], rows[1]?.at(-1)], [undefined, "", HOSTILE]);
});

Deno.test("speedAndRating writes the names of neighbours on lines of their own", () => {
  const models = [["a", 40, 4], ["b", 42, 4.1], ["c", 41, 4], ["d", 41, 2], ["e", 400, 4]] as const;
  const { data } = speedAndRating({
    models: models.map(([name, tokensPerSecond, rating]) => model(name, { tokensPerSecond, rating })),
  }).spec as { data: { values: { level: number }[] } };
  deepEqual(data.values.map(({ level }) => level), [0, 1, 2, 0, 0]);
});

Deno.test("tables and cards of a benchmark escape everything", () => {
  for (
    const view of [rankedTable(results), evidenceTable(results, {}), firstAnswers(results), promptCard(HOSTILE)]
  ) {
    ok(!view.html().includes("<script") && view.html().includes("&lt;script"));
  }
  equal(
    evidenceTable({ models: [model("a", { criteria: { x: { evidence: "why" } } })] }, {}).rows[0]?.[2],
    "unreadable",
  );
});

Deno.test("recorded benchmark is one of a stand-in, with a model that failed and one that is recommended", async () => {
  const recorded = BenchmarkResults.parse(JSON.parse(await Deno.readTextFile(RECORDED)));
  match(recorded.server, /stand-in/);
  ok(recorded.models.every(({ model }) => model.startsWith("stand-in/")), "no real model's name");
  equal(recorded.models.filter(({ error }) => error !== undefined).length, 1);
  ok(recorded.models.some(({ model }) => model === recorded.recommended));
});
