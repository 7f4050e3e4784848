import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UserError } from "@/core/errors.ts";
import { runBatch } from "@/core/parallel_batch.ts";
import { FilteredChunk } from "@/records.ts";
import { matchThemes, parseThemes } from "@/corpus/themes.ts";
import { filter } from "@/steps/filter.ts";
import { start } from "@/steps/filter_rows.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

const THEMES = `{ "categories": {
  "collectivism": { "patterns": ["comrades?", "the people", { "pattern": "duty", "weight": 0.5 }] },
  "science": { "patterns": ["rockets?", "ölberg"] },
} }`;

const about = { source_id: 624, source_title: "Looking Backward", author: "Edward Bellamy", year: 1888 };

/** Runs the step on lines; answers what it wrote. */
async function run(folder: string, lines: string, options: Record<string, unknown> = {}) {
  const input = join(folder, "chunks.jsonl");
  const output = join(folder, "filtered.jsonl");
  const themes = join(folder, "themes.jsonc");
  await Deno.writeTextFile(input, lines);
  await Deno.writeTextFile(themes, THEMES);
  const context = fakeContext();
  const result = await filter.run(filter.options.parse({ input, output, themes, ...options }), context);
  const read = async (path: string) => await Deno.readTextFile(path);
  return { result, context, output: await read(output), rejects: await read(result.rejects) };
}

const line = (row: unknown) => JSON.stringify(row) + "\n";

Deno.test("filter keeps rows as they came and adds counts and matches", async () => {
  await withFolder(async (folder) => {
    const kept = {
      id: "chunk_1",
      text: '“Comrade," said the\nPeople; a rocket.',
      ...about,
      start: 0,
      end: 40,
      mine: "x",
    };
    const left = { id: "chunk_2", text: "Duty, duty, comrade.", ...about };
    const { result, context, output, rejects } = await run(folder, line(kept) + line(left));
    deepEqual(JSON.parse(output), {
      ...kept,
      keyword_counts: { collectivism: 2, science: 1, total: 3 },
      matches: [
        { category: "collectivism", pattern: "comrades?", start: 1, end: 8 },
        { category: "collectivism", pattern: "the people", start: 16, end: 26 },
        { category: "science", pattern: "rockets?", start: 30, end: 36 },
      ],
    });
    equal(FilteredChunk.safeParse(JSON.parse(output)).success, true);
    deepEqual(JSON.parse(rejects), { reason: "too_few_matches", id: "chunk_2", detail: "matches 3, score 2" });
    deepEqual([result.chunks, result.kept, result.dropped], [2, 1, { too_few_matches: 1 }]);
    deepEqual(result.byTotal, [{ total: 3, chunks: 2 }]);
    deepEqual(context.events.filter(({ type }) => type === "drop"), [
      { type: "drop", reason: "too_few_matches", count: 1 },
    ]);
  });
});

Deno.test("filter takes rows in any form that is a chunk, and says the same of all", async () => {
  const themes = parseThemes(THEMES, "themes.jsonc");
  const text = 'The comrades\' "duty": Ölberg, 😀rocket\tto the\npeople\\comrade \u0001 🚀';
  const rest = JSON.stringify({ ...about, start: 10, end: 99 }).slice(1, -1);
  const escaped = JSON.stringify(text).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const id = '"id":"chunk_7"';
  const forms = [
    `{${id},"text":${JSON.stringify(text)},${rest}}`,
    `{${id},"text":${escaped},${rest}}`,
    `{"text":${JSON.stringify(text)},${id},${rest}}`,
    `{ ${id}, "text" : ${JSON.stringify(text)}, ${rest} }`,
    `{${id},"text":${JSON.stringify(text)},${rest}} \r`,
    `\ufeff{${id},"text":${JSON.stringify(text)},${rest}}`,
    `{"id":"\\u0063hunk_7","text":${JSON.stringify(text)},${rest}}`,
    `{${id},"text":${JSON.stringify(text)},${rest},"keyword_counts":{"old":1,"total":1},"matches":[]}`,
    `{${id},"text":"an earlier text","text":${JSON.stringify(text)},${rest}}`,
  ];
  const work = await start({ themes, minMatches: 3, stats: false });
  const expected = matchThemes(parseThemes(THEMES, "themes.jsonc"), text);
  equal(expected.length, 6);
  for (const form of forms) {
    const { output, fault } = await runBatch(work, new TextEncoder().encode(form + "\n"), true);
    equal(fault, undefined, form);
    const { id, keyword_counts, matches } = JSON.parse(new TextDecoder().decode(output));
    deepEqual([id, keyword_counts], ["chunk_7", { collectivism: 4, science: 2, total: 6 }], form);
    deepEqual(matches, expected, form);
  }
});

