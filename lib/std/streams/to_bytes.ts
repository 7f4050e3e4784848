/**
 * A stream's whole bytes: `toBytes` of `@std/streams/to-bytes`.
 *
 * @module
 */

/**
 * Reads a stream of bytes to its end.
 *
 * @example
 * ```ts
 * import { toBytes } from "@std/streams/to-bytes";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const stream = ReadableStream.from([Uint8Array.of(1, 2), Uint8Array.of(3)]);
 * deepStrictEqual(await toBytes(stream), Uint8Array.of(1, 2, 3));
 * ```
 */
export function toBytes(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Response(stream).bytes();
}
