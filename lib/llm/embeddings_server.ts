/** Embeddings by an OpenAI-compatible server: LM Studio, llama-server, vLLM, Ollama. */
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import type { Context } from "../core/step.ts";
import { type Embedder, prefixFor, TooLargeError } from "./embeddings.ts";
import { ChatError, errorText, refusal, unreachable } from "./errors.ts";
import { listModels } from "./models.ts";
import type { ServerAddress } from "./server.ts";

export interface ServerEmbedderOptions {
  readonly address: ServerAddress;
  /** Default: the server's own, where it has one, loaded ones first. */
  readonly model?: string | undefined;
  readonly token?: string | undefined;
  /** Further tries after the first. @default {4} */
  readonly retries?: number;
  /** Longest wait for an answer; the server may be loading the model. @default {600000} */
  readonly timeoutMs?: number;
}

type Access = Pick<Context, "fetch" | "clock" | "signal" | "emit">;
type Request = ServerEmbedderOptions & { model: string; texts: readonly string[] };

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** A server that asks for more patience than this is waited for no longer than this. */
const LONGEST_RETRY_AFTER_MS = 600_000;

/** Vectors come as numbers, or as base64 of 32-bit floats; LM Studio does as it likes, whatever was asked for. */
const Answer = z.object({
  model: z.string().optional().catch(undefined),
  data: z.array(z.object({
    index: z.int().optional().catch(undefined),
    embedding: z.union([z.array(z.number()), z.base64().transform(floatsOf)]),
  })),
});
type Answer = z.infer<typeof Answer>;

/**
 * An embedder on a server. It waits and tries again where that can help; a batch that is too large is told as such.
 *
 * @throws {UserError} nobody answers, or no embedding model is named or found.
 */
