/** A base model's chat template: how messages become the text that is trained on, and which part of it is learnt. */
import { join } from "node:path";
import { z } from "zod";
import { messageOf, UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import type { ChatMessage } from "../records.ts";

/** The template of a model with the tokens that it may write. */
export interface ChatTemplate {
  /** Jinja. */
  readonly source: string;
  /** Where it stood. */
  readonly path: string;
  /** `bos_token`, `eos_token`, `pad_token` … as text; absent where the tokenizer has none. */
  readonly tokens: Readonly<Record<string, string>>;
}

/** A token in tokenizer_config.json: its text, or an object around it. */
const TokenText = z.union([z.string(), z.looseObject({ content: z.string() })]);

const TokenizerConfig = z.looseObject({
  chat_template: z.union([
    z.string(),
    z.array(z.looseObject({ name: z.string(), template: z.string() })),
    z.record(z.string(), z.string()),
  ]).nullish(),
});

const TOKENS = ["bos_token", "eos_token", "pad_token", "unk_token"] as const;

/**
 * The chat template of a model's folder: `chat_template.jinja`, else that of `tokenizer_config.json`. Undefined where the
 * model has none.
 *
 * @throws {UserError} a file that cannot be read or has another shape.
 */
export async function loadChatTemplate(folder: string): Promise<ChatTemplate | undefined> {
  const configPath = join(folder, "tokenizer_config.json");
  const config = await readConfig(configPath);
  const tokens: Record<string, string> = {};
  for (const name of TOKENS) {
    const token = TokenText.safeParse(config[name]);
    if (token.success) tokens[name] = typeof token.data === "string" ? token.data : token.data.content;
  }
  const own = join(folder, "chat_template.jinja");
  if (await Deno.stat(own).then((info) => info.isFile, () => false)) {
    return { source: await readTextFile(own), path: own, tokens };
  }
  const source = defaultTemplate(config.chat_template);
  return source === undefined ? undefined : { source, path: configPath, tokens };
}

/** A model may have several templates: the one named "default" is for talking. */
function defaultTemplate(found: z.infer<typeof TokenizerConfig>["chat_template"]): string | undefined {
  if (!found || typeof found === "string") return found || undefined;
  return Array.isArray(found) ? found.find(({ name }) => name === "default")?.template : found.default;
}

async function readConfig(path: string): Promise<z.infer<typeof TokenizerConfig>> {
  try {
    return TokenizerConfig.parse(JSON.parse(await readTextFile(path)));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot read "${path}": it is no tokenizer_config.json`, { exitCode: 2, cause: error });
  }
}

/** Whether a template says itself what the model is to learn: `{% generation %} … {% endgeneration %}`. */
export function hasGenerationMarkers(source: string): boolean {
  return GENERATION.test(source);
}

const GENERATION = /\{%-?\s*generation\s*-?%\}/;

/** A part of a text, in UTF-16 offsets, half open. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Messages as the model reads them, with the parts that it learns. */
export interface Rendered {
  readonly text: string;
  readonly trained: readonly Span[];
}

/** What is learnt: what the assistant says up to the end of its turn, or all. */
export type TrainOn = "assistant" | "all";

/** Renders conversations with one template. */
export interface ChatRenderer {
  /** @throws {UserError} the template refuses the messages. */
  render(messages: readonly ChatMessage[], options?: { addGenerationPrompt?: boolean }): string;
  /**
   * The text with what is learnt of it: between the template's own markers, else from the end of each prompt to the end
   * of the answer that follows it.
   *
   * @throws {UserError} the template refuses the messages, or writes a prompt otherwise once it has been answered.
   */
  renderTrained(messages: readonly ChatMessage[], trainOn: TrainOn): Rendered;
}

/**
 * Makes a template ready, as transformers' `apply_chat_template` has it: whitespace around blocks trimmed, no tools, no
 * documents.
 *
 * @throws {UserError} the template does not parse.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { chatRenderer } from "@/training/template.ts";
 *
 * const source = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" +
 *   "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
 * const renderer = await chatRenderer({ source, path: "chat_template.jinja", tokens: {} });
 * const { text, trained: [span] } = renderer.renderTrained([
 *   { role: "user", content: "Who plays?" },
 *   { role: "assistant", content: "All of us." },
 * ], "assistant");
 * equal(text.slice(span?.start, span?.end), "All of us.<|im_end|>\n");
 * ```
 */
export async function chatRenderer(template: ChatTemplate): Promise<ChatRenderer> {
  // Computed, so that only those who render pay for it.
  const specifier = "@huggingface/jinja";
  const { Template }: typeof import("@huggingface/jinja") = await import(specifier);
  const { source, path, tokens } = template;
  const compile = (text: string) => {
    try {
      return new Template(text);
    } catch (error) {
      throw new UserError(`Cannot use the chat template of "${path}": ${messageOf(error)}`, { exitCode: 2 });
    }
  };
  const plain = compile(source);
  const marks = [0xf8e0, 0xf8e1].map((code) => String.fromCharCode(code));
  const [open = "", close = ""] = marks;
  const marked = hasGenerationMarkers(source) ? compile(withMarks(source, open, close)) : undefined;

  function run(compiled: typeof plain, messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    try {
      return compiled.render({
        ...tokens,
        messages: messages.map(({ role, content }) => ({ role, content })),
        tools: null,
        documents: null,
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (error) {
      throw new UserError(`Cannot render a conversation by "${path}": ${messageOf(error)}`, { exitCode: 2 });
    }
  }
  const render = (messages: readonly ChatMessage[], { addGenerationPrompt = false } = {}) =>
    run(plain, messages, addGenerationPrompt);

  return {
    render,
    renderTrained(messages, trainOn) {
      if (trainOn === "all") {
        const text = render(messages);
        return { text, trained: [{ start: 0, end: text.length }] };
      }
      if (!marked) return byPrompts(messages, render, path);
      // A conversation that holds a mark itself would move the spans.
      const clean = messages.map(({ role, content }) => ({ role, content: content.replace(/[\uf8e0\uf8e1]/g, "?") }));
      return readMarks(run(marked, clean, false), open, close, render(messages));
    },
  };
}

/** Writes a sign where the learnt part begins and one where it ends; blocks around it keep their whitespace. */
function withMarks(source: string, open: string, close: string): string {
  return source.replace(
    /\{%(-?)\s*(end)?generation\s*(-?)%\}/g,
    (_, left: string, end: string | undefined, right: string) =>
      `{%${left} if true %}{{ '${end ? close : open}' }}{% endif ${right}%}`,
  );
}

function readMarks(marked: string, open: string, close: string, text: string): Rendered {
  const trained: Span[] = [];
  let at = 0, start: number | undefined;
  for (const piece of marked.split(/([\uf8e0\uf8e1])/)) {
    if (piece === open) start = at;
    else if (piece === close && start !== undefined) {
      trained.push({ start, end: at });
      start = undefined;
    } else if (piece !== close) at += piece.length;
  }
  return { text, trained };
}

/** Where a template has no markers: an answer begins where the prompt for it ends. */
function byPrompts(messages: readonly ChatMessage[], render: ChatRenderer["render"], path: string): Rendered {
  const text = render(messages);
  const trained: Span[] = [];
  messages.forEach(({ role }, at) => {
    if (role !== "assistant") return;
    const prompt = render(messages.slice(0, at), { addGenerationPrompt: true });
    const answered = at === messages.length - 1 ? text : render(messages.slice(0, at + 1));
    if (!answered.startsWith(prompt) || !text.startsWith(answered.trimEnd())) {
      throw new UserError(
        `Cannot tell by "${path}" what is learnt: it writes a prompt otherwise once it has been answered`,
        { exitCode: 2, hint: "Give the base a chat template with {% generation %} around what the assistant says." },
      );
    }
    trained.push({ start: prompt.length, end: Math.min(answered.length, text.length) });
  });
  return { text, trained };
}
