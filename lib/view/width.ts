const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** What terminals draw two columns wide: East Asian scripts, full-width forms, pictures. */
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})/u;

/**
 * Columns that a text takes in a terminal. A letter with its combining marks is one, a Chinese character two.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { columns } from "@/view/width.ts";
 *
 * equal(columns("Cafe\u0301"), 4);
 * equal(columns("象棋"), 4);
 * ```
 */
export function columns(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Text filled with spaces to a width; longer text stays. */
export function pad(text: string, width: number, side: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - columns(text)));
  return side === "left" ? text + space : space + text;
}

/** Text cut to a width, with an ellipsis where something was cut. */
export function cut(text: string, width: number): string {
  if (columns(text) <= width) return text;
  let taken = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += WIDE.test(segment) ? 2 : 1;
    if (used > width - 1) break;
    taken += segment;
  }
  return `${taken.trimEnd()}…`;
}
