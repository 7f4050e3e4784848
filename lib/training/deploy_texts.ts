/** What other programs want to be told of a model, as text: Ollama, Continue.dev, vLLM. Pure, for any pipeline. */

export interface OllamaFacts {
  /** Path of the GGUF, as the Modelfile shall name it. */
  readonly gguf: string;
  /** The model's own chat template (Jinja). */
  readonly chatTemplate: string | undefined;
  /** Text of the token that ends a turn. */
  readonly eos: string | undefined;
  readonly system: string | undefined;
  readonly contextLength: number;
}

/**
 * An Ollama Modelfile. Ollama renders with Go templates and guesses one from the GGUF; where the model's own is plain
 * ChatML or Llama 3 it is written out, so that nothing has to be guessed (a wrong guess gives gibberish: ollama#6823).
 *
 * @example
 * ```ts
 * import { match } from "node:assert/strict";
 * import { ollamaModelfile } from "@/training/deploy_texts.ts";
 *
 * const facts = { gguf: "./voice.gguf", chatTemplate: "<|im_start|>…", eos: "<|im_end|>", contextLength: 4096 };
 * match(ollamaModelfile({ ...facts, system: "You are brief." }), /^FROM \.\/voice\.gguf\n/);
 * ```
 */
export function ollamaModelfile({ gguf, chatTemplate, eos, system, contextLength }: OllamaFacts): string {
  const go = goTemplate(chatTemplate);
  const long = (text: string) => `"""${text.replaceAll('"""', "'''")}"""`;
  return [
    `FROM ${gguf}`,
    ...go === undefined ? [] : [`TEMPLATE ${long(go)}`],
    ...eos === undefined ? [] : [`PARAMETER stop ${JSON.stringify(eos)}`],
    `PARAMETER num_ctx ${contextLength}`,
    ...system === undefined ? [] : [`SYSTEM ${long(system)}`],
  ].join("\n") + "\n";
}

function goTemplate(jinja: string | undefined): string | undefined {
  if (jinja?.includes("<|im_start|>")) {
    return "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n";
  }
  if (jinja?.includes("<|start_header_id|>")) {
    const head = (role: string) => `<|start_header_id|>${role}<|end_header_id|>\n\n`;
    return `{{- range .Messages }}${head("{{ .Role }}")}{{ .Content }}<|eot_id|>{{ end }}${head("assistant")}`;
  }
  return undefined;
}

export interface ContinueFacts {
  /** As the list of models shows it. */
  readonly title: string;
  /** The server that answers; `openai` is any other with OpenAI's interface. */
  readonly provider: "lmstudio" | "vllm" | "ollama" | "openai";
  /** The model's name in requests. */
  readonly model: string;
  /** With `/v1`, without for Ollama. */
  readonly apiBase: string;
  readonly system: string | undefined;
  readonly contextLength: number;
  readonly temperature?: number;
  readonly maxTokens?: number;
}

/**
 * A `config.yaml` for Continue.dev with one model; its entry can be moved into an existing file. Source: the reference
 * of config.yaml in Continue's documentation (schema v1).
 */
export function continueConfig(facts: ContinueFacts): string {
  const { title, provider, model, apiBase, system, contextLength, temperature = 0.7, maxTokens = 1024 } = facts;
  return [
    `name: ${yaml(title)}`,
    "version: 0.0.1",
    "schema: v1",
    "models:",
    `  - name: ${yaml(title)}`,
    `    provider: ${provider}`,
    `    model: ${yaml(model)}`,
    `    apiBase: ${yaml(apiBase)}`,
    "    roles:",
    "      - chat",
    "      - edit",
    "    defaultCompletionOptions:",
    `      contextLength: ${contextLength}`,
    `      maxTokens: ${maxTokens}`,
    `      temperature: ${temperature}`,
    ...system === undefined ? [] : ["    chatOptions:", `      baseSystemMessage: ${yaml(system)}`],
  ].join("\n") + "\n";
}

/** A string of JSON is one of YAML too, whatever it holds. */
export function yaml(text: string): string {
  return JSON.stringify(text);
}

export interface VllmFacts {
  /** The model's folder, or its id. */
  readonly model: string;
  readonly port: number;
  /** The name in requests. */
  readonly name: string;
  readonly contextLength?: number | undefined;
  /** Share of the GPU's memory; those of all servers on a GPU must stay below 1. */
  readonly memory?: number | undefined;
  /** Adapters served beside the model: name and folder. */
  readonly adapters?: Readonly<Record<string, string>>;
  /** Largest rank of the adapters. */
  readonly rank?: number | undefined;
}

/**
 * The arguments of `vllm` that serve a model. `--generation-config vllm` keeps the server from sampling by the model's
 * own generation_config.json, so that base and tuned sample alike.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { commandLine, vllmArgs } from "@/training/deploy_texts.ts";
 *
 * const args = vllmArgs({ model: "models/my voice", port: 8002, name: "tuned" });
 * equal(
 *   commandLine(["vllm", ...args]),
 *   "vllm serve 'models/my voice' --port 8002 --served-model-name tuned --generation-config vllm",
 * );
 * ```
 */
export function vllmArgs({ model, port, name, contextLength, memory, adapters = {}, rank }: VllmFacts): string[] {
  const loras = Object.entries(adapters).map(([lora, folder]) => `${lora}=${folder}`);
  return [
    ...["serve", model],
    ...["--port", String(port)],
    ...["--served-model-name", name],
    ...["--generation-config", "vllm"],
    ...contextLength === undefined ? [] : ["--max-model-len", String(contextLength)],
    ...memory === undefined ? [] : ["--gpu-memory-utilization", String(memory)],
    ...loras.length === 0 ? [] : ["--enable-lora", "--lora-modules", ...loras],
    ...rank === undefined || loras.length === 0 ? [] : ["--max-lora-rank", String(rank)],
  ];
}

/** A command for a person to paste into a shell of Unix. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}