const CHAPTERS = [
  'Chapter :4, "the first"',
  "I",
  "",
  "Of the comrade :17, and of what :",
  "Ölberg",
  "A title, as long as those of old books are: how it came about, and what became of it",
  "\\",
  "long ".repeat(5000),
  "after a long one",
];

Deno.test("filter's quick and ordinary ways write the same bytes", async () => {
  const themes = parseThemes(THEMES, "themes.jsonc");
  const texts = [
    "comrade rocket rocket",
    "“Ölberg” \\ the\n\npeople, duty",
    "none",
    "é𝒳 comrade’s",
    "\u0007comrades\n",
  ];
  const chunks = Array.from({ length: 200 }, (_, i) => ({
    id: `chunk_${i}`,
    text: Array.from({ length: 1 + i % 7 }, (_, j) => texts[(i + j * j) % texts.length]).join(i % 2 ? " " : "\n\n"),
    ...about,
    ...(i % 3 ? { chapter: CHAPTERS[i % CHAPTERS.length]! } : {}),
    start: i * 1000,
    end: i * 1000 + 999,
    ...(i % 5 ? {} : { tokens: i }),
  }));
  const bytes = new TextEncoder().encode(chunks.map(line).join(""));
  const quick = await start({ themes, minMatches: 2.5, stats: false });
  equal(quick.batch?.(bytes, new Uint8Array(10))?.rows, 200); // It takes the whole batch.
  const { batch: _, ...ordinary } = await start({ themes, minMatches: 2.5, stats: true });
  const quickWork = await start({ themes, minMatches: 2.5, stats: true });
  const one = await runBatch(quickWork, bytes, true);
  const two = await runBatch(ordinary, bytes, true);
  deepEqual(quickWork.finish?.(), ordinary.finish?.());
  equal(new TextDecoder().decode(one.output), new TextDecoder().decode(two.output));
  equal(new TextDecoder().decode(one.rejects), new TextDecoder().decode(two.rejects));
  deepEqual([one.rows, one.written, one.lines, one.drops], [two.rows, two.written, two.lines, two.drops]);
});

Deno.test("filter's quick way leaves to the ordinary one what differs in more than numbers", async () => {
  const themes = parseThemes(THEMES, "themes.jsonc");
  const good = line({ id: "c", text: "x", ...about, start: 1, end: 2 });
  const bad = {
    '"start":01': "not JSON",
    '"start":-1': "start",
    '"start":1.5': "start",
    '"start":1e400': "start",
    '"start":"1"': "start",
    '"id":"","start":1': "id",
  };
  for (const [replacement, cause] of Object.entries(bad)) {
    const lines = good + good.replace('"start":1', replacement);
    const { fault } = await runBatch(
      await start({ themes, minMatches: 3, stats: false }),
      new TextEncoder().encode(lines),
      true,
    );
    equal(fault?.line, 2, replacement);
    match(fault?.cause ?? "", new RegExp(cause), replacement);
  }
});

Deno.test("filter's quick way takes other strings only where they are good", async () => {
  const themes = parseThemes(THEMES, "themes.jsonc");
  const good = line({ id: "c", text: "x", ...about, chapter: "Of the state", start: 1, end: 2 });
  const work = await start({ themes, minMatches: 0.5, stats: false });
  const chapters = { good: ["", "II", 'é\\n\\\\—\\"🚀', "\\u00e9", "\x7f"], bad: ['a"b', "\\q", "\t", "a\\", "\\u00"] };
  for (const chapter of [...chapters.good, ...chapters.bad]) {
    const lines = good + good.replace("Of the state", () => chapter) + good;
    const { rows, fault } = await runBatch(work, new TextEncoder().encode(lines), true);
    deepEqual([rows, fault?.line], chapters.good.includes(chapter) ? [3, undefined] : [1, 2], chapter);
  }
  const bytes = new TextEncoder().encode(good + good.replace("Of the state", "é") + good);
  bytes[bytes.indexOf(0xc3)] = 0xc1; // No UTF-8.
  equal((await runBatch(work, bytes, true)).fault?.line, 2);
});

Deno.test("filter's quick way leaves what has no room in its memory to the ordinary one", async () => {
  const themes = parseThemes(THEMES, "themes.jsonc");
  const work = await start({ themes, minMatches: 1, stats: false });
  for (const times of [30_000, 100_000]) {
    const row = line({ id: "c", text: "comrade duty ".repeat(times), ...about });
    const { output, written } = await runBatch(work, new TextEncoder().encode(row), true);
    equal(written, 1);
    equal(JSON.parse(new TextDecoder().decode(output)).matches.length, 2 * times);
  }
});

