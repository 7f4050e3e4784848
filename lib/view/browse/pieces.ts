/** A passage cut where its matches begin and end, as data: the page's policy allows no markup from outside. */
import type { Match } from "../../records.ts";

/** A run of text that the same matches cover. */
export interface Piece {
  readonly text: string;
  /** Each theme once, in the order of the matches. */
  readonly themes: readonly string[];
  readonly patterns: readonly string[];
}

/**
 * Cuts a text by its matches; matches outside the text are left out.
 *
 * @param matches offsets in UTF-16 code units, half open.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { cutAtMatches } from "@/view/browse/pieces.ts";
 *
 * const pieces = cutAtMatches("a red star", [{ category: "utopia", pattern: "red", start: 2, end: 5 }]);
 * deepEqual(pieces.map(({ text, themes }) => [text, ...themes]), [["a "], ["red", "utopia"], [" star"]]);
 * ```
 */
export function cutAtMatches(text: string, matches: readonly Match[]): Piece[] {
  const inside = matches.filter(({ start, end }) => start >= 0 && start < end && end <= text.length)
    .toSorted((a, b) => a.start - b.start);
  const edges = new Set([0, text.length, ...inside.flatMap(({ start, end }) => [start, end])]);
  const cuts = [...edges].sort((a, b) => a - b);
  const pieces: Piece[] = [];
  let open: Match[] = [];
  let next = 0;
  for (const [i, start] of cuts.slice(0, -1).entries()) {
    open = open.filter(({ end }) => end > start);
    for (let match = inside[next]; match && match.start <= start; match = inside[++next]) open.push(match);
    pieces.push({
      text: text.slice(start, cuts[i + 1]),
      themes: [...new Set(open.map(({ category }) => category))],
      patterns: open.map(({ pattern }) => pattern),
    });
  }
  return pieces;
}
