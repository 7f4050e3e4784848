import type { OpenAI } from "openai";
import { z } from "zod";
import { type ChatEngine, type ChatReply, type ChatRequest, splitReasoning } from "./chat.ts";
import { ChatError, refusal, unreachable } from "./errors.ts";
import { createPatience } from "./patience.ts";
import type { ServerAddress } from "./server.ts";

export interface OpenAiOptions {
  readonly address: ServerAddress;
  readonly model: string;
  readonly fetch: typeof fetch;
  readonly token?: string | undefined;
  /** Engine name in statistics. @default {"lmstudio"} */
  readonly name?: string;
  /**
   * Longest wait for the first token, not counting the time in the server's queue: it may be loading the model or reading
   * a long prompt.
   *
   * @default {600000}
   */
  readonly firstTokenMs?: number;
  /** Longest silence between two tokens. @default {120000} */
  readonly idleMs?: number;
}

const LMSTUDIO = "lmstudio";

/** One frame of a stream, or a whole completion from a server that does not stream. Every part may be missing. */
const Frame = z.object({
  model: z.string().optional().catch(undefined),
  choices: z.array(z.object({
    delta: z.unknown().optional(),
    message: z.unknown().optional(),
    finish_reason: z.string().nullish().catch(undefined),
  })).optional().catch(undefined),
  usage: z.object({
    prompt_tokens: z.number().optional().catch(undefined),
    completion_tokens: z.number().optional().catch(undefined),
  }).nullish().catch(undefined),
});

/** Far more than any tokenizer puts into a token on average, and than any context holds: what exceeds it is no answer. */
const CHARACTERS_PER_TOKEN = 32, MOST_TOKENS = 131_072;

const text = z.unknown().optional().transform((value) => typeof value === "string" ? value : "");
const Delta = z.object({ content: text, reasoning_content: text, reasoning: text }).catch({
  content: "",
  reasoning_content: "",
  reasoning: "",
});

/**
 * An engine on any OpenAI-compatible server (LM Studio, llama-server, vLLM, Ollama …), streaming, so that an idle timeout
 * can replace a total one. Never retries by itself.
 */