Deno.test("filter gives the same with threads, without, and with statistics", async () => {
  await withFolder(async (folder) => {
    const lines = Array.from(
      { length: 4000 },
      (_, i) => line({ id: `c${i}`, text: `Comrade ${i}, `.repeat(1 + i % 5) + "filler ".repeat(100), ...about }),
    ).join("");
    const one = await run(folder, lines, { workers: 1 });
    const two = await run(folder, lines, { workers: 2 });
    const stats = await run(folder, lines, { workers: 2, stats: true });
    equal(two.output, one.output);
    equal(stats.output, one.output);
    equal(two.rejects, one.rejects);
    deepEqual(two.result.byTotal, one.result.byTotal);
    deepEqual([one.result.kept, stats.result.stats?.all.kept], [2400, 2400]);
    const written = JSON.parse(await Deno.readTextFile(join(folder, "filtered_stats.json")));
    deepEqual(written.patterns[0], {
      category: "collectivism",
      pattern: "comrades?",
      weight: 1,
      matches: 12000,
      chunks: 4000,
      share: 1,
      alone: 2400,
    });
    match(filter.report?.(stats.result) ?? "", /2,400 of 4,000 chunks are on theme \(60.0 %\)[^]*rockets\?/);
  });
});

Deno.test("filter names file and line of a row that is no chunk", async () => {
  await withFolder(async (folder) => {
    const good = line({ id: "a", text: "comrade", ...about });
    for (
      const [bad, cause] of [
        ["{}\n", 'chunks.jsonl:3": the row has another shape: "id"'],
        [line({ id: "b", text: "", ...about }), 'chunks.jsonl:3": the row has another shape: "text"'],
        [line({ id: "b", text: "x", ...about, source_id: null }), '"source_id"'],
        ["[1]\n", "the row has another shape"],
        ["nonsense\n", 'chunks.jsonl:3": the line is not JSON'],
        ['{"id":"b","text":"\\x"}\n', "the line is not JSON"],
      ] as const
    ) {
      await rejects(run(folder, good + good + bad + good), (error) => {
        equal(error instanceof UserError && error.message.includes(cause), true, String(error));
        return true;
      });
      await rejects(Deno.stat(join(folder, "filtered.jsonl")), Deno.errors.NotFound);
    }
  });
});

Deno.test("filter refuses a row with more matches than a string holds", async () => {
  await withFolder(async (folder) => {
    const rows = line({ id: "chunk_1", text: "comrade ".repeat(2_000_001), ...about });
    await rejects(
      run(folder, rows, { workers: 1 }),
      (error: Error) =>
        error instanceof UserError && /chunks\.jsonl:1": the text has 2000001 matches/.test(error.message),
    );
  });
});

Deno.test("filter skips a torn last line and tells it", async () => {
  await withFolder(async (folder) => {
    const { result, context } = await run(folder, line({ id: "a", text: "comrade", ...about }) + '{"id":"b","te');
    deepEqual(result.dropped, { too_few_matches: 1, torn_line: 1 });
    equal(context.events.some((event) => event.type === "log" && event.message.includes("chunks.jsonl:2")), true);
  });
});

Deno.test("filter names the line of a bad pattern before it reads any chunk", async () => {
  await withFolder(async (folder) => {
    const themes = join(folder, "bad.jsonc");
    await Deno.writeTextFile(themes, '{ "categories": { "a": { "patterns": [\n"fine",\n"(x"\n] } } }');
    const input = join(folder, "chunks.jsonl");
    await Deno.writeTextFile(input, "no chunk\n");
    for (const workers of [1, 2]) {
      const options = filter.options.parse({ input, themes, output: join(folder, "out.jsonl"), workers });
      await rejects(filter.run(options, fakeContext()), /bad\.jsonc:3": the pattern "\(x": a "\(" is never closed/);
    }
  });
});

Deno.test("filter finds its files in the data root and names them for the pipeline", () => {
  const options = filter.options.parse({ stats: true });
  const { reads, writes } = filter.files(options, { env: { GUTENBERG_DATA: "/data" } });
  equal(reads[0], join("/data", "theme_chunks", "chunks.jsonl"));
  equal(reads[1]?.endsWith(join("presets", "deepred", "themes.jsonc")), true);
  deepEqual(
    writes,
    ["filtered.jsonl", "filtered_rejects.jsonl", "filtered_stats.json"].map((name) =>
      join("/data", "theme_chunks", name)
    ),
  );
});
