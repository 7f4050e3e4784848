/** What is found out without a model; the real chain is in tests/e2e/gguf_test.ts. */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { findPython } from "@/core/python_venv.ts";
import { type GgufValue, readGguf } from "@/llm/gguf_header.ts";
import { f16Path } from "@/training/gguf.ts";
import { checkGguf, type ModelFacts, readModelFacts } from "@/training/gguf_check.ts";
import { convertModel } from "@/training/gguf_convert.ts";
import { compareAnswers } from "@/training/gguf_serve.ts";
import { proseOf, questionsOf, readHeldOut } from "@/training/held_out.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";
import { tinyModel } from "../fakes/llama.ts";

const noPython = !await findPython().then(() => true, () => false);

Deno.test({
  name: "a GGUF's metadata and tensors are read; one that is cut short, or is none, is refused",
  ignore: noPython,
  fn: () =>
    withFolder(async (folder) => {
      const path = await tinyModel(join(folder, "tiny.gguf"));
      const { metadata, tensors } = await readGguf(path);
      equal(metadata.get("general.architecture"), "llama");
      equal(metadata.get("llama.block_count"), 2);
      const tokens = metadata.get("tokenizer.ggml.tokens") as readonly GgufValue[];
      equal(tokens[4], "<|im_end|>");
      equal(metadata.get("tokenizer.ggml.add_bos_token"), false);
      equal(tensors.length, 21);
      deepEqual(tensors[0], { name: "token_embd.weight", shape: [256, tokens.length], type: 1 });
      const whole = await Deno.readFile(path);
      await Deno.writeFile(path, whole.slice(0, 5000));
      await rejects(readGguf(path), /ends within its header/);
      // Behind its header, and by a single byte.
      for (const length of [whole.length - 50_000, whole.length - 1]) {
        await Deno.writeFile(path, whole.slice(0, length));
        await rejects(readGguf(path), /bytes and should have \d+, so it was cut off/);
      }
      await Deno.writeTextFile(path, "not a model at all");
      await rejects(readGguf(path), /not a GGUF/);
      await rejects(readGguf(folder), /is a folder/);
    }),
});

const FACTS: ModelFacts = {
  vocabulary: 3,
  layers: 2,
  context: 64,
  special: { bos: undefined, eos: "<|im_end|>", pad: "<pad>" },
  chatTemplate: "{{ messages }}",
};

function verdicts(change: Record<string, GgufValue | undefined>, facts: Partial<ModelFacts> = {}) {
  const entries: Record<string, GgufValue | undefined> = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.context_length": 64,
    "tokenizer.ggml.tokens": ["<s>", "<|im_end|>", "<pad>"],
    "tokenizer.ggml.eos_token_id": 1,
    "tokenizer.ggml.padding_token_id": 2,
    "tokenizer.chat_template": "{{ messages }}",
    ...change,
  };
  const metadata = new Map(
    Object.entries(entries).flatMap(([key, value]) => value === undefined ? [] : [[key, value]]),
  );
  const header = { size: 100, metadata, tensors: [{ name: "token_embd.weight", shape: [1, 3], type: 1 }] };
  return Object.fromEntries(
    checkGguf(header, { ...FACTS, ...facts }).map(({ check, level, message }) => [check, `${level}: ${message}`]),
  );
}

Deno.test("metadata that agree with the model's folder pass", () => {
  const found = verdicts({});
  match(found.metadata ?? "", /^ok: llama, 1 tensors, a vocabulary of 3/);
  equal(found["special tokens"], "ok: special tokens: eos <|im_end|> (1), pad <pad> (2)");
  match(found["chat template"] ?? "", /^ok: .* to the byte/);
});

Deno.test("a wrong chat template is caught, with the place where it differs", () => {
  const other = verdicts({ "tokenizer.chat_template": "{{ message }}" })["chat template"] ?? "";
  match(other, /^error: .* at character 10: "\{\{ message \}\}", "\{\{ messages \}\}"/);
  match(verdicts({ "tokenizer.chat_template": undefined })["chat template"] ?? "", /^error: the GGUF lacks/);
  match(verdicts({}, { chatTemplate: undefined })["chat template"] ?? "", /^error: the GGUF has a chat template/);
});

Deno.test("another end of a turn is an error, another padding a warning", () => {
  match(verdicts({ "tokenizer.ggml.eos_token_id": 0 })["special tokens"] ?? "", /^error: .*eos token is "<s>"/);
  match(
    verdicts({ "tokenizer.ggml.eos_token_id": undefined })["special tokens"] ?? "",
    /^error: .*eos token is "none"/,
  );
  match(verdicts({ "tokenizer.ggml.padding_token_id": 0 })["special tokens"] ?? "", /^warning: .*pad token/);
});

