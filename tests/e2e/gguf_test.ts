/** The real converter, llama-quantize, llama-server and llama-perplexity on the tiny base model. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { dirname, join } from "node:path";
import { readEnvironment } from "@/core/env.ts";
import { parseOptions } from "@/core/options.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { delay } from "@/core/python_process.ts";
import { findToolchain, interpreterOf } from "@/core/python_venv.ts";
import type { Context } from "@/core/step.ts";
import { readGguf } from "@/llm/gguf_header.ts";
import { llamaConverter } from "@/llm/llama_cpp.ts";
import { gguf } from "@/steps/gguf.ts";
import { merge } from "@/steps/merge.ts";
import { templateOf } from "@/training/gguf_check.ts";
import { readGgufRecord } from "@/training/gguf_record.ts";
import { rehearsalPath } from "@/training/rehearse.ts";
import { makeTinyBase } from "@/training/tiny_base.ts";
import { withFolder } from "../fakes/folder.ts";
import { realContext, whyNoLlama } from "../fakes/llama.ts";
import { writeAdapter } from "../fakes/safetensors.ts";

const reason = await whyNoLlama();
if (reason) console.warn(`skipping tests that make a GGUF: ${reason}`);
const ignore = reason !== undefined;

const run = (args: string[], context: Context = realContext()) => gguf.run(parseOptions(gguf.options, args), context);

const FEW = ["--kl-chunks", "4", "--kl-context", "128", "--threads", "1"];

const names = async (folder: string) => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
const isThere = (path: string) => Deno.stat(path).then(() => true, () => false);

/** A copy of the tiny base, to be spoilt, and where its GGUF shall go. */
async function setUp(folder: string): Promise<{ model: string; output: string; args: string[] }> {
  const base = await makeTinyBase(realContext());
  const model = join(folder, "model");
  await Deno.mkdir(model);
  for (const name of await names(base)) await Deno.copyFile(join(base, name), join(model, name));
  const output = join(folder, "out", "voice.gguf");
  const root = join(folder, "data");
  return { model, output, args: ["--model-path", model, "--output-path", output, "--data-dir", root, ...FEW] };
}

Deno.test({
  name: "a model becomes a q4_k_m that was loaded, asked and measured, with its f16 beside it",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { args, output } = await setUp(folder);
      const { record } = await run([...args, "--keep-f16"]);
      deepEqual(await names(dirname(output)), ["voice-f16.gguf", "voice.gguf", "voice.gguf.json"]);
      const levels = Object.fromEntries(record.findings.map(({ check, level }) => [check, level]));
      for (const check of ["metadata", "special tokens", "chat template", "loads", "divergence"]) {
        equal(levels[check], "ok", JSON.stringify(record.findings));
      }
      equal(levels.conversion, "warning"); // This folder was not merged here.
      ok(record.divergence && record.divergence.meanKld.value > 0 && record.divergence.meanKld.value < 0.05);
      equal(record.divergence?.chunks, 4);
      ok((record.gguf.tensorTypes[12] ?? 0) > 0, "there are tensors in Q4_K");
      ok(record.gguf.bytes < (record.f16?.bytes ?? 0) / 2);
      deepEqual(await readGgufRecord(output), JSON.parse(JSON.stringify(record)));
      await rejects(run(args), /exists already/);
      await rejects(run([...args, "--overwrite", "--quant-type", "q4_k_x"]), /did you mean "q4_k/);
    }),
});

Deno.test({
  name: "a GGUF has the chat template that the run was trained by, also where the base's stands in its configuration",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { model: base, args } = await setUp(folder);
      const path = join(base, "tokenizer_config.json");
      const config = await Deno.readTextFile(path);
      const template = await Deno.readTextFile(join(base, "chat_template.jinja"));
      const lora = await writeAdapter(join(folder, "run", "final"), base);
      await Deno.writeTextFile(join(lora, "tokenizer_config.json"), config);
      for (const name of ["tokenizer.json", "chat_template.jinja"]) {
        await Deno.rename(join(base, name), join(lora, name));
      }
      await Deno.copyFile(join(lora, "tokenizer.json"), join(base, "tokenizer.json"));
      const chat_template = "{{- '<|im_start|>system\\nToday is 26 Jul 2024.<|im_end|>\\n' }}" + template;
      await Deno.writeTextFile(path, JSON.stringify({ ...JSON.parse(config), chat_template }));

      const merged = join(folder, "merged");
      const options = ["--lora-path", lora, "--base-model", base, "--output-path", merged, "--tokenizer-from", "run"];
      await merge.run(
        parseOptions(merge.options, [...options, "--prompt-count", "4", "--device", "cpu"]),
        realContext(),
      );
      const { record } = await run([...args, "--model-path", merged, "--quant-type", "f16"]);
      ok(record.findings.every(({ level }) => level === "ok"), JSON.stringify(record.findings));
      equal(templateOf(await readGguf(join(folder, "out", "voice.gguf"))), template);
    }),
});

