import { DISPLAY, type Displayable } from "../core/display.ts";
import { escapeHtml } from "./escape.ts";

/** Text is set as paragraphs; a displayable by its picture, its HTML or its text, in that order. */
export type Part = string | Displayable;

/** Readable without a network, and with nothing that could run: the policy forbids scripts and everything from outside. */
const HEAD = `<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<style>
body { max-width: 62em; margin: 2em auto; padding: 0 1.2em; font: 16px/1.6 system-ui, sans-serif; color: #222; }
h1 { font-size: 1.7em } h2 { font-size: 1.25em; margin-top: 2em }
table { border-top: 1px solid #ccc; border-bottom: 1px solid #ccc; font-size: .92em }
tbody tr:nth-child(odd) { background: #f6f6f6 }
svg { max-width: 100%; height: auto }
pre { white-space: pre-wrap }
</style>`;

/**
 * A page of its own out of tables, charts and text, for a report that is read without a notebook.
 *
 * @example
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { page } from "@/view/page.ts";
 * import { table } from "@/view/tables.ts";
 *
 * const html = await page("Report", [{ heading: "Books", parts: ["One <work>:", table([{ title: "We" }])] }]);
 * ok(html.includes("One &lt;work&gt;:") && html.includes("<td"));
 * ```
 */
export async function page(
  title: string,
  sections: readonly { readonly heading?: string; readonly parts: readonly Part[] }[],
): Promise<string> {
  const body: string[] = [`<h1>${escapeHtml(title)}</h1>`];
  for (const { heading, parts } of sections) {
    if (heading) body.push(`<h2>${escapeHtml(heading)}</h2>`);
    for (const part of parts) body.push(await render(part));
  }
  return `<!doctype html>\n<html lang="en">\n<head>\n${HEAD}\n<title>${escapeHtml(title)}</title>\n</head>\n<body>\n${
    body.join("\n")
  }\n</body>\n</html>\n`;
}

async function render(part: Part): Promise<string> {
  if (typeof part === "string") {
    return part.split(/\n{2,}/).map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`).join("\n");
  }
  const bundle = await part[DISPLAY]();
  const rich = bundle["image/svg+xml"] ?? bundle["text/html"];
  return typeof rich === "string" ? `<div>${rich}</div>` : `<pre>${escapeHtml(bundle["text/plain"])}</pre>`;
}