Deno.test("a vocabulary, layers or a context that differ are named together", () => {
  const found = verdicts({ "tokenizer.ggml.tokens": ["<s>", "<|im_end|>"], "llama.block_count": undefined }).metadata;
  match(found ?? "", /^error: the GGUF has vocabulary 2 instead of 3, layers missing instead of 2/);
});

Deno.test("a folder's template is the file's before the configuration's, tokens may be objects", () =>
  withFolder(async (folder) => {
    const write = (name: string, value: unknown) => Deno.writeTextFile(join(folder, name), JSON.stringify(value));
    await write("config.json", { text_config: { vocab_size: 7, num_hidden_layers: 1 } });
    await write("tokenizer_config.json", {
      eos_token: { content: "</s>", lstrip: false },
      bos_token: null,
      chat_template: [{ name: "tool_use", template: "t" }, { name: "default", template: "d" }],
    });
    const facts = await readModelFacts(folder);
    deepEqual([facts.vocabulary, facts.special.eos, facts.special.bos, facts.chatTemplate], [
      7,
      "</s>",
      undefined,
      "d",
    ]);
    await Deno.writeTextFile(join(folder, "chat_template.jinja"), "file");
    equal((await readModelFacts(folder)).chatTemplate, "file");
    await write("tokenizer_config.json", []);
    await rejects(readModelFacts(folder), /tokenizer_config.json": it is not what/);
  }));

Deno.test("answers are compared by their beginnings; one that fell silent is an error", () => {
  equal(compareAnswers(["a b c", "x"], ["a b c", "x"]).level, "ok");
  match(compareAnswers(["a b c", "x"], ["a b d", "y"]).message, /0 of 2 are equal, 1 begin alike, 33 %/);
  equal(compareAnswers(["a", "b", "c"], ["x", "y", "c"]).level, "warning");
  equal(compareAnswers(["a", ""], ["", ""]).level, "error");
  equal(compareAnswers(["", ""], ["", ""]).level, "ok");
});

Deno.test("held-out rows are chats, prompts with completions, or texts; prose has no marks of a template", () =>
  withFolder(async (folder) => {
    const path = join(folder, "val.jsonl");
    const chat = [
      { role: "system", content: "You are brief." },
      { role: "user", content: "Why?" },
      { role: "assistant", content: "So." },
    ];
    await Deno.writeTextFile(
      path,
      [{ messages: chat }, { prompt: "You walk", completion: " on." }, { text: "Night." }].map((row) =>
        JSON.stringify(row)
      ).join("\n") + '\n{"torn',
    );
    const context = fakeContext();
    const rows = await readHeldOut(path, 10, context);
    equal(proseOf(rows), "Why?\n\nSo.\n\nYou walk on.\n\nNight.\n");
    deepEqual(questionsOf(rows, 5), [chat.slice(0, 2)]);
    deepEqual((await readHeldOut(path, 2, context)).length, 2);
    match(JSON.stringify(context.events), /torn_line/);
    equal(f16Path("/out/deepred.gguf"), join("/out", "deepred-f16.gguf"));
  }));

Deno.test({
  name: "what the converter fails of is explained: an unknown tokenizer, an unknown model, a full disk",
  ignore: Deno.build.os === "windows", // The pretended Python is a shell script.
  fn: () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(join(folder, "convert_hf_to_gguf.py"), "");
      const python = join(folder, "python");
      const context = fakeContext({
        env: { LLAMA_CPP_DIR: folder, VOICEWORKS_PYTHON_TRAIN: python, VOICEWORKS_CACHE: folder },
      });
      const cases: [string, RegExp, RegExp][] = [
        [
          "NotImplementedError: BPE pre-tokenizer was not recognized - update get_vocab_base_pre()",
          /to GGUF: NotImplementedError: BPE pre-tokenizer was not recognized/,
          /base's own tokenizer files/,
        ],
        ["ERROR:hf-to-gguf:Model MysteryForCausalLM is not supported", /MysteryForCausalLM/, /newer one/],
        [
          "ModuleNotFoundError: No module named 'sentencepiece'",
          /No module named 'sentencepiece'/,
          /VOICEWORKS_PYTHON_TRAIN/,
        ],
        ["OSError: [Errno 28] No space left on device", /No space left on device/, /^$/],
      ];
      for (const [said, message, hint] of cases) {
        await Deno.writeTextFile(python, `#!/bin/sh\necho "${said}" >&2\nexit 1\n`);
        await Deno.chmod(python, 0o755);
        await rejects(
          convertModel({ model: folder, output: join(folder, "x.gguf"), type: "f16" }, context),
          (error: Error & { hint?: string }) => {
            match(error.message, message);
            match(error.hint ?? "", hint);
            return true;
          },
        );
      }
    }),
});
