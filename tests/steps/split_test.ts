import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { Example, type ExampleSource } from "@/records.ts";
import { split } from "@/steps/split.ts";
import { fakeContext } from "../fakes/context.ts";

async function withDataset(
  rows: readonly unknown[],
  test: (
    run: (options?: object) => ReturnType<typeof split.run>,
    folder: string,
    context: ReturnType<typeof fakeContext>,
  ) => Promise<void>,
  sources?: readonly unknown[],
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "dataset", "theme_dataset.jsonl");
  await Deno.mkdir(join(folder, "dataset"));
  const write = (path: string, rows: readonly unknown[]) =>
    Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
  await write(path, rows);
  if (sources) await write(path.replace(".jsonl", "_sources.jsonl"), sources);
  const context = fakeContext();
  try {
    await test(
      (options = {}) => split.run(split.options.parse({ dataDir: folder, ...options }), context),
      folder,
      context,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function example(n: number, answer = `Answer number ${n} of ${n * 7} and ${n * 13} and ${n * 17}.`) {
  return {
    messages: [
      { role: "system", content: "s" },
      { role: "user", content: `Question ${n}?` },
      { role: "assistant", content: answer },
    ],
  };
}

const source = (book: number | string, passage: string): ExampleSource => ({
  id: `${passage}/primary`,
  persona: "primary",
  chunk_id: passage,
  source_id: book,
  source_title: `Book ${book}`,
  themes: [],
  model: "m",
  prompt_hash: "p",
  request_hash: "r",
  tries: 1,
});

async function rowsOf(path: string): Promise<Example[]> {
  const text = await Deno.readTextFile(path);
  return text.trimEnd().split("\n").filter(Boolean).map((line) => Example.loose().parse(JSON.parse(line)));
}
const numberOf = ({ messages }: Example) => Number(/\d+/.exec(messages[1]?.content ?? "")?.[0]);

Deno.test("split deals whole books and keeps the order", () => {
  const rows = Array.from({ length: 400 }, (_, n) => example(n));
  const sources = rows.map((_, n) => source(n % 20, `p${n}`));
  return withDataset(rows, async (run, folder) => {
    const result = await run();
    const { train, val, by, leftOut } = result;
    deepEqual([train.rows, val.rows, by, leftOut.rows], [360, 40, "book", 0]);
    equal(train.path, join(folder, "dataset", "theme_dataset_train.jsonl"));
    equal(split.report?.(result), "360 examples for training, 40 for validation, whole books at a time");
    const sides = [await rowsOf(train.path), await rowsOf(val.path)].map((side) => side.map(numberOf));
    for (const side of sides) deepEqual(side, side.toSorted((a, b) => a - b));
    const books = sides.map((side) => new Set(side.map((n) => n % 20)));
    ok(books[0]?.isDisjointFrom(books[1] ?? new Set()));
    equal(books[1]?.size, 2);
  }, sources);
});

Deno.test("split says so when books are too few, and keeps passages whole", () => {
  const rows = Array.from({ length: 40 }, (_, n) => example(n));
  const sources = rows.map((_, n) => source(n < 30 ? 1 : 2, `p${Math.floor(n / 2)}`));
  return withDataset(rows, async (run, _, context) => {
    const { train, val, by } = await run();
    deepEqual([train.rows, val.rows, by], [36, 4, "passage"]);
    ok(
      context.events.some((event) =>
        event.type === "log" && event.level === "warn" &&
        /2 books cannot be dealt within 5 % of 90 : 10/.test(event.message)
      ),
    );
    const passages = [train, val].map(async ({ path }) =>
      new Set((await rowsOf(path)).map((row) => numberOf(row) >> 1))
    );
    const [one, other] = await Promise.all(passages);
    ok(one?.isDisjointFrom(other ?? new Set()));
  }, sources);
});

Deno.test("split calls by their name what examples are from: topics of gaps, or several kinds of source", async () => {
  const rows = Array.from({ length: 40 }, (_, n) => example(n));
  for (
    const [first, second, name] of [["gap-justice-1", "gap-justice-2", "topic"], [
      "gap-justice-1",
      35,
      "source",
    ]] as const
  ) {
    const few = rows.map((_, n) => source(n < 30 ? first : second, `p${n}`));
    await withDataset(rows, async (run, _, context) => {
      equal((await run()).by, "passage");
      const said = context.events.map((event) => event.type === "log" ? event.message : "").join("");
      match(said, new RegExp(`^2 ${name}s cannot be dealt within 5 % .* both sides know the same ${name}s$`));
    }, few);
  }
  const topics = rows.map((_, n) => source(`gap-justice-${n % 20}`, `p${n}`));
  await withDataset(rows, async (run) => {
    equal(split.report?.(await run()), "36 examples for training, 4 for validation, whole topics at a time");
  }, topics);
});

Deno.test("split without sources keeps near-duplicates on one side, and all that rows carry", () => {
  const answer =
    "The plan was read aloud in every dome, and every dome answered with one voice that the plan was theirs.";
  const rows = Array.from(
    { length: 30 },
    (_, n) => ({ ...example(n, n % 3 ? undefined : `${answer} ${n}`), weight: n }),
  );
  return withDataset(rows, async (run, _, context) => {
    const { train, val } = await run({ trainRatio: 0.5 });
    const has = async (path: string) =>
      (await rowsOf(path)).some(({ messages }) => messages[2]?.content.startsWith(answer));
    ok(await has(train.path) !== await has(val.path));
    match(await Deno.readTextFile(val.path), /"weight":/);
    ok(context.events.some((event) => event.type === "log" && /_sources\.jsonl" is missing/.test(event.message)));
  });
});

Deno.test("split by row needs no sources and takes the ratio to the letter", () =>
  withDataset(Array.from({ length: 50 }, (_, n) => example(n)), async (run, _, context) => {
    const { train, val, by } = await run({ splitBy: "row", trainRatio: 0.8 });
    deepEqual([train.rows, val.rows, by], [40, 10, "row"]);
    ok(!context.events.some((event) => event.type === "log"));
  }));

Deno.test("split leaves out what the evaluation asks, and keeps it with its reason", () => {
  const rows = Array.from({ length: 20 }, (_, n) => example(n));
  const asked = rows[7]?.messages[1];
  ok(asked);
  asked.content = "What is the purpose of our mission to Mars, comrade?";
  return withDataset(rows, async (run, _, context) => {
    const { train, val, leftOut } = await run();
    deepEqual([train.rows + val.rows, leftOut.rows], [19, 1]);
    const kept = (await rowsOf(train.path)).concat(await rowsOf(val.path));
    ok(!kept.some(({ messages }) => messages[1]?.content === asked.content));
    match(await Deno.readTextFile(leftOut.path), /"evaluation_prompt".*theme_dataset\.jsonl:8/);
    ok(context.events.some((event) => event.type === "drop" && event.reason === "evaluation_prompt"));
  });
});

Deno.test("split writes the same files again for the same seed, and only when told", () =>
  withDataset(Array.from({ length: 20 }, (_, n) => example(n)), async (run) => {
    const first = await Deno.readTextFile((await run()).val.path);
    await rejects(run(), (error) => error instanceof UsageError && /exists already/.test(error.message));
    equal(await Deno.readTextFile((await run({ overwrite: true })).val.path), first);
    ok(await Deno.readTextFile((await run({ seed: 1, overwrite: true })).val.path) !== first);
  }));

Deno.test("split never leaves old training examples beside new ones for validation", () =>
  withDataset(Array.from({ length: 20 }, (_, n) => example(n)), async (run) => {
    const { train, val } = await run();
    const before = await Deno.readTextFile(val.path);
    const { rename } = Deno;
    Deno.rename = (from, to) =>
      String(to).endsWith("_train.jsonl")
        ? Promise.reject(new Error("No space left on device (os error 28)"))
        : rename(from, to);
    try {
      await rejects(run({ seed: 1, overwrite: true }), /_train\.jsonl": the disk is full/);
    } finally {
      Deno.rename = rename;
    }
    ok(await Deno.readTextFile(val.path) !== before);
    equal(await Deno.stat(train.path).catch(() => "none"), "none");
  }));

Deno.test("split refuses a folder in the place of a file, and leaves it there", () =>
  withDataset(Array.from({ length: 20 }, (_, n) => example(n)), async (run, folder) => {
    const path = join(folder, "dataset", "theme_dataset_train.jsonl");
    await Deno.mkdir(path);
    await rejects(run({ overwrite: true }), (error) => error instanceof UserError && error.exitCode === 2);
    ok((await Deno.stat(path)).isDirectory);
  }));

Deno.test("split names what is wrong with its input", async () => {
  await withDataset([], (run) => rejects(run(), /holds no examples/));
  await withDataset([{ messages: [] }], (run) => rejects(run(), /theme_dataset\.jsonl:1.*messages/));
  await withDataset([], (run) => rejects(run({ input: "/nowhere/x.jsonl" }), /no such file/));
  const two = [example(1), example(2)];
  for (const sources of [[source(1, "a")], [source(1, "a"), source(2, "b"), source(3, "c")]]) {
    await withDataset(two, (run) => rejects(run(), /another number of lines/), sources);
  }
});
