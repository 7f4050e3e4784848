/** Continuations of a text, by a raw completion or by chat, with every sampling parameter in the request. */
import { z } from "zod";
import { splitReasoning } from "./chat.ts";
import { ChatError, refusal, unreachable } from "./errors.ts";
import type { ServerAddress } from "./server.ts";

/**
 * How tokens are drawn. All of it is sent: what is left out a server takes from the model's own files, which may differ
 * between a base and a tuned model.
 */
export const Sampling = z.object({
  temperature: z.number().min(0),
  top_p: z.number().gt(0).max(1),
  /** 0: no limit; servers that count so get −1. */
  top_k: z.int().min(0),
  min_p: z.number().min(0).max(1),
  repetition_penalty: z.number().gt(0),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  max_tokens: z.int().min(1),
});
export type Sampling = z.infer<typeof Sampling>;

export interface CompletionRequest {
  readonly prompt: string;
  /** raw: the prompt as it is, by /v1/completions; chat: as the user's message, by the model's chat template. */
  readonly mode: "raw" | "chat";
  readonly sampling: Sampling;
  readonly seed: number;
}

export interface CompletionReply {
  readonly text: string;
  /** `stop`, `length` …, as the server said; empty where it said nothing. */
  readonly finishReason: string;
  /** The model that the server says answered. */
  readonly model: string;
  readonly completionTokens: number | undefined;
}

export interface CompletionServer {
  readonly address: ServerAddress;
  readonly model: string;
  readonly fetch: typeof fetch;
  readonly token?: string | undefined;
  /** Longest wait for a whole answer. @default {900000} */
  readonly timeoutMs?: number;
}

const Body = z.object({
  model: z.string().optional().catch(undefined),
  choices: z.array(z.object({
    text: z.string().nullish(),
    message: z.object({ content: z.string().nullish() }).nullish().catch(undefined),
    finish_reason: z.string().nullish().catch(undefined),
  })).min(1),
  usage: z.object({ completion_tokens: z.number().optional().catch(undefined) }).nullish().catch(undefined),
});

/**
 * Asks once for a continuation. An empty text is an answer here; the caller knows what it means.
 *
 * @throws {ChatError} no answer: refused, unreachable, late, or of no known shape.
 * @throws {DOMException} AbortError when the signal fires.
 */
export async function complete(
  server: CompletionServer,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<CompletionReply> {
  const { address, model, token } = server;
  const late = AbortSignal.timeout(server.timeoutMs ?? 900_000);
  let response: Response, text: string;
  try {
    response = await server.fetch(`${address.openai}/${request.mode === "raw" ? "completions" : "chat/completions"}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(bodyOf(request, model)),
      signal: AbortSignal.any([signal, late]),
    });
    text = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) throw new ChatError("timeout", `${address.shown} sent no answer in time`);
    throw unreachable(address.shown, error);
  }
  const body = parsed(text);
  if (!response.ok || isError(body)) {
    throw refusal({
      server: address.shown,
      model,
      ...(response.ok ? {} : { status: response.status }),
      retryAfter: response.headers.get("retry-after"),
      body: body ?? text,
    });
  }
  const reply = Body.safeParse(body);
  if (!reply.success) {
    throw new ChatError("bad_response", `${address.shown} answered in an unknown shape: ${text.slice(0, 200)}`);
  }
  const { choices, model: answered, usage } = reply.data;
  const [choice] = choices;
  const written = choice?.text ?? choice?.message?.content ?? "";
  return {
    text: request.mode === "chat" ? splitReasoning(written).content : written,
    finishReason: choice?.finish_reason ?? "",
    model: answered ?? model,
    completionTokens: usage?.completion_tokens,
  };
}

/** The request as it is sent. llama.cpp and LM Studio say `repeat_penalty` for what vLLM calls `repetition_penalty`. */
export function bodyOf({ prompt, mode, sampling, seed }: CompletionRequest, model: string): Record<string, unknown> {
  const { top_k, repetition_penalty, ...others } = sampling;
  return {
    model,
    ...(mode === "raw" ? { prompt } : { messages: [{ role: "user", content: prompt }] }),
    ...others,
    top_k: top_k === 0 ? -1 : top_k,
    repetition_penalty,
    repeat_penalty: repetition_penalty,
    seed,
    n: 1,
    stream: false,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** LM Studio says so with a good status, too. */
function isError(body: unknown): boolean {
  return typeof body === "object" && body !== null && "error" in body && body.error !== null &&
    body.error !== undefined;
}
