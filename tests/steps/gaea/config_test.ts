import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UserError } from "@/core/errors.ts";
import { writeJsonl } from "@/core/jsonl.ts";
import { checkConfig, readConfigValues } from "@/training/axolotl_check.ts";
import { configParts, configValues, renderConfig } from "@/training/axolotl_config.ts";
import { readAxolotlConfig, recipeOf } from "@/training/axolotl_recipe.ts";
import { config } from "@/steps/gaea/config.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";

const run = (folder: string, options: Record<string, unknown> = {}, context = fakeContext()) =>
  config.run(config.options.parse({ dataDir: folder, axolotl: false, ...options }), context);

/** Examples as gaea:prepare leaves them. */
async function prepared(folder: string, training = 36, validation = 4): Promise<string> {
  const rows = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      messages: [{ role: "user", content: `You wait ${i}.` }, { role: "assistant", content: " You go." }],
    }));
  const processed = join(folder, "gaea", "processed");
  await writeJsonl(join(processed, "visions_training.jsonl"), rows(training));
  await writeJsonl(join(processed, "validation.jsonl"), rows(validation));
  return processed;
}

const GOOD = configValues(configParts({
  ...config.options.parse({}),
  dataset: "train.jsonl",
  validation: "val.jsonl",
  outputDir: "out",
}));
const messagesOf = async (values: Record<string, unknown>, data?: Parameters<typeof checkConfig>[1]) =>
  (await checkConfig({ ...GOOD, ...values }, data)).findings.filter(({ level }) => level !== "ok")
    .map(({ level, message, remedy }) => `${level}: ${message} ${remedy ?? ""}`).join("\n");

