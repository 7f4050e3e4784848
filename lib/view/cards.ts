import { DISPLAY, type Displayable } from "../core/display.ts";
import { escapeHtml } from "./escape.ts";

/** A text with a heading. Whatever it says is shown as text, never as HTML. */
export interface Card {
  readonly title: string;
  readonly note?: string;
  readonly text: string;
}

/** Cards side by side, as many in a row as fit; in a terminal one after another. */
export interface Cards extends Displayable {
  html(): string;
  text(): string;
}

/**
 * Shows texts side by side: requests, answers, variants.
 *
 * @param options.width Least width of a card, in ems; default 22.
 */
export function cards(items: readonly Card[], options: { title?: string; width?: number } = {}): Cards {
  const html = () => {
    const title = options.title ? `<div style="font-weight:600;margin:.3em 0">${escapeHtml(options.title)}</div>` : "";
    const grid = `display:grid;grid-template-columns:repeat(auto-fit,minmax(${options.width ?? 22}em,1fr));gap:1em`;
    return `${title}<div style="${grid}">${items.map(cardHtml).join("")}</div>`;
  };
  const text = () =>
    [
      ...(options.title ? [options.title] : []),
      ...items.map(({ title, note, text }) => `${title}${note ? ` (${note})` : ""}\n${text}`),
    ].join("\n\n");
  return { html, text, [DISPLAY]: () => ({ "text/html": html(), "text/plain": text() }) };
}

function cardHtml({ title, note, text }: Card): string {
  return `<div style="border:1px solid rgba(128,128,128,.4);border-radius:6px;padding:.7em 1em;overflow-wrap:anywhere">` +
    `<div style="font-weight:600">${escapeHtml(title)}</div>` +
    (note ? `<div style="opacity:.7;font-size:.9em">${escapeHtml(note)}</div>` : "") +
    `<div style="white-space:pre-wrap;margin-top:.5em;line-height:1.5">${escapeHtml(text)}</div></div>`;
}
