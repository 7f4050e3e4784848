import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { Example } from "@/records.ts";
import { checkPrefixes } from "@/steps/gaea/check_prefixes.ts";
import { curateStep } from "@/steps/gaea/curate.ts";
import { figuresTable, prepare } from "@/steps/gaea/prepare.ts";
import { PrepareStats } from "@/steps/gaea/prepare_write.ts";
import { writeByteLevelFolder } from "../../fakes/byte_level.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";

const STORY = "data-samples/manuscript/one_over.md";
const run = (folder: string, options: Record<string, unknown> = {}, context = fakeContext()) =>
  prepare.run(prepare.options.parse({ dataDir: folder, ...options }), context);
const curate = (folder: string, options: Record<string, unknown> = {}) =>
  curateStep.run(curateStep.options.parse({ dataDir: folder, manuscript: [STORY], ...options }), fakeContext());
const rowsOf = async (path: string) =>
  (await Deno.readTextFile(path)).trimEnd().split("\n").filter(Boolean).map((line) => Example.parse(JSON.parse(line)));
const logs = ({ events }: ReturnType<typeof fakeContext>) =>
  events.flatMap((event) => event.type === "log" ? [event.message] : []).join("\n");
/** Chunks in a folder of their own. */
async function chunksIn(folder: string, texts: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const path = join(folder, "chunks");
  await Deno.mkdir(path, { recursive: true });
  for (const [name, text] of Object.entries(texts)) {
    await Deno.writeFile(join(path, name), typeof text === "string" ? new TextEncoder().encode(text) : text);
  }
  return path;
}
const walk = (count: number, word = "wall") =>
  `You walk along the ${word}, number by number. `.repeat(count).replace(/number/g, () => `${n++}`);
let n = 0;

Deno.test("gaea:prepare makes one example a chunk: opening and rest are the chunk, and nobody speaks as the system", () =>
  withFolder(async (folder) => {
    const { folder: curated } = await curate(folder);
    const { paths, stats } = await run(folder, {
      tokenizer: await writeByteLevelFolder(folder),
      maxTokens: 9000,
      sequenceLength: 9000,
    });
    equal(paths.training, join(folder, "gaea", "processed", "visions_training.jsonl"));
    equal(paths.validation, join(folder, "gaea", "processed", "validation.jsonl"));
    const [train, val] = [await rowsOf(paths.training), await rowsOf(paths.validation)];
    deepEqual([train.length, val.length], [7, 1]);
    const texts = [...train, ...val].map(({ messages }) => {
      deepEqual(messages.map(({ role }) => role), ["user", "assistant"]);
      return messages.map(({ content }) => content).join("");
    });
    const chunks = [...Deno.readDirSync(curated)].filter(({ name }) => /^chunk/.test(name))
      .map(({ name }) => Deno.readTextFileSync(join(curated, name)));
    deepEqual(texts.toSorted(), chunks.toSorted());
    ok(stats.examples.every(({ prefix_share, in_range }) => in_range && prefix_share >= 0.05 && prefix_share <= 0.1));
    deepEqual(PrepareStats.parse(JSON.parse(await Deno.readTextFile(paths.stats))), stats);
  }));

Deno.test("gaea:prepare shows the figures before and after scenes were cut", () =>
  withFolder(async (folder) => {
    await curate(folder);
    const { stats } = await run(folder);
    const { before, after } = stats;
    deepEqual([before?.chunks, before?.training, before?.validation], [7, 6, 1]);
    deepEqual([after.chunks, after.training, after.validation], [8, 7, 1]);
    ok(before && before.max_tokens > 3000 && before.over_3000 === 1 && after.over_3000 === 0);
    match(figuresTable(stats), /^Metric +Before splits +After splits\nTotal chunks +7 +8\n/);
    equal(stats.template, null);
  }));

