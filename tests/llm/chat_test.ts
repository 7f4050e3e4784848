import { deepEqual, equal, notEqual } from "node:assert/strict";
import { type ChatRequest, requestHash, splitReasoning } from "@/llm/chat.ts";

const REQUEST: ChatRequest = {
  messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Why?" }],
  temperature: 0.8,
  seed: 1,
};

Deno.test("requestHash changes with whatever may change the answer", () => {
  const hash = requestHash(REQUEST, "a");
  const others: [ChatRequest, string][] = [
    [REQUEST, "b"],
    [{ ...REQUEST, temperature: 0.7 }, "a"],
    [{ ...REQUEST, seed: 2 }, "a"],
    [{ ...REQUEST, topP: 0.9 }, "a"],
    [{ ...REQUEST, maxTokens: 10 }, "a"],
    [{ ...REQUEST, schema: { name: "x", schema: { type: "object" } } }, "a"],
    [{ ...REQUEST, messages: REQUEST.messages.toReversed() }, "a"],
  ];
  for (const [request, model] of others) notEqual(requestHash(request, model), hash);
  equal(new Set(others.map(([request, model]) => requestHash(request, model))).size, others.length);
});

Deno.test("requestHash does not see metadata", () => {
  equal(requestHash({ ...REQUEST, metadata: { passage: "x" } }, "a"), requestHash(REQUEST, "a"));
});

Deno.test("splitReasoning takes thinking out of the answer, with both tags, the closing or the opening one", () => {
  deepEqual(splitReasoning("<think>\nhm\n</think>\nYes."), { content: "Yes.", reasoning: "hm" });
  deepEqual(splitReasoning("hm\n</think>\nYes."), { content: "Yes.", reasoning: "hm" });
  deepEqual(splitReasoning("<think>still at it"), { content: "", reasoning: "still at it" });
  deepEqual(splitReasoning(" Yes. "), { content: "Yes.", reasoning: "" });
});

Deno.test("splitReasoning reads leaked channels", () => {
  const leaked =
    '<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>{"a":1}<|return|>';
  equal(splitReasoning(leaked).content, '{"a":1}');
});