Deno.test("gaea:config writes the values of the document, with what makes them mean what the author thinks", () =>
  withFolder(async (folder) => {
    await prepared(folder);
    const { path } = await run(folder);
    equal(path, join(folder, "gaea", "qlora_style_transfer.yaml"));
    const values = await readConfigValues(path) as Record<string, unknown>;
    const wanted = {
      base_model: "meta-llama/Llama-3.1-8B-Instruct",
      load_in_4bit: true,
      adapter: "qlora",
      lora_r: 16,
      lora_alpha: 32,
      lora_dropout: 0.05,
      sequence_len: 4096,
      micro_batch_size: 1,
      gradient_accumulation_steps: 8,
      num_epochs: 3,
      learning_rate: 0.0002,
      saves_per_epoch: 2,
      evals_per_epoch: 2,
      save_total_limit: 8,
      load_best_model_at_end: true,
      excess_length_strategy: "raise",
      chat_template: "llama3",
      val_set_size: 0,
    };
    for (const [key, value] of Object.entries(wanted)) equal(values[key], value, key);
    match(await Deno.readTextFile(path), /^# Written by: deno task gaea:config\n/);
    // The trainer reads the same file.
    const read = await readAxolotlConfig(path);
    equal(read.datasets[0]?.path, join(folder, "gaea", "processed", "visions_training.jsonl"));
    equal(recipeOf(read, 36).learningRate, 2e-4);
  }));

Deno.test("gaea:config takes the moves of troubleshooting as flags, and writes them down", () =>
  withFolder(async (folder) => {
    await prepared(folder);
    const { path } = await run(folder, {
      epochs: 5,
      loraR: 32,
      loraAlpha: 64,
      sequenceLen: 3072,
      learningRate: 3e-4,
      baseModel: "Qwen/Qwen2.5-7B-Instruct",
      samplePacking: true,
    });
    const values = await readConfigValues(path) as Record<string, unknown>;
    deepEqual(
      ["num_epochs", "lora_r", "lora_alpha", "sequence_len", "learning_rate", "save_total_limit", "chat_template"]
        .map((key) => values[key]),
      [5, 32, 64, 3072, 0.0003, 12, "tokenizer_default"],
    );
    ok(!("special_tokens" in values));
    match(
      await Deno.readTextFile(path),
      /# Written by: .*--base-model Qwen\/Qwen2\.5-7B-Instruct --epochs 5 --learning-rate 0\.0003 .*--sample-packing/,
    );
  }));

Deno.test("renderConfig keeps every value, odd paths and small numbers included", async () => {
  const parts = [{ comment: "Why.", values: { a: "C:\\x: y #z", b: 1e-6, c: [{ d: "<|pad|>" }], e: "on", n: 0 } }];
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(folder, "c.yaml"), await renderConfig(parts, ["Head."]));
    deepEqual(await readConfigValues(join(folder, "c.yaml")), configValues(parts));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("checkConfig refuses keys that Axolotl would drop, and values of another kind", async () => {
  equal(await messagesOf({}), "");
  match(await messagesOf({ lora_rr: 4 }), /error: "lora_rr" is no key of Axolotl.*Did you mean "lora_r"\?/);
  match(await messagesOf({ datasets: [{ path: "x", roles_to_trian: [] }] }), /"datasets\.0\.roles_to_trian" is no key/);
  match(await messagesOf({ lora_r: "many" }), /"lora_r": expected (?:number|int)/);
  match(await messagesOf({ chat_template: "llama33" }), /"chat_template": /);
  match(await messagesOf({ learning_rate: undefined }), /"learning_rate"/);
  match(await messagesOf({ datasets: [] }), /exactly one dataset/);
  match((await checkConfig("x", undefined)).findings[0]?.message ?? "", /"the file": expected object/);
  equal(await messagesOf({ liger_rope: true, plugins: ["axolotl.integrations.liger.LigerPlugin"] }), "");
});

Deno.test("checkConfig names the traps that Axolotl does not", async () => {
  match(await messagesOf({ val_set_size: 0.1 }), /error: test_datasets and val_set_size exclude each other/);
  match(await messagesOf({ save_steps: 10 }), /error: saves_per_epoch and save_steps exclude each other/);
  match(await messagesOf({ evals_per_epoch: 4 }), /warning: checkpoints are saved and evaluated at different steps/);
  match(await messagesOf({ load_best_model_at_end: false }), /warning: what is left at the end is the last state/);
  match(await messagesOf({ excess_length_strategy: "drop" }), /warning: examples that are too long would be left out/);
  match(await messagesOf({ load_in_4bit: false }), /error: adapter qlora with load_in_4bit false/);
  match(await messagesOf({ lora_modules_to_save: ["lm_head"] }), /warning: the head or the embeddings are trained/);
  match(await messagesOf({ test_datasets: undefined }), /warning: nothing is held out/);
});

Deno.test("checkConfig reckons the steps, and says which checkpoints would be lost", async () => {
  const data = { training: 36, validation: 4, longest: 3682 };
  const { steps, findings } = await checkConfig(GOOD, data);
  equal(steps?.totalSteps, 15); // 36 examples, 8 to a step: 5 an epoch, not the 36 that one would think.
  match(
    findings.map(({ message }) => message).join("\n"),
    /36 examples, 8 to a step, 3 epochs: 15 steps; the model sees 108/,
  );
  equal(await messagesOf({}, data), "");
  match(await messagesOf({ save_total_limit: 2 }, data), /5 checkpoints are saved and 3 of them deleted/);
  match(await messagesOf({ save_total_limit: undefined }, data), /1 of them deleted/);
  match(
    await messagesOf({ sequence_len: 3072 }, data),
    /error: the longest example has 3682 tokens, sequence_len is 3072/,
  );
  match(await messagesOf({ num_epochs: 1 }, data), /warning: 36 examples, 8 to a step, 1 epochs: 5 steps/);
});

Deno.test("gaea:config refuses what would stop the training, and writes nothing then", () =>
  withFolder(async (folder) => {
    const processed = await prepared(folder);
    const figures = {
      chunks: 40,
      training: 36,
      validation: 4,
      max_tokens: 3682,
      avg_tokens: 2303,
      over_3000: 7,
      over_4000: 0,
    };
    await Deno.writeTextFile(
      join(processed, "visions_training_stats.json"),
      JSON.stringify({
        ...{ tokenizer: "o200k", template: null, limit: 4000, min_tokens: 400, prefix_least: 0.05, prefix_most: 0.1 },
        ...{ before: null, after: figures, examples: [], rejected: [], skipped: [] },
      }),
    );
    await rejects(run(folder, { sequenceLen: 3072 }), (error) => {
      ok(error instanceof UserError);
      match(
        error.message,
        /longest example has 3682 tokens, sequence_len is 3072\n.*Prepare anew with --sequence-length 3072/,
      );
      return true;
    });
    equal(await Deno.stat(join(folder, "gaea", "qlora_style_transfer.yaml")).then(() => true, () => false), false);
    await run(folder);
    await rejects(run(folder), /exists already/);
    await run(folder, { overwrite: true });
    const path = join(folder, "gaea", "qlora_style_transfer.yaml");
    await Deno.writeTextFile(path, "# by hand\n");
    await run(folder, { overwrite: true });
    equal(await Deno.readTextFile(`${path}.before`), "# by hand\n");
  }));

Deno.test("gaea:config checks a file that was edited by hand", () =>
  withFolder(async (folder) => {
    await prepared(folder);
    const { path } = await run(folder);
    const text = await Deno.readTextFile(path);
    const { findings } = await run(folder, { check: true });
    ok(findings.some(({ message }) => /15 steps/.test(message)));
    await Deno.writeTextFile(path, text.replace("lora_alpha:", "lora_alfa:"));
    await rejects(run(folder, { check: true }), /"lora_alfa" is no key of Axolotl.*\n.*Did you mean "lora_alpha"/);
    await Deno.writeTextFile(path, "a: [");
    await rejects(run(folder, { check: true }), /it is not YAML/);
    await rejects(run(folder, { check: true, output: join(folder, "none.yaml") }), /there is no such file/);
  }));

Deno.test("gaea:config without examples says so and writes all the same", () =>
  withFolder(async (folder) => {
    const context = fakeContext();
    const { steps } = await run(folder, {}, context);
    equal(steps, undefined);
    match(JSON.stringify(context.events), /is not there yet: make it by deno task gaea:prepare/);
  }));

Deno.test("the task gaea:config runs with its own permissions, and gaea:train reads what it wrote", () =>
  withFolder(async (folder) => {
    await prepared(folder);
    const task = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["task", "-q", ...args],
        stdout: "piped",
        stderr: "piped",
      })
        .output();
      return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
    };
    const written = await task("gaea:config", "--data-dir", folder, "--no-axolotl");
    equal(written.code, 0, written.text);
    match(written.text, /✓ 36 examples, 8 to a step, 3 epochs: 15 steps/);
    const planned = await task(
      "gaea:train",
      "--data-dir",
      folder,
      "--trainer",
      "trl",
      "--base-model",
      "tiny",
      "--dry-run",
    );
    ok(!/not YAML/.test(planned.text), planned.text);
  }));
