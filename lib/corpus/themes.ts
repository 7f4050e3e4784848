/**
 * Themes: categories of weighted patterns that mark a passage as worth keeping: the form in which they are written
 * down, and what can be asked of them. The syntax of a pattern is in matcher_syntax.ts, how it is matched in
 * matcher_dfa.ts and matcher_scan.ts.
 */
import { findNodeAtLocation, parseTree } from "jsonc-parser";
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { parseJsonc } from "../core/jsonc.ts";
import type { Match } from "../records.ts";
import { type Automaton, determinize, TooManyStates } from "./matcher_dfa.ts";
import { addPattern, type Nfa } from "./matcher_nfa.ts";
import { wordStart } from "./matcher_scan.ts";
import { parsePattern, PatternError } from "./matcher_syntax.ts";
import { openThemes, type Themes } from "./themes_open.ts";

export type { CompiledPattern, CompiledThemes, Themes } from "./themes_open.ts";

/** A pattern with its weight; a bare string weighs 1. */
export const ThemePattern = z.union([
  z.string().min(1),
  z.strictObject({
    pattern: z.string().min(1),
    /** What one match adds to the score that `--min-matches` is compared with; 0 counts without deciding anything. */
    weight: z.number().min(0).max(1000).default(1),
  }),
], { error: 'a pattern is a text, or { "pattern": text, "weight": 0 or more }' });
export type ThemePattern = z.infer<typeof ThemePattern>;

/** One theme: what it is about, and the patterns that betray it. */
export const ThemeCategory = z.strictObject({
  description: z.string().default(""),
  /** Sentences that carry the theme. */
  examples: z.array(z.string()).default([]),
  patterns: z.array(ThemePattern).min(1, "a category needs at least one pattern"),
});
export type ThemeCategory = z.infer<typeof ThemeCategory>;

/** A theme file such as `lib/presets/deepred/themes.jsonc`. Names of categories are free; nothing else knows them. */
export const ThemeFile = z.strictObject({
  categories: z.record(z.string(), ThemeCategory)
    .refine((all) => Object.keys(all).length > 0, "at least one category is needed")
    .refine((all) => !Object.keys(all).includes(""), "a category needs a name")
    .refine((all) => !Object.keys(all).includes("total"), '"total" is the name of the sum over all categories'),
});
export type ThemeFile = z.infer<typeof ThemeFile>;

/** How often the themes occur in a text. */
export interface ThemeCounts {
  /** Matches of each category that has any. */
  counts: Record<string, number>;
  total: number;
  /** The sum of the matches' weights: what `--min-matches` is compared with. */
  score: number;
}

/**
 * Compiles themes. All patterns become one automaton that reads a text once, whatever their number; it takes some tens
 * of milliseconds.
 *
 * @param place Says where a pattern was written, for error messages.
 * @throws {UsageError} with all bad patterns at once, each quoted and with what is wrong.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { compileThemes, countThemes, ThemeFile } from "@/corpus/themes.ts";
 *
 * const themes = compileThemes(ThemeFile.parse({
 *   categories: { utopia: { patterns: ["new (world|society)", { pattern: "harmony", weight: 0.5 }] } },
 * }));
 * deepEqual(countThemes(themes, "A New\nSociety in harmony."), { counts: { utopia: 2 }, total: 2, score: 1.5 });
 * ```
 */
