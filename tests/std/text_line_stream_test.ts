import { TextLineStream, type TextLineStreamOptions } from "@std/streams/text-line-stream";
import { deepStrictEqual } from "node:assert/strict";

function lines(chunks: readonly string[], options?: TextLineStreamOptions): Promise<string[]> {
  return Array.fromAsync(ReadableStream.from(chunks).pipeThrough(new TextLineStream(options)));
}

/** The rule in one line, on the whole text: what the stream must give however the text is cut. */
function linesOfWhole(text: string, { allowCR = false }: TextLineStreamOptions): string[] {
  const all = text.split(allowCR ? /\r\n|\n|\r/ : /\r?\n/);
  return all.at(-1) === "" ? all.slice(0, -1) : all;
}

/** A small generator with a seed, so that a failure can be seen again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

Deno.test("TextLineStream splits at line feeds and drops only an empty last line", async () => {
  deepStrictEqual(await lines(["one\n\ntwo\n"]), ["one", "", "two"]);
  deepStrictEqual(await lines(["one\ntwo"]), ["one", "two"]);
  deepStrictEqual(await lines(["\n"]), [""]);
  deepStrictEqual(await lines([]), []);
  deepStrictEqual(await lines(["", ""]), []);
});

Deno.test("TextLineStream splits CRLF across chunks", async () => {
  deepStrictEqual(await lines(["one\r", "\ntwo\r", "", "\n"]), ["one", "two"]);
  deepStrictEqual(await lines(["one\r", "\ntwo\r", "", "\n"], { allowCR: true }), ["one", "two"]);
});

Deno.test("TextLineStream keeps a lone carriage return unless allowCR", async () => {
  deepStrictEqual(await lines(["a\rb\r\r\nc\r"]), ["a\rb\r", "c\r"]);
  deepStrictEqual(await lines(["a\rb\r\r\nc\r"], { allowCR: true }), ["a", "b", "", "c"]);
  deepStrictEqual(await lines(["a\r", "b\r"], { allowCR: true }), ["a", "b"]);
  deepStrictEqual(await lines(["a\n\r"], { allowCR: true }), ["a", ""]);
});

Deno.test("TextLineStream gives the lines of the whole text however it is cut", async () => {
  const pieces = ["\r", "\n", "\r\n", "a", "tail", "é👪", ""];
  for (let seed = 1; seed <= 400; seed++) {
    const next = random(seed);
    const text = Array.from({ length: next(24) }, () => pieces[next(pieces.length)] ?? "").join("");
    const chunks: string[] = [];
    for (let at = 0; at < text.length;) {
      const length = next(4);
      chunks.push(text.slice(at, at += length));
    }
    for (const options of [{}, { allowCR: true }]) {
      const message = `seed ${seed}: ${JSON.stringify({ chunks, options })}`;
      deepStrictEqual(await lines(chunks, options), linesOfWhole(text, options), message);
    }
  }
});

Deno.test("TextLineStream passes on each line as soon as its end is there", async () => {
  const { readable, writable } = new TextLineStream();
  const writer = writable.getWriter();
  const reader = readable.getReader();
  const written = writer.write("one\ntw");
  deepStrictEqual(await reader.read(), { done: false, value: "one" });
  await written;
  const closed = writer.close();
  deepStrictEqual(await reader.read(), { done: false, value: "tw" });
  deepStrictEqual(await reader.read(), { done: true, value: undefined });
  await closed;
});

Deno.test("TextLineStream reads a line of 5 MB in chunks of 5 characters", async () => {
  const [line, ...rest] = await lines([...Array<string>(1_000_000).fill("abcde"), "\n"]);
  deepStrictEqual([line?.length, rest], [5_000_000, []]);
});
