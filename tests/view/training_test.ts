import { deepEqual, equal, match, ok } from "node:assert/strict";
import { estimateMemory } from "@/training/memory.ts";
import { memoryPlan } from "@/training/preflight/check_memory.ts";
import { error, ok as good, warning } from "@/training/preflight/finding.ts";
import { Recipe } from "@/training/recipe.ts";
import { schedule } from "@/training/schedule.ts";
import { findingsView, labelsView } from "@/view/findings.ts";
import { memoryChart, rateAt, scheduleChart, tokenChart } from "@/view/training.ts";
import { compareChart, historyTable, trainingChart } from "@/view/training_curves.ts";
import { QWEN_1_5B } from "../training/shapes.ts";

const HOSTILE = "<script>alert(1)</script>";

const steps = (changes = {}) =>
  schedule({
    rows: 5000,
    valRows: 500,
    batchSize: 4,
    gradientAccumulationSteps: 4,
    processes: 1,
    epochs: 3,
    warmupRatio: 0.1,
    saveSteps: 150,
    evalSteps: 100,
    saveTotalLimit: 4,
    ...changes,
  });

const points = (offset: number) =>
  Array.from({ length: 1000 }, (_, i) => [
    { step: i + 1, series: "loss", value: offset + 2 / (i + 1) },
    { step: i + 1, series: "learning_rate", value: 1e-4 },
    { step: i + 1, series: "memory_bytes", value: 6e9 },
    { step: i + 1, series: "unknown", value: 1 },
    ...(i % 100 === 99 ? [{ step: i + 1, series: "eval_loss", value: offset + 2.1 / (i + 1) }] : []),
  ]).flat();

const machine = { gpus: [], ram: undefined, os: "linux" } as const;
const memory = estimateMemory(QWEN_1_5B, memoryPlan(Recipe.parse({}), machine, undefined, false));

const PICTURES = {
  tokenChart: tokenChart([{ tokens: 100, share: 0.5 }, { tokens: 900, share: 1 }], 512),
  "tokenChart of nothing": tokenChart([], 512),
  scheduleChart: scheduleChart(steps()),
  "scheduleChart of one step": scheduleChart(steps({ rows: 1, epochs: 1 })),
  memoryChart: memoryChart(memory, 24e9),
  trainingChart: trainingChart(points(1)),
  "trainingChart that begins": trainingChart([], { total: 100 }),
  "trainingChart of one point": trainingChart([{ step: 1, series: "loss", value: 3 }]),
  compareChart: compareChart([{ name: HOSTILE, points: points(1) }, { name: "b", points: points(2) }]),
};

for (const [name, picture] of Object.entries(PICTURES)) {
  Deno.test(`${name} draws, with all text escaped`, async () => {
    const svg = await picture.svg();
    match(svg, /^<svg/);
    ok(!svg.includes("<script"));
    ok(!/NaN|undefined|Infinity/.test(svg));
  });
}

Deno.test("tokenChart never leaves its frame, however many rows are of one length", async () => {
  const share = (at: number) => ({ tokens: 400, share: at / 10 });
  const heights = await Promise.all([10, 1].map(async (rows) => {
    const svg = await tokenChart(Array.from({ length: rows }, (_, i) => share(i + 11 - rows)), 512).svg();
    return /viewBox="[\d. ]+ ([\d.]+)"/.exec(svg)?.[1];
  }));
  ok(heights[0] !== undefined);
  equal(heights[0], heights[1]);
});

Deno.test("a picture of a night's training holds few enough points, the last among them", () => {
  const { data } = trainingChart(points(1)).spec as unknown as {
    data: { values: { step: number; series: string; value: number }[] };
  };
  const loss = data.values.filter(({ series }) => series === "loss");
  ok(loss.length <= 251 && loss.at(-1)?.step === 1000);
  equal(data.values.find(({ series }) => series === "memory_bytes")?.value, 6, "in GB");
});

Deno.test("trainingChart keeps its width while the run grows, and leaves out panels that nothing measured", () => {
  const spec = trainingChart(points(1).filter(({ step }) => step < 10), { total: 500 }).spec;
  const { vconcat } = spec as unknown as {
    vconcat: { encoding: { x: { scale: { domain: number[] } }; y: { title: string } } }[];
  };
  deepEqual(vconcat.map(({ encoding }) => encoding.y.title), ["loss", "learning rate", "memory, GB"]);
  deepEqual(vconcat[0]?.encoding.x.scale.domain, [0, 500]);
});

Deno.test("historyTable finds the lowest evaluation and where it was", () => {
  const { columns, rows } = historyTable([{ name: "a", points: points(1) }]);
  equal(rows[0]?.[columns.indexOf("at_step")], 1000);
  equal(rows[0]?.[columns.indexOf("steps")], 1000);
});

Deno.test("rateAt follows transformers' schedules", () => {
  deepEqual([0, 5, 10].map((step) => rateAt(step, 100, 10, "cosine")), [0, 0.5, 1]);
  equal(rateAt(55, 100, 10, "linear"), 0.5);
  equal(rateAt(99, 100, 10, "constant_with_warmup"), 1);
  ok(rateAt(100, 100, 10, "cosine") < 1e-9);
});

const FINDINGS = [
  good("disk", "Room enough"),
  error("dataset", `Broken: ${HOSTILE}`, `Mend ${HOSTILE}.`),
  warning("leak", "Some are known", "Split by book."),
];

Deno.test("findingsView puts the worst first on a page and last in a terminal, with the verdict at the end", () => {
  const view = findingsView(FINDINGS);
  const text = view.text();
  ok(text.indexOf("Room enough") < text.indexOf("Some are known"));
  ok(text.indexOf("Some are known") < text.indexOf("Broken"));
  match(text, /1 error and 1 warning: the training would not begin\.$/);
  const html = view.html();
  ok(html.indexOf("Broken") < html.indexOf("Some are known") && html.indexOf("Some are known") < html.indexOf("Room"));
  ok(!html.includes("<script") && html.includes("&lt;script"));
  match(findingsView(FINDINGS.slice(0, 1)).text(), /Nothing stands in the way/);
  match(
    findingsView([FINDINGS[2] ?? good("", "")]).text(),
    /^warning.*\n +→ Split by book\.\n\n1 warning; nothing forbids/,
  );
  match(findingsView([FINDINGS[2] ?? good("", "")], true).text(), /would not begin/);
});

Deno.test("findingsView wraps what is wider than a terminal under its own column", () => {
  const text = findingsView([good("memory", "word ".repeat(60))]).text();
  ok(text.split("\n").every((line) => line.length <= 110));
  match(text.split("\n")[1] ?? "", /^ {20}word/);
});

Deno.test("labelsView shows what is learnt, token by token, and runs nothing", () => {
  const token = (text: string, special = false) => ({ id: 1, text, special });
  const rows = [{
    line: 7,
    tokens: 4,
    trained: 2,
    cut: 3,
    spans: [
      { trained: false, tokens: [token("<|im_start|>", true), token("user\n")] },
      { trained: true, tokens: [token(HOSTILE), token("<|im_end|>", true)] },
    ],
  }];
  const view = labelsView(rows);
  equal(view.text(), `line 7: 4 tokens, 2 learnt, 3 cut off\n<|im_start|>user\n⟦${HOSTILE}<|im_end|>⟧`);
  ok(!view.html().includes("<script"));
  match(view.html(), /user⏎<br>/);
  equal(labelsView([]).text(), "no rows");
});