export function openaiEngine(options: OpenAiOptions): ChatEngine {
  const { address, model, token } = options;
  const patience = createPatience({ firstTokenMs: options.firstTokenMs ?? 600_000, idleMs: options.idleMs ?? 120_000 });
  let client: Promise<OpenAI> | undefined;

  async function chat(request: ChatRequest, signal: AbortSignal, onToken: () => void = () => {}): Promise<ChatReply> {
    signal.throwIfAborted();
    const controller = new AbortController();
    const stop = () => controller.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    let late: ChatError | undefined;
    try {
      const openai = await (client ??= loadClient(options));
      using wait = patience.begin((silentMs, begun) => {
        const what = begun ? "no further token" : "nothing";
        late = new ChatError("timeout", `${address.shown} sent ${what} for ${Math.round(silentMs / 1000)} s`);
        controller.abort(late);
      });
      return await read(openai, request, controller.signal, (token) => {
        wait.heard(token);
        if (token) onToken();
      });
    } catch (error) {
      signal.throwIfAborted();
      throw withoutToken(late ?? asChatError(error, options), token);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async function read(
    openai: OpenAI,
    request: ChatRequest,
    signal: AbortSignal,
    heard: (token: boolean) => void,
  ): Promise<ChatReply> {
    const started = performance.now();
    const longest = CHARACTERS_PER_TOKEN * (request.maxTokens ?? MOST_TOKENS);
    let firstTokenMs: number | undefined;
    let content = "", reasoning = "", finishReason = "", answered = model;
    let usage: ChatReply["usage"] = {};
    const stream = await openai.chat.completions.create(body(request, model), { signal });
    for await (const raw of stream) {
      heard(false);
      const frame = Frame.safeParse(raw);
      if (!frame.success) continue; // A frame of no known shape carries no text.
      if (frame.data.model) answered = frame.data.model;
      if (frame.data.usage) {
        const { prompt_tokens, completion_tokens } = frame.data.usage;
        usage = {
          ...(prompt_tokens === undefined ? {} : { promptTokens: prompt_tokens }),
          ...(completion_tokens === undefined ? {} : { completionTokens: completion_tokens }),
        };
      }
      const choice = frame.data.choices?.[0];
      if (!choice) continue;
      const delta = Delta.parse(choice.delta ?? choice.message);
      const thought = delta.reasoning_content || delta.reasoning;
      if (delta.content || thought) {
        firstTokenMs ??= performance.now() - started;
        heard(true);
      }
      content += delta.content;
      reasoning += thought;
      if (choice.finish_reason) finishReason = choice.finish_reason;
      // Under a grammar some models write blanks without end, and not every server heeds max_tokens.
      if (content.length + reasoning.length > longest) {
        finishReason = "length";
        break;
      }
    }
    signal.throwIfAborted(); // The package ends an aborted stream without a word.
    const totalMs = performance.now() - started;
    const parted = splitReasoning(content);
    const reply: ChatReply = {
      content: parted.content,
      reasoning: [reasoning.trim(), parted.reasoning].filter(Boolean).join("\n"),
      finishReason,
      model: answered,
      usage,
      timing: { firstTokenMs: firstTokenMs ?? totalMs, totalMs },
    };
    if (finishReason === "length") {
      throw new ChatError("truncated", `"${model}" ran out of tokens before its answer was complete`, {
        hint: "Raise --max-tokens, or the model's context length.",
        partial: reply.content,
      });
    }
    if (!reply.content && !reply.reasoning) {
      throw new ChatError("empty", `${address.shown} sent an empty answer from "${model}"`, {
        hint: "LM Studio does so when the context overflows or memory runs out under parallel requests.",
      });
    }
    return reply;
  }

  return { name: options.name ?? LMSTUDIO, model, chat };
}

function body(request: ChatRequest, model: string): OpenAI.Chat.ChatCompletionCreateParamsStreaming {
  const { messages, temperature, topP, maxTokens, seed, schema } = request;
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    temperature,
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(seed === undefined ? {} : { seed }),
    ...(schema === undefined ? {} : {
      response_format: { type: "json_schema", json_schema: { name: schema.name, strict: true, schema: schema.schema } },
    }),
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** Everything is given explicitly, so that the package looks nothing up in the environment but OPENAI_CUSTOM_HEADERS. */
async function loadClient({ address, fetch, token, model }: OpenAiOptions): Promise<OpenAI> {
  const name = "openai"; // Computed, or Deno would fetch the package at the start of every task.
  const { OpenAI }: typeof import("openai") = await import(name);
  return new OpenAI({
    baseURL: address.openai,
    apiKey: token ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    ...(token === undefined ? { defaultHeaders: { Authorization: null } } : {}),
    maxRetries: 0,
    timeout: 2 ** 31 - 1, // Ours is an idle timeout.
    logLevel: "off",
    fetch: (input, init) => checkedFetch(fetch, address, model, input, init),
  });
}

/**
 * Lets only streams through: what else a server sends is an error by its shape, whatever its status, or a whole
 * completion, which becomes a stream of one frame.
 */
async function checkedFetch(
  fetch_: typeof fetch,
  address: ServerAddress,
  model: string,
  input: string | URL | Request,
  init: RequestInit | undefined,
): Promise<Response> {
  const response = await fetch_(input, init);
  const type = response.headers.get("content-type") ?? "";
  if (response.ok && (type.includes("event-stream") || type === "")) return response;
  const text = (await response.text()).slice(0, 1 << 20);
  const value = parsed(text);
  if (response.ok && Array.isArray(value?.choices) && !value.error) {
    return new Response(`data: ${JSON.stringify(value)}\n\ndata: [DONE]\n\n`, {
      headers: { "content-type": "text/event-stream" },
    });
  }
  if (type.includes("html")) {
    throw new ChatError("not_found", `${address.shown} answers with a web page, not as a chat server`, {
      hint: "Check --lmstudio-url.",
    });
  }
  if (response.ok && value?.error === undefined) {
    throw new ChatError("bad_response", `${address.shown} answered in an unknown shape: ${text.slice(0, 200)}`);
  }
  throw refusal({
    server: address.shown,
    model,
    ...(response.ok ? {} : { status: response.status }),
    retryAfter: response.headers.get("retry-after"),
    body: value ?? text,
  });
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

/** The package wraps what `fetch` throws; the innermost ChatError is ours, the rest is told by its shape. */
function asChatError(error: unknown, { address, model, name = LMSTUDIO }: OpenAiOptions): ChatError {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof ChatError) return at;
  if (error instanceof SyntaxError) {
    return new ChatError("bad_response", `${address.shown} sent a stream that is not JSON: ${error.message}`);
  }
  // An APIError of the package: one with a body came out of a stream.
  if (error instanceof Error && "error" in error && error.error !== undefined) {
    return refusal({ server: address.shown, model, body: { error: error.error } });
  }
  return unreachable(address.shown, error, name === LMSTUDIO);
}

function withoutToken(error: ChatError, token: string | undefined): ChatError {
  if (token) error.message = error.message.replaceAll(token, "***");
  return error;
}
