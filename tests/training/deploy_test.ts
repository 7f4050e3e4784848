import { deepEqual, equal, match, ok } from "node:assert/strict";
import { modelCard } from "@/training/deploy_card.ts";
import { commandLine, continueConfig, ollamaModelfile, vllmArgs } from "@/training/deploy_texts.ts";
import type { MergeRecord } from "@/training/merge_record.ts";

const SYSTEM = 'You say: "comrade".\nYou never hurry.';

Deno.test("a Modelfile writes out the template that the model has, where Ollama has the same", () => {
  const facts = { gguf: "./voice.gguf", eos: "<|im_end|>", system: SYSTEM, contextLength: 4096 };
  const chatml = ollamaModelfile({ ...facts, chatTemplate: "{{ '<|im_start|>' }}" });
  equal(
    chatml,
    'FROM ./voice.gguf\nTEMPLATE """{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n' +
      '{{ end }}<|im_start|>assistant\n"""\nPARAMETER stop "<|im_end|>"\nPARAMETER num_ctx 4096\n' +
      `SYSTEM """${SYSTEM}"""\n`,
  );
  match(ollamaModelfile({ ...facts, chatTemplate: "<|start_header_id|>" }), /<\|eot_id\|>\{\{ end \}\}/);
  ok(!ollamaModelfile({ ...facts, chatTemplate: "[INST]" }).includes("TEMPLATE"));
  ok(!ollamaModelfile({ ...facts, system: 'a """ b', chatTemplate: undefined }).includes('a """ b'));
});

Deno.test("Continue's configuration is YAML that holds any text", () => {
  const text = continueConfig({
    title: 'Deep "Red": #1',
    provider: "lmstudio",
    model: "local/deepred",
    apiBase: "http://localhost:1234/v1",
    system: SYSTEM,
    contextLength: 4096,
  });
  // Every value is a scalar on its own line, and a quoted one is JSON.
  const lines = text.trimEnd().split("\n");
  for (const line of lines) match(line, /^ *(?:- )?(?:[\w]+:(?: .+)?|chat|edit)$/);
  equal(JSON.parse(lines.find((line) => line.startsWith("name:"))?.slice(6) ?? ""), 'Deep "Red": #1');
  equal(JSON.parse(lines.at(-1)?.split("baseSystemMessage: ")[1] ?? ""), SYSTEM);
});

Deno.test("vLLM serves a model alone, or with adapters beside it", () => {
  deepEqual(vllmArgs({ model: "base", port: 8000, name: "base", memory: 0.4, contextLength: 4096 }), [
    ..."serve base --port 8000 --served-model-name base --generation-config vllm".split(" "),
    ..."--max-model-len 4096 --gpu-memory-utilization 0.4".split(" "),
  ]);
  const beside = commandLine(vllmArgs({ model: "b", port: 1, name: "b", adapters: { tuned: "/a b" }, rank: 32 }));
  match(beside, /--enable-lora --lora-modules 'tuned=\/a b' --max-lora-rank 32$/);
});

const MERGE: MergeRecord = {
  tokenizer: "base",
  version: 1,
  time: "2026-01-01T00:00:00.000Z",
  base: { name: "Qwen/Qwen2.5-1.5B-Instruct", folder: "/models/q", files: [] },
  adapter: {
    path: "/run/final",
    sha256: "a".repeat(64),
    rank: 32,
    alpha: 64,
    targets: 196,
    pairs: { all: 196, zero: 0 },
  },
  run: {
    folder: "/run",
    recipe: {
      dataset: { train: { rows: 9, sha256: "d".repeat(64) } },
      recipe: { epochs: 3, loraTargets: ["all-linear"] },
    },
  },
  candidates: null,
  model: { dtype: "BF16", parameters: 1.5e9, files: [{ name: "model.safetensors", bytes: 3, sha256: "b".repeat(64) }] },
  versions: {},
  figures: null,
  findings: [{ check: "names", level: "ok", message: "338 tensors | all | there" }],
};

Deno.test("a card tells lineage, recipe, checks and figures, and what was not done", () => {
  const card = modelCard({
    title: "Deep Red",
    purpose: "A voice.",
    gguf: {
      gguf: {
        file: "deepred.gguf",
        bytes: 1e9,
        sha256: "c".repeat(64),
        quantType: "q4_k_m",
        architecture: "qwen2",
        tensorTypes: {},
      },
      divergence: null,
      findings: [],
      tools: { llamaCpp: "version: 1", converter: "/x" },
    },
    merge: MERGE,
    evaluation: {
      measures: [{
        title: "Style consistency",
        verdict: "not shown",
        unit: "share",
        target: { text: "> 80 %" },
        tuned: { estimate: 0.84, low: 0.77, high: 0.9 },
      }],
    },
    system: "Say ``` three ticks.",
  });
  match(card, /^---\nbase_model: "Qwen\/Qwen2\.5-1\.5B-Instruct"\n/);
  match(card, /\| Dataset \| train \(SHA-256 dddddddddddd…\) \|/);
  match(card, /\| epochs \| 3 \|\n\| loraTargets \| all-linear \|/);
  match(card, /\| Adapter \| final \(SHA-256 aaaaaaaaaaaa…\) \|/);
  match(card, /338 tensors \\\| all \\\| there/);
  match(card, /\| equal \| not done \| merged model against base and adapter \|/);
  match(card, /\| divergence \| not done \| KL divergence from the unquantised model \|/);
  match(card, /\| Style consistency \| 84\.0 % \(77\.0 % to 90\.0 %\) \| {2}\| \\> 80 % \| not shown \|/);
  match(card, /````text\nSay ``` three ticks\.\n````/);
  const bare = {
    title: "X",
    purpose: "Y",
    gguf: undefined,
    merge: undefined,
    evaluation: undefined,
    system: undefined,
  };
  match(modelCard(bare), /## Evaluation\n\nNot evaluated\./);
});
