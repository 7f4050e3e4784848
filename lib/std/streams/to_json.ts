/**
 * A stream of JSON as a value: `toJson` of `@std/streams/to-json`.
 *
 * @module
 */

import { toText } from "./to_text.ts";

/**
 * Reads a stream of strings or of UTF-8 bytes to its end and parses it.
 *
 * @throws {SyntaxError} where it is not JSON.
 *
 * @example
 * ```ts
 * import { toJson } from "@std/streams/to-json";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * deepStrictEqual(await toJson(ReadableStream.from(['{"year": ', "1908}"])), { year: 1908 });
 * ```
 */
export async function toJson(stream: ReadableStream<string> | ReadableStream<Uint8Array>): Promise<unknown> {
  return JSON.parse(await toText(stream));
}
