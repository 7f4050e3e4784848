/** Merging with the real torch, transformers and PEFT, on the tiny base model. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { parseOptions } from "@/core/options.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { runPython } from "@/core/python.ts";
import { delay } from "@/core/python_process.ts";
import { findPython } from "@/core/python_venv.ts";
import { merge } from "@/steps/merge.ts";
import { readAdapter } from "@/training/adapter.ts";
import { compareModels } from "@/training/merge_compare.ts";
import { judgeMerge, MergeFigures } from "@/training/merge_gate.ts";
import { readMergeRecord } from "@/training/merge_record.ts";
import { readModel, tensorBlocks } from "@/training/safetensors.ts";
import { makeTinyBase } from "@/training/tiny_base.ts";
import { withFolder } from "../fakes/folder.ts";
import { realContext } from "../fakes/llama.ts";
import { type FakeTensor, toBf16, writeAdapter, writeSafetensors } from "../fakes/safetensors.ts";

const ignore = !await findPython().then(() => true, () => false);

const run = (args: string[], context = realContext()) => merge.run(parseOptions(merge.options, args), context);

const SENTENCES = ["The plan is kept.", "The river carries stone and light.", "What the council decides is done."];

/** A tiny base, an adapter on it, and held-out rows, in a folder of its own. */
async function setUp(folder: string): Promise<{ base: string; lora: string; args: string[]; output: string }> {
  const base = await makeTinyBase(realContext());
  const lora = await writeAdapter(join(folder, "run", "final"), base);
  const prompts = join(folder, "val.jsonl");
  const rows = Array.from({ length: 32 }, (_, at) => ({
    messages: [
      { role: "user", content: `What happened on day ${at}?` },
      { role: "assistant", content: SENTENCES.map((_, n) => SENTENCES[(n + at) % SENTENCES.length]).join(" ") },
    ],
  }));
  await Deno.writeTextFile(prompts, rows.map((row) => JSON.stringify(row)).join("\n") + "\n");
  const output = join(folder, "merged");
  return {
    base,
    lora,
    output,
    args: ["--lora-path", lora, "--output-path", output, "--prompts", prompts, "--device", "cpu"],
  };
}

/** A model's tensors, to be written anew with changes. */
async function loadTensors(folder: string): Promise<Record<string, FakeTensor>> {
  const tensors: Record<string, FakeTensor> = {};
  for (const [name, tensor] of await readModel(folder)) {
    const data = await new Blob(await Array.fromAsync(tensorBlocks(tensor))).bytes();
    tensors[name] = { dtype: tensor.dtype, shape: tensor.shape, data };
  }
  return tensors;
}

async function copyFolder(from: string, to: string): Promise<string> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) await Deno.copyFile(join(from, name), join(to, name));
  return to;
}

Deno.test({
  name: "an adapter is merged, measured against base and adapter, and recorded with its lineage",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { base, lora, args, output } = await setUp(folder);
      const { figures, findings } = await run(args);
      ok(figures && figures.positions > 500 && figures.prompts === 32);
      ok(figures.meanKl < 1e-6 && figures.topAgreement === 1, JSON.stringify(figures));
      ok(figures.baseKl > 1e-3 && figures.baseKl > 1000 * figures.meanKl);
      ok(findings.every(({ level }) => level === "ok"), JSON.stringify(findings));
      const record = await readMergeRecord(output);
      equal(record?.adapter?.path, lora);
      match(record?.adapter?.sha256 ?? "", /^[0-9a-f]{64}$/);
      equal(record?.base.folder, base);
      equal(record?.model.dtype, "F32");
      equal(record?.run?.folder, join(folder, "run"));
      for (const name of ["tokenizer.json", "tokenizer.model", "tokenizer_config.json", "chat_template.jinja"]) {
        deepEqual(await Deno.readFile(join(output, name)), await Deno.readFile(join(base, name)), name);
      }
      await rejects(run(args), /exists already/);
      // The same model, checked again: nothing is written.
      const again = await run([...args, "--verify-only"]);
      equal(again.figures?.positions, figures.positions);
    }),
});

