import { toTransformStream } from "@std/streams/to-transform-stream";
import { deepStrictEqual, rejects, strictEqual, throws } from "node:assert/strict";

Deno.test("toTransformStream yields what an async or plain generator makes of the source", async () => {
  const doubled = toTransformStream(async function* (numbers: ReadableStream<number>) {
    for await (const number of numbers) yield* [number, number];
  });
  deepStrictEqual(await Array.fromAsync(ReadableStream.from([1, 2]).pipeThrough(doubled)), [1, 1, 2, 2]);

  const fixed = toTransformStream((_: ReadableStream<number>) => ["a", "b"]);
  deepStrictEqual(await Array.fromAsync(ReadableStream.from([1, 2]).pipeThrough(fixed)), ["a", "b"]);
});

Deno.test("toTransformStream pulls no further than it is read", async () => {
  let made = 0;
  const { readable } = toTransformStream(function* () {
    while (true) yield ++made;
  });
  const reader = readable.getReader();
  await reader.read();
  await reader.read();
  strictEqual(made <= 3, true, `made ${made}`);
  await reader.cancel();
});

Deno.test("toTransformStream throws where nothing can be iterated", () => {
  for (const nothing of [null, undefined, 1, {}]) {
    throws(() => toTransformStream(() => nothing as unknown as []), {
      name: "TypeError",
      message: "Transformer must return an iterable or async iterable",
    });
  }
});

Deno.test("toTransformStream passes an error of the source through the generator", async () => {
  const fault = new Error("torn");
  const seen: unknown[] = [];
  const source = new ReadableStream<number>({ start: (controller) => controller.error(fault) });
  const passed = source.pipeThrough(toTransformStream(async function* (numbers) {
    try {
      yield* numbers;
    } catch (error) {
      seen.push(error);
      throw error;
    }
  }));
  await rejects(Array.fromAsync(passed), fault);
  deepStrictEqual(seen, [fault]);
});

Deno.test("toTransformStream cancels the source with the generator's error", async () => {
  const fault = new Error("bad line");
  const reasons: unknown[] = [];
  const source = new ReadableStream<number>({ cancel: (reason) => void reasons.push(reason) });
  const failing = toTransformStream(function* (_: ReadableStream<number>) {
    yield 1;
    throw fault;
  });
  await rejects(Array.fromAsync(source.pipeThrough(failing)), fault);
  deepStrictEqual(reasons, [fault]);
});

Deno.test("toTransformStream tells the generator's error even while it holds the source", async () => {
  const fault = new Error("locked");
  // deno-lint-ignore require-yield
  const failing = toTransformStream(function* (numbers: ReadableStream<number>) {
    numbers.getReader();
    throw fault;
  });
  await rejects(Array.fromAsync(ReadableStream.from([1]).pipeThrough(failing)), fault);
});

Deno.test("toTransformStream runs the generator's finally and cancels the source when its output is cancelled", async () => {
  const reasons: unknown[] = [];
  const source = new ReadableStream<number>({
    pull: (controller) => controller.enqueue(1),
    cancel: (reason) => void reasons.push(reason),
  });
  const output = source.pipeThrough(toTransformStream(function* (_: ReadableStream<number>) {
    try {
      while (true) yield 0;
    } finally {
      reasons.push("finally");
    }
  }));
  const reader = output.getReader();
  await reader.read();
  await reader.cancel("enough");
  deepStrictEqual(reasons, ["finally", "enough"]);
});
