/**
 * Colours that people with any kind of colour blindness tell apart: Okabe and Ito, "Color Universal Design" (2008),
 * without yellow, which is too pale on white.
 */
export const PALETTE: readonly string[] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"];

/** The colour of each name, by its place in the list: charts and highlights of the same names agree. */
export function colorsOf(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, PALETTE[index % PALETTE.length] ?? "#555555"]));
}

/** A colour mixed with white, as the ground of dark text. `share` is how much of the colour stays, 0 to 1. */
export function pale(color: string, share = 0.28): string {
  const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return `#${parts.map((part) => Math.round(255 - (255 - part) * share).toString(16).padStart(2, "0")).join("")}`;
}