Deno.test({
  name: "the tokenizer of the run is kept where it is asked for: its template is served, the base's is not",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { base: tiny, lora, args: given, output } = await setUp(folder);
      // As on the hub: the template stands in the configuration, and writes a date that Axolotl's llama3 does not.
      const base = await copyFolder(tiny, join(folder, "base"));
      const template = await Deno.readTextFile(join(base, "chat_template.jinja"));
      await Deno.remove(join(base, "chat_template.jinja"));
      const configPath = join(base, "tokenizer_config.json");
      const config = JSON.parse(await Deno.readTextFile(configPath));
      const dated = "{{- '<|im_start|>system\\nToday is 26 Jul 2024.<|im_end|>\\n' }}" + template;
      await Deno.writeTextFile(configPath, JSON.stringify({ ...config, chat_template: dated }));
      const args = [...given, "--base-model", base];
      await rejects(run([...args, "--tokenizer-from", "run"]), /no tokenizer_config.json beside/);

      const saved = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
      for (const name of saved) await Deno.copyFile(join(tiny, name), join(lora, name));
      const { findings } = await run([...args, "--tokenizer-from", "run"]);
      ok(findings.every(({ level }) => level === "ok"), JSON.stringify(findings));
      for (const name of saved) {
        deepEqual(await Deno.readFile(join(output, name)), await Deno.readFile(join(lora, name)), name);
      }
      equal((await readMergeRecord(output))?.tokenizer, "run");
      equal(await isThere(join(output, "tokenizer.model")), true);
      await run([...args, "--tokenizer-from", "run", "--verify-only"]);
      await rejects(run([...args, "--verify-only"]), /chat_template.jinja: the base has none/);

      const kept = await run([...args, "--overwrite"]);
      equal(kept.findings.find(({ check }) => check === "template")?.level, "warning");
      ok(!await isThere(join(output, "chat_template.jinja")));

      const path = join(lora, "tokenizer.json");
      const tokenizer = JSON.parse(await Deno.readTextFile(path));
      const [one, other] = Object.keys(tokenizer.model.vocab).slice(100, 102);
      const { vocab } = tokenizer.model;
      [vocab[one ?? ""], vocab[other ?? ""]] = [vocab[other ?? ""], vocab[one ?? ""]];
      await Deno.writeTextFile(path, JSON.stringify(tokenizer));
      await rejects(
        run([...args, "--overwrite", "--tokenizer-from", "run"]),
        /numbers 2 tokens otherwise than the base/,
      );
    }),
});

Deno.test({
  name: "a merge that lost half of its adapter passes by its files and fails by what it says",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { base, args, output } = await setUp(folder);
      await copyFolder(base, output);
      await rejects(
        run([...args, "--verify-only"]),
        /none of the \d+ tensors of the adapter changed: the adapter was lost/,
      );
      // One tensor is really changed, so that the files alone look like a merge.
      const tensors = await loadTensors(base);
      const name = "model.layers.0.mlp.up_proj.weight";
      const numbers = new Float32Array((tensors[name]?.data ?? new Uint8Array()).slice().buffer);
      numbers[0] = (numbers[0] ?? 0) + 1e-4;
      tensors[name] = { dtype: "F32", shape: tensors[name]?.shape ?? [], data: new Uint8Array(numbers.buffer) };
      await writeSafetensors(join(output, "model.safetensors"), tensors);
      await rejects(run([...args, "--verify-only"]), (error: Error & { hint?: string }) => {
        match(error.message, /the merged model is not base \+ adapter: mean KL/);
        match(error.message, /cannot be told from the base/);
        match(error.hint ?? "", /lost on the way/);
        return true;
      });
    }),
});

Deno.test({
  name: "a base in bfloat16 keeps its type, and merging costs no more than rounding once",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { base: full, args, output } = await setUp(folder);
      const base = await copyFolder(full, join(folder, "bf16"));
      const tensors = await loadTensors(full);
      for (const [name, { shape, data }] of Object.entries(tensors)) {
        tensors[name] = { dtype: "BF16", shape, data: toBf16(data) };
      }
      await writeSafetensors(join(base, "model.safetensors"), tensors);
      const { figures } = await run([...args, "--base-model", base]);
      ok(figures && figures.meanKl > 1e-9 && figures.meanKl < 1e-3 && figures.topAgreement >= 0.99);
      equal((await readMergeRecord(output))?.model.dtype, "BF16");
    }),
});

const Variant = MergeFigures.extend({ base: z.string(), adapter: z.string(), merged: z.string() });

