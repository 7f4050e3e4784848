import { unicodeWidth } from "@std/cli/unicode-width";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Text filled with spaces to a width, in columns of a terminal; longer text stays. */
export function pad(text: string, width: number, side: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - unicodeWidth(text)));
  return side === "left" ? text + space : space + text;
}

/**
 * Text cut to a width in columns of a terminal, with an ellipsis where something was cut; never within a character.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { cut } from "@/core/width.ts";
 *
 * equal(cut("Looking Backward", 8), "Looking…");
 * equal(cut("象棋大师", 5), "象棋…");
 * ```
 */
export function cut(text: string, width: number): string {
  if (unicodeWidth(text) <= width) return text;
  let taken = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += unicodeWidth(segment);
    if (used > width - 1) break;
    taken += segment;
  }
  return `${taken.trimEnd()}…`;
}
