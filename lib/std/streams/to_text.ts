/**
 * A stream's whole text: `toText` of `@std/streams/to-text`.
 *
 * @module
 */

/**
 * Reads a stream of strings or of UTF-8 bytes to its end; bytes that are no UTF-8 become U+FFFD.
 *
 * @example
 * ```ts
 * import { toText } from "@std/streams/to-text";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(await toText(ReadableStream.from(["We, ", "1924"])), "We, 1924");
 * ```
 */
export async function toText(stream: ReadableStream<string> | ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