Deno.test({
  name: "adapters of every kind are merged: into shards, tied heads and half precision, with heads of their own",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const context = realContext();
      const script = join(WORKSPACE, "tests", "fakes", "merge_variants.py");
      const args = [folder, await makeTinyBase(context)];
      for await (const event of runPython("train", script, args, context)) context.emit(event);
      const results = JSON.parse(await Deno.readTextFile(join(folder, "results.json")));
      for (const [name, result] of Object.entries(results)) {
        const { base, adapter, merged, ...figures } = Variant.parse(result);
        const { targets } = await readAdapter(adapter);
        const findings = [
          ...await compareModels({ base, merged, targets }, context),
          ...judgeMerge(figures, "BF16"),
        ];
        ok(findings.every(({ level }) => level === "ok"), `${name}: ${JSON.stringify(findings)}`);
      }
      equal(Object.keys(results).length, 4);
    }),
});

Deno.test({
  name: "a merge is measured against the adapter beside the base in 4 bit, where that can be held here",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { args, output } = await setUp(folder);
      const { figures, findings } = await run([...args, "--measure-4bit"]);
      const said = findings.find(({ check }) => check === "4 bit");
      const fourBit = figures?.fourBit;
      ok(figures && fourBit, JSON.stringify(figures));
      if ("missing" in fourBit) {
        console.log(`not measured: ${fourBit.missing}`);
        return equal(said?.level, "warning");
      }
      const { meanKl, topAgreement, trainedLoss, mergedLoss, lossError, positions } = fourBit;
      // Rounding to 4 bits shows, and far less than the adapter does.
      ok(meanKl > 1000 * figures.meanKl && meanKl < figures.baseKl / 2, JSON.stringify(figures));
      ok(topAgreement > 0.8 && topAgreement <= 1);
      ok(Math.abs(mergedLoss - trainedLoss) < 0.5 && trainedLoss > 0 && lossError > 0);
      equal(positions, figures.positions);
      match(said?.message ?? "", /in 4 bit: mean KL \d.*loss on the held-out text \d/);
      deepEqual((await readMergeRecord(output))?.figures?.fourBit, fourBit);
    }),
});

/** Runs the task as a user would, and answers the process. */
function task(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--lock=deno.lock", "--frozen", "-A", "tasks/step.ts", "merge", ...args],
    cwd: WORKSPACE,
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) await delay(20);
}

const isThere = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test({
  name: "a merge that is killed leaves nothing under its name, and the next one clears up behind it",
  ignore: ignore || Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const { args, output } = await setUp(folder);
      const part = join(folder, ".merged.part");
      const killed = task(args);
      await until(() => isThere(join(part, "merged", "model.safetensors")));
      killed.kill("SIGKILL");
      await killed.status;
      ok(!await isThere(output));
      const { figures } = await run(args);
      ok(figures);
      ok(!await isThere(part));
      // Stopped in order, nothing is left at all.
      const stopped = task([...args, "--output-path", join(folder, "second")]);
      await until(() => isThere(join(folder, ".second.part", "merged", "config.json")));
      stopped.kill("SIGINT");
      equal((await stopped.status).code, 130);
      ok(!await isThere(join(folder, "second")) && !await isThere(join(folder, ".second.part")));
    }),
});

Deno.test({
  name: "a disk that fills up while merging is told as such, and nothing is left",
  ignore: ignore || Deno.build.os !== "linux" || Deno.uid() !== 0,
  fn: () =>
    withFolder(async (folder) => {
      const { args } = await setUp(folder);
      const disk = join(folder, "disk");
      await Deno.mkdir(disk);
      const mount = async (...call: string[]) => (await new Deno.Command("mount", { args: call }).output()).success;
      if (!await mount("-t", "tmpfs", "-o", "size=24m", "tmpfs", disk)) return;
      try {
        const output = join(disk, "merged");
        const full = async (room: number) => {
          const filler = join(disk, "filler");
          await Deno.writeFile(filler, new Uint8Array(24e6 - room));
          await rejects(run([...args, "--output-path", output]), (error: Error) => {
            match(error.message, /the disk is full|of the disk are free/);
            return true;
          });
          await Deno.remove(filler);
          deepEqual(await Array.fromAsync(Deno.readDir(disk)), []);
        };
        await full(1e6); // Known before.
        const context = realContext();
        const started = run([...args, "--output-path", output], {
          ...context,
          // It fills up behind our back, after the first look.
          emit(event) {
            context.emit(event);
            if (event.type === "progress" && event.label === "base" && event.done === 1) {
              Deno.writeFileSync(join(disk, "filler"), new Uint8Array(20e6));
            }
          },
        });
        await rejects(started, /the disk is full/);
        ok(!await isThere(output) && !await isThere(join(disk, ".merged.part")));
      } finally {
        await new Deno.Command("umount", { args: [disk] }).output();
      }
    }),
});
