/** Punctuation, italics and paragraph lengths: the profile of a page. */
import type { Italic } from "../pov_italics.ts";

/** Signs that are counted, in the order of the profile; italics and the lengths of paragraphs follow. */
const SIGNS = [".", ",", ";", ":", "?", "!", "\u2014", "\u2026", '"', "(", ")"] as const;
/** Longest paragraph of each kind, in words. */
const PARAGRAPHS = [10, 25, 50, 100, 200, Infinity] as const;

/** Names of the profile's parts. */
export const MARKS: readonly string[] = [
  ...SIGNS,
  "*italic*",
  ...PARAGRAPHS.map((most, at) => {
    const least = (PARAGRAPHS[at - 1] ?? 0) + 1;
    return most === Infinity ? `paragraph of ${least} words or more` : `paragraph of ${least} to ${most} words`;
  }),
];

const ITALIC = SIGNS.length;

/**
 * One shape for each sign: curly and low quotation marks and guillemets become `"`; dashes that part, also `--` and a
 * short one between spaces, become `—`; three stops become `…`; both without the spaces that some set around them. Offsets
 * are not kept.
 */
export function foldSigns(text: string): string {
  return text
    .replace(/[\u201c\u201d\u201e\u201f\u00ab\u00bb]/g, '"')
    .replace(/[ \t]*(?:\u2026|\.(?: ?\.){2,3})/g, "\u2026")
    .replace(/[ \t]*(?:--+|[\u2014\u2015])[ \t]*| [-\u2013] /g, "\u2014");
}

/** Counts of the profile's parts in a text. */
export function countMarks(text: string, italics: readonly Italic[], paragraphWords: readonly number[]): number[] {
  const counts = MARKS.map(() => 0);
  for (const sign of foldSigns(text).match(/[.,;:?!\u2014\u2026"()]/g) ?? []) {
    const at = (SIGNS as readonly string[]).indexOf(sign);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  counts[ITALIC] = italics.length;
  for (const words of paragraphWords) {
    const at = ITALIC + 1 + PARAGRAPHS.findIndex((most) => words <= most);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}
