import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import type { Candidate } from "@/training/candidates.ts";
import type { GgufRecord } from "@/training/gguf_record.ts";
import type { MergeFigures } from "@/training/merge_gate.ts";
import {
  answerTable,
  candidateChart,
  candidateTable,
  divergenceCurve,
  findingTable,
  mergeScale,
} from "@/view/merging.ts";

const CANDIDATES: Candidate[] = [
  { name: "checkpoint-10", step: 10, evalLoss: 2.4, folder: "/run/checkpoint-10", chosen: true, why: "lowest" },
  { name: "checkpoint-15", step: 15, evalLoss: 2.1, folder: undefined, chosen: false, why: "not saved" },
  { name: "final", step: 20, evalLoss: undefined, folder: "/run/final", chosen: false, why: "not evaluated" },
];

Deno.test("candidates are a table with the chosen one marked, and a curve of those that were evaluated", async () => {
  match(candidateTable(CANDIDATES).text(), /→ +checkpoint-10 +10 +2\.4 +yes +lowest/);
  const { spec, svg } = candidateChart(CANDIDATES);
  deepEqual(
    (spec.data as { values: { step: number; state: string }[] }).values.map(({ step, state }) => [step, state]),
    [[10, "merged"], [15, "not saved"]],
  );
  match(await svg(), /Which checkpoint/);
});

Deno.test("a merge is drawn on powers of ten, a divergence of nothing at the left end", async () => {
  const figures = { meanKl: 0, adapterKl: 0.03, baseKl: 0.03 } as MergeFigures;
  const chart = mergeScale({ figures, dtype: "F32" });
  const points = (chart.spec.layer as { data: { values: { kl: number; exact: number }[] } }[]).at(-1);
  deepEqual(points?.data.values.map(({ kl }) => kl), [1e-12, 0.03, 0.03]);
  equal(points?.data.values[0]?.exact, 0);
  match(await chart.svg(), /changed by merging/);
  throws(() => mergeScale({ figures: null, dtype: "F32" }), /it was not measured/);
});

Deno.test("a divergence is drawn chunk by chunk under its limits, one that was not measured too", async () => {
  const gguf = { quantType: "q4_k_m" } as GgufRecord["gguf"];
  const divergence = {
    running: [0.02, 0.03],
    tokens: 510,
    topAgreement: { value: 0.93, error: 0.01 },
    text: "val.jsonl",
  } as unknown as GgufRecord["divergence"];
  const svg = await divergenceCurve({ divergence, gguf }, { klWarn: 0.05, klFail: 0.1 }).svg();
  match(svg, /q4_k_m against f16/);
  match(svg, /510 tokens of val\.jsonl; same first choice at 93\.0 %/);
  match(await divergenceCurve({ divergence: null, gguf }, { klWarn: 0.05, klFail: 0.1 }).svg(), /not measured/);
});

Deno.test("findings come worst first with their remedies; answers of a model are escaped", () => {
  const { rows } = findingTable([
    { check: "names", level: "ok", message: "all there" },
    { check: "divergence", level: "warning", message: "0.06", remedy: "Quantise to a larger type." },
  ]);
  deepEqual(rows[0], ["divergence", "warning", "0.06. Quantise to a larger type."]);
  const answers = [{ question: "<b>Why?</b>", f16: "<script>1</script>", quantised: "So." }];
  const html = answerTable({ answers, gguf: { quantType: "q4_k_m" } as GgufRecord["gguf"] }).html();
  ok(!html.includes("<script>") && !html.includes("<b>Why"));
  ok(html.includes(">q4_k_m</th>"), "a name stays as it is");
});
