import * as streams from "@std/streams";
import { toBytes } from "@std/streams/to-bytes";
import { toJson } from "@std/streams/to-json";
import { toText } from "@std/streams/to-text";
import { toLines } from "@std/streams/unstable-to-lines";
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";

/** UTF-8 in chunks of one byte each, so that every character is cut. */
function bytewise(text: string): ReadableStream<Uint8Array> {
  return ReadableStream.from(new TextEncoder().encode(text)).pipeThrough(
    new TransformStream({ transform: (byte, controller) => controller.enqueue(Uint8Array.of(byte)) }),
  );
}

Deno.test("toText joins strings and decodes characters cut between chunks", async () => {
  strictEqual(await toText(ReadableStream.from(["Мы", "", " 1924"])), "Мы 1924");
  strictEqual(await toText(bytewise("Мы 👪")), "Мы 👪");
  strictEqual(await toText(ReadableStream.from([Uint8Array.of(0x61, 0xff, 0xd0)])), "a\ufffd\ufffd");
});

Deno.test("toJson parses the whole stream and rejects what is no JSON", async () => {
  deepStrictEqual(await toJson(bytewise('{"автор": ["Богданов"]}')), { "автор": ["Богданов"] });
  await rejects(toJson(ReadableStream.from(["{"])), SyntaxError);
});

Deno.test("toBytes joins chunks of bytes", async () => {
  deepStrictEqual(await toBytes(bytewise("abc")), new TextEncoder().encode("abc"));
});

Deno.test("toLines splits decoded bytes into lines", async () => {
  deepStrictEqual(await Array.fromAsync(toLines(bytewise("é\r\n\r\nя\n👪"))), ["é", "", "я", "👪"]);
});

Deno.test("@std/streams exports the stable names from its root", () => {
  deepStrictEqual(Object.keys(streams).sort(), ["TextLineStream", "toBytes", "toJson", "toText", "toTransformStream"]);
});
