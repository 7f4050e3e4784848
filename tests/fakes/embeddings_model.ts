/**
 * A real embedding model in a few kilobytes: an ONNX graph that looks each word's vector up (a bag of words), with its
 * tokenizer, laid out as transformers.js wants it. The protocol buffers are written by hand, so that no tool is needed.
 */
import { join } from "node:path";
import { DIMENSIONS, TOPICS } from "./embeddings.ts";

/** Longest input in tokens. */
export const LONGEST = 32;

/** Writes the model into a folder. */
export async function writeToyModel(folder: string): Promise<void> {
  const words = Object.values(TOPICS).flat();
  const vocab = Object.fromEntries(["[PAD]", "[UNK]", ...words].map((word, index) => [word, index]));
  const table = [new Array<number>(DIMENSIONS).fill(0), row(-1)];
  Object.values(TOPICS).forEach((topic, index) => topic.forEach(() => table.push(row(index))));
  const json = (name: string, value: unknown) => Deno.writeTextFile(join(folder, name), JSON.stringify(value));
  await Deno.mkdir(join(folder, "onnx"), { recursive: true });
  await json("config.json", {
    model_type: "bert",
    architectures: ["BertModel"],
    hidden_size: DIMENSIONS,
    max_position_embeddings: LONGEST,
    vocab_size: table.length,
  });
  await json("tokenizer_config.json", {
    tokenizer_class: "PreTrainedTokenizerFast",
    model_max_length: LONGEST,
    pad_token: "[PAD]",
    unk_token: "[UNK]",
  });
  await json("tokenizer.json", {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: ["[PAD]", "[UNK]"].map((content, id) => ({
      ...{ id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
    })),
    normalizer: { type: "Lowercase" },
    pre_tokenizer: { type: "Whitespace" },
    post_processor: null,
    decoder: null,
    model: { type: "WordLevel", vocab, unk_token: "[UNK]" },
  });
  await Deno.writeFile(join(folder, "onnx", "model.onnx"), lookupModel(table));
}

/** A word's vector: what all words share, and its topic. */
function row(topic: number): number[] {
  return Array.from({ length: DIMENSIONS }, (_, index) => index === DIMENSIONS - 1 ? 1 : index === topic ? 4 : 0);
}

/** last_hidden_state = table[input_ids]; the mask is an input that transformers.js passes and pools with. */
function lookupModel(table: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const INT64 = 7, FLOAT = 1;
  const weights = message(
    [1, table.length],
    [1, DIMENSIONS],
    [2, FLOAT],
    [8, "table"],
    [9, new Uint8Array(Float32Array.from(table.flat()).buffer)],
  );
  const value = (name: string, type: number, shape: readonly (string | number)[]) => {
    const dimensions = shape.map((
      size,
    ): Field => [1, typeof size === "string" ? message([2, size]) : message([1, size])]);
    return message([1, name], [2, message([1, message([1, type], [2, message(...dimensions)])])]);
  };
  const node = message([1, "table"], [1, "input_ids"], [2, "last_hidden_state"], [4, "Gather"]);
  const graph = message(
    [1, node],
    [2, "bag of words"],
    [5, weights],
    [11, value("input_ids", INT64, ["batch", "length"])],
    [11, value("attention_mask", INT64, ["batch", "length"])],
    [12, value("last_hidden_state", FLOAT, ["batch", "length", DIMENSIONS])],
  );
  return message([1, 8], [7, graph], [8, message([1, ""], [2, 13])]);
}

/** A field of a protocol buffer: number and value. */
type Field = [number: number, value: number | string | Uint8Array];

function message(...fields: Field[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const [number, value] of fields) {
    if (typeof value === "number") bytes.push(...varint(number << 3), ...varint(value));
    else {
      const content = typeof value === "string" ? new TextEncoder().encode(value) : value;
      bytes.push(...varint((number << 3) | 2), ...varint(content.length), ...content);
    }
  }
  return Uint8Array.from(bytes);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}
