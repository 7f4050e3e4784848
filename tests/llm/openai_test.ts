import { deepEqual, doesNotMatch, equal, match, ok, rejects } from "node:assert/strict";
import { ChatError, type ChatFault } from "@/llm/errors.ts";
import { openaiEngine } from "@/llm/openai.ts";
import { serverAddress } from "@/llm/server.ts";
import { type Behaviour, type FakeLmStudio, fakeLmStudio, type FakeOptions } from "../fakes/lmstudio.ts";

const REQUEST = { messages: [{ role: "user" as const, content: "Good day." }], temperature: 0.5, seed: 7 };
const never = new AbortController().signal;

function engine(url: string, more: { idleMs?: number; firstTokenMs?: number; token?: string } = {}) {
  return openaiEngine({ address: serverAddress(url), model: "m", fetch, ...more });
}

async function withFake<T>(options: FakeOptions | Behaviour, test: (fake: FakeLmStudio) => Promise<T>): Promise<T> {
  await using fake = fakeLmStudio("kind" in options ? { behave: () => options } : options);
  return await test(fake);
}

async function faultOf(behaviour: Behaviour): Promise<ChatError> {
  return await withFake(behaviour, async (fake) => {
    // Only silence takes time.
    const idleMs = behaviour.kind === "hang" ? 300 : 60_000;
    const error = await engine(fake.url, { idleMs }).chat(REQUEST, never).catch((error) => error);
    ok(error instanceof ChatError, String(error));
    return error;
  });
}

Deno.test("openaiEngine streams an answer with its usage and sends what was asked", async () => {
  await withFake({ kind: "answer", content: "Good day, comrade. The board is set." }, async (fake) => {
    const schema = { name: "exchange", schema: { type: "object" } };
    const reply = await engine(`${fake.url}/v1/`).chat(
      { ...REQUEST, maxTokens: 99, schema, metadata: "unseen" },
      never,
    );
    equal(reply.content, "Good day, comrade. The board is set.");
    equal(reply.finishReason, "stop");
    deepEqual(reply.usage, { promptTokens: 100, completionTokens: 9 });
    ok(reply.timing.firstTokenMs <= reply.timing.totalMs);
    const { body, authorization } = fake.requests[0] ?? {};
    equal(authorization, null);
    deepEqual(body, {
      model: "m",
      messages: REQUEST.messages,
      temperature: 0.5,
      max_tokens: 99,
      seed: 7,
      response_format: { type: "json_schema", json_schema: { ...schema, strict: true } },
      stream: true,
      stream_options: { include_usage: true },
    });
  });
});

Deno.test("openaiEngine finds reasoning in each of its places", async () => {
  for (const reasoningIn of ["reasoning_content", "reasoning", "think"] as const) {
    await withFake({ kind: "answer", content: "Yes.", reasoning: "Let me see.", reasoningIn }, async (fake) => {
      const { content, reasoning } = await engine(fake.url).chat(REQUEST, never);
      deepEqual({ content, reasoning }, { content: "Yes.", reasoning: "Let me see." }, reasoningIn);
    });
  }
});

Deno.test("openaiEngine keeps an answer that came in the reasoning alone", async () => {
  await withFake({ kind: "answer", content: "", reasoning: '{"user":"a"}' }, async (fake) => {
    equal((await engine(fake.url).chat(REQUEST, never)).reasoning, '{"user":"a"}');
  });
});

Deno.test("openaiEngine takes a whole completion from a server that does not stream", async () => {
  await withFake({ kind: "answer", content: "Whole.", whole: true }, async (fake) => {
    const { content, usage } = await engine(fake.url).chat(REQUEST, never);
    equal(content, "Whole.");
    equal(usage.promptTokens, 100);
  });
});

Deno.test("openaiEngine tells faults by their shape, whatever the status", async () => {
  const noModel = "No models loaded. Please load a model in the developer page or use the 'lms load' command.";
  const cases: [ChatFault, boolean, Behaviour][] = [
    ["no_model", false, { kind: "error", error: { message: noModel, type: "invalid_request_error", code: null } }],
    ["no_model", false, { kind: "error", error: noModel, status: 404 }],
    ["no_model", false, { kind: "error", error: { message: 'Failed to load model "m". Error: x' }, status: 400 }],
    ["not_found", false, { kind: "error", error: "Unexpected endpoint or method. (POST /v1/chat/completions)" }],
    ["not_found", false, { kind: "raw", body: "<html>router</html>", type: "text/html" }],
    ["context_overflow", false, { kind: "error", error: "request: n_keep: 13055>= n_ctx: 4096", status: 400 }],
    ["context_overflow", false, {
      kind: "frame-error",
      error: { type: "exceed_context_size_error", message: "too long" },
    }],
    ["schema_unsupported", false, { kind: "error", error: "'response_format.type' must be 'text'", status: 400 }],
    ["rate_limited", true, { kind: "error", error: { message: "slow down" }, status: 429 }],
    ["server", true, { kind: "error", error: { message: "Loading model", type: "unavailable_error" }, status: 503 }],
    ["server", true, {
      kind: "frame-error",
      error: "The model has crashed. (Exit code: 18446744072635812000)",
      after: "Go",
    }],
    ["unauthorized", false, { kind: "error", error: { code: "invalid_api_key", message: "no" }, status: 401 }],
    ["empty", true, { kind: "empty" }],
    ["truncated", false, { kind: "answer", content: '{"user": "Wh', finish: "length" }],
    ["bad_response", true, { kind: "raw", body: '{"ok":true}', type: "application/json" }],
    ["bad_response", true, { kind: "raw", body: "data: {nonsense\n\n", type: "text/event-stream" }],
    ["server", true, { kind: "drop", after: "Half an ans" }],
    ["timeout", true, { kind: "hang", after: "Wait" }],
    ["bad_request", false, { kind: "error", error: "Error rendering prompt with jinja template: x", status: 400 }],
  ];
  for (const [kind, retryable, behaviour] of cases) {
    const error = await faultOf(behaviour);
    equal(error.kind, kind, `${JSON.stringify(behaviour)} → ${error.kind}: ${error.message}`);
    equal(error.retryable, retryable, kind);
  }
});

