import { join } from "node:path";

/** A small byte-level tokenizer, as Llama 3 and Qwen have large ones: 256 letters for bytes, some merges, ChatML's marks. */
export function byteLevelTokenizer(): Record<string, unknown> {
  const prints = (byte: number) => byte >= 33 && byte <= 126 || byte >= 161 && byte <= 172 || byte >= 174;
  let next = 256;
  const letters = Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(prints(byte) ? byte : next++));
  const merges = [
    "Ġ t",
    "h e",
    "Ġt he",
    "o u",
    "Ġ y",
    "Ġy ou",
    "Y ou",
    "i n",
    "in g",
    "Ċ Ċ",
    "â Ģ",
    "âĢ ľ",
    "Ġ a",
    "Ġa n",
    "Ġan d",
  ];
  const vocab: Record<string, number> = {};
  for (const token of [...letters, ...merges.map((merge) => merge.replace(" ", ""))]) {
    vocab[token] = Object.keys(vocab).length;
  }
  const added = ["<|im_start|>", "<|im_end|>"].map((content, at) => ({
    id: Object.keys(vocab).length + at,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        {
          type: "Split",
          pattern: {
            Regex:
              "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
          },
          behavior: "Isolated",
          invert: false,
        },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}

/** The template of ChatML. */
export const CHATML =
  "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/** Writes it as the folder of a model. */
export async function writeByteLevelFolder(folder: string, template: string | undefined = CHATML): Promise<string> {
  const path = join(folder, "byte-level");
  await Deno.mkdir(path);
  await Deno.writeTextFile(join(path, "tokenizer.json"), JSON.stringify(byteLevelTokenizer()));
  const config = { tokenizer_class: "PreTrainedTokenizerFast", ...(template ? { chat_template: template } : {}) };
  await Deno.writeTextFile(join(path, "tokenizer_config.json"), JSON.stringify(config));
  return path;
}
