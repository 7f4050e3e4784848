import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { checkpointsOf, inspectCheckpoint, latestCheckpoint, namedCheckpoint, runsIn } from "@/training/checkpoints.ts";
import { withFolder } from "../fakes/folder.ts";

/** A checkpoint as lib/python/training_watch.py leaves it. */
async function sealed(run: string, step: number, size = 5): Promise<string> {
  const folder = join(run, `checkpoint-${step}`);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "optimizer.pt"), "x".repeat(size));
  const seal = { identity: "abc", files: { "optimizer.pt": size } };
  await Deno.writeTextFile(join(folder, "checkpoint-is-complete.json"), JSON.stringify(seal));
  return folder;
}

/** An empty adapter: header only. */
function emptySafetensors(): Uint8Array {
  const header = new TextEncoder().encode("{}");
  const bytes = new Uint8Array(8 + header.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}

/** A checkpoint as plain Trainer leaves it. */
async function foreign(run: string, step: number): Promise<string> {
  const folder = join(run, `checkpoint-${step}`);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "trainer_state.json"), JSON.stringify({ global_step: step }));
  for (const name of ["optimizer.pt", "scheduler.pt", "rng_state.pth"]) {
    await Deno.writeFile(join(folder, name), new Uint8Array([1, 2, 0x50, 0x4b, 5, 6, 0, 0]));
  }
  await Deno.writeFile(join(folder, "adapter_model.safetensors"), emptySafetensors());
  return folder;
}

Deno.test("a checkpoint is whole when all that its seal names is there", async () => {
  await withFolder(async (run) => {
    const folder = await sealed(run, 10);
    deepEqual(await inspectCheckpoint(folder), { folder, step: 10, fault: undefined, identity: "abc" });
    await Deno.writeTextFile(join(folder, "optimizer.pt"), "xx");
    match((await inspectCheckpoint(folder)).fault ?? "", /optimizer\.pt has 2 bytes, not 5/);
    await Deno.remove(join(folder, "optimizer.pt"));
    equal((await inspectCheckpoint(folder)).fault, "optimizer.pt is missing");
    await Deno.writeTextFile(join(folder, "checkpoint-is-incomplete.txt"), "");
    equal((await inspectCheckpoint(folder)).fault, "it was not finished");
    await Deno.remove(join(folder, "checkpoint-is-incomplete.txt"));
    await Deno.writeTextFile(join(folder, "checkpoint-is-complete.json"), "{");
    equal((await inspectCheckpoint(folder)).fault, "checkpoint-is-complete.json is damaged");
    equal((await inspectCheckpoint(join(run, "checkpoint-11"))).fault, "there is no such folder");
  });
});

Deno.test("a checkpoint of another trainer is whole when its files can be opened", async () => {
  await withFolder(async (run) => {
    const folder = await foreign(run, 3);
    equal((await inspectCheckpoint(folder)).fault, undefined);
    await Deno.writeFile(join(folder, "optimizer.pt"), new Uint8Array([0x50, 0x4b, 3, 4, 0]));
    equal((await inspectCheckpoint(folder)).fault, "optimizer.pt is cut off");
    await Deno.remove(join(folder, "optimizer.pt"));
    equal((await inspectCheckpoint(folder)).fault, "optimizer.pt is missing");
    await foreign(run, 3);
    await Deno.writeFile(join(folder, "adapter_model.safetensors"), emptySafetensors().subarray(0, 6));
    match((await inspectCheckpoint(folder)).fault ?? "", /adapter_model\.safetensors/);
    await foreign(run, 3);
    await Deno.remove(join(folder, "rng_state.pth"));
    equal((await inspectCheckpoint(folder)).fault, "rng_state.pth is missing");
    await Deno.writeTextFile(join(folder, "trainer_state.json"), "{");
    equal((await inspectCheckpoint(folder)).fault, "trainer_state.json is damaged");
  });
});

Deno.test("the newest whole checkpoint is gone on from, those passed over are named", async () => {
  await withFolder(async (run) => {
    for (const step of [5, 20, 100]) await sealed(run, step);
    await Deno.writeTextFile(join(run, "checkpoint-100", "checkpoint-is-incomplete.txt"), "");
    deepEqual((await checkpointsOf(run)).map(({ step }) => step), [100, 20, 5]);
    const { checkpoint, passedOver } = await latestCheckpoint([run]);
    equal(checkpoint.step, 20);
    deepEqual(passedOver.map(({ step }) => step), [100]);
    await rejects(namedCheckpoint(join(run, "checkpoint-100")), /it was not finished/);
    equal((await namedCheckpoint(join(run, "checkpoint-5"))).run, run);
    await rejects(latestCheckpoint([join(run, "nothing")]), /no whole checkpoint/);
    await rejects(latestCheckpoint([]), /no whole checkpoint/);
  });
});

Deno.test("of several runs the newest unfinished one is gone on with", async () => {
  await withFolder(async (outputs) => {
    const run = (name: string) => join(outputs, name);
    for (const day of ["20260101_000000", "20260102_000000", "20260103_000000"]) {
      await sealed(run(`theme-deepred-${day}`), 1);
    }
    const complete = { state: "complete", started: "", pid: 1, resumedFrom: [], metrics: {} };
    await Deno.writeTextFile(join(run("theme-deepred-20260103_000000"), "run.json"), JSON.stringify(complete));
    const runs = await runsIn(outputs);
    equal(runs.length, 3);
    equal((await latestCheckpoint(runs)).run, run("theme-deepred-20260102_000000"));
    deepEqual(await runsIn(run("none")), []);
  });
});