Deno.test("openaiEngine leaves an answer that goes on without end", async () => {
  await withFake({ kind: "answer", content: `{${" ".repeat(100_000)}` }, async (fake) => {
    await rejects(engine(fake.url).chat({ ...REQUEST, maxTokens: 64 }, never), { kind: "truncated" });
  });
});

Deno.test("openaiEngine tells of each piece as it comes, and of the status that it was refused with", async () => {
  await withFake({ kind: "answer", content: "x".repeat(72), reasoning: "Hm." }, async (fake) => {
    let pieces = 0;
    await engine(fake.url).chat(REQUEST, never, () => pieces++);
    equal(pieces, 4);
  });
  equal((await faultOf({ kind: "error", error: "wait", status: 503 })).status, 503);
});

Deno.test("openaiEngine treats an error that LM Studio sends with status 200 as a failure of the server", async () => {
  const error = await faultOf({ kind: "error", error: "Model unloaded." });
  match(error.message, /Model unloaded/);
  equal(error.retryable, true);
});

Deno.test("openaiEngine passes on how long the server asks to wait", async () => {
  const error = await faultOf({ kind: "error", error: "busy", status: 503, retryAfter: "7" });
  equal(error.retryAfterMs, 7000);
});

Deno.test("openaiEngine says how to start a server that does not answer: LM Studio where the address has its port", async () => {
  const refused = () => Promise.reject(new TypeError("connection refused"));
  const said = async (url: string, name?: string) => {
    const engine = openaiEngine({ address: serverAddress(url), model: "m", fetch: refused, ...(name ? { name } : {}) });
    const { message, hint } = await engine.chat(REQUEST, never).catch((error) => error);
    return { message, hint };
  };
  deepEqual(await said("localhost:1234/v1"), {
    message: "Cannot reach LM Studio at http://localhost:1234: connection refused",
    hint: "Start the server in LM Studio (Developer tab) or by `lms server start`, or pass another --lmstudio-url.",
  });
  for (const url of ["http://localhost:8000", "http://12.34.1.234:11434", "https://api.example.org"]) {
    deepEqual(await said(url), {
      message: `Cannot reach the server at ${url}: connection refused`,
      hint: "Start it there, or pass another --lmstudio-url.",
    });
  }
  doesNotMatch((await said("http://localhost:8000", "judge")).hint, /LM Studio|--lmstudio-url/);
  match((await said("http://localhost:1234", "judge")).hint, /lms server start(?!.*--lmstudio-url)/);
});

Deno.test("openaiEngine sends the token and never shows it", async () => {
  const token = "sk-lm-very-secret";
  await withFake({ token }, async (fake) => {
    await engine(fake.url, { token }).chat(REQUEST, never);
    equal(fake.requests[0]?.authorization, `Bearer ${token}`);
    await rejects(engine(fake.url).chat(REQUEST, never), { kind: "unauthorized" });
  });
  await withFake({ kind: "error", error: `bad key ${token}`, status: 401 }, async (fake) => {
    const error = await engine(fake.url, { token }).chat(REQUEST, never).catch((error) => error);
    ok(!`${error.message} ${error.hint} ${error.stack}`.includes(token), error.stack);
  });
});

Deno.test("openaiEngine stops at once when it is aborted, before and during a stream", async () => {
  await withFake({ kind: "hang", after: "Wait" }, async (fake) => {
    const controller = new AbortController();
    const asked = engine(fake.url).chat(REQUEST, controller.signal, () => controller.abort());
    await rejects(asked, { name: "AbortError" });
    await rejects(engine(fake.url).chat(REQUEST, controller.signal), { name: "AbortError" });
    equal(fake.requests.length, 1);
    while (fake.abandoned === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    equal(fake.abandoned, 1);
  });
});

Deno.test("openaiEngine lets a slow stream go on for longer than the idle timeout", async () => {
  await withFake({ kind: "answer", content: "x".repeat(24 * 8), tokenMs: 200 }, async (fake) => {
    equal((await engine(fake.url, { idleMs: 1200 }).chat(REQUEST, never)).content.length, 192);
  });
});