export async function serverEmbedder(options: ServerEmbedderOptions, access: Access): Promise<Embedder> {
  const { address, token } = options;
  const model = options.model ?? await findModel(options, access);
  const prefix = prefixFor(model);
  const shown = `"${model}" on ${address.shown}`;
  let dimensions: number | undefined;
  let answeredBy: string | undefined;

  return {
    key: ["server", model, prefix].join("|"),
    shown,
    async embed(texts, signal) {
      const request = { ...options, model, texts: texts.map((text) => prefix + text) };
      let answer: Answer;
      try {
        answer = await askPatiently(request, access, signal);
      } catch (error) {
        if (token && error instanceof Error) error.message = error.message.replaceAll(token, "***");
        throw error;
      }
      if (answer.model && answer.model !== answeredBy) {
        answeredBy = answer.model;
        // LM Studio answers with whatever embedding model it has loaded.
        if (!sameName(answeredBy, model)) {
          access.emit({ type: "log", level: "warn", message: `asked for ${shown}, "${answeredBy}" answers` });
        }
      }
      return inOrder(answer).map((vector) => {
        dimensions ??= vector.length;
        if (vector.length === dimensions) return vector;
        const widths = `one has ${vector.length} dimensions, those before had ${dimensions}`;
        throw new UserError(`Cannot use the embeddings of ${shown}: ${widths}`, {
          hint: "The server changed its model on the way. Load one and run again; what was embedded before is kept.",
        });
      });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function findModel({ address, token }: ServerEmbedderOptions, { fetch, signal }: Access): Promise<string> {
  const { models } = await listModels(address, { fetch, token, signal });
  const able = models.filter(({ kind, id }) => kind === "embedding" && !/rerank/i.test(id));
  const found = able.find(({ loaded }) => loaded) ?? able[0] ?? (models.length === 1 ? models[0] : undefined);
  if (found) return found.id;
  throw new UserError(`Cannot embed with the server at ${address.shown}: it lists no embedding model`, {
    hint: `It has ${models.map(({ id }) => id).join(", ") || "none"}. Get one (\`lms get nomic-embed-text-v1.5\`), ` +
      "or name one with --embedding-model.",
  });
}

/** Waits 1, 2, 4 … seconds between tries, or as long as the server asks for. */
async function askPatiently(request: Request, access: Access, signal: AbortSignal): Promise<Answer> {
  for (let tried = 0;; tried++) {
    try {
      return await ask(request, access.fetch, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ChatError) || !error.retryable || tried >= (request.retries ?? 4)) throw error;
      const backoff = Math.min(FIRST_WAIT_MS * 2 ** tried, LONGEST_WAIT_MS);
      const waitMs = Math.max(backoff, Math.min(error.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS));
      const message = `${error.message}; next try in ${Math.round(waitMs / 1000)} s`;
      access.emit({ type: "log", level: "warn", message });
      await access.clock.sleep(waitMs, signal);
    }
  }
}

async function ask(request: Request, fetch_: typeof fetch, signal: AbortSignal): Promise<Answer> {
  const { address, model, texts, token } = request;
  const patience = AbortSignal.timeout(request.timeoutMs ?? 600_000);
  let response: Response;
  let body: string;
  try {
    response = await fetch_(`${address.openai}/embeddings`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify({ model, input: texts, encoding_format: "float" }),
      signal: AbortSignal.any([signal, patience]),
    });
    body = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    if (patience.aborted) throw new ChatError("timeout", `${address.shown} sent no embeddings in time`);
    throw unreachable(address.shown, error);
  }
  const value = jsonOf(body);
  const answer = Answer.safeParse(value);
  // Shape decides, not the status: LM Studio reports errors with status 200.
  if (response.ok && answer.success) {
    if (inOrder(answer.data).length === texts.length) return answer.data;
    const { length } = answer.data.data;
    throw new ChatError("bad_response", `${address.shown} sent ${length} embeddings for ${texts.length} texts`);
  }
  throw faultOf(request, response, value ?? body);
}

/** What went wrong, by the words before the status. */
function faultOf({ address, model }: Request, response: Response, body: unknown): Error {
  const { message, code } = errorText(body);
  const words = `${message} ${code}`;
  const asEmbedder = (why: string, hint: string) =>
    new UserError(`Cannot embed with "${model}" on ${address.shown}: ${why}`, { exitCode: 2, hint });
  if (
    /batch size|too large to process|context|n_ctx|too many (?:tokens|inputs)|maximum.*(?:length|tokens)/i.test(words)
  ) {
    return new TooLargeError(message);
  }
  if (
    /not support embeddings?|not (?:an? )?embedding|does not.*embed|pooling type/i.test(words) ||
    response.status === 501
  ) {
    return asEmbedder(
      `it makes no embeddings (${message})`,
      "Name an embedding model with --embedding-model; llama-server needs --embeddings and a --pooling.",
    );
  }
  if (response.headers.get("content-type")?.includes("html")) {
    return asEmbedder("it answers with a web page", "Check --lmstudio-url.");
  }
  if (response.ok && typeof body === "object" && body !== null && "data" in body) {
    return new ChatError("bad_response", `${address.shown} sent embeddings that are not rows of numbers`);
  }
  const refused = refusal({
    server: address.shown,
    model,
    ...(response.ok ? {} : { status: response.status }),
    retryAfter: response.headers.get("retry-after"),
    body,
  });
  if (refused.kind === "not_found" || response.ok && message === "") {
    return asEmbedder("it knows no /v1/embeddings", "Check --lmstudio-url.");
  }
  if (refused.kind === "no_model") {
    return asEmbedder(`it does not have that model (${message})`, "Name one that it has with --embedding-model.");
  }
  return refused;
}

/** The vectors in the order of the texts; fewer where an index is missing or there twice. */
function inOrder({ data }: Answer): Float32Array[] {
  const rows = data.map(({ index, embedding }, at) => ({ index: index ?? at, vector: Float32Array.from(embedding) }));
  rows.sort((a, b) => a.index - b.index);
  return rows.filter(({ index }, at) => index === at).map(({ vector }) => vector);
}

/** Base64 of little-endian 32-bit floats. */
function floatsOf(base64: string): number[] {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length >> 2 }, (_, index) => view.getFloat32(4 * index, true));
}

/** `text-embedding-nomic@q8_0`, `nomic.gguf` and a path to it are one model. */
function sameName(a: string, b: string): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/^.*[\\/]/, "").replace(/(?:@.*|\.gguf|:\w+)$/, "");
  return plain(a) === plain(b) || plain(a).includes(plain(b)) || plain(b).includes(plain(a));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
