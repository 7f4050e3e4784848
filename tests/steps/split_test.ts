import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { Example } from "@/records.ts";
import { split } from "@/steps/split.ts";
import { fakeContext } from "../fakes/context.ts";

async function withDataset(
  rows: readonly unknown[],
  test: (run: (options?: object) => ReturnType<typeof split.run>, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "dataset", "theme_dataset.jsonl");
  await Deno.mkdir(join(folder, "dataset"));
  await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
  try {
    await test(
      (options = {}) => split.run(split.options.parse({ dataDir: folder, ...options }), fakeContext()),
      folder,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function example(
  n: number,
  chunk: string | undefined,
  answer = `Answer number ${n} of ${n * 7} and ${n * 13} and ${n * 17}.`,
) {
  const messages = [
    { role: "system", content: "s" },
    { role: "user", content: `Question ${n}?` },
    { role: "assistant", content: answer },
  ];
  const metadata = { persona: "primary", chunk_id: chunk, source_id: 1, source_title: "t", extra: n };
  return chunk === undefined ? { messages, weight: n } : { messages, metadata };
}

async function rowsOf(path: string): Promise<Example[]> {
  const text = await Deno.readTextFile(path);
  return text.trimEnd().split("\n").filter(Boolean).map((line) => Example.loose().parse(JSON.parse(line)));
}

Deno.test("split deals whole passages, keeps the order and all that rows carry", () => {
  const rows = Array.from({ length: 40 }, (_, n) => example(n, `c${Math.floor(n / 2)}`));
  return withDataset(rows, async (run, folder) => {
    const { train, val } = await run();
    deepEqual([train.rows, val.rows], [36, 4]);
    equal(train.path, join(folder, "dataset", "theme_dataset_train.jsonl"));
    const sides = [await rowsOf(train.path), await rowsOf(val.path)];
    for (const side of sides) {
      const order = side.map(({ metadata }) => Number(metadata?.extra));
      deepEqual(order, order.toSorted((a, b) => a - b));
    }
    const chunks = sides.map((side) => new Set(side.map(({ metadata }) => metadata?.chunk_id)));
    ok(chunks[0]?.isDisjointFrom(chunks[1] ?? new Set()));
    deepEqual(sides.flat().length, 40);
  });
});

Deno.test("split takes rows without metadata and keeps near-duplicates on one side", () => {
  const answer =
    "The plan was read aloud in every dome, and every dome answered with one voice that the plan was theirs.";
  const rows = Array.from(
    { length: 30 },
    (_, n) => n % 3 === 0 ? example(n, undefined, `${answer} ${n}`) : example(n, undefined),
  );
  return withDataset(rows, async (run) => {
    const { train, val } = await run({ trainRatio: 0.5 });
    const has = async (path: string) =>
      (await rowsOf(path)).some(({ messages }) => messages[2]?.content.startsWith(answer));
    ok(await has(train.path) !== await has(val.path));
    match(await Deno.readTextFile(val.path), /"weight":/);
  });
});

Deno.test("split writes the same files again for the same seed", () =>
  withDataset(Array.from({ length: 20 }, (_, n) => example(n, `c${n}`)), async (run) => {
    const first = await Deno.readTextFile((await run()).val.path);
    equal(await Deno.readTextFile((await run()).val.path), first);
    ok(await Deno.readTextFile((await run({ seed: 1 })).val.path) !== first);
  }));

Deno.test("split names what is wrong with its input", async () => {
  await withDataset([], (run) => rejects(run(), /holds no examples/));
  await withDataset([{ messages: [] }], (run) => rejects(run(), /theme_dataset\.jsonl:1.*messages/));
  await withDataset([], (run) => rejects(run({ input: "/nowhere/x.jsonl" }), /no such file/));
});
