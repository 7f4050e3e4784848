/** Streams one answer and times it. */
import { TextLineStream } from "@std/streams/text-line-stream";
import { z } from "zod";
import { type ChatRequest, splitReasoning } from "./chat.ts";
import { ChatError, refusal, unreachable } from "./errors.ts";
import type { ServerAddress } from "./server.ts";

/** An answer with its times in milliseconds from sending. One that ran out of tokens is measured like any other. */
export interface Measured {
  readonly content: string;
  readonly reasoning: string;
  readonly finishReason: string;
  /** The model that the server says answered. */
  readonly model: string;
  /** Reasoning included. */
  readonly completionTokens: number;
  /** Whether the server told the number of tokens, or the pieces of the stream were counted, about one a token. */
  readonly counted: "usage" | "pieces";
  readonly promptTokens?: number;
  /** First token of any kind. */
  readonly firstTokenMs: number;
  /** First token that is not reasoning. */
  readonly firstAnswerMs: number;
  readonly totalMs: number;
  /** The server's own figures, as it sent them: names and units differ from one API to the next. */
  readonly stats?: unknown;
}

export interface MeasureOptions {
  readonly address: ServerAddress;
  readonly model: string;
  readonly fetch: typeof fetch;
  readonly token?: string | undefined;
  /** Longest wait for the first token. @default {600000} */
  readonly firstTokenMs?: number;
  /** Longest silence between two tokens. @default {120000} */
  readonly idleMs?: number;
}

const words = z.unknown().optional().transform((value) => typeof value === "string" ? value : "");
const Delta = z.object({ content: words, reasoning_content: words, reasoning: words });
const Frame = z.object({
  error: z.unknown().optional(),
  model: z.string().optional().catch(undefined),
  choices: z.array(z.object({
    delta: Delta.optional().catch(undefined),
    message: Delta.optional().catch(undefined),
    finish_reason: z.string().nullish().catch(undefined),
  })).optional().catch(undefined),
  usage: z.object({
    prompt_tokens: z.number().optional().catch(undefined),
    completion_tokens: z.number().optional().catch(undefined),
  }).nullish().catch(undefined),
  stats: z.unknown().optional(),
  timings: z.unknown().optional(),
});

/**
 * Asks once, streaming, and measures.
 *
 * @throws {ChatError} for everything that is no answer; an empty one is none.
 * @throws {DOMException} AbortError when the signal fires.
 */
