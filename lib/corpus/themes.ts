/**
 * Themes: categories of weighted regular patterns that mark a passage as worth keeping. This file is the form in which
 * they are written down; the syntax of a pattern is in matcher_syntax.ts.
 */
import { z } from "zod";

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
  categories: z.record(
    z.string().min(1).refine((name) => name !== "total", '"total" is the name of the sum over all categories'),
    ThemeCategory,
  ).refine((all) => Object.keys(all).length > 0, "at least one category is needed"),
});
export type ThemeFile = z.infer<typeof ThemeFile>;
