import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { ChatEngine, ChatReply } from "@/llm/chat.ts";
import { ChatError } from "@/llm/errors.ts";
import { chatPatiently, workThrough } from "@/llm/pool.ts";
import { fakeContext } from "../fakes/context.ts";

const REPLY: ChatReply = {
  content: "Yes.",
  reasoning: "",
  finishReason: "stop",
  model: "m",
  usage: {},
  timing: { firstTokenMs: 0, totalMs: 0 },
};
const REQUEST = { messages: [], temperature: 0 };

/** Fails in the given ways before it answers. */
function failing(...faults: ChatError[]): ChatEngine {
  return {
    name: "test",
    model: "m",
    chat: () => {
      const fault = faults.shift();
      return fault ? Promise.reject(fault) : Promise.resolve(REPLY);
    },
  };
}

Deno.test("chatPatiently doubles its waits and gives up after the last try", async () => {
  const { clock, slept, signal } = fakeContext();
  const faults = Array.from({ length: 4 }, (_, n) => new ChatError("server", `fault ${n}`));
  equal((await chatPatiently(failing(...faults), REQUEST, { retries: 4, clock }, signal)).content, "Yes.");
  equal(slept.length, 4);
  slept.forEach((ms, n) => ok(ms >= 500 * 2 ** n && ms <= 1000 * 2 ** n, `${slept}`));
  await rejects(chatPatiently(failing(...faults), REQUEST, { retries: 3, clock }, signal), { message: "fault 3" });
});

Deno.test("chatPatiently waits as long as the server asks", async () => {
  const { clock, slept, signal } = fakeContext();
  const fault = new ChatError("rate_limited", "slow down", { retryAfterMs: 30_000 });
  await chatPatiently(failing(fault), REQUEST, { retries: 1, clock }, signal);
  deepEqual(slept, [30_000]);
});

Deno.test("chatPatiently does not repeat what would fail again", async () => {
  const { clock, slept, signal } = fakeContext();
  const fault = new ChatError("context_overflow", "too long");
  await rejects(chatPatiently(failing(fault), REQUEST, { retries: 4, clock }, signal), fault);
  deepEqual(slept, []);
});

async function* count(to: number): AsyncGenerator<number> {
  for (let n = 0; n < to; n++) yield await Promise.resolve(n);
}

Deno.test("workThrough does every task once, the first alone, then as many at a time as allowed", async () => {
  let working = 0, most = 0;
  const done: number[] = [];
  await workThrough(count(20), 3, async (n) => {
    working++;
    if (n === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    if (done.length === 0) equal(working, 1);
    most = Math.max(most, working);
    await new Promise((resolve) => setTimeout(resolve, 1));
    working--;
    done.push(n);
  }, new AbortController().signal);
  deepEqual(done.toSorted((a, b) => a - b), Array.from({ length: 20 }, (_, n) => n));
  equal(most, 3);
});

Deno.test("workThrough stops the others on an error and throws that error", async () => {
  let aborted = 0, started = 0;
  const work = (n: number, signal: AbortSignal) => {
    started++;
    if (n === 3) return Promise.reject(new Error("broken"));
    if (n === 0) return Promise.resolve();
    return new Promise<void>((_, reject) =>
      signal.addEventListener("abort", () => {
        aborted++;
        reject(signal.reason);
      })
    );
  };
  await rejects(workThrough(count(100), 4, work, new AbortController().signal), { message: "broken" });
  equal(started, 4);
  equal(aborted, 2);
});

Deno.test("workThrough ends with AbortError when it is stopped from outside", async () => {
  const controller = new AbortController();
  const run = workThrough(count(100), 2, (n) => {
    if (n === 5) controller.abort();
    return Promise.resolve();
  }, controller.signal);
  await rejects(run, { name: "AbortError" });
});
