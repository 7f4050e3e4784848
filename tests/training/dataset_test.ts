import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { findSplit, writeRows } from "@/training/dataset.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";
import { conversations, writeRowsFile } from "../fakes/trainer.ts";

const lines = async (path: string) =>
  (await Deno.readTextFile(path)).trim().split("\n").map((line) => JSON.parse(line));

/** A dataset of ten rows with a split of 8, 1 and one that was left out. */
async function splitDataset(folder: string) {
  const rows = conversations(10);
  const at = (name: string) => join(folder, name);
  const dataset = await writeRowsFile(at("d.jsonl"), rows);
  await writeRowsFile(at("d_train.jsonl"), rows.slice(0, 8));
  await writeRowsFile(at("d_val.jsonl"), rows.slice(8, 9));
  await writeRowsFile(at("d_split_rejects.jsonl"), [{ reason: "evaluation_prompt", id: "d.jsonl:10" }]);
  return { dataset, rows, at };
}

Deno.test("a split is used where it is made of the dataset's very rows", async () => {
  await withFolder(async (folder) => {
    const { dataset, at } = await splitDataset(folder);
    const expected = { train: at("d_train.jsonl"), val: at("d_val.jsonl") };
    deepEqual(await findSplit(dataset), { split: expected });
    deepEqual(await findSplit(at("d_train.jsonl")), { split: expected });
  });
});

Deno.test("a split that is older than the dataset is not used, and why is said", async () => {
  await withFolder(async (folder) => {
    const { dataset, rows, at } = await splitDataset(folder);
    await writeRowsFile(dataset, rows.slice(1));
    match((await findSplit(dataset)).why ?? "", /d_train\.jsonl" holds rows that "d\.jsonl" does not hold/);
    await writeRowsFile(dataset, [...rows, ...conversations(3, 9)]);
    match((await findSplit(dataset)).why ?? "", /3 rows of "d\.jsonl" are on no side/);
    await writeRowsFile(dataset, rows);
    await Deno.remove(at("d_val.jsonl"));
    match((await findSplit(dataset)).why ?? "", /d_val\.jsonl" is missing/);
    await Deno.remove(at("d_train.jsonl"));
    deepEqual(await findSplit(dataset), { split: undefined });
  });
});

Deno.test("rows keep the place that they come from; the same seed draws the same ones", async () => {
  await withFolder(async (folder) => {
    const dataset = await writeRowsFile(join(folder, "d.jsonl"), conversations(20));
    const write = async (seed: number, name: string) => {
      const paths = { train: join(folder, `${name}_t`), val: join(folder, `${name}_v`) };
      return {
        ...await writeRows({ dataset, split: undefined }, { valSplit: 0.1, seed }, paths, fakeContext()),
        paths,
      };
    };
    const one = await write(1, "one");
    deepEqual([one.split, one.train.rows, one.val?.rows], ["row", 18, 2]);
    const ids = [...await lines(one.paths.train), ...await lines(one.paths.val)].map(({ id }) => id).sort();
    deepEqual(ids, Array.from({ length: 20 }, (_, i) => `d.jsonl:${i + 1}`).sort());
    equal((await write(1, "again")).train.sha256, one.train.sha256);
    notEqual((await write(2, "other")).val?.sha256, one.val?.sha256);
  });
});

Deno.test("what a run kept of its rows is the same dataset again", async () => {
  await withFolder(async (folder) => {
    const { dataset, at } = await splitDataset(folder);
    const first = { train: at("dataset_train.jsonl"), val: at("dataset_val.jsonl") };
    const split = (await findSplit(dataset)).split;
    const written = await writeRows({ dataset, split }, { valSplit: 0.1, seed: 1 }, first, fakeContext());
    equal(written.split, "book");
    const kept = { dataset: first.train, split: (await findSplit(first.train)).split };
    const again = { train: at("again_train.jsonl"), val: at("again_val.jsonl") };
    deepEqual(await writeRows(kept, { valSplit: 0.1, seed: 1 }, again, fakeContext()), written);
    deepEqual(await lines(again.train), await lines(first.train));
  });
});

Deno.test("a bad row is named by file and line, a torn last one is told and left out", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "d.jsonl");
    const paths = { train: join(folder, "t"), val: join(folder, "v") };
    const row = JSON.stringify(conversations(1)[0]);
    const write = async (text: string) => {
      await Deno.writeTextFile(path, text);
      const context = fakeContext();
      const written = await writeRows({ dataset: path, split: undefined }, { valSplit: 0, seed: 1 }, paths, context);
      return { written, events: context.events };
    };
    await rejects(write(`${row}\n\n{"messages": "none"}\n`), /d\.jsonl:3/);
    await rejects(write(""), /holds no examples/);
    const { written, events } = await write(`\n${row}\n${row.slice(0, 20)}`);
    equal(written.train.rows, 1);
    equal((await lines(paths.train))[0].id, "d.jsonl:2");
    ok(events.some((event) => event.type === "drop" && event.reason === "torn_line"));
  });
});

Deno.test("one example cannot be drawn for validation and trained on", async () => {
  await withFolder(async (folder) => {
    const dataset = await writeRowsFile(join(folder, "d.jsonl"), conversations(1));
    const paths = { train: join(folder, "t"), val: join(folder, "v") };
    await rejects(
      writeRows({ dataset, split: undefined }, { valSplit: 0.1, seed: 1 }, paths, fakeContext()),
      /none is left but for validation/,
    );
  });
});
