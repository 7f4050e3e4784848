/** One chat interface: whoever answers (LM Studio, any OpenAI-compatible server, the rehearsal) is a `ChatEngine`. */
import { createHash, type Hash } from "node:crypto";
import { sha256 } from "../core/files.ts";
import type { ChatMessage } from "../records.ts";

/** A JSON schema that the answer must follow, with the name that servers ask for. */
export interface ChatSchema {
  readonly name: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly temperature: number;
  readonly topP?: number;
  readonly maxTokens?: number;
  readonly seed?: number;
  readonly schema?: ChatSchema;
  /** What the messages were rendered from. Servers never see it; the rehearsal engine writes from it. */
  readonly metadata?: unknown;
}

export interface ChatReply {
  /** The answer without its reasoning. */
  readonly content: string;
  readonly reasoning: string;
  /** `stop`, `length` …, as the server said; empty where it said nothing. */
  readonly finishReason: string;
  /** The model that the server says answered. */
  readonly model: string;
  readonly usage: { readonly promptTokens?: number; readonly completionTokens?: number };
  /** Milliseconds from sending; the first token may be one of reasoning. */
  readonly timing: { readonly firstTokenMs: number; readonly totalMs: number };
}

export interface ChatEngine {
  /** `lmstudio`, `rehearsal` … */
  readonly name: string;
  readonly model: string;
  /**
   * @param onToken Called for each piece of the answer or of its reasoning as it comes, where they come in pieces.
   * @throws {ChatError} for everything that is not a usable answer.
   * @throws {DOMException} AbortError when the signal fires.
   */
  chat(request: ChatRequest, signal: AbortSignal, onToken?: () => void): Promise<ChatReply>;
}

/** Counts up whenever requests are rendered or hashed in another way, so that old answers are not taken for new ones. */
const SCHEME = 2;

/**
 * Names a request by all that may change its answer: messages, model, sampling, schema and seed; not by timeouts,
 * concurrency or metadata.
 *
 * @param prompt `promptHash` of the request, for who has it already.
 *
 * @example
 * ```ts
 * import { equal, notEqual } from "node:assert/strict";
 * import { requestHash } from "@/llm/chat.ts";
 *
 * const request = { messages: [{ role: "user" as const, content: "Good day." }], temperature: 0.8 };
 * equal(requestHash(request, "m"), requestHash({ ...request, metadata: 1 }, "m"));
 * notEqual(requestHash(request, "m"), requestHash({ ...request, seed: 2 }, "m"));
 * ```
 */
export function requestHash(request: ChatRequest, model: string, prompt: string = promptHash(request)): string {
  const { temperature, topP, maxTokens, seed, schema } = request;
  return sha256(JSON.stringify([
    SCHEME,
    model,
    prompt,
    temperature,
    topP ?? null,
    maxTokens ?? null,
    seed ?? null,
    schema ? [schema.name, schema.schema] : null,
  ]));
}

/** Names the messages of a request: SHA-256 of them as a JSON list of role and content. */
export function promptHash({ messages: [first, ...others] }: Pick<ChatRequest, "messages">): string {
  if (!first) return sha256("[]");
  const { role, content } = first;
  if (begun?.content !== content || begun.role !== role) {
    begun = { role, content, hash: createHash("sha256").update(`[${JSON.stringify([role, content])}`) };
  }
  const hash = begun.hash.copy();
  for (const { role, content } of others) hash.update(`,${JSON.stringify([role, content])}`);
  return hash.update("]").digest("hex");
}

/** Most requests begin with the same system prompt, which is half of their text. */
let begun: ChatMessage & { hash: Hash } | undefined;

/**
 * Parts an answer from the reasoning that some models write into it: `<think>…</think>` (with the opening tag missing
 * where the chat template already wrote it), or the channels of gpt-oss that leak when a grammar garbles them.
 */
export function splitReasoning(text: string): { content: string; reasoning: string } {
  const close = text.lastIndexOf("</think>");
  if (close >= 0) {
    const reasoning = text.slice(0, close).replace(/<\/?think>/g, "").trim();
    return { content: text.slice(close + "</think>".length).trim(), reasoning };
  }
  const open = /^\s*<think>/.exec(text);
  if (open) return { content: "", reasoning: text.slice(open[0].length).trim() };
  const final = /<\|channel\|>final[^<]*<\|message\|>/.exec(text);
  if (final) {
    const content = text.slice(final.index + final[0].length).replace(/<\|(?:end|return|start)\|>[\s\S]*$/, "");
    return { content: content.trim(), reasoning: text.slice(0, final.index).replace(/<\|[^|]*\|>/g, " ").trim() };
  }
  return { content: text.trim(), reasoning: "" };
}
