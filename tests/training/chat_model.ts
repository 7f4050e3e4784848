/** A folder with a tokenizer of single bytes and a chat template: enough to render and count, made in no time. */
import { join } from "node:path";
import { type ChatTokenizer, loadChatTokenizer } from "@/training/chat_tokens.ts";
import { type ChatRenderer, chatRenderer, type ChatTemplate, loadChatTemplate } from "@/training/template.ts";

/** ChatML as Qwen2.5 has it, its own system message included. */
export const CHATML_DEFAULT_SYSTEM = `{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role != "system" or not loop.first %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
`;

/** Plain ChatML. */
export const CHATML = `{% for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`;

/** ChatML that marks what is learnt. */
export const CHATML_MARKED = `{% for message in messages %}<|im_start|>{{ message.role }}
{% if message.role == 'assistant' %}{% generation %}{{ message.content }}<|im_end|>{% endgeneration %}{% else %}` +
  `{{ message.content }}<|im_end|>{% endif %}{{ '\n' }}{% endfor %}` +
  `{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}`;

export const SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "<pad>"];

/** GPT-2's letters for the bytes 0 to 255. */
function byteLetters(): string[] {
  const prints = (byte: number) => byte >= 33 && byte <= 126 || byte >= 161 && byte <= 172 || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(prints(byte) ? byte : next++));
}

/** @param tokens Of tokenizer_config.json. */
export async function writeChatModel(
  folder: string,
  template: string | undefined,
  tokens: Record<string, unknown> = { eos_token: "<|im_end|>", pad_token: "<pad>" },
): Promise<void> {
  const vocab = Object.fromEntries([...byteLetters(), ...SPECIALS].map((letter, id) => [letter, id]));
  const added = SPECIALS.map((content, i) => ({
    id: 256 + i,
    content,
    special: true,
    normalized: false,
    single_word: false,
    lstrip: false,
    rstrip: false,
  }));
  const tokenizer = {
    version: "1.0",
    added_tokens: added,
    normalizer: { type: "NFC" },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: true },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    post_processor: null,
    model: { type: "BPE", vocab, merges: [] },
  };
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  await Deno.writeTextFile(
    join(folder, "tokenizer_config.json"),
    JSON.stringify({ ...tokens, ...(template === undefined ? {} : { chat_template: template }) }),
  );
}

export interface ChatModel {
  readonly template: ChatTemplate;
  readonly renderer: ChatRenderer;
  readonly tokenizer: ChatTokenizer;
}

/** The same, loaded; the folder is gone again. */
export async function chatModel(template: string, tokens?: Record<string, unknown>): Promise<ChatModel> {
  const folder = await Deno.makeTempDir();
  try {
    await writeChatModel(folder, template, tokens);
    const found = await loadChatTemplate(folder);
    if (!found) throw new Error("no template");
    return { template: found, renderer: await chatRenderer(found), tokenizer: await loadChatTokenizer(folder) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
