import { deepEqual, equal, match, ok } from "node:assert/strict";
import { DISPLAY } from "@/core/display.ts";
import { bars, boxes, type Chart, chart, dots, heatmap, histogram, lines, stackedBars } from "@/view/charts.ts";
import { colorsOf, pale, PALETTE } from "@/view/colors.ts";

const HOSTILE = `<script>alert("1")</script> & co`;
const rows = [
  { book: HOSTILE, category: "utopia", year: 1890, share: 0.25, words: 1000 },
  { book: "We", category: "science_and_reason", year: 1924, share: 0.5, words: 58100 },
];

const CHARTS: Record<string, Chart> = {
  bars: bars(rows, { label: "book", value: "share", format: ".0%", title: HOSTILE }),
  "bars in colours": bars(rows, { label: "category", value: "share", color: "category" }),
  stackedBars: stackedBars(rows, { label: "book", part: "category", value: "words", title: "Parts" }),
  "stackedBars as shares": stackedBars(rows, { label: "book", part: "category", value: "words", normalize: true }),
  "histogram of values": histogram([1, 2, 2, 3, 9], { bins: 4 }),
  "histogram of bins": histogram([{ from: 0, to: 5, kept: 1, left_out: 2 }], { series: ["kept", "left_out"] }),
  heatmap: heatmap(rows, { x: "category", y: "book", value: "share" }),
  lines: lines(rows, { x: "year", y: "share", color: "category" }),
  dots: dots(rows, { x: "year", group: "category", size: "words", label: "book" }),
  boxes: boxes(rows, { value: "words", group: "category" }),
  "bars of nothing": bars([], { label: "book", value: "share" }),
  "histogram of nothing": histogram([]),
};

for (const [name, picture] of Object.entries(CHARTS)) {
  Deno.test(`${name} is a Vega-Lite 5 specification, an SVG and a text`, async () => {
    const bundle = await picture[DISPLAY]();
    deepEqual(Object.keys(bundle), ["application/vnd.vegalite.v5+json", "image/svg+xml", "text/plain"]);
    equal((bundle["application/vnd.vegalite.v5+json"] as { $schema: string }).$schema.split("/").at(-1), "v5.json");
    const svg = String(bundle["image/svg+xml"]);
    match(svg, /^<svg .*<\/svg>$/s);
    ok(!/<script/i.test(svg), "text is escaped");
    ok(!/NaN|undefined|Infinity/.test(svg), svg.match(/.{40}(NaN|undefined|Infinity).{40}/)?.[0] ?? "");
    JSON.parse(JSON.stringify(picture.spec));
  });
}

Deno.test("bars writes each label and value into the picture, underscores as spaces", async () => {
  const svg = await bars(rows, { label: "category", value: "share", format: ".0%" }).svg();
  for (const text of ["science and reason", "utopia", "25%", "50%"]) ok(svg.includes(`>${text}<`), text);
});

Deno.test("bars takes a field whose name looks like a path", async () => {
  const svg = await bars([{ "a.b[c]": "x", n: 3 }], { label: "a.b[c]", value: "n" }).svg();
  ok(svg.includes(">x<") && svg.includes(">3<"));
});

Deno.test("stackedBars keeps the order of the parts and their colours", async () => {
  const parts = ["science_and_reason", "utopia"];
  const svg = await stackedBars(rows, { label: "book", part: "category", parts, value: "words" }).svg();
  ok(svg.includes(PALETTE[0] ?? "") && svg.includes(PALETTE[1] ?? ""));
  ok(svg.indexOf(">science and reason<") < svg.indexOf(">utopia<"));
});

Deno.test("histogram puts every value into a bin, the largest too", () => {
  const { data } = histogram([0, 1, 2, 10], { bins: 5 }).spec as unknown as { data: { values: { count: number }[] } };
  deepEqual(data.values.map(({ count }) => count), [2, 1, 0, 0, 1]);
});

Deno.test("chart.text is a table of its data", () => {
  equal(chart({ title: "T", data: { values: [{ a: 1 }] }, mark: "bar" }).text(), "T\na\n1");
});

Deno.test("colorsOf gives names their colours by place, pale mixes with white", () => {
  deepEqual(colorsOf(["a", "b"]), { a: PALETTE[0], b: PALETTE[1] });
  equal(pale("#000000", 0.5), "#808080");
  equal(pale("#0072b2", 0), "#ffffff");
});
