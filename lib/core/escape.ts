const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Text made safe for HTML, in elements and in quoted attributes. Whatever comes from a model, a book or a file goes
 * through here before it is shown. Control characters that HTML forbids become U+FFFD.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { escapeHtml } from "@/core/escape.ts";
 *
 * equal(escapeHtml(`<img src=x onerror="alert('hi')">`), "&lt;img src=x onerror=&quot;alert(&#39;hi&#39;)&quot;&gt;");
 * ```
 */
export function escapeHtml(text: unknown): string {
  return String(text)
    // deno-lint-ignore no-control-regex
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "\ufffd")
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
