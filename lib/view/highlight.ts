import { DISPLAY, type Displayable } from "../core/display.ts";
import type { Match } from "../records.ts";
import { colorsOf, pale } from "./colors.ts";
import { escapeHtml } from "./escape.ts";

export interface HighlightOptions {
  readonly title?: string;
  /** Names in the order that gives them their colours; default: as they first appear. */
  readonly categories?: readonly string[];
}

/** A passage with its matches marked by category. */
export interface Highlight extends Displayable {
  html(): string;
  text(): string;
}

/**
 * Marks the matches of a passage, with a legend that counts them. Matches of several categories may overlap: the common
 * part shows all their colours. Matches outside the text are left out.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { highlight } from "@/view/highlight.ts";
 *
 * const marked = highlight("A <b> comrade", [{ category: "collectivism", pattern: "comrades?", start: 6, end: 13 }]);
 * equal(marked.text(), "A <b> [comrade: collectivism]");
 * ```
 */
export function highlight(text: string, matches: readonly Match[], options: HighlightOptions = {}): Highlight {
  const inside = matches.filter(({ start, end }) => start >= 0 && start < end && end <= text.length);
  const found = [...new Set(inside.map(({ category }) => category))];
  const names = [...(options.categories ?? []), ...found.filter((name) => !options.categories?.includes(name))];
  const pieces = cutAt(text, inside);
  const asText = () => {
    const marked = pieces.map(({ text, categories }) =>
      categories.length === 0 ? text : `[${text}: ${categories.map(spoken).join(", ")}]`
    ).join("");
    return options.title ? `${options.title}\n${marked}` : marked;
  };
  const asHtml = () => htmlOf(pieces, inside, names, options.title);
  return { text: asText, html: asHtml, [DISPLAY]: () => ({ "text/html": asHtml(), "text/plain": asText() }) };
}

interface Piece {
  readonly text: string;
  readonly categories: readonly string[];
  readonly patterns: readonly string[];
}

/** The text cut where a match begins or ends, each piece with what covers it. */
function cutAt(text: string, matches: readonly Match[]): Piece[] {
  const edges = [...new Set([0, text.length, ...matches.flatMap(({ start, end }) => [start, end])])].sort((a, b) =>
    a - b
  );
  return edges.slice(0, -1).map((start, i) => {
    const over = matches.filter((match) => match.start <= start && match.end > start);
    return {
      text: text.slice(start, edges[i + 1]),
      categories: [...new Set(over.map(({ category }) => category))],
      patterns: over.map(({ pattern }) => pattern),
    };
  });
}

function htmlOf(
  pieces: readonly Piece[],
  matches: readonly Match[],
  names: readonly string[],
  title: string | undefined,
): string {
  const colors = colorsOf(names);
  const ground = (categories: readonly string[]) => {
    const shades = categories.map((name) => pale(colors[name] ?? "#555555"));
    if (shades.length === 1) return shades[0];
    const step = 100 / shades.length;
    return `linear-gradient(${shades.map((shade, i) => `${shade} ${i * step}% ${(i + 1) * step}%`).join(",")})`;
  };
  const mark = (text: string, categories: readonly string[], hint: string) =>
    `<mark title="${escapeHtml(hint)}" style="color:#111;background:${ground(categories)};` +
    `border-bottom:2px solid ${colors[categories[0] ?? ""] ?? "#555555"};border-radius:2px;padding:0 1px">${
      escapeHtml(text)
    }</mark>`;
  const body = pieces.map(({ text, categories, patterns }) =>
    categories.length === 0
      ? escapeHtml(text)
      : mark(text, categories, categories.map((name, i) => `${spoken(name)}: ${patterns[i] ?? ""}`).join("\n"))
  ).join("");
  const legend = names
    .map((name) => ({ name, count: matches.filter(({ category }) => category === name).length }))
    .filter(({ count }) => count > 0)
    .map(({ name, count }) => `<span style="margin-right:1em">${mark(spoken(name), [name], name)} ${count}</span>`)
    .join("");
  return `<div style="max-width:46em;line-height:1.65">` +
    (title ? `<div style="font-weight:600">${escapeHtml(title)}</div>` : "") +
    `<div style="font-size:.9em;margin:.2em 0 .6em">${legend || "no match"}</div>` +
    // Book text is set as prose: its line breaks stay, its spaces do not.
    `<div style="white-space:pre-line">${body}</div></div>`;
}

function spoken(name: string): string {
  return name.replaceAll("_", " ");
}