Deno.test("gaea:prepare takes a chunk over the limit for an error, and proposes where to cut it", () =>
  withFolder(async (folder) => {
    await curate(folder, { split: false });
    await rejects(run(folder, { maxTokens: 3000 }), (error) => {
      ok(error instanceof UserError);
      match(error.message, /Cannot train on "chunk_003\.txt": it has 3,\d\d\d tokens, and at most 3,000 fit/);
      match(error.message, /chunk_003a +1,424 words {2}"Supper in the Long Room/);
      match(error.message, /chunk_003b +1,138 words {2}"It is cold above the ceiling\..*\(topic: /);
      return true;
    });
    await rejects(run(folder, { sequenceLength: 3000 }), /at most 3,000 fit/);
    equal(await Deno.stat(join(folder, "gaea", "processed")).then(() => true, () => false), false);
  }));

Deno.test("gaea:prepare leaves out what is too small, keeps it with its reason, and passes over what is no chunk", () =>
  withFolder(async (folder) => {
    const input = await chunksIn(folder, {
      "chunk_001.txt": walk(90),
      "chunk_002.txt": walk(90),
      "chunk_003.txt": walk(3),
      "chunk_004.txt": "You wait.",
      "part_1_manuscript.txt": walk(900),
      "curation.json": "{}",
      "CURATION_REPORT.md": "# Report",
      "ideas.txt": "You?",
      ".hidden.txt": "x",
    });
    await Deno.mkdir(join(input, "backup"));
    const context = fakeContext();
    const { paths, stats } = await run(folder, { input }, context);
    deepEqual(stats.rejected.map(({ file, reason }) => [file, reason]), [
      ["chunk_003.txt", "too_short"],
      ["chunk_004.txt", "no_sentence_end"],
    ]);
    deepEqual(Object.fromEntries(stats.skipped.map(({ file, reason }) => [file, reason])), {
      "part_1_manuscript.txt": "manuscript",
      "curation.json": "metadata",
      "CURATION_REPORT.md": "metadata",
      "ideas.txt": "not a chunk",
      ".hidden.txt": "hidden",
      backup: "folder",
    });
    match(await Deno.readTextFile(paths.rejects), /"too_short".*"chunk_003\.txt".*the least is 400/);
    match(logs(context), /part_1_manuscript\.txt \(manuscript\)/);
    ok(context.events.some((event) => event.type === "drop" && event.reason === "too_short"));
  }));

Deno.test("gaea:prepare deals by seed, keeps a scene's parts together, and text that two chunks share", () =>
  withFolder(async (folder) => {
    const oath = "I saw you go and I will see you come, and I will hold the gate until I do. ";
    const chunks: Record<string, string> = {};
    for (let i = 1; i <= 30; i++) {
      const part = i <= 20 ? `${String(Math.ceil(i / 2)).padStart(3, "0")}${i % 2 ? "a" : "b"}` : `0${i}`;
      chunks[`chunk_${part}.txt`] = walk(60, `wall of ${i}`) + (i === 21 || i === 30 ? oath : "") + walk(5);
    }
    const input = await chunksIn(folder, chunks);
    const context = fakeContext();
    const sideOf = async (seed: number, name: string) => {
      const { stats } = await run(folder, {
        input,
        seed,
        output: join(folder, `${name}.jsonl`),
        validation: join(folder, `${name}_v.jsonl`),
      }, context);
      return new Map(stats.examples.map(({ file, side }) => [file, side]));
    };
    for (let seed = 0; seed < 6; seed++) {
      const sides = await sideOf(seed, `s${seed}`);
      equal([...sides.values()].filter((side) => side === "val").length, 3);
      for (let scene = 1; scene <= 10; scene++) {
        const id = `chunk_${String(scene).padStart(3, "0")}`;
        equal(sides.get(`${id}a.txt`), sides.get(`${id}b.txt`));
      }
      equal(sides.get("chunk_021.txt"), sides.get("chunk_030.txt"));
    }
    match(logs(context), /"chunk_021\.txt" and "chunk_030\.txt" share text, so they stay on one side: "i saw you go/);
    deepEqual(await sideOf(3, "again"), await sideOf(3, "once more"));
  }));

Deno.test("gaea:prepare keeps whole chapters where that is asked for and known", () =>
  withFolder(async (folder) => {
    await curate(folder);
    const { stats } = await run(folder, { splitBy: "chapter" });
    const sides = new Map(stats.examples.map(({ file, side }) => [file, side]));
    equal(sides.get("chunk_003a.txt"), sides.get("chunk_003b.txt"));
    const input = await chunksIn(folder, { "chunk_001.txt": walk(90), "chunk_002.txt": walk(90) });
    await rejects(run(folder, { input, splitBy: "chapter", output: join(folder, "c.jsonl") }), /has no curation\.json/);
  }));

Deno.test("gaea:prepare overwrites only when told, and names all that is wrong with its options at once", () =>
  withFolder(async (folder) => {
    await curate(folder);
    const { paths } = await run(folder);
    await rejects(run(folder), (error) => error instanceof UsageError && /exists already/.test(error.message));
    await run(folder, { overwrite: true, seed: 5 });
    ok(await Deno.stat(paths.training));
    await rejects(run(folder, { minTokens: 5000, prefixLeast: 0.2, validation: paths.training }), (error) => {
      ok(error instanceof UsageError);
      equal(error.faults.length, 3);
      return true;
    });
  }));

Deno.test("gaea:prepare says what is wrong with a folder", () =>
  withFolder(async (folder) => {
    const empty = join(folder, "empty");
    await Deno.mkdir(empty);
    await rejects(run(folder, { input: empty }), /Cannot find chunks in "[^"]*empty": it is empty/);
    await rejects(run(folder, { input: join(folder, "nowhere") }), /there is no such file/);
    await rejects(run(folder, { input: STORY }), /it is a file, not a folder of chunks/);
    await rejects(run(folder, { input: await chunksIn(folder, { "notes.pdf": "x" }) }), /it holds "notes\.pdf"/);
    const input = await chunksIn(folder, { "chunk_001.txt": Uint8Array.from([0x25, 0, 1, 2]) });
    await rejects(run(folder, { input }), /chunk_001\.txt": it holds NUL bytes/);
    await chunksIn(folder, { "chunk_001.txt": "You wait." });
    await rejects(run(folder, { input }), (error) =>
      error instanceof UserError && /no chunk makes an example/.test(error.message));
  }));

Deno.test("gaea:prepare reads Windows-1252 and CRLF with a byte order mark, and says once that a text is not English", () =>
  withFolder(async (folder) => {
    const german = "Du gehst über den Hof und hörst die Stimmen der anderen hinter dem Tor, Nummer für Nummer. ".repeat(
      40,
    );
    const latin = new Uint8Array([...german].map((letter) => letter.charCodeAt(0)));
    const input = await chunksIn(folder, {
      "chunk_001.txt": latin,
      "chunk_002.txt": "\ufeff" + german.replaceAll("Tor", "Haus").replaceAll(". ", ".\r\n\r\n"),
    });
    const context = fakeContext();
    const { paths } = await run(folder, { input, splitBy: "chunk", trainRatio: 0.5 }, context).catch((error) => {
      throw error;
    });
    equal(logs(context).match(/does not read like English/g)?.length, 1);
    match(logs(context), /read as Windows-1252/);
    const rows = [...await rowsOf(paths.training), ...await rowsOf(paths.validation)];
    ok(rows.every(({ messages }) => !/[\r\ufeff]/.test(messages.map(({ content }) => content).join(""))));
    ok(rows.some(({ messages }) => messages[0]?.content.includes("über")));
  }));

Deno.test("gaea:check-prefixes reads examples or chunks, shows their faults and writes a page without scripts", () =>
  withFolder(async (folder) => {
    const { folder: curated } = await curate(folder);
    const drafts = await checkPrefixes.run(checkPrefixes.options.parse({ dataDir: folder }), fakeContext());
    equal(drafts.prefixes.length, 8); // Not prepared yet: the chunks are cut as they would be.
    equal(drafts.page, join(curated, "prefixes.html"));
    await run(folder);
    const { prefixes, page } = await checkPrefixes.run(checkPrefixes.options.parse({ dataDir: folder }), fakeContext());
    equal(page, join(folder, "gaea", "processed", "prefixes.html"));
    deepEqual(prefixes.flatMap(({ faults }) => faults), []);
    const bad = join(folder, "bad.jsonl");
    const row = (...messages: [string, string][]) =>
      JSON.stringify({ messages: messages.map(([role, content]) => ({ role, content })) });
    await Deno.writeTextFile(
      bad,
      [
        row(["user", "“Go"], ["assistant", " now,” <script>alert(1)</script> she says."]),
        row(["system", "You are."], ["user", "“Go"], ["assistant", " on."]),
      ].join("\n") + "\n",
    );
    const result = await checkPrefixes.run(checkPrefixes.options.parse({ input: bad }), fakeContext());
    match(result.prefixes[0]?.faults.join() ?? "", /inside a quotation/);
    match(result.prefixes[1]?.faults.join() ?? "", /roles are system, user, assistant.*opening of line 1, too/);
    match(checkPrefixes.report?.(result) ?? "", /2 openings, 2 with faults/);
    const html = await Deno.readTextFile(result.page);
    ok(html.includes("&lt;script&gt;") && !html.includes("<script"));
    await Deno.writeTextFile(bad, "");
    await rejects(
      checkPrefixes.run(checkPrefixes.options.parse({ input: bad }), fakeContext()),
      /it holds no examples/,
    );
  }));
