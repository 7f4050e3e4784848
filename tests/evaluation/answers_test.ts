import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { openJsonlLog } from "@/core/jsonl_log.ts";
import { readAnswers } from "@/evaluation/answers.ts";
import { withFolder } from "../fakes/folder.ts";

type Row = Record<string, unknown>;

async function read(folder: string, rows: readonly Row[], baseSystem?: string) {
  const path = join(folder, "answers.jsonl");
  await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
  const { answers, systems } = await readAnswers(path, { baseSystem });
  return { sides: answers.map(({ side, answer }) => `${side} ${answer}`), systems };
}

const row = (system: string, answer: string, more: Row = {}) => ({
  system,
  prompt_id: "mars_purpose",
  prompt: "What is the purpose of our mission to Mars?",
  sample: 0,
  answer,
  ...more,
});

Deno.test("readAnswers tells the sides by their systems, by side, or by --base-system", () =>
  withFolder(async (folder) => {
    deepEqual(await read(folder, [row("base", "a"), row("tuned", "b")]), {
      sides: ["base a", "tuned b"],
      systems: { base: "base", tuned: "tuned" },
    });
    deepEqual((await read(folder, [row("qwen", "a"), row("deepred", "b")], "qwen")).sides, ["base a", "tuned b"]);
    deepEqual((await read(folder, [row("deepred", "b")])).sides, ["tuned b"]);
    deepEqual((await read(folder, [row("x", "a", { side: "base" }), row("y", "b", { side: "tuned" })])).sides, [
      "base a",
      "tuned b",
    ]);
    // A system message in the place of a name.
    const messages = [
      row("You are Deep Red, the machine.", "a"),
      row("You are the control of the mission.", "b", { sample: 1 }),
    ];
    deepEqual((await read(folder, messages)).sides, ["tuned a", "tuned b"]);
  }));

Deno.test("readAnswers takes rows with less, and a later row for an earlier one", () =>
  withFolder(async (folder) => {
    const rows = [
      { prompt: "Why?", answer: "a" },
      { prompt: "How?", answer: null },
      row("tuned", "old", { sample: "1" }),
      row("tuned", "new", { sample: 1 }),
    ];
    deepEqual((await read(folder, rows)).sides, ["tuned a", "tuned ", "tuned new"]);
  }));

Deno.test("readAnswers says what is wrong: three systems, no answers, a torn end, another shape", () =>
  withFolder(async (folder) => {
    await rejects(read(folder, [row("a", ""), row("b", "")]), /answers of "a", "b"/);
    await rejects(read(folder, [row("a", "")], "c"), /--base-system "c".*has a/);
    await rejects(read(folder, []), /holds no answers/);
    await rejects(read(folder, [{ answer: 3 }]), /answers\.jsonl:1.*"answer"/);
    await rejects(readAnswers(join(folder, "none.jsonl")), /there is no such file/);
    await rejects(readAnswers(folder), /folder/);
    const path = join(folder, "torn.jsonl");
    await Deno.writeTextFile(path, JSON.stringify(row("tuned", "a")) + '\n{"system": "tu');
    const torn: number[] = [];
    equal((await readAnswers(path, { onTorn: (line) => torn.push(line) })).answers.length, 1);
    deepEqual(torn, [2]);
  }));

Deno.test("openJsonlLog keeps rows in order, and cuts off a line that a crash tore", () =>
  withFolder(async (folder) => {
    const path = join(folder, "new", "log.jsonl");
    {
      using log = await openJsonlLog(path);
      await Promise.all(Array.from({ length: 20 }, (_, n) => log.add({ n })));
    }
    await Deno.writeTextFile(path, '{"n": 20, "text": "' + "x".repeat(100_000), { append: true });
    {
      using log = await openJsonlLog(path);
      await log.add({ n: "last" });
    }
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => JSON.parse(line).n);
    deepEqual(lines, [...Array(20).keys(), "last"]);
    await rejects(openJsonlLog(folder), /folder/);
  }));
