/** Whether a GGUF says of itself what the folder that it was made from says. */
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import type { GgufHeader, GgufValue } from "../llm/gguf_header.ts";
import { error, type Finding, ok, warning } from "./preflight/finding.ts";

const Config = z.object({
  vocab_size: z.int().optional(),
  num_hidden_layers: z.int().optional(),
  max_position_embeddings: z.int().optional(),
  /** Models that also see or hear keep these one level down. */
  text_config: z.object({
    vocab_size: z.int().optional(),
    num_hidden_layers: z.int().optional(),
    max_position_embeddings: z.int().optional(),
  }).optional(),
});

const Special = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]).nullish();
const TokenizerConfig = z.object({
  bos_token: Special,
  eos_token: Special,
  pad_token: Special,
  chat_template: z.union([
    z.string(),
    z.array(z.object({ name: z.string(), template: z.string() })).transform((all) =>
      all.find(({ name }) => name === "default")?.template
    ),
  ]).nullish(),
});

/** What a model's folder says that its GGUF must say too. */
export interface ModelFacts {
  readonly vocabulary: number | undefined;
  readonly layers: number | undefined;
  readonly context: number | undefined;
  /** By name, as text. */
  readonly special: Readonly<Record<"bos" | "eos" | "pad", string | undefined>>;
  readonly chatTemplate: string | undefined;
}

/** @throws {UserError} a folder that lacks config.json or tokenizer_config.json, or has them in another form. */
export async function readModelFacts(folder: string): Promise<ModelFacts> {
  const { text_config: inner, ...outer } = await readJson(join(folder, "config.json"), Config);
  const { bos_token, eos_token, pad_token, chat_template } = await readJson(
    join(folder, "tokenizer_config.json"),
    TokenizerConfig,
  );
  // As transformers does: the file comes before the entry.
  const file = join(folder, "chat_template.jinja");
  const own = await Deno.stat(file).then(() => true, () => false) ? await readTextFile(file) : undefined;
  return {
    vocabulary: outer.vocab_size ?? inner?.vocab_size,
    layers: outer.num_hidden_layers ?? inner?.num_hidden_layers,
    context: outer.max_position_embeddings ?? inner?.max_position_embeddings,
    special: { bos: bos_token ?? undefined, eos: eos_token ?? undefined, pad: pad_token ?? undefined },
    chatTemplate: own ?? chat_template ?? undefined,
  };
}

async function readJson<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T>> {
  let value: unknown;
  try {
    value = JSON.parse(await readTextFile(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new UserError(`Cannot read "${path}": it is not what a model's folder has there`);
  return result.data;
}

/** The chat template of a GGUF. */
export function templateOf({ metadata }: GgufHeader): string | undefined {
  const template = metadata.get("tokenizer.chat_template");
  return typeof template === "string" ? template : undefined;
}

/**
 * Compares metadata: vocabulary, layers, context, special tokens by their text, the chat template by its bytes.
 *
 * @example
 * ```ts ignore
 * checkGguf(await readGguf("output/deepred.gguf"), await readModelFacts("output/merged-deepred"));
 * ```
 */
export function checkGguf({ metadata, tensors }: GgufHeader, facts: ModelFacts): Finding[] {
  const again = "Convert again, with a llama.cpp that knows this model (LLAMA_CPP_DIR).";
  const architecture = String(metadata.get("general.architecture") ?? "");
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const vocabulary = Array.isArray(tokens) ? tokens.length : 0;
  const differences: string[] = [];
  const compare = (what: string, here: GgufValue | undefined, there: number | undefined) => {
    if (there !== undefined && here !== there) {
      differences.push(`${what} ${String(here ?? "missing")} instead of ${there}`);
    }
  };
  compare("vocabulary", vocabulary, facts.vocabulary);
  compare("layers", metadata.get(`${architecture}.block_count`), facts.layers);
  compare("context", metadata.get(`${architecture}.context_length`), facts.context);
  const findings: Finding[] = [];
  const shown = { architecture, vocabulary, tensors: tensors.length };
  findings.push(
    !architecture || tensors.length === 0
      ? error("metadata", "the GGUF names no architecture, or holds no tensors", again)
      : differences.length > 0
      ? error("metadata", `the GGUF has ${differences.join(", ")}`, again, { facts: shown })
      : ok("metadata", `${architecture}, ${tensors.length} tensors, a vocabulary of ${vocabulary}`, { facts: shown }),
  );
  findings.push(checkSpecial(metadata, Array.isArray(tokens) ? tokens : [], facts), checkTemplate(metadata, facts));
  return findings;
}

const KEYS = {
  bos: "tokenizer.ggml.bos_token_id",
  eos: "tokenizer.ggml.eos_token_id",
  pad: "tokenizer.ggml.padding_token_id",
};

function checkSpecial(
  metadata: GgufHeader["metadata"],
  tokens: readonly GgufValue[],
  { special }: ModelFacts,
): Finding {
  const found = (["bos", "eos", "pad"] as const).map((name) => {
    const id = metadata.get(KEYS[name]);
    return { name, id, text: typeof id === "number" ? tokens[id] : undefined, wanted: special[name] };
  });
  const wrong = found.filter(({ text, wanted }) => wanted !== undefined && text !== wanted);
  const told = found.filter(({ id }) => id !== undefined).map(({ name, id, text }) => `${name} ${text} (${id})`);
  const [first] = wrong;
  if (!first) return ok("special tokens", `special tokens: ${told.join(", ")}`);
  const message = `the GGUF's ${first.name} token is ${
    JSON.stringify(first.text ?? "none")
  }, the model's "${first.wanted}"`;
  return first.name === "eos"
    ? error("special tokens", message, "A model with another end never stops: use the base's own tokenizer files.")
    : warning("special tokens", message, "Servers may put it where the model never saw it.");
}

function checkTemplate(metadata: GgufHeader["metadata"], { chatTemplate }: ModelFacts): Finding {
  const here = metadata.get("tokenizer.chat_template");
  if (here === chatTemplate) {
    return here === undefined
      ? warning(
        "chat template",
        "neither the model nor the GGUF has a chat template",
        "Servers will use one of their own.",
      )
      : ok("chat template", `the chat template is the model's own, to the byte (${String(here).length} characters)`);
  }
  const remedy = "Convert the folder again; what is served must be what was trained.";
  if (here === undefined) return error("chat template", "the GGUF lacks the model's chat template", remedy);
  if (chatTemplate === undefined) {
    return error("chat template", "the GGUF has a chat template that the model has not", remedy);
  }
  const text = String(here);
  let at = 0;
  while (at < text.length && text[at] === chatTemplate[at]) at++;
  const around = (template: string) => JSON.stringify(template.slice(Math.max(0, at - 10), at + 20));
  return error(
    "chat template",
    `the GGUF's chat template differs from the model's at character ${at}: ${around(text)}, ${around(chatTemplate)}`,
    remedy,
  );
}
