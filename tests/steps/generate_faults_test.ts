/** Every fault of a server, alone and in a fifth of all answers: the run ends and its accounts add up. */
import { equal, ok } from "node:assert/strict";
import {
  answerDistinctly,
  type Behaviour,
  distinctExchange,
  fakeLmStudio,
  type SeenRequest,
} from "../fakes/lmstudio.ts";
import { withRun } from "../fakes/generating.ts";

/** What interfaces of this kind do to requests; a fifth of them fares so. */
const FAULTS: Readonly<Record<string, (request: SeenRequest) => Behaviour>> = {
  "an unknown route with status 200": () => ({
    kind: "error",
    error: "Unexpected endpoint or method. (POST /v1/chat/completions)",
  }),
  "an error in a text with status 200": () => ({ kind: "error", error: "Model unloaded." }),
  "an error in an object": () => ({
    kind: "error",
    error: { message: "out of memory", type: "internal_error" },
    status: 500,
  }),
  "an error in a stream": () => ({ kind: "frame-error", error: { message: "The model has crashed." }, after: '{"us' }),
  "no model loaded": () => ({
    kind: "error",
    error: { message: "No models loaded. Please load a model" },
    status: 404,
  }),
  "a model that does not load": () => ({ kind: "error", error: 'Failed to load model "x". Error: exit', status: 400 }),
  "an overflow of the context": () => ({ kind: "error", error: "n_keep: 13055>= n_ctx: 4096", status: 400 }),
  "an overflow with status 200": () => ({ kind: "error", error: { message: "exceeds the context length" } }),
  "no delta": () => ({ kind: "empty" }),
  "a refused token": () => ({ kind: "error", error: { code: "invalid_api_key", message: "no" }, status: 401 }),
  "a template that cannot be rendered": () => ({
    kind: "error",
    error: "Error rendering prompt with jinja template: x",
    status: 400,
  }),
  "a refused schema": () => ({ kind: "error", error: "'response_format.type' must be 'text'", status: 400 }),
  "an answer cut off": (request) => ({ ...answerDistinctly(request), finish: "length" } as Behaviour),
  "blanks without end": () => ({ kind: "answer", content: `{"user":${" ".repeat(70_000)}` }),
  "an answer garbled by its grammar": () => ({ kind: "answer", content: '<|channel|>final {"user":}' }),
  "JSON in the reasoning": (request) => ({ kind: "answer", content: "", reasoning: distinctExchange(request) }),
  "reasoning in the answer": (request) => (
    { ...answerDistinctly(request), reasoning: "hm", reasoningIn: "think" } as Behaviour
  ),
  "a fence": (request) => ({ kind: "answer", content: `\`\`\`json\n${distinctExchange(request)}\n\`\`\`` }),
  "talk around it": (request) => ({
    kind: "answer",
    content: `Here you are: ${distinctExchange(request)} Anything else?`,
  }),
  "other names": (request) => ({ kind: "answer", content: distinctExchange(request).replace('"user"', '"question"') }),
  "talk alone": () => ({ kind: "answer", content: "I would rather talk." }),
  "a web page": () => ({ kind: "raw", body: "<html>router</html>", type: "text/html" }),
  "nonsense": () => ({ kind: "raw", body: "data: {nonsense\n\n", type: "text/event-stream" }),
  "a broken connection": () => ({ kind: "drop", after: '{"us' }),
  "silence": () => ({ kind: "hang", after: '{"us' }),
  "too many requests": () => ({ kind: "error", error: "slow down", status: 429, retryAfter: "3" }),
  "a model that is loading": () => ({ kind: "error", error: { message: "Loading model" }, status: 503 }),
  "a whole answer instead of a stream": (request) => ({ ...answerDistinctly(request), whole: true } as Behaviour),
  "no usage": (request) => ({ ...answerDistinctly(request), usage: false } as Behaviour),
};

/** Faults that say that nobody will be answered, or not in this form. */
const TELLING = /unknown route|no model|does not load|refused|web page/;

/** A run of 24 examples, of whose answers every fifth is the fault, counted from one of the first five. */
async function runWith(fault: (request: SeenRequest) => Behaviour, first: number, more: object = {}): Promise<void> {
  await withRun(async ({ run, read, context }) => {
    await using fake = fakeLmStudio({
      behave: (request) => request.index % 5 === first ? fault(request) : answerDistinctly(request),
    });
    const { stats } = await run({ lmstudioUrl: [fake.url], concurrency: 3, ...more });
    ok(stats && fake.requests.length >= 24);
    equal(stats.examples_requested, 24);
    equal(stats.examples_generated + stats.examples_failed, 24);
    equal(Object.values(stats.rejects).reduce((sum, n) => sum + n, 0), stats.examples_failed);
    ok(stats.examples_generated >= 17, JSON.stringify(stats.rejects));
    equal((await read("_rejects.jsonl")).split("\n").length - 1, stats.examples_failed);
    equal((await read(".jsonl")).split("\n").length - 1, stats.examples_generated);
    ok(context.events.every((event) => event.type !== "log" || !/\n\s+at /.test(event.message)));
  }, 12);
}

for (const [name, fault] of Object.entries(FAULTS)) {
  Deno.test(`generate accounts for every example when a fifth of all answers is ${name}`, async () => {
    // Silence is waited for in real time: once, and longer than a busy machine takes for anything else.
    if (name === "silence") return await runWith(fault, 3, { idleTimeout: "2s", concurrency: 8 });
    // The first answers find the model's form, and tell whether a server is worth asking.
    for (const first of TELLING.test(name) ? [0, 1, 2, 3, 4] : [0, 3]) await runWith(fault, first);
  });
}