export function compileThemes(
  file: ThemeFile,
  place: (category: string, index: number) => string = (category, index) => `${category}.patterns[${index}]`,
): Themes {
  const categories = Object.keys(file.categories);
  const key = JSON.stringify(categories.map((name) => [name, file.categories[name]?.patterns]));
  const known = compiled.get(key);
  if (known) return known;
  const patterns = categories.flatMap((name, category) =>
    (file.categories[name]?.patterns ?? []).map((entry, index) => {
      const { pattern, weight } = typeof entry === "string" ? { pattern: entry, weight: 1 } : entry;
      return { pattern, category, weight: Math.round(weight * 1000), place: () => place(name, index) };
    })
  );
  const nfa: Nfa = { nodes: [], starts: [] };
  const faults: string[] = [];
  for (const { pattern, place } of patterns) {
    try {
      addPattern(nfa, parsePattern(pattern));
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      faults.push(`Cannot use ${place()}: the pattern "${pattern}": ${error.message}`);
    }
  }
  if (faults.length > 0) throw new UsageError(faults);
  const categoryOf = patterns.map(({ category }) => category);
  let automaton: Automaton;
  try {
    automaton = determinize(nfa, categoryOf);
  } catch (error) {
    if (!(error instanceof TooManyStates)) throw error;
    const large = patterns.filter(({ pattern }) => explodes(pattern));
    throw new UsageError(
      large.length > 0
        ? large.map(({ pattern, place }) =>
          `Cannot use ${place()}: the pattern "${pattern}": it needs too many states; make its counts or classes smaller`
        )
        : "Cannot use these patterns together: they need too many states; make them fewer or simpler",
    );
  }
  const themes = openThemes({
    categories,
    patterns: patterns.map(({ pattern, category, weight }) => ({ pattern, category, weight })),
    automaton,
  });
  if (patterns.length >= MANY) {
    if (compiled.size >= KEPT) compiled.clear();
    compiled.set(key, themes);
  }
  return themes;
}

/** What took long to compile is kept: a notebook gates again and again by the same lists. */
const compiled = new Map<string, Themes>();
const MANY = 20, KEPT = 8;

/** A phrase has tens of states; a pattern with more than this is what fills the table. */
const MOST_STATES_ALONE = 2000;

function explodes(pattern: string): boolean {
  const nfa: Nfa = { nodes: [], starts: [] };
  addPattern(nfa, parsePattern(pattern));
  try {
    determinize(nfa, [0], MOST_STATES_ALONE);
    return false;
  } catch (error) {
    if (error instanceof TooManyStates) return true;
    throw error;
  }
}

/**
 * Reads and compiles the text of a theme file.
 *
 * @param path For the messages.
 * @throws {UsageError} every fault at once, each with `file:line` and what is wrong.
 */
export function parseThemes(text: string, path: string): Themes {
  const file = parseJsonc(text, path, ThemeFile);
  let tree: ReturnType<typeof parseTree>; // Needed for faults only.
  return compileThemes(file, (category, index) => {
    tree ??= parseTree(text);
    const offset = (tree && findNodeAtLocation(tree, ["categories", category, "patterns", index]))?.offset ?? 0;
    return `"${path}:${text.slice(0, offset).split("\n").length}"`;
  });
}

/** Counts each category's matches. In a category they do not overlap: the leftmost wins, then the longest. */
export function countThemes(themes: Themes, text: string): ThemeCounts {
  const { categories, patterns, scan } = themes;
  const { data, length } = scan(text);
  const counts: Record<string, number> = {};
  let score = 0;
  for (const [index, name] of categories.entries()) {
    let count = 0;
    for (let i = 0; i < length; i++) {
      const pattern = patterns[data[4 * i] ?? 0];
      if (pattern?.category !== index) continue;
      count++;
      score += pattern.weight;
    }
    if (count > 0) counts[name] = count;
  }
  return { counts, total: length, score: score / 1000 };
}

/** All matches in the order of the text, with offsets in UTF-16 units. */
export function matchThemes(themes: Themes, text: string): Match[] {
  const { categories, patterns, automaton, scan } = themes;
  const { data, length } = scan(text);
  const matches: Match[] = [];
  for (let i = 0; i < length; i++) {
    const [number = 0, , firstEnd = 0, end = 0] = data.subarray(4 * i, 4 * i + 4);
    const pattern = patterns[number];
    if (!pattern) continue;
    matches.push({
      category: categories[pattern.category] ?? "",
      pattern: pattern.pattern,
      start: wordStart(automaton, text, firstEnd),
      end,
    });
  }
  return matches;
}
