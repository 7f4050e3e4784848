/**
 * A fake LM Studio on a port of its own, with the quirks of the real one: 200 for unknown routes and for errors, errors as
 * strings and objects, error frames inside a stream, usage chunks without choices, reasoning in three places, empty and
 * truncated answers, a limited number of slots that makes requests queue, and slow tokens.
 */
import { createHash } from "node:crypto";
import { type FakeModels, fakeModels, type ModelQuirks } from "./lmstudio_models.ts";

/** A chat request as it came over the wire. */
export interface SeenRequest {
  readonly index: number;
  readonly body: {
    model?: string;
    messages?: { role: string; content: string }[];
    temperature?: number;
    seed?: number;
    max_tokens?: number;
    stream?: boolean;
    response_format?: { type: string; json_schema?: { name: string; schema: unknown } };
  };
  readonly authorization: string | null;
}

/** How one chat request fares. */
export type Behaviour =
  | {
    /** Answers with this text. */
    kind: "answer";
    content: string;
    reasoning?: string;
    /** Where the reasoning goes. @default {"reasoning_content"} */
    reasoningIn?: "reasoning_content" | "reasoning" | "think";
    finish?: "stop" | "length";
    /** Milliseconds before the first token and between tokens. */
    firstTokenMs?: number;
    tokenMs?: number;
    /** A last chunk with usage and no choices. @default {true} */
    usage?: boolean;
    /** Sends one whole completion although a stream was asked for. */
    whole?: boolean;
  }
  /** A body with an error; LM Studio likes status 200 for it. */
  | { kind: "error"; error: unknown; status?: number; retryAfter?: string }
  /** An error frame after some tokens of a stream. */
  | { kind: "frame-error"; error: unknown; after?: string }
  /** A stream without a single delta. */
  | { kind: "empty" }
  /** Bytes that are no chat answer at all. */
  | { kind: "raw"; body: string; type?: string; status?: number }
  /** Tokens, then silence; ends when the client gives up. */
  | { kind: "hang"; after?: string }
  /** The connection breaks off in the middle of a stream. */
  | { kind: "drop"; after?: string };

export interface FakeModel {
  key: string;
  type?: "llm" | "embedding";
  loaded?: boolean;
  contextLength?: number;
  architecture?: string;
  /** A model of a linked machine, where the listing tells. */
  deviceIdentifier?: string;
}

export interface FakeOptions {
  models?: readonly FakeModel[];
  /** Newest listing that it knows; older ones and OpenAI's answer too. @default {"v1"} */
  api?: "v1" | "v0" | "openai";
  /** Requests that are worked on at a time; the rest waits. @default {Infinity} */
  slots?: number;
  /** Decides how a request fares. @default {answers with a distinct exchange} */
  behave?: (request: SeenRequest) => Behaviour | Promise<Behaviour>;
  /** What it does with response_format json_schema. @default {"takes"} */
  schema?: "takes" | "refuses";
  /** Refuses requests without this token. */
  token?: string;
  port?: number;
  /** How it loads and unloads. */
  quirks?: ModelQuirks;
  /** Whether its REST API can load and unload at all, as since 0.4. @default {with the v1 listing} */
  loads?: boolean;
  /** Refuses to answer for a model that is not loaded. @default {false} */
  strict?: boolean;
}

export interface FakeLmStudio extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Chat requests in the order of their arrival. */
  readonly requests: SeenRequest[];
  /** What is on its disk and in its memory. */
  readonly models: FakeModels;
  /** Most requests that were worked on at one time. */
  readonly busiest: number;
  /** Requests whose client went away before the end. */
  readonly abandoned: number;
  /** Changes how later requests fare. */
  behave(behave: (request: SeenRequest) => Behaviour | Promise<Behaviour>): void;
}

const JSON_TYPE = { "content-type": "application/json" };
const encoder = new TextEncoder();
const sleep = (ms: number) => ms > 0 ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : Promise.resolve();

/** An exchange that passes the gates and that no other request gets; the same request always gets the same. */
export function distinctExchange({ body }: SeenRequest): string {
  const digest = createHash("sha256").update(JSON.stringify([body.messages, body.seed, body.model])).digest("hex");
  const words = [...digest].map((digit) => FILLER[Number.parseInt(digit, 16)]);
  return JSON.stringify({
    user: `What does the collective owe to the ${words.slice(0, 3).join(" ")}?`,
    assistant:
      `Comrade, our common plan begins with ${words.slice(3, 12).join(", ")}. The workers know it, and science ` +
      `has weighed ${words.slice(12, 30).join(", ")} for the whole colony and for all who come after us.`,
  });
}

