import { DISPLAY, type Displayable } from "../core/display.ts";
import { escapeHtml } from "./escape.ts";

/**
 * Text as it is, line by line: a notebook would show a bare string in quotes, with its line breaks spelled out. Jupyter
 * breaks lines of a <pre> within words; this one breaks a word only where it fits no line.
 */
export function plain(text: string): Displayable {
  const style =
    "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;margin:0;padding:.3em .6em;background:none;" +
    "font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:.92em;line-height:1.4";
  return {
    [DISPLAY]: () => ({ "text/html": `<pre style="${style}">${escapeHtml(text)}</pre>`, "text/plain": text }),
  };
}
