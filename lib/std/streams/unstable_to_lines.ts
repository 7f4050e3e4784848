/**
 * Bytes to lines: `toLines` of `@std/streams/unstable-to-lines`.
 *
 * @module
 */

import { TextLineStream } from "./text_line_stream.ts";

/**
 * Lines of a stream of UTF-8 bytes, split at `\n` and `\r\n`.
 *
 * @param options As of `pipeThrough`: a signal, what to close.
 *
 * @example
 * ```ts
 * import { toLines } from "@std/streams/unstable-to-lines";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const bytes = new TextEncoder().encode('{"id":1}\n{"id":2}\n');
 * deepStrictEqual(await Array.fromAsync(toLines(ReadableStream.from([bytes]))), ['{"id":1}', '{"id":2}']);
 * ```
 */
export function toLines(readable: ReadableStream<Uint8Array>, options?: StreamPipeOptions): ReadableStream<string> {
  // TextDecoderStream takes any buffer source; only its declared type is narrower.
  const decoder = new TextDecoderStream() as TransformStream<Uint8Array, string>;
  return readable.pipeThrough(decoder).pipeThrough(new TextLineStream(), options);
}
