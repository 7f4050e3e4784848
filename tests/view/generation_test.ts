import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  coverageMap,
  forecastTable,
  gateChange,
  rejectBrowser,
  rejectReasons,
  rejectTable,
  runChart,
  type RunPoint,
} from "@/view/generation.ts";

const HOSTILE = "<script>alert(1)</script>";
const at = (seconds: number, series: string, value: number): RunPoint => ({ seconds, series, value });
const before = { examples_requested: 10, examples_generated: 7, rejects: { too_short: 2, [HOSTILE]: 1 } };
const after = { examples_requested: 10, examples_generated: 9, rejects: { slop: 1 } };

const PICTURES = {
  "runChart of nothing": runChart([]),
  runChart: runChart(
    ["answered", "tokens_per_second", "concurrency"].flatMap((name) => [at(1, name, 3), at(2, name, 9)]),
  ),
  coverageMap: coverageMap({ [HOSTILE]: { [HOSTILE]: 2 } }, [{ id: "primary" }]),
  "coverageMap of nothing": coverageMap({}, []),
  rejectReasons: rejectReasons(before),
  gateChange: gateChange(before, after),
};

for (const [name, picture] of Object.entries(PICTURES)) {
  Deno.test(`${name} draws, with all text escaped`, async () => {
    const svg = await picture.svg();
    match(svg, /^<svg/);
    ok(!svg.includes("<script"));
    ok(!/NaN|undefined|Infinity/.test(svg));
  });
}

function valuesOf({ spec }: { spec: unknown }): Record<string, unknown>[] {
  return (spec as { data: { values: Record<string, unknown>[] } }).data.values;
}

Deno.test("runChart has a panel for what was measured only; counts begin at nothing, rates need two moments", () => {
  const panels = (points: RunPoint[]) => (runChart(points).spec as { vconcat: unknown[] }).vconcat.length;
  const rates = [at(1, "concurrency", 4), at(1, "tokens_per_second", 80)];
  equal(panels([at(1, "accepted", 3), ...rates]), 1);
  equal(panels([at(1, "accepted", 3), ...rates, at(2, "concurrency", 5), at(2, "tokens_per_second", 90)]), 3);
  deepEqual(valuesOf(runChart([at(1, "accepted", 3), at(1, "embeddings", 1), at(1, "concurrency", 4)])), [
    at(0, "accepted", 0),
    at(1, "accepted", 3),
  ]);
});

Deno.test("runChart thins the points of a night and keeps the last", () => {
  const rows = valuesOf(runChart(Array.from({ length: 50_000 }, (_, i) => at(i, "answered", i))));
  ok(rows.length <= 242, `${rows.length}`);
  equal(rows.at(-1)?.seconds, 49_999);
});

Deno.test("coverageMap shows personas without an example, and says how many pairs have none", () => {
  const map = coverageMap({ primary: { science: 2, chess: 0 } }, [{ id: "primary" }, { id: "teacher" }]);
  deepEqual(valuesOf(map).map(({ persona, examples }) => [persona, examples]), [
    ["primary", 2],
    ["primary", 0],
    ["teacher", 0],
    ["teacher", 0],
  ]);
  match(JSON.stringify(map.spec.title), /3 of 4 pairs have none/);
});

Deno.test("gateChange puts before and after beside each other, for every reason of either", () => {
  deepEqual(
    valuesOf(gateChange(before, after)).map(({ what, gates, examples }) => [what, gates, examples]),
    [
      ["kept", "before", 7],
      ["too_short", "before", 2],
      [HOSTILE, "before", 1],
      ["slop", "before", 0],
      ["kept", "after", 9],
      ["too_short", "after", 0],
      [HOSTILE, "after", 0],
      ["slop", "after", 1],
    ],
  );
});

Deno.test("rejectBrowser folds by reason, commonest first, and escapes everything", () => {
  const row = { user: HOSTILE, assistant: HOSTILE };
  const browser = rejectBrowser([
    { reason: HOSTILE, id: HOSTILE, detail: HOSTILE, row: `raw ${HOSTILE}` },
    { reason: "too_short", id: "a/b", row },
    { reason: "too_short", id: "a/c", row: { user: 7 } },
    { reason: "too_short", id: "a/d" },
  ], 2);
  const html = browser.html();
  ok(!html.includes("<script") && html.includes("&lt;script"));
  equal(html.match(/<details/g)?.length, 2);
  ok(html.indexOf("too short: 3") < html.indexOf("&lt;script"));
  match(html, /1 more row/);
  match(browser.text(), /raw <script/);
  equal(rejectBrowser([]).text(), "nothing was left out");
  deepEqual(rejectTable([{ reason: "x", id: "a", row }]).rows, [["a", "", HOSTILE, HOSTILE]]);
});

Deno.test("forecastTable writes ranges as people read them, and says when there is none", () => {
  const range = { low: 7200, mid: 9000, high: 10_800 };
  const forecast = {
    items: 4950,
    measured: 8,
    confidence: 0.9,
    requests: range,
    promptTokens: range,
    outputTokens: range,
    seconds: range,
  };
  const text = forecastTable(forecast).text();
  match(text, /4,950 examples, from 8 measured/);
  match(text, /2 h 00 min\s+2 h 30 min\s+3 h 00 min/);
  match(forecastTable(undefined).text(), /fewer than two/);
});
