import { deepEqual, equal, ok } from "node:assert/strict";
import { DISPLAY } from "@/core/display.ts";
import { cards } from "@/view/cards.ts";
import { escapeHtml } from "@/view/escape.ts";
import { highlight } from "@/view/highlight.ts";
import { table } from "@/view/tables.ts";
import { unicodeWidth as columns } from "@std/cli/unicode-width";
import { cut, pad } from "@/core/width.ts";

const HOSTILE = `<img src=x onerror="alert('1')">`;

/** Every tag of a page; hostile text must add none. */
function tags(html: string): string[] {
  return [...new Set([...html.matchAll(/<\/?([a-z]+)/gi)].map((found) => found[1] ?? ""))].sort();
}

Deno.test("escapeHtml leaves nothing that HTML could read", () => {
  equal(escapeHtml(`<a href="x" title='y'>&amp;\0`), "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;\ufffd");
  equal(escapeHtml(undefined), "undefined");
});

Deno.test("table escapes headings, cells and its title", async () => {
  const bundle = await table([{ [HOSTILE]: HOSTILE, n: 1 }], { title: HOSTILE })[DISPLAY]();
  deepEqual(tags(String(bundle["text/html"])), ["caption", "table", "tbody", "td", "th", "thead", "tr"]);
});

Deno.test("table aligns by display width, numbers to the right, years without separators", () => {
  const rows = [{ title: "象棋", words: 1234567, year: 1606, share: 0.12345 }, { title: "Café", words: 5, year: -375 }];
  equal(
    table(rows).text(),
    ["title      words     year  share", "象棋   1,234,567     1606  0.123", "Café           5  375 BCE"].join("\n"),
  );
});

Deno.test("table tells how many rows it leaves out, and takes a grid", () => {
  const grid = { title: "T", columns: ["a", "b"], rows: [[1, "x"], [2, "y"], [3, "z"]] };
  equal(table(grid, { limit: 1 }).text(), "T\na  b\n1  x\n2 more rows");
  equal(table([], { columns: ["a"] }).text(), "a");
  ok(table(grid, { limit: 2 }).html().includes("1 more row<"));
});

Deno.test("table shows objects, dates, big numbers and line breaks as one line", () => {
  const row = { o: { a: [1] }, d: new Date(0), n: 2n ** 60n, t: "a\nb\tc", u: undefined };
  equal(
    table([row]).text().split("\n")[1],
    '{"a":[1]}  1970-01-01T00:00:00.000Z  1,152,921,504,606,846,976  a b c',
  );
});

Deno.test("columns counts what a terminal draws", () => {
  deepEqual(["abc", "e\u0301", "象", "ｆ", ""].map(columns), [3, 1, 2, 2, 0]);
  equal(pad("象", 4, "right"), "  象");
  equal(cut("abcdef", 4), "abc…");
  equal(cut("象象象", 4), "象…");
  equal(cut("abc", 3), "abc");
});

Deno.test("highlight escapes the passage, the categories and the patterns", () => {
  const html = highlight(`${HOSTILE} end`, [{ category: HOSTILE, pattern: HOSTILE, start: 1, end: 4 }], {
    title: HOSTILE,
  }).html();
  deepEqual(tags(html), ["div", "mark", "span"]);
  ok(!/="[^"]*onerror="/.test(html.replaceAll("&quot;", "")), "no attribute is broken out of");
});

Deno.test("highlight keeps the text whole whatever overlaps, and counts in its legend", () => {
  const text = "comrade worker of the world";
  const matches = [
    { category: "b", pattern: "p", start: 8, end: 21 },
    { category: "a", pattern: "q", start: 0, end: 14 },
    { category: "a", pattern: "out", start: 20, end: 99 },
  ];
  const marked = highlight(text, matches, { categories: ["a", "b"] });
  equal(marked.text(), "[comrade : a][worker: b, a][ of the: b] world");
  const body = marked.html().split("pre-line")[1] ?? "";
  equal(body.replace(/<[^>]*>/g, "").replace(/^">/, ""), text);
  ok(marked.html().includes("</mark> 1</span>"));
  ok(body.includes("linear-gradient"), "the overlap shows both colours");
});

Deno.test("cards escapes what a model said", () => {
  const html = cards([{ title: HOSTILE, note: HOSTILE, text: HOSTILE }], { title: HOSTILE }).html();
  deepEqual(tags(html), ["div"]);
});
