/** The pictures of each phase, out of small corpora. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { themeStats } from "@/corpus/theme_stats.ts";
import { compileThemes, ThemeFile } from "@/corpus/themes.ts";
import type { Work } from "@/records.ts";
import {
  openings,
  rejectsTable,
  removedByWork,
  removedTable,
  wordsByCategory,
  worksByYear,
  worksTable,
} from "@/view/corpus.ts";
import { answers, datasetLine, messages, personasTable, voices } from "@/view/dialogue.ts";
import { page } from "@/view/page.ts";
import { plain } from "@/view/plain.ts";
import { facts } from "@/view/tables.ts";
import {
  hitRates,
  hitRatesByBook,
  hitRatesByDecade,
  idlePatternsTable,
  lengths,
  matchesPerChunk,
  patternsTable,
  together,
} from "@/view/themes.ts";
import { recent } from "@/view/years.ts";

const HOSTILE = "<script>alert(1)</script>";

function work(id: number, changes: Partial<Work> = {}): Work {
  return {
    id,
    title: `Book ${id} ${HOSTILE}`,
    author: HOSTILE,
    year: 1900 + id,
    category: "chess",
    language: "en",
    source_url: "file:x",
    sha256: "",
    encoding: "utf-8",
    words: 100,
    removed: { licence_lines: id },
    chapters: [],
    text: HOSTILE.repeat(40),
    ...changes,
  };
}

const themes = compileThemes(ThemeFile.parse({
  categories: { chess: { patterns: ["pawns?", "rooks?"] }, science: { patterns: ["engines?", "comets?"] } },
}));
const texts = [
  "Pawn takes pawn, and the engine takes all.",
  "A comet.",
  "Nothing here.",
  "Engine, engine, rook, pawn.",
];
const stats = themeStats(
  themes,
  texts.map((text, i) => ({
    text,
    source_id: i % 2,
    source_title: `B${i % 2} ${HOSTILE}`,
    year: 1890 + 10 * i,
    tokens: 9,
  })),
  { minMatches: 2 },
);

const PICTURES = {
  wordsByCategory: wordsByCategory([work(1), work(2)]),
  worksByYear: worksByYear([work(1), work(2, { year: -375 })]),
  removedByWork: removedByWork([work(1), work(2, { removed: { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 } })]),
  hitRates: hitRates(stats),
  hitRatesByBook: hitRatesByBook(stats),
  hitRatesByDecade: hitRatesByDecade(stats),
  together: together(stats),
  "lengths in tokens": lengths(stats, "tokens"),
  "lengths of what was not counted": lengths({ ...stats, lengths: {} }, "tokens"),
  matchesPerChunk: matchesPerChunk(stats),
};

for (const [name, picture] of Object.entries(PICTURES)) {
  Deno.test(`${name} draws, with all text escaped`, async () => {
    const svg = await picture.svg();
    match(svg, /^<svg/);
    ok(!svg.includes("<script"));
    ok(!/NaN|undefined|Infinity/.test(svg));
  });
}

Deno.test("removedByWork puts rare kinds together, removedTable names them all", () => {
  const works = [work(1, { removed: { a: 9, b: 8, c: 7, d: 6, e: 5, f: 4, g: 3, h: 2 } })];
  const { data } = removedByWork(works).spec as unknown as { data: { values: { kind: string; pieces: number }[] } };
  deepEqual(data.values.map(({ kind }) => kind), ["a", "b", "c", "d", "e", "f", "other"]);
  equal(data.values.at(-1)?.pieces, 5);
  equal(removedTable(works).rows.length, 8);
});

Deno.test("rejectsTable names the book where the row tells it", () => {
  const lost = { id: "35", reason: "not_found", detail: "nowhere" };
  equal(
    rejectsTable([{ ...lost, row: { title: "The Time Machine" } }, { ...lost, row: null }]).text(),
    "id  title             reason     detail\n35  The Time Machine  not found  nowhere\n35                    not found  nowhere",
  );
});

Deno.test("recent leaves ancient works to the subtitle", () => {
  const rows = [{ title: "The Republic", year: -375 }, { title: "We", year: 1924 }, { title: "Undated" }];
  const { shown, note } = recent(rows);
  deepEqual(shown.map(({ title }) => title), ["We"]);
  equal(note, "not shown, older than 1700: The Republic (375 BCE)");
  equal(recent([{ year: 1900 }]).note, "");
});

Deno.test("together is symmetric, with each category's own chunks on the diagonal", () => {
  const { data } = together(stats).spec as unknown as { data: { values: { a: string; b: string; chunks: number }[] } };
  deepEqual(data.values.map(({ chunks }) => chunks), [2, 2, 2, 3]);
});

Deno.test("patternsTable puts what brings in most first, idlePatternsTable what brings in nothing", () => {
  equal(patternsTable(stats).columns.at(-1), "alone");
  const counts = patternsTable(stats).rows.map((row) => Number(row.at(-1)));
  deepEqual(counts, [...counts].sort((a, b) => b - a));
  ok(idlePatternsTable(stats).rows.some((row) => row[1] === "comets?"));
});

Deno.test("tables and cards of a corpus and of a dialogue escape everything", () => {
  const persona = {
    id: "a",
    name: HOSTILE,
    category: HOSTILE,
    traits: [HOSTILE],
    voice: HOSTILE,
    system: HOSTILE,
    themes: {},
    sample: HOSTILE,
  };
  const exchange = { user: HOSTILE, assistant: HOSTILE };
  const request = { messages: [{ role: "user" as const, content: HOSTILE }], temperature: 1 };
  for (
    const view of [
      worksTable([work(1)]),
      openings([work(1)]),
      rejectsTable([{ id: HOSTILE, reason: HOSTILE, detail: HOSTILE, row: { title: HOSTILE } }]),
      personasTable([persona]),
      voices([persona]),
      messages([{ persona, request }], "user"),
      answers([{ persona, exchange, fault: HOSTILE }, { persona, exchange: undefined, fault: undefined }]),
      datasetLine(persona, exchange),
      datasetLine(persona, undefined),
      facts({ [HOSTILE]: HOSTILE }, HOSTILE),
    ]
  ) {
    ok(!view.html().includes("<script") && view.html().includes("&lt;script"));
    ok(view.text().includes("<script"), "a terminal shows text as it is");
  }
});

Deno.test("plain shows text line by line", async () => {
  const { "text/html": html, "text/plain": text } = await plain(`a\n${HOSTILE}`)[
    (await import("@/core/display.ts")).DISPLAY
  ]();
  equal(text, `a\n${HOSTILE}`);
  ok(String(html).includes("a\n&lt;script"));
});

Deno.test("page sets text, tables and charts, escapes all text and forbids scripts", async () => {
  const html = await page(HOSTILE, [{
    heading: HOSTILE,
    parts: [`${HOSTILE}\n\nsecond`, worksTable([work(1)]), hitRates(stats)],
  }]);
  ok(!html.includes("<script") && html.includes("<p>second</p>") && html.includes("<svg") && html.includes("<table"));
  match(html, /default-src 'none'/);
});
