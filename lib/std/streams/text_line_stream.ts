/**
 * Text to lines: `TextLineStream` of `@std/streams/text-line-stream`.
 *
 * @module
 */

/** Options of {@linkcode TextLineStream}. */
export interface TextLineStreamOptions {
  /**
   * A lone `\r` ends a line too.
   *
   * @default {false}
   */
  allowCR?: boolean;
}

/**
 * Splits a stream of text at `\n` and `\r\n`, wherever its chunks are cut. The text after the last line end is a line of
 * its own unless it is empty.
 *
 * @example
 * ```ts
 * import { TextLineStream } from "@std/streams/text-line-stream";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const text = ReadableStream.from(["White to move\r", "\nand mate\n\nin ", "two"]);
 * const lines = await Array.fromAsync(text.pipeThrough(new TextLineStream()));
 * deepStrictEqual(lines, ["White to move", "and mate", "", "in two"]);
 * ```
 *
 * @example Texts from old Macintoshes
 * ```ts
 * import { TextLineStream } from "@std/streams/text-line-stream";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const text = ReadableStream.from(["one\rtwo\r", "\nthree"]);
 * const lines = await Array.fromAsync(text.pipeThrough(new TextLineStream({ allowCR: true })));
 * deepStrictEqual(lines, ["one", "two", "three"]);
 * ```
 */
export class TextLineStream extends TransformStream<string, string> {
  /** @param options Which line ends count. */
  constructor(options: TextLineStreamOptions = {}) {
    const { allowCR = false } = options;
    const lineEnd = allowCR ? /\r\n|\n|\r/ : /\r?\n/;
    // The line that has not ended yet. Its parts are joined once, so that a line over many chunks costs linear time.
    let parts: string[] = [];
    // A "\r" at the end of a chunk waits here: whether it is half of a "\r\n" only the next chunk can tell.
    let held = "";

    super({
      transform(chunk, controller) {
        if (chunk === "") return;
        let text = held + chunk;
        held = text.endsWith("\r") ? "\r" : "";
        if (held) text = text.slice(0, -1);

        const [first = "", ...rest] = text.split(lineEnd);
        parts.push(first);
        const last = rest.pop();
        if (last === undefined) return;
        controller.enqueue(parts.join(""));
        for (const line of rest) controller.enqueue(line);
        parts = [last];
      },
      flush(controller) {
        const line = parts.join("");
        if (line || held) controller.enqueue(allowCR ? line : line + held);
      },
    });
  }
}
