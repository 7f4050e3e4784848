import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { z } from "zod";
import { type Context, defineStep } from "@/core/step.ts";
import { watch } from "@/steps/walkthrough_live.ts";
import { fakeContext } from "../fakes/context.ts";

const count = defineStep({
  name: "count",
  summary: "",
  options: z.object({ to: z.number(), fail: z.boolean().default(false) }),
  files: () => ({ reads: [], writes: [] }),
  async run({ to, fail }, { emit, signal }: Context) {
    for (let done = 1; done <= to; done++) {
      await Promise.resolve();
      signal.throwIfAborted();
      emit({ type: "progress", label: "count", done, total: to });
      emit({ type: "metric", name: "accepted", value: done });
    }
    if (fail) throw new RangeError("boom");
    return to;
  },
});

function pages() {
  const sent: { type: string; content: Record<string, unknown> }[] = [];
  const broadcast = (type: string, content: Record<string, unknown>) => {
    sent.push({ type, content });
    return Promise.resolve();
  };
  return { sent, broadcast };
}

Deno.test("watch answers the result with its figures, and one picture that changes in place", async () => {
  const { sent, broadcast } = pages();
  const context = fakeContext();
  let time = 0;
  const run = await watch(count, { to: 3, fail: false }, context, { broadcast, now: () => time += 100 });
  deepEqual([run.result, run.ended], [3, "complete"]);
  deepEqual(run.points.filter(({ series }) => series === "accepted").map(({ value }) => value), [1, 2, 3]);
  deepEqual(run.points.filter(({ series }) => series === "answered").map(({ value }) => value), [1, 2, 3]);
  equal(context.events.length, 6, "the events go on to the context");
  const [first, ...updates] = sent;
  equal(first?.type, "display_data");
  ok(updates.length > 0 && updates.every(({ type }) => type === "update_display_data"));
  equal(new Set(sent.map(({ content }) => JSON.stringify(content.transient))).size, 1);
  ok("application/vnd.vegalite.v5+json" in Object(updates.at(-1)?.content.data), "the last one is interactive");
});

Deno.test("watch stops after a part, and by the context's signal, without an error", async () => {
  const part = await watch(count, { to: 100, fail: false }, fakeContext(), { stopAt: 0.4, broadcast: undefined });
  deepEqual([part.ended, part.result, part.points.filter(({ series }) => series === "accepted").length], [
    "stopped",
    undefined,
    40,
  ]);
  const stopped = fakeContext({ signal: AbortSignal.abort() });
  equal((await watch(count, { to: 1, fail: false }, stopped, { broadcast: undefined })).ended, "stopped");
});

Deno.test("watch throws what the step throws, and a page that is gone does not matter", async () => {
  await rejects(watch(count, { to: 1, fail: true }, fakeContext(), { broadcast: undefined }), /boom/);
  const gone = () => Promise.reject(new Error("no page"));
  equal((await watch(count, { to: 1, fail: false }, fakeContext(), { broadcast: gone })).result, 1);
  match(String(count.name), /count/);
});
