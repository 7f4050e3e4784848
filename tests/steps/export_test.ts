import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { basename, join } from "node:path";
import { UsageError } from "@/core/errors.ts";
import { exportStep } from "@/steps/export.ts";
import { EXPORT_FORMATS } from "@/steps/export_formats.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

/** With quotes, breaks, and letters of more than one byte: what a format may stumble over. */
const example = (n: number) => ({
  messages: [
    { role: "system", content: "You are “Deep Red”.\nSpeak." },
    { role: "user", content: `Question ${n}: "why", товарищ?` },
    { role: "assistant", content: `Answer ${n} \\ , \t— 🟥` },
  ],
});
const source = (n: number) => ({
  id: `c${n}/primary`,
  persona: "primary",
  chunk_id: `c${n}`,
  source_id: 624,
  source_title: "Looking Backward",
  ...(n % 2 ? { year: 1888, start: n, end: n + 9 } : {}),
  themes: ["utopia"],
  model: "m",
  seed: 2147483647,
  prompt_hash: "p",
  request_hash: `r${n}`,
  tries: 1,
});

function withDataset(
  rows: number,
  test: (run: (options: object) => ReturnType<typeof exportStep.run>, folder: string) => Promise<void>,
  traced = true,
): Promise<void> {
  return withFolder(async (folder) => {
    const input = join(folder, "set.jsonl");
    const write = (path: string, of: (n: number) => unknown) =>
      Deno.writeTextFile(path, Array.from({ length: rows }, (_, n) => JSON.stringify(of(n)) + "\n").join(""));
    await write(input, example);
    if (traced) await write(join(folder, "set_sources.jsonl"), source);
    await test((options) => exportStep.run(exportStep.options.parse({ input, ...options }), fakeContext()), folder);
  });
}

