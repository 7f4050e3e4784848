import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { readJsonl } from "@/core/jsonl.ts";
import { type BatchResult, runBatch } from "@/core/parallel_batch.ts";
import { pick, seededRandom } from "@/dialogue/random.ts";
import { Chunk, Reject, type Work } from "@/records.ts";
import { chunk } from "@/steps/chunk.ts";
import { start } from "@/steps/chunk_rows.ts";
import { fakeContext } from "../fakes/context.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const FIRST = "The Time Traveller was expounding a recondite matter to “us”.";
const SECOND = "\ud83d\ude00 The fire burned brightly. He smiled.";
const TEXT = `${FIRST}\n\n${SECOND}`;
const WORK: Work = {
  id: 35,
  title: 'The "Time" Machine',
  author: "H. G. Wells",
  year: 1895,
  category: "science_fiction",
  language: "en",
  source_url: "file:///pg35.txt",
  sha256: "",
  encoding: "utf-8",
  words: 16,
  removed: {},
  chapters: [
    { title: "I", start: 0, end: FIRST.length },
    { title: "II — “Machine”", start: FIRST.length + 2, end: TEXT.length },
  ],
  text: TEXT,
};

type Options = Parameters<typeof chunk.options.parse>[0] & object;

/** Runs the step on rows or bytes in a folder of its own. */
async function run(content: readonly unknown[] | string, options: Options = {}) {
  const folder = await Deno.makeTempDir();
  const context = fakeContext({ env: { GUTENBERG_DATA: folder } });
  try {
    await Deno.mkdir(join(folder, "corpus"));
    const text = typeof content === "string" ? content : content.map((row) => JSON.stringify(row) + "\n").join("");
    await Deno.writeTextFile(join(folder, "corpus", "priority_works.jsonl"), text);
    const result = await chunk.run(chunk.options.parse(options), context);
    return {
      result,
      events: context.events,
      chunks: await Array.fromAsync(readJsonl(result.output, Chunk)),
      rejects: await Array.fromAsync(readJsonl(result.rejects, Reject)),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("chunk takes the extended corpus too where it is asked for", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const env = { GUTENBERG_DATA: folder };
    const put = async (name: string, work: Work) => {
      await Deno.mkdir(join(folder, "corpus"), { recursive: true });
      await Deno.writeTextFile(join(folder, "corpus", name), JSON.stringify(work) + "\n");
    };
    await put("priority_works.jsonl", WORK);
    const works = async (options: Options) => {
      const { output } = await chunk.run(chunk.options.parse({ minChunkSize: 10, ...options }), fakeContext({ env }));
      const chunks = await Array.fromAsync(readJsonl(output, Chunk));
      return [...new Set(chunks.map((one) => one.source_id))];
    };
    await rejects(works({ extended: true }), /Cannot read ".*extended_works\.jsonl"/);
    await put("extended_works.jsonl", { ...WORK, id: 36 });
    deepEqual(await works({}), [35]);
    deepEqual(await works({ extended: true }), [35, 36]);
    deepEqual(await works({ priorityOnly: false }), [35, 36]);
    deepEqual(chunk.files(chunk.options.parse({ extended: true }), { env }).reads.length, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("chunk writes passages with their place and their work", async () => {
  const { result, chunks, events } = await run([WORK], { chunkSize: 70, minChunkSize: 10 });
  deepEqual(chunks, [
    {
      id: "chunk_35_00001",
      text: FIRST,
      source_id: 35,
      source_title: WORK.title,
      author: WORK.author,
      year: 1895,
      category: "science_fiction",
      chapter: "I",
      start: 0,
      end: FIRST.length,
    },
    {
      id: "chunk_35_00002",
      text: SECOND,
      source_id: 35,
      source_title: WORK.title,
      author: WORK.author,
      year: 1895,
      category: "science_fiction",
      chapter: "II — “Machine”",
      start: FIRST.length + 2,
      end: TEXT.length,
    },
  ]);
  equal(result.chunks, 2);
  equal(result.works, 1);
  match(result.output, /theme_chunks[\\/]chunks\.jsonl$/);
  ok(events.some((event) => event.type === "artifact" && event.rows === 2));
});

Deno.test("chunk answers the same whether a row is read raw or parsed", async () => {
  const odd = JSON.stringify(WORK).replace(/}$/, ',"text":' + JSON.stringify(WORK.text) + "}"); // Twice: JSON allows it.
  const spaced = JSON.stringify(WORK, null, " ").replaceAll(/\n */g, " ");
  const ascii = JSON.stringify(WORK).replaceAll(
    /[^ -~]/g,
    (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
  );
  const expected = await run([WORK], { chunkSize: 30 });
  ok(expected.chunks.length > 3);
  for (const line of [odd, spaced, ascii]) deepEqual((await run(line, { chunkSize: 30 })).chunks, expected.chunks);
});

const WORDS = "the end. End. Mr. why? No! (a) [12] ... “Yes,” He said “No.” été Борис. 😀 XIV. J. R. R. a, b; — \\ / I."
  .split(" ");
const GAPS = [" ", " ", " ", " ", "  ", "\n", "\n\n", " \n \n"];

Deno.test("chunk's quick and ordinary ways make the same rows of random works, in every unit and by every method", async () => {
  const roll = seededRandom("chunk");
  const one = (list: readonly string[]) => pick(list, roll);
  for (const unit of ["chars", "words", "tokens"] as const) {
    for (const method of ["paragraph", "window"] as const) {
      const size = unit === "chars" ? 200 : 40;
      const overlap = method === "window" ? size / 4 : 0;
      const tokenizer = unit === "tokens" ? { tokenizer: "o200k" } : {};
      const work = await start({ size, minSize: size / 8, overlap, unit, method, ...tokenizer });
      const lines = Array.from({ length: 40 }, (_, id) => {
        const text = Array.from({ length: Math.floor(roll() * 300) }, () => one(WORDS) + one(GAPS)).join("");
        const chapters = [{ title: "„I“", start: 0, end: Math.floor(roll() * text.length) }];
        return JSON.stringify({ ...WORK, id, chapters, text }) + "\n";
      });
      const bytes = encoder.encode(lines.join(""));
      const quick = await runBatch(work, bytes, true);
      const ordinary = await runBatch({ row: work.row }, bytes, true);
      deepEqual(plain(quick), plain(ordinary), `${unit}, ${method}`);
      ok(quick.written > 100);
    }
  }
});

/** A result with its rows as text, which a failure can show. */
function plain({ output, rejects, ...rest }: BatchResult) {
  return { ...rest, output: decoder.decode(output).split("\n"), rejects: decoder.decode(rejects).split("\n") };
}

Deno.test("chunk counts tokens where a tokenizer is given, and limits by them", async () => {
  const counted = await run([WORK], { tokenizer: "o200k", chunkSize: 70 });
  ok(counted.chunks.every(({ tokens }) => tokens !== undefined && tokens > 5));
  const limited = await run([WORK], { unit: "tokens", chunkSize: 8, minChunkSize: 1 });
  ok(limited.chunks.length > 2);
  ok(limited.chunks.every(({ tokens }) => tokens !== undefined && tokens <= 8));
});

Deno.test("chunk keeps what it leaves out, with reasons", async () => {
  const empty = { ...WORK, id: 7, chapters: [], text: " \n" };
  const { rejects, result, events } = await run([WORK, empty], { chunkSize: 70, minChunkSize: 60 });
  deepEqual(rejects, [
    { reason: "too_short", id: `35:${FIRST.length + 2}-${TEXT.length}`, detail: SECOND },
    { reason: "no_text", id: "7", detail: WORK.title },
  ]);
  deepEqual(result.dropped, { too_short: 1, no_text: 1 });
  deepEqual(events.filter(({ type }) => type === "drop"), [
    { type: "drop", reason: "too_short", count: 1 },
    { type: "drop", reason: "no_text", count: 1 },
  ]);
});

Deno.test("chunk keeps ids apart where a work comes again, in threads as well", async () => {
  const other = { ...WORK, id: 36 };
  for (const workers of [1, 2]) {
    const works = Array.from({ length: 4000 }, (_, index) => index % 2 === 0 ? WORK : other); // Several batches.
    const { chunks, events } = await run(works, { workers, chunkSize: 70, minChunkSize: 10 });
    equal(chunks.length, 8000);
    equal(new Set(chunks.map(({ id }) => id)).size, 8000);
    deepEqual(chunks.slice(0, 5).map(({ id }) => id), [
      "chunk_35_00001",
      "chunk_35_00002",
      "chunk_36_00001",
      "chunk_36_00002",
      "chunk_35-2_00001",
    ]);
    equal(chunks.at(-1)?.id, "chunk_36-2000_00002");
    ok(
      events.some((event) =>
        event.type === "log" && /^3,998 works of 4,000 with the id of an earlier one/.test(event.message)
      ),
    );
  }
});

Deno.test("chunk names file and line of a bad work", async () => {
  const good = JSON.stringify(WORK);
  const bad = (change: object) => JSON.stringify({ ...WORK, ...change });
  const cases: [string, RegExp][] = [
    [bad({ title: 5 }), /priority_works\.jsonl:2": the row has another shape: "title": /],
    [bad({ text: undefined }), /:2": the row has another shape: "text": /],
    [
      bad({ chapters: [{ title: "I", start: 0, end: 1e6 }] }),
      /:2": chapter "I" runs from 0 to 1000000, but the text has \d+ characters/,
    ],
    [bad({ chapters: [{ title: "I", start: 9, end: 3 }] }), /:2": chapter "I" runs from 9 to 3/],
    ["[]", /:2": the row has another shape: /],
    ["{", /:2": the line is not JSON: /],
    [good.replace("Traveller", "\0"), /:2": the line holds NUL bytes/],
    [good.replace("Traveller", "\\q"), /:2": the line is not JSON: /],
  ];
  for (const [line, expected] of cases) {
    await rejects(run(`${good}\n${line}\n${good}\n`), (error: Error) => {
      match(error.message, expected);
      return error instanceof UserError && error.exitCode === 2;
    });
  }
});

Deno.test("chunk says what to do about a missing or an empty input", async () => {
  await rejects(
    run([], { input: "nowhere/works.jsonl" }),
    /Cannot read "nowhere\/works\.jsonl": there is no such file/,
  );
  await rejects(run([]), /the file holds no rows/);
});

Deno.test("chunk tells all faults of its options at once", async () => {
  const wrong = { chunkSize: 100, overlap: 100, minChunkSize: 101 };
  await rejects(run([WORK], wrong), (error: Error) => {
    ok(error instanceof UsageError);
    deepEqual(error.faults, [
      "--overlap 100: must be smaller than --chunk-size 100",
      "--overlap 100: needs --method window",
      "--min-chunk-size 101: must not exceed --chunk-size 100",
    ]);
    return true;
  });
  await rejects(run([WORK], { tokenizer: "./nowhere" }), /--tokenizer "\.\/nowhere": there is no such folder/);
  equal(chunk.options.safeParse({ chunkSize: 0 }).success, false);
  equal(chunk.options.safeParse({ unit: "lines" }).success, false);
});

Deno.test("chunk slides windows", async () => {
  const text = Array.from({ length: 40 }, (_, index) => `Sentence number ${index}.`).join(" ");
  const { chunks } = await run([{ ...WORK, chapters: [], text }], { method: "window", chunkSize: 200, overlap: 50 });
  ok(chunks.length > 3);
  for (const [index, { start = 0, end = 0 }] of chunks.entries()) {
    equal(chunks[index]?.text, text.slice(start, end));
    if (index > 0) ok(start < (chunks[index - 1]?.end ?? 0));
  }
  equal(chunks[0]?.chapter, undefined);
});