const FILLER = [
  ..."lamp well bridge orchard furnace ledger chimney harbour valve window song winter barley mirror signal garden"
    .split(" "),
];

/** Answers with an exchange of its own for each request. */
export function answerDistinctly(request: SeenRequest): Behaviour {
  return { kind: "answer", content: distinctExchange(request) };
}

/** Starts the server; dispose of it to stop it. */
export function fakeLmStudio(options: FakeOptions = {}): FakeLmStudio {
  const models = options.models ?? [{ key: "openai/gpt-oss-20b", loaded: true }];
  const memory = fakeModels(models, options.quirks);
  const requests: SeenRequest[] = [];
  let behave = options.behave ?? answerDistinctly;
  let working = 0, busiest = 0, abandoned = 0;
  const waiting: (() => void)[] = [];
  const stopping = new AbortController();

  const takeSlot = async () => {
    while (working >= (options.slots ?? Infinity)) await new Promise<void>((resolve) => waiting.push(resolve));
    busiest = Math.max(busiest, ++working);
  };
  const leaveSlot = () => {
    working--;
    waiting.shift()?.();
  };

  const chat = async (incoming: Request): Promise<Response> => {
    const body: SeenRequest["body"] = await incoming.json();
    const request = { index: requests.length, body, authorization: incoming.headers.get("authorization") };
    requests.push(request);
    if (options.token && request.authorization !== `Bearer ${options.token}`) {
      return json(
        { error: { type: "invalid_request", code: "invalid_api_key", message: "An API token is required" } },
        401,
      );
    }
    if (options.strict && !memory.instances.some(({ id }) => id === body.model)) {
      return json({ error: { message: "No models loaded. Please load a model", type: "invalid_request_error" } }, 404);
    }
    memory.asked(body.model ?? "");
    const type = body.response_format?.type;
    if (type !== undefined && type !== "text" && (type !== "json_schema" || options.schema === "refuses")) {
      return json({ error: "'response_format.type' must be 'text'" }, 400);
    }
    await takeSlot();
    let left = false;
    const leave = () => {
      if (!left) leaveSlot();
      left = true;
    };
    try {
      const response = await play(await behave(request), request, leave, () => abandoned++);
      if (!response.headers.get("content-type")?.includes("event-stream")) leave();
      return response;
    } catch (error) {
      leave();
      throw error;
    }
  };

  const play = async (
    behaviour: Behaviour,
    { body }: SeenRequest,
    leave: () => void,
    onAbandoned: () => void,
  ): Promise<Response> => {
    const model = body.model ?? "";
    if (behaviour.kind === "error") {
      const retry: Record<string, string> = behaviour.retryAfter ? { "retry-after": behaviour.retryAfter } : {};
      return json({ error: behaviour.error }, behaviour.status ?? 200, retry);
    }
    if (behaviour.kind === "raw") {
      const headers = { "content-type": behaviour.type ?? "text/plain" };
      return new Response(behaviour.body, { status: behaviour.status ?? 200, headers });
    }
    if (behaviour.kind === "answer" && (behaviour.whole || !body.stream)) {
      await sleep(behaviour.firstTokenMs ?? 0);
      const message = { role: "assistant", content: behaviour.content, reasoning_content: behaviour.reasoning ?? "" };
      const finish_reason = behaviour.finish ?? "stop";
      return json({
        object: "chat.completion",
        model,
        choices: [{ index: 0, message, finish_reason }],
        usage: usageOf(behaviour),
      });
    }
    return stream(model, behaviour, leave, onAbandoned);
  };

  const stream = (model: string, behaviour: Behaviour, leave: () => void, onAbandoned: () => void): Response => {
    let gone = false;
    const frames = async function* (): AsyncGenerator<string | Error> {
      const delta = (delta: Record<string, unknown>, finish_reason: string | null = null) =>
        frame({
          object: "chat.completion.chunk",
          model,
          choices: [{ index: 0, delta, logprobs: null, finish_reason }],
        });
      if (behaviour.kind === "answer") {
        const { content, reasoning = "", reasoningIn = "reasoning_content", finish = "stop" } = behaviour;
        const spoken = reasoning && reasoningIn === "think" ? `<think>\n${reasoning}\n</think>\n${content}` : content;
        await sleep(behaviour.firstTokenMs ?? 0);
        yield delta({ role: "assistant" });
        if (reasoning && reasoningIn !== "think") yield delta({ [reasoningIn]: reasoning });
        for (const token of spoken.match(/[^]{1,24}/g) ?? []) {
          if (gone) return;
          yield delta({ content: token });
          await sleep(behaviour.tokenMs ?? 0);
        }
        yield delta({}, finish);
        if (behaviour.usage !== false) {
          yield frame({ object: "chat.completion.chunk", model, choices: [], usage: usageOf(behaviour) });
        }
      } else if (behaviour.kind === "empty") {
        yield delta({}, "stop");
      } else {
        if ("after" in behaviour && behaviour.after) yield delta({ content: behaviour.after });
        if (behaviour.kind === "frame-error") yield frame({ error: behaviour.error });
        if (behaviour.kind === "drop") return void (yield new Error("dropped"));
        if (behaviour.kind === "hang") {
          while (!gone && !stopping.signal.aborted) await sleep(10);
          return;
        }
      }
      yield "data: [DONE]\n\n";
    };
    const source = frames();
    const readable = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await source.next();
        if (done || value instanceof Error) {
          leave();
          if (value instanceof Error) return controller.error(value);
          // The client may have gone while the last frame was under way.
          if (!gone) controller.close();
          return;
        }
        if (!gone) controller.enqueue(encoder.encode(value));
      },
      cancel() {
        gone = true;
        onAbandoned();
        leave();
      },
    });
    return new Response(readable, { headers: { "content-type": "text/event-stream" } });
  };

  const listing = (path: string): Response | undefined => {
    const api = options.api ?? "v1";
    if (path === "/lmstudio-greeting" && api !== "openai") return json({ lmstudio: true });
    if (path === "/api/v1/models" && api === "v1") {
      return json({
        models: models.map(({ key, type = "llm", contextLength = 8192, architecture, deviceIdentifier }) => ({
          type,
          key,
          publisher: "fake",
          ...(architecture === undefined ? {} : { architecture }),
          ...(deviceIdentifier === undefined ? {} : { deviceIdentifier }),
          loaded_instances: memory.instances.filter((instance) => instance.key === key)
            .map(({ id, config }) => ({ id, config })),
          max_context_length: contextLength,
          format: "gguf",
        })),
      });
    }
    if (path === "/api/v0/models" && api !== "openai") {
      return json({
        object: "list",
        data: models.map(({ key, type = "llm", contextLength = 8192 }) => ({
          id: key,
          object: "model",
          type: type === "embedding" ? "embeddings" : type,
          state: memory.instances.some((instance) => instance.key === key) ? "loaded" : "not-loaded",
          max_context_length: contextLength,
        })),
      });
    }
    if (path === "/v1/models") {
      return json({
        object: "list",
        data: models.map(({ key }) => ({ id: key, object: "model", owned_by: "organization_owner" })),
      });
    }
    return undefined;
  };

  const manage = async (path: string, incoming: Request): Promise<Response | undefined> => {
    if (!(options.loads ?? (options.api ?? "v1") === "v1") || !path.startsWith("/api/v1/models/")) return undefined;
    const { model = "", instance_id = "", echo_load_config: _, ...config }: Record<string, string> = await incoming
      .json();
    if (path.endsWith("/unload")) {
      return memory.unload(instance_id)
        ? json({ instance_id })
        : json({ error: { type: "model_not_found", message: `Model not loaded: ${instance_id}` } });
    }
    const loading = await memory.load(model, config);
    if (typeof loading === "object" && "error" in loading) return json({ error: loading.error }, loading.status ?? 200);
    return json({ type: "llm", instance_id: model, load_time_seconds: 1.5, status: "loaded", load_config: config });
  };

  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: options.port ?? 0,
    onListen: () => {},
    onError: () => json({ error: "broken" }, 500),
  }, async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && pathname === "/v1/chat/completions") return chat(request);
    if (options.token && request.headers.get("authorization") !== `Bearer ${options.token}`) {
      return json(
        { error: { type: "invalid_request", code: "invalid_api_key", message: "An API token is needed" } },
        401,
      );
    }
    const found = request.method === "GET" ? listing(pathname) : await manage(pathname, request);
    // LM Studio answers 200 to what it does not know.
    return found ?? json({ error: `Unexpected endpoint or method. (${request.method} ${pathname})` });
  });
  const { port } = server.addr;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    models: memory,
    get busiest() {
      return busiest;
    },
    get abandoned() {
      return abandoned;
    },
    behave: (next) => void (behave = next),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await server.shutdown();
    },
  };
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...JSON_TYPE, ...headers } });
}

function frame(body: unknown): string {
  return `data: ${JSON.stringify(body)}\n\n`;
}

function usageOf({ content, reasoning = "" }: { content: string; reasoning?: string }) {
  const completion_tokens = Math.ceil((content.length + reasoning.length) / 4);
  return { prompt_tokens: 100, completion_tokens, total_tokens: 100 + completion_tokens };
}