/** Asks a Parquet file by SQL, with a reader that is not the writer's. */
async function query(path: string, sql: string): Promise<Record<string, unknown>[]> {
  const name = "@duckdb/node-api";
  const { DuckDBInstance } = await import(name) as typeof import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll(sql.replace("FILE", `read_parquet('${path.replaceAll("'", "''")}')`));
    return reader.getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

Deno.test("export writes Parquet that another reader reads, over several row groups", () =>
  withDataset(5001, async (run, folder) => {
    const { rows, files } = await run({ format: "parquet" });
    const [path = ""] = files;
    deepEqual([rows, path], [5001, join(folder, "set.parquet")]);
    deepEqual(await query(path, "SELECT count(*)::INT AS n, count(year)::INT AS years, max(seed) AS seed FROM FILE"), [
      { n: 5001, years: 2500, seed: 2147483647 },
    ]);
    for (const n of [0, 1999, 2000, 5000]) {
      const [row] = await query(path, `SELECT messages, source_id, year, "end" FROM FILE WHERE chunk_id = 'c${n}'`);
      deepEqual(row, {
        messages: example(n).messages,
        source_id: "624",
        year: n % 2 ? 1888 : null,
        end: n % 2 ? n + 9 : null,
      });
    }
    const order = await query(path, "SELECT chunk_id FROM FILE");
    deepEqual(order.map(({ chunk_id }) => chunk_id), Array.from({ length: 5001 }, (_, n) => `c${n}`));
  }));

Deno.test("export writes Parquet without sources", () =>
  withDataset(3, async (run) => {
    const [path = ""] = (await run({ format: "parquet" })).files;
    deepEqual(await query(path, "SELECT * FROM FILE"), [0, 1, 2].map(example));
  }, false));

Deno.test("export writes ShareGPT lines and an Alpaca array", () =>
  withDataset(2, async (run, folder) => {
    await run({ format: "sharegpt" });
    const [first = ""] = (await Deno.readTextFile(join(folder, "set_sharegpt.jsonl"))).split("\n");
    const [system, user, assistant] = example(0).messages.map(({ content }) => content);
    deepEqual(JSON.parse(first), {
      conversations: [{ from: "system", value: system }, { from: "human", value: user }, {
        from: "gpt",
        value: assistant,
      }],
    });
    await run({ format: "alpaca" });
    const rows = JSON.parse(await Deno.readTextFile(join(folder, "set_alpaca.json")));
    equal(rows.length, 2);
    deepEqual(rows[0], { instruction: user, input: "", output: assistant, system });
  }));

Deno.test("export writes the entries that Axolotl and LLaMA-Factory read, beside their data", () =>
  withDataset(2, async (run, folder) => {
    const axolotl = await run({ format: "axolotl" });
    deepEqual(axolotl.files.map((path) => basename(path)), ["set_axolotl.jsonl", "set_axolotl.yaml"]);
    const yaml = await Deno.readTextFile(join(folder, "set_axolotl.yaml"));
    match(yaml, /^datasets:\n {2}- path: "set_axolotl\.jsonl"$/m);
    match(yaml, /type: chat_template\n {4}field_messages: messages/);
    const lines = (await Deno.readTextFile(join(folder, "set_axolotl.jsonl"))).trimEnd().split("\n");
    deepEqual(lines.map((line) => JSON.parse(line)), [example(0), example(1)]);

    await run({ format: "llama-factory" });
    const info = JSON.parse(await Deno.readTextFile(join(folder, "dataset_info.json")));
    const entry = info.set_llama_factory;
    deepEqual([entry.file_name, entry.formatting, entry.columns.messages, entry.tags.system_tag], [
      "set_llama_factory.json",
      "sharegpt",
      "messages",
      "system",
    ]);
    equal(JSON.parse(await Deno.readTextFile(join(folder, entry.file_name))).length, 2);
    // Both sides of a split stand in one folder, and in one file of entries; so may data of others.
    const path = join(folder, "dataset_info.json");
    await Deno.writeTextFile(path, JSON.stringify({ ...info, alpaca_en: { file_name: "alpaca.json" } }));
    await Deno.copyFile(join(folder, "set.jsonl"), join(folder, "set_val.jsonl"));
    await run({ format: "llama-factory", input: join(folder, "set_val.jsonl") });
    await run({ format: "llama-factory", overwrite: true });
    deepEqual(Object.keys(JSON.parse(await Deno.readTextFile(path))), [
      "set_llama_factory",
      "alpaca_en",
      "set_val_llama_factory",
    ]);
    await Deno.writeTextFile(path, "[]");
    await rejects(run({ format: "llama-factory", overwrite: true }), /not a JSON object of datasets/);
  }));

Deno.test("export never writes over the dataset, nor an entry over its data", () =>
  withDataset(2, async (run, folder) => {
    const before = await Deno.readTextFile(join(folder, "set.jsonl"));
    for (
      const [format, name] of [["sharegpt", "set.jsonl"], ["axolotl", "x.yaml"], ["llama-factory", "dataset_info.json"]]
    ) {
      await rejects(run({ format, output: join(folder, name ?? ""), overwrite: true }), /must be different files/);
    }
    equal(await Deno.readTextFile(join(folder, "set.jsonl")), before);
  }));

Deno.test("export refuses to overwrite, for every format, and says how to", () =>
  withDataset(2, async (run, folder) => {
    for (const format of EXPORT_FORMATS) {
      await run({ format });
      await rejects(run({ format }), (error) => error instanceof UsageError && /exists already/.test(error.message));
      equal((await run({ format, overwrite: true })).rows, 2);
      match((await run({ format, output: join(folder, format, "other.data") })).files[0] ?? "", /other\.data$/);
    }
    const left = (await Array.fromAsync(Deno.readDir(folder))).filter(({ name }) => name.includes(".part"));
    deepEqual(left, []);
  }));

Deno.test("export names what is wrong with its input", async () => {
  await withDataset(0, (run) => rejects(run({ format: "parquet" }), /holds no examples/), false);
  await withDataset(1, (run) => rejects(run({ format: "alpaca", input: "/nowhere/x.jsonl" }), /no such file/));
  await withDataset(2, async (run, folder) => {
    await Deno.writeTextFile(join(folder, "set_sources.jsonl"), JSON.stringify(source(0)) + "\n");
    await rejects(run({ format: "parquet" }), /another number of lines/);
    await Deno.writeTextFile(
      join(folder, "set.jsonl"),
      '{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}\n',
    );
    await rejects(run({ format: "alpaca" }), /question, answer/);
    ok((await run({ format: "sharegpt" })).rows === 1);
  });
});
