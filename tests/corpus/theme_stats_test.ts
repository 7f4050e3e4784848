import { deepEqual, equal } from "node:assert/strict";
import { statsTables, tableText, themeStats } from "@/corpus/theme_stats.ts";
import { createTally, mergeTallies, tallyChunk } from "@/corpus/theme_tally.ts";
import { wordsIn, wordsInJson } from "@/corpus/white_space.ts";
import { compileThemes, ThemeFile } from "@/corpus/themes.ts";

const themes = compileThemes(ThemeFile.parse({
  categories: {
    chess: { patterns: ["pawns?", { pattern: "moves?", weight: 0.5 }, "rooks?"] },
    space: { patterns: ["mars", "rockets?"] },
  },
}));

const chunks = [
  { text: "Pawn, pawn, pawn.", source_id: 1, source_title: "Openings", year: 1905 },
  { text: "A move, a pawn, a move.", source_id: 1, source_title: "Openings", year: 1905 },
  {
    text: "A pawn on Mars; a move to Mars.",
    source_id: 2,
    source_title: "Red Star",
    author: "B",
    year: 1908,
    tokens: 11,
  },
  { text: "Nothing here.", source_id: "x", source_title: "Letters" },
];

Deno.test("themeStats counts by category, pattern, book, year and decade", () => {
  const stats = themeStats(themes, chunks, { minMatches: 3 });
  deepEqual(stats.all, { chunks: 4, kept: 2, kept_share: 0.5, matches: 10, hit_rates: { chess: 0.75, space: 0.25 } });
  deepEqual(stats.categories.map(({ category, matches, chunks }) => [category, matches, chunks]), [
    ["chess", 8, 3],
    ["space", 2, 1],
  ]);
  deepEqual(stats.patterns.map(({ pattern, matches, chunks, alone }) => [pattern, matches, chunks, alone]), [
    ["pawns?", 5, 3, 2], // The second chunk scores 2 anyway; the third 3.5, and 2.5 without its pawn.
    ["moves?", 3, 2, 0],
    ["rooks?", 0, 0, 0],
    ["mars", 2, 1, 1],
    ["rockets?", 0, 0, 0],
  ]);
  deepEqual(stats.unused_patterns.map(({ pattern }) => pattern), ["rooks?", "rockets?"]);
  deepEqual(stats.books.map(({ source_id, chunks, kept }) => [source_id, chunks, kept]), [
    ["2", 1, 1],
    ["1", 2, 1],
    ["x", 1, 0],
  ]);
  deepEqual(stats.years.map(({ year, chunks }) => [year, chunks]), [[1905, 2], [1908, 1]]);
  deepEqual(stats.decades.map(({ decade, chunks, kept }) => [decade, chunks, kept]), [[1900, 3, 2]]);
  deepEqual(stats.by_total, [{ total: 0, chunks: 1 }, { total: 3, chunks: 2 }, { total: 4, chunks: 1 }]);
});

Deno.test("themeStats tells which categories meet, and how much more often than by chance", () => {
  const { together } = themeStats(themes, chunks);
  deepEqual(together, [{ a: "chess", b: "space", chunks: 1, share: 0.25, lift: 1.3333 }]);
});

Deno.test("themeStats spreads lengths over bins that hold every chunk", () => {
  const many = Array.from(
    { length: 500 },
    (_, i) => ({ text: "pawn ".repeat(1 + i), source_id: 1, source_title: "T" }),
  );
  const { words, tokens, chars } = themeStats(themes, many).lengths;
  equal(tokens, undefined);
  equal(words?.min, 1);
  equal(words?.max, 500);
  equal(words?.median, 250);
  equal(words?.p90, 450);
  equal(words?.mean, 250.5);
  equal(words?.bins.reduce((sum, { all }) => sum + all, 0), 500);
  equal(words?.bins.reduce((sum, { kept }) => sum + kept, 0), 498);
  equal(chars?.bins.at(-1)?.to, 2600);
  equal(themeStats(themes, chunks).lengths.tokens?.chunks, 1);
});

Deno.test("mergeTallies gives what one tally would have", () => {
  const count = (part: typeof chunks) => {
    const tally = createTally(themes);
    for (const chunk of part) {
      tallyChunk(tally, themes, { ...chunk, chars: 9, words: 2 }, themes.scan(chunk.text), 3000);
    }
    return tally;
  };
  const merged = createTally(themes);
  mergeTallies(merged, structuredClone(count(chunks.slice(0, 1))));
  mergeTallies(merged, structuredClone(count(chunks.slice(1))));
  deepEqual(merged, count(chunks));
});

Deno.test("themeStats of no chunks is all zero", () => {
  const stats = themeStats(themes, []);
  equal(stats.all.kept_share, 0);
  deepEqual(stats.lengths, {});
  equal(statsTables(stats).length > 0, true);
});

Deno.test("statsTables has a row for each category, pattern and book, and tableText lines them up", () => {
  const tables = statsTables(themeStats(themes, chunks));
  const titles = tables.map(({ title }) => title.split(" ")[0]);
  deepEqual(titles, [
    "Chunks",
    "Categories",
    "Patterns",
    "Patterns",
    "Patterns",
    "Books",
    "Decades",
    "Categories",
    "Matches",
    "Length",
  ]);
  for (const { columns, rows } of tables) for (const row of rows) equal(row.length, columns.length);
  equal(
    tableText({ title: "T", columns: ["name", "n"], rows: [["a\u001b[31m", 1], ["bb", 1234]] }),
    "T\nname        n\na�[31m      1\nbb      1,234",
  );
});

Deno.test("wordsIn counts runs between any white space, and wordsInJson the same in JSON", () => {
  for (
    const [text, words] of [
      [" a  b\n\nc\u00a0d—e ", 4],
      ["", 0],
      ["one", 1],
      ['“é”\u2003😀 \\ "x"\t\u0007y', 5],
      ["\u3000", 0],
    ] as const
  ) {
    equal(wordsIn(text), words, text);
    for (const json of [JSON.stringify(text), JSON.stringify(text).replaceAll("\u00a0", "\\u00A0")]) {
      const bytes = new TextEncoder().encode(json);
      equal(wordsInJson(bytes, 1, bytes.length - 1), words, json);
    }
  }
});
