/** Whether what a mirror sent can be the book that was asked for. Pure: bytes in, verdict out. */

/** Why a file is not the book; the words of the rejects file. */
export type FileFault = { reason: "empty" | "html" | "not_text" | "truncated" | "wrong_book"; detail: string };

/** The licence header is shorter than this in every era. */
const HEAD_CHARS = 6_000;

const START = /\*{2,3} ?START OF (?:THE|THIS) PROJECT GUTENBERG/i;
const END = /\*{2,3} ?END OF (?:THE|THIS) PROJECT GUTENBERG|^ *End of (?:the |this )?Project Gutenberg/im;

/**
 * Looks for what mirrors and proxies really send in place of a book: nothing, an error page with status 200, an archive, half
 * a file, another book. Only a book number that contradicts `id` makes a wrong book; a header without one is believed.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { faultOf } from "@/corpus/inspect.ts";
 *
 * const bytes = new TextEncoder().encode("The Project Gutenberg eBook of Emma\n\nRelease date: 1994 [eBook #158]\n");
 * equal(faultOf(bytes, 158), undefined);
 * equal(faultOf(bytes, 35)?.reason, "wrong_book");
 * ```
 */
export function faultOf(bytes: Uint8Array, id: number, contentType = ""): FileFault | undefined {
  if (bytes.length === 0) return { reason: "empty", detail: "the file has no bytes" };
  // One byte is one character here: enough to look for ASCII words, whatever the encoding.
  const latin1 = new TextDecoder("latin1");
  const head = latin1.decode(bytes.subarray(0, HEAD_CHARS));
  if (/^\s*(?:\u00ef\u00bb\u00bf)?\s*<(?:!doctype|html|head|\?xml)/i.test(head)) {
    return { reason: "html", detail: "a web page came instead of a text" };
  }
  if (bytes.subarray(0, 1 << 16).includes(0)) return { reason: "not_text", detail: "the file holds NUL bytes" };
  if (/^(?:application\/(?:zip|gzip|pdf|epub)|image\/|audio\/)/i.test(contentType)) {
    return { reason: "not_text", detail: `the server calls it ${contentType}` };
  }
  const numbers = [...head.split(START, 1)[0]?.matchAll(/\be-?(?:book|text)s?\s*(?:no\.?\s*)?#\s*(\d+)/gi) ?? []]
    .map((match) => Number(match[1]));
  if (numbers.length > 0 && !numbers.includes(id)) {
    return { reason: "wrong_book", detail: `its header says book ${numbers[0]}` };
  }
  // A file that begins in the style of 2001 and later must also end so.
  if (START.test(head) && !END.test(latin1.decode(bytes.subarray(-40_000)))) {
    return { reason: "truncated", detail: "it begins with a START marker and has no END marker" };
  }
  return undefined;
}