Deno.test({
  name: "a divergence above the limit, a conversion and a rendering that went wrong leave no file",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { args, output, model } = await setUp(folder);
      await rejects(run([...args, "--kl-fail", "0.0000001"]), /KL divergence from the f16 [\d.]+ .*: more than 1e-7/);
      // As if PyTorch had said something else before the conversion, and transformers had rendered otherwise.
      await Deno.writeTextFile(
        join(model, "merge_probes.json"),
        JSON.stringify({
          next: [{ tokens: [10, 20, 30], next: 0 }],
          rendered: [{ messages: [{ role: "user", content: "Why?" }], text: "[INST] Why? [/INST]" }],
        }),
      );
      await rejects(run([...args, "--quant-type", "f16"]), (error: Error) => {
        match(error.message, /0 of 1 next tokens/);
        match(error.message, /renders 1 of 1 conversations otherwise than transformers/);
        return true;
      });
      deepEqual(await names(dirname(output)), []);
    }),
});

Deno.test({
  name: "q8_0 takes no program: without one it is converted and checked, and what was not done is said",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { args, output } = await setUp(folder);
      const real = readEnvironment();
      const venv = await findToolchain("train", real);
      if (!venv) return; // Whoever has none yet is given one by the other tests.
      const env = {
        VOICEWORKS_PYTHON_TRAIN: real.VOICEWORKS_PYTHON_TRAIN ?? interpreterOf(venv),
        VOICEWORKS_CACHE: join(folder, "empty"),
        LLAMA_CPP_DIR: dirname(await llamaConverter(realContext())),
      };
      const { record } = await run([...args, "--quant-type", "Q8_0"], { ...realContext(), env });
      equal(record.gguf.quantType, "q8_0");
      const loads = record.findings.find(({ check }) => check === "loads");
      match(`${loads?.level}: ${loads?.message}`, /^warning: not loaded.* no llama-server/);
      ok(await isThere(output));
    }),
});

Deno.test({
  name: "a GGUF that is being made is not there when its maker is killed; the next one clears up behind it",
  ignore: ignore || Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const { args, output } = await setUp(folder);
      const part = join(dirname(output), ".voice.gguf.part");
      const killed = new Deno.Command(Deno.execPath(), {
        args: ["run", "--lock=deno.lock", "--frozen", "-A", "tasks/step.ts", "gguf", ...args],
        cwd: WORKSPACE,
        stdout: "null",
        stderr: "null",
      }).spawn();
      while (!await isThere(join(part, "model-quantised.gguf"))) await delay(20);
      killed.kill("SIGKILL");
      await killed.status;
      deepEqual((await names(dirname(output))).filter((name) => !name.startsWith(".")), []);
      await run([...args, "--no-verify"]);
      deepEqual(await names(dirname(output)), ["voice.gguf", "voice.gguf.json"]);
    }),
});

Deno.test({
  name: "a disk that fills up while quantising is told as such, and nothing is left",
  ignore: ignore || Deno.build.os !== "linux" || Deno.uid() !== 0,
  fn: () =>
    withFolder(async (folder) => {
      const { args } = await setUp(folder);
      const disk = join(folder, "disk");
      await Deno.mkdir(disk);
      const mount = new Deno.Command("mount", { args: ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk] });
      if (!(await mount.output()).success) return;
      try {
        const context = realContext();
        const full = run([...args, "--output-path", join(disk, "voice.gguf")], {
          ...context,
          emit(event) {
            context.emit(event);
            if (event.type !== "log" || !event.message.startsWith("quantising")) return;
            try {
              for (let at = 0;; at++) Deno.writeFileSync(join(disk, `filler-${at}`), new Uint8Array(100_000));
            } catch {
              // Full.
            }
          },
        });
        await rejects(full, /the disk is full/);
        deepEqual((await names(disk)).filter((name) => !name.startsWith("filler")), []);
      } finally {
        await new Deno.Command("umount", { args: [disk] }).output();
      }
    }),
});

Deno.test({
  name: "the way out is rehearsed on an untrained base, and only the record is kept",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const args = ["--rehearse", "--recipe", "cpu-rehearsal", "--data-dir", folder, ...FEW];
      const { output, record } = await run(args);
      equal(output, undefined);
      equal(record.model.merge?.adapter, null);
      const found = Object.fromEntries(record.findings.map(({ check, level }) => [check, level]));
      equal(found.conversion, "ok");
      equal(found.rendering, "ok");
      deepEqual(await names(join(folder, "output")), ["export-rehearsal.json"]);
      ok(await isThere(rehearsalPath(folder)));
    }),
});
