import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { presetPath, WORKSPACE } from "@/core/paths.ts";
import { parseThemes } from "@/corpus/themes.ts";
import { type FileKind, kindOf, readSources, SourceChunk } from "@/dialogue/sources.ts";
import type { SourceDrop } from "@/dialogue/source_files.ts";
import { chessProse, cutBetween, speechProse } from "@/dialogue/source_prose.ts";
import { parseScript } from "@/dialogue/source_script.ts";
import { gapChunks, loadTopics } from "@/dialogue/topics.ts";

const themesPath = presetPath("deepred/themes.jsonc");
const themes = parseThemes(await Deno.readTextFile(themesPath), themesPath);

async function read(kind: FileKind, path: string): Promise<{ chunks: SourceChunk[]; drops: SourceDrop[] }> {
  const drops: SourceDrop[] = [];
  const onDrop = (drop: SourceDrop) => void drops.push(drop);
  return { chunks: await Array.fromAsync(readSources(kind, path, { themes, onDrop })), drops };
}

async function withFolder(test: (folder: string, write: (name: string, text: string) => Promise<string>) => unknown) {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder, async (name, text) => {
      const path = join(folder, ...name.split("/"));
      await Deno.mkdir(join(path, ".."), { recursive: true });
      await Deno.writeTextFile(path, text);
      return path;
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const LONG = "The lamps burned low in the gallery, and the comrades counted what was left of the air. ".repeat(4)
  .trim();

Deno.test("readSources makes passages of every sample, each whole, named and on theme", async () => {
  const sizes: Record<string, number> = {};
  for (const kind of ["script", "speech", "chess"] as const) {
    const { chunks, drops } = await read(kind, join(WORKSPACE, "data-samples", "sources", kind));
    deepEqual(drops, []);
    for (const chunk of chunks) {
      deepEqual(SourceChunk.parse(chunk), chunk);
      equal(kindOf(chunk), kind);
      ok(chunk.text.length >= 160 && chunk.text.length <= 1200);
      ok(chunk.author && chunk.year && chunk.year <= 1969, chunk.id);
      for (const { start, end } of chunk.matches ?? []) ok(chunk.text.slice(start, end).length > 1);
      equal(chunk.matches?.length, chunk.keyword_counts.total);
    }
    equal(new Set(chunks.map(({ id }) => id)).size, chunks.length);
    sizes[kind] = chunks.length;
  }
  deepEqual(sizes, { script: 4, speech: 4, chess: 2 });
});

Deno.test("readSources adapts dialogue alone, a passage to a scene", async () => {
  const { chunks } = await read("script", join(WORKSPACE, "data-samples/sources/script/the_red_lamp.fountain"));
  deepEqual(chunks.map(({ chapter }) => chapter), [
    "INT. CONTROL HALL - NIGHT",
    "INT. SOUTH GALLERY - SAME TIME",
    "EXT. RIDGE ABOVE THE SETTLEMENT - MORNING",
  ]);
  match(chunks[0]?.text ?? "", /^Anna: You have shut the door.*\nMachine: He is in the rest shelter/);
  const all = chunks.map(({ text }) => text).join("\n");
  for (const left of ["A long room", "(", "longer than is comfortable", "CUT TO", "FADE", "She sits"]) {
    ok(!all.includes(left), left);
  }
});

Deno.test("parseScript reads screenplays, Fountain's forced forms, and plays", () => {
  const screenplay = `
                         FADE IN:
     INT. PUMP HOUSE - DAY

     Steam. A FIGURE moves.

                         CHIEF ENGINEER (O.S.)
               (shouting)
          Who closed the valve?
          I asked for it open!

                         McLEOD
          Not I.

                         THE MACHINE (CONT'D) ^
          I did.

                                             CUT TO:`;
  deepEqual(
    parseScript(screenplay).map(({ heading, turns }) => [heading, turns.map(({ who, words }) => [who, words])]),
    [
      ["INT. PUMP HOUSE - DAY", [
        ["Chief Engineer", "Who closed the valve? I asked for it open!"],
        ["McLEOD", "Not I."],
        ["The Machine", "I did."],
      ]],
    ],
  );
  const forced =
    ".THE ROOF\n\n@McLeod\nIt is *cold*.\n\n!THE WIND\nrises.\n\n> They wait. <\n\nVERA\nYes.\n\nVERA\n(after a while)\nYes.";
  deepEqual(parseScript(forced), [{
    heading: "THE ROOF",
    turns: [{ who: "McLeod", words: "It is cold." }, { who: "Vera", words: "Yes. Yes." }],
  }]);
  const play =
    "ACT I\n\nSCENE 2. A bridge.\n\n_Vera._ (aside) Who\nis there?\n\n_Vera._ Speak!\n\nOLD MAN: Only I.\nNote: he lies.";
  const turns = parseScript(play).flatMap(({ turns }) => turns);
  deepEqual(turns.at(-1)?.who, "Old Man");
  ok(parseScript("INT. HALL\n\nNobody says a word.\n").length === 0);
});

Deno.test("speechProse leaves out what the hall did, and Markdown's marks", () => {
  const { text, chapters } = speechProse(
    "# To *all*\nWe have **bread**. [Laughter on the left.]\n\n> We have [light](http://x).\n\n## Then\n\nWe (all of us) stay. (Cries of: Shame!)\n\n---\n<!-- cut -->",
  );
  equal(text, "We have bread.\n\nWe have light.\n\nWe (all of us) stay.");
  deepEqual(chapters.map(({ title, start, end }) => [title, text.slice(start, end).trim()]), [
    ["To all", "We have bread.\n\nWe have light."],
    ["Then", "We (all of us) stay."],
  ]);
});

Deno.test("chessProse leaves out scores, boards and positions, and keeps a move that a sentence names", () => {
  const { text } = chessProse(
    "He played P-K4, as everybody does.\n\n1. P-K4 P-K4 2. Kt-KB3 Kt-QB3 3. B-Kt5 P-QR3\n\n" +
      "r1bqk2r/2ppbppp/p1n2n2/1p2p3/B3P3/5N2/PPPP1PPP/RNBQR1K1 w kq - 0 7\n\nThen he waited.",
  );
  equal(text, "He played P-K4, as everybody does.\n\nThen he waited.");
});

Deno.test("cutBetween takes time in proportion to the text, closed or not", () => {
  equal(cutBetween("a /* b */ c /* d", "/*", "*/"), "a  c /* d");
  const start = performance.now();
  cutBetween("/* ".repeat(300_000), "/*", "*/");
  ok(performance.now() - start < 20_000); // In the square of it: hours.
});

Deno.test("readSources reads folders in order, rows and heads, and tells what it left out", () =>
  withFolder(async (folder, write) => {
    await write("b/second.md", `---\ntitle: "The Second"\nauthor: Ann\nyear: 1930\n---\n${LONG}`);
    await write("a.txt", `Title: The First\nYear: -44\n\n${LONG}`);
    await write("c.jsonl", JSON.stringify({ text: LONG, id: 7, title: "Third", year: 1920 }) + "\n");
    await write("b/late.txt", `Title: Late\nDate: May 1, 1985\n\n${LONG}`);
    await write("d.txt", "Too little.");
    await write("e.txt", " \n");
    await write("f.docx", "x");
    await write("README.md", LONG);
    await write(".hidden.txt", LONG);
    const { chunks, drops } = await read("speech", folder);
    deepEqual(chunks.map(({ id, source_title, author, year }) => [id, source_title, author, year]), [
      ["speech-a-txt-0001", "The First", undefined, -44],
      ["speech-b-second-md-0001", "The Second", "Ann", 1930],
      ["speech-7-0001", "Third", undefined, 1920],
    ]);
    deepEqual(drops.map(({ reason }) => reason), ["after_1969", "too_short", "empty_file", "unknown_file_type"]);
  }));

Deno.test("readSources gives two texts of one name two ids", () =>
  withFolder(async (folder, write) => {
    await write("a b.txt", LONG);
    await write("a-b.txt", LONG);
    const { chunks } = await read("speech", folder);
    deepEqual(chunks.map(({ id }) => id), ["speech-a-b-txt-0001", "speech-a-b-txt-2-0001"]);
  }));

Deno.test("readSources names what it cannot read by file and line", () =>
  withFolder(async (folder, write) => {
    const bad = async (kind: FileKind, name: string, text: string, message: RegExp) => {
      await rejects(read(kind, await write(name, text)), message);
    };
    await bad("speech", "year.md", "---\ntitle: x\nyear: soon\n---\nText.", /year\.md:3": "year" is "soon"/);
    await bad("speech", "open.md", "---\ntitle: x\n\nText.", /open\.md:1": the front matter.*never ends/);
    await bad("speech", "nul.txt", "a\nb\0c", /nul\.txt:2": the line holds NUL/);
    await bad("speech", "rows.jsonl", '{"text":"a"}\n{"txt":"b"}\n', /rows\.jsonl:2".*text/);
    await bad("script", "prose.txt", LONG, /prose\.txt" as a script: it holds no dialogue/);
    await Deno.writeFile(join(folder, "latin.txt"), Uint8Array.from([0x61, 0x0a, 0xe9, 0x0a]));
    await rejects(read("speech", join(folder, "latin.txt")), /latin\.txt:2": the line is not UTF-8/);
    await rejects(read("speech", join(folder, "none")), /no such file/);
    await Deno.mkdir(join(folder, "empty"));
    await rejects(read("speech", join(folder, "empty")), /there is no text in it/);
  }));

Deno.test("kindOf takes chess books of the corpus for chess literature", () => {
  deepEqual([
    kindOf({ category: "chess" }),
    kindOf({ category: "utopian_fiction" }),
    kindOf({}),
    kindOf({ kind: "gap" }),
  ], [
    "chess",
    "gutenberg",
    "gutenberg",
    "gap",
  ]);
});

Deno.test("gapChunks meets every topic once before any again, and differs by seed only in the occasions", async () => {
  const file = await loadTopics(presetPath("deepred/topics.jsonc"));
  deepEqual(Object.keys(file.topics).sort(), themes.categories.toSorted());
  const chunks = gapChunks(file, 1969);
  equal(chunks.length, 60 * 16);
  equal(new Set(chunks.map(({ id }) => id)).size, chunks.length);
  equal(new Set(chunks.map(({ text }) => text)).size, chunks.length);
  equal(new Set(chunks.slice(0, 60).map(({ source_id }) => source_id)).size, 60);
  ok(new Set(chunks.slice(0, 60).map(({ text }) => text.split("Occasion: ")[1])).size > 10);
  deepEqual(new Set(gapChunks(file, 1).map(({ id }) => id)), new Set(chunks.map(({ id }) => id)));
});