export async function measure(options: MeasureOptions, request: ChatRequest, signal: AbortSignal): Promise<Measured> {
  signal.throwIfAborted();
  const { address, model, firstTokenMs = 600_000, idleMs = 120_000 } = options;
  const late = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (ms: number, what: string) => {
    clearTimeout(timer);
    const error = new ChatError("timeout", `${address.shown} sent ${what} for ${Math.round(ms / 1000)} s`);
    timer = setTimeout(() => late.abort(error), ms);
  };
  try {
    wait(firstTokenMs, "nothing");
    return await ask(options, request, AbortSignal.any([signal, late.signal]), () => wait(idleMs, "no further token"));
  } catch (error) {
    signal.throwIfAborted();
    if (late.signal.aborted) throw late.signal.reason;
    const failure = error instanceof ChatError ? error : unreachable(address.shown, error);
    if (options.token) failure.message = failure.message.replaceAll(options.token, "***");
    throw failure;
  } finally {
    clearTimeout(timer);
  }

  async function ask(
    { fetch, token }: MeasureOptions,
    { messages, temperature, topP, maxTokens, seed }: ChatRequest,
    signal: AbortSignal,
    alive: () => void,
  ): Promise<Measured> {
    const body = {
      model,
      messages: messages.map(({ role, content }) => ({ role, content })),
      temperature,
      ...(topP === undefined ? {} : { top_p: topP }),
      ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
      ...(seed === undefined ? {} : { seed }),
      stream: true,
      stream_options: { include_usage: true },
    };
    const started = performance.now();
    const response = await fetch(`${address.openai}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(body),
      signal,
    });
    const take = collector(model, () => performance.now() - started);
    const refuse = (body: unknown) =>
      refusal({ server: address.shown, model, ...(response.ok ? {} : { status: response.status }), body });
    if (response.ok && response.headers.get("content-type")?.includes("event-stream") && response.body) {
      const lines = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
      for await (const line of lines) {
        alive();
        const data = /^data:\s*(.*)/.exec(line)?.[1];
        if (data === undefined || data === "[DONE]") continue;
        const frame = parsed(data);
        if (frame?.error) throw refuse(frame);
        if (frame) take.frame(frame);
      }
    } else {
      const text = await response.text();
      const frame = parsed(text);
      if (!response.ok || !frame?.choices) throw refuse(frame?.error ? frame : text);
      take.frame(frame);
    }
    return take.end(address);
  }
}

/** Puts the frames of a stream together. */
function collector(model: string, elapsed: () => number) {
  let content = "", reasoning = "", finishReason = "", answered = model, pieces = 0;
  let firstTokenMs: number | undefined, firstAnswerMs: number | undefined;
  let completionTokens: number | undefined, promptTokens: number | undefined;
  let stats: unknown;
  return {
    frame(frame: z.infer<typeof Frame>): void {
      answered = frame.model || answered;
      stats = frame.stats ?? frame.timings ?? stats;
      completionTokens = frame.usage?.completion_tokens ?? completionTokens;
      promptTokens = frame.usage?.prompt_tokens ?? promptTokens;
      const choice = frame.choices?.[0];
      finishReason = choice?.finish_reason || finishReason;
      const delta = choice?.delta ?? choice?.message;
      if (!delta) return;
      const thought = delta.reasoning_content || delta.reasoning;
      if (!delta.content && !thought) return;
      pieces++;
      const at = elapsed();
      firstTokenMs ??= at;
      content += delta.content;
      reasoning += thought;
      if (firstAnswerMs === undefined && splitReasoning(content).content) firstAnswerMs = at;
    },
    end(address: ServerAddress): Measured {
      const totalMs = elapsed();
      const parted = splitReasoning(content);
      if (!parted.content && !parted.reasoning && !reasoning) {
        throw new ChatError("empty", `${address.shown} sent an empty answer from "${model}"`);
      }
      return {
        content: parted.content,
        reasoning: [reasoning.trim(), parted.reasoning].filter(Boolean).join("\n"),
        finishReason,
        model: answered,
        completionTokens: completionTokens || pieces,
        counted: completionTokens ? "usage" : "pieces",
        ...(promptTokens === undefined ? {} : { promptTokens }),
        firstTokenMs: firstTokenMs ?? totalMs,
        firstAnswerMs: firstAnswerMs ?? totalMs,
        totalMs,
        ...(stats === undefined ? {} : { stats }),
      };
    },
  };
}

function parsed(text: string): z.infer<typeof Frame> | undefined {
  try {
    return Frame.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // A frame of no known shape carries no text.
  }
}

/** What several measured answers come to. */
export interface Speed {
  /** Tokens after the first one, over the time from the first token to the last. */
  readonly tokensPerSecond: number;
  /** Median time to the first token, be it reasoning or answer. */
  readonly ttftSeconds: number;
  /** Mean time of a whole answer. */
  readonly seconds: number;
  /** True where a server did not tell its number of tokens. */
  readonly estimated: boolean;
}

/**
 * Sums measured answers up. The rate leaves the reading of the prompt out, as LM Studio's own figure does: n − 1 tokens
 * come after the first (vLLM's time per output token counts the same way). An answer that came in one piece shows no such
 * span; then all of its time counts.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { speedOf } from "@/llm/measure.ts";
 *
 * const run = { completionTokens: 101, counted: "usage" as const, firstTokenMs: 500, totalMs: 2500 };
 * deepEqual(speedOf([run]), { tokensPerSecond: 50, ttftSeconds: 0.5, seconds: 2.5, estimated: false });
 * ```
 */
export function speedOf(
  runs: readonly Pick<Measured, "completionTokens" | "counted" | "firstTokenMs" | "totalMs">[],
): Speed {
  let tokens = 0, ms = 0;
  for (const { completionTokens, firstTokenMs, totalMs } of runs) {
    const streamed = completionTokens > 1 && totalMs - firstTokenMs >= 1;
    tokens += streamed ? completionTokens - 1 : completionTokens;
    ms += streamed ? totalMs - firstTokenMs : totalMs;
  }
  const firsts = runs.map((run) => run.firstTokenMs).sort((a, b) => a - b);
  const half = firsts.length / 2;
  const median = ((firsts[Math.ceil(half) - 1] ?? 0) + (firsts[Math.floor(half)] ?? 0)) / 2;
  return {
    tokensPerSecond: ms > 0 ? tokens / (ms / 1000) : 0,
    ttftSeconds: median / 1000,
    seconds: runs.reduce((sum, run) => sum + run.totalMs, 0) / runs.length / 1000,
    estimated: runs.some((run) => run.counted === "pieces"),
  };
}
