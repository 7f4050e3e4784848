import { deepEqual, equal, ok } from "node:assert/strict";
import { type Ask, converse, type Form } from "@/dialogue/converse.ts";
import type { Answer } from "@/dialogue/ledger.ts";
import type { ChatRequest } from "@/llm/chat.ts";

const ASSIGNMENT = {
  chunk: { id: "1", text: "The workers sang.", source_id: 1, source_title: "A Book", keyword_counts: { total: 0 } },
  persona: {
    id: "primary",
    category: "core",
    name: "N",
    traits: ["t"],
    voice: "v",
    system: "s",
    themes: {},
    sample: "",
  },
  themes: [],
};
const PROMPTS = {
  generate: { system: "s", user: "{{passage}}", correction: "Wrong: {{error}}" },
  promptOnlyJson: "JSON only.",
};
const GOOD = '{"user":"Why?","assistant":"Because."}';

function says(content: string): Answer {
  return {
    reply: {
      content,
      reasoning: "",
      finishReason: "stop",
      model: "m",
      usage: {},
      timing: { firstTokenMs: 0, totalMs: 0 },
    },
  };
}

/** Plays answers in turn and keeps the requests. */
function scripted(...answers: (Answer | undefined)[]): { ask: Ask; asked: ChatRequest[] } {
  const asked: ChatRequest[] = [];
  return { asked, ask: (request) => Promise.resolve(answers[asked.push(request) - 1]) };
}

const MANNER = { prompts: PROMPTS, sampling: { temperature: 0 }, seed: 1 };
const manner = (...forms: Form[]) => ({ ...MANNER, forms: forms.length > 0 ? forms : ["schema", "prompt"] as Form[] });

Deno.test("converse takes a good answer at once", async () => {
  const { ask, asked } = scripted(says(GOOD));
  const outcome = await converse(ASSIGNMENT, manner(), ask);
  ok(outcome.kind === "exchange");
  deepEqual([outcome.exchange.user, outcome.tries, asked.length], ["Why?", 1, 1]);
});

Deno.test("converse quotes the error for one correction, then tries afresh, then gives up", async () => {
  const { ask, asked } = scripted(says("Hm."), says("Hm again."), says("Hm still."));
  const outcome = await converse(ASSIGNMENT, manner(), ask);
  deepEqual(outcome, {
    kind: "reject",
    reason: "invalid_json",
    detail: "the answer is not a JSON object",
    said: "Hm still.",
  });
  equal(asked[1]?.messages.length, 4);
  equal(asked[1]?.messages[3]?.content, "Wrong: the answer is not a JSON object");
  equal(asked[2]?.messages.length, 2);
  ok(asked[2]?.seed !== asked[0]?.seed);
  equal(asked.length, 3);
});

Deno.test("converse takes the correction, or the fresh try", async () => {
  for (const [answers, tries] of [[["Hm.", GOOD], 2], [["Hm.", "Hm.", GOOD], 3]] as const) {
    const outcome = await converse(ASSIGNMENT, manner(), scripted(...answers.map(says)).ask);
    ok(outcome.kind === "exchange");
    equal(outcome.tries, tries);
  }
});

Deno.test("converse tries a truncated answer afresh and does not repeat what is too long", async () => {
  const fault = (kind: string): Answer => ({ fault: { kind, message: kind } });
  const truncated = scripted(fault("truncated"), says(GOOD));
  equal((await converse(ASSIGNMENT, manner(), truncated.ask)).kind, "exchange");
  const long = scripted(fault("context_overflow"), says(GOOD));
  equal((await converse(ASSIGNMENT, manner(), long.ask)).kind, "reject");
  equal(long.asked.length, 1);
});

Deno.test("converse goes on without a schema where the server takes none", async () => {
  const { ask, asked } = scripted({ fault: { kind: "schema_unsupported", message: "no" } }, says(GOOD));
  equal((await converse(ASSIGNMENT, manner(), ask)).kind, "exchange");
  deepEqual(asked.map(({ schema }) => schema !== undefined), [true, false]);
  ok(asked[1]?.messages[1]?.content.endsWith("JSON only."));
});

Deno.test("converse asks in no other form than those that it may", async () => {
  const { ask, asked } = scripted(says("Hm."), says(GOOD));
  equal((await converse(ASSIGNMENT, manner("prompt"), ask)).kind, "exchange");
  deepEqual(asked.map(({ schema }) => schema), [undefined, undefined]);
});

Deno.test("converse finds answers of either form when it rebuilds, and tells when there is none", async () => {
  const outcome = await converse(
    ASSIGNMENT,
    manner(),
    (request) => Promise.resolve(request.schema ? undefined : says(GOOD)),
  );
  equal(outcome.kind, "exchange");
  equal((await converse(ASSIGNMENT, manner(), () => Promise.resolve(undefined))).kind, "failed");
});

Deno.test("converse takes the same turns when a schema is no longer sent after a bad answer to one", async () => {
  // The answer with a schema is in the ledger; what would follow it with one was never asked.
  const known = (request: ChatRequest): Answer | undefined =>
    request.schema
      ? (request.messages.length === 2 && request.seed === seeds[0] ? says("Hm.") : undefined)
      : says(GOOD);
  const { ask, asked } = scripted(says("Hm."));
  await converse(ASSIGNMENT, manner("schema"), ask);
  const seeds = [asked[0]?.seed];
  const turns: string[] = [];
  const outcome = await converse(ASSIGNMENT, manner(), (request) => {
    const answer = known(request);
    turns.push(`${request.schema ? "schema" : "prompt"} ${request.messages.length} ${answer ? "known" : "unknown"}`);
    return Promise.resolve(answer);
  });
  equal(outcome.kind, "exchange");
  deepEqual(turns, ["schema 2 known", "schema 4 unknown", "schema 2 unknown", "prompt 2 known"]);
});
