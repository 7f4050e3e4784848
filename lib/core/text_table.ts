import { unicodeWidth } from "@std/cli/unicode-width";
import { pad } from "./width.ts";

/**
 * A table for a terminal: columns as wide as they need, numbers to the right, wide characters counted as they are shown.
 * A cell's line breaks and control characters are made visible, so that no text of a book can move the cursor.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { textTable } from "@/core/text_table.ts";
 *
 * equal(textTable(["Book", "Hits"], [["We", 12], ["Erewhon", 3]]), "Book     Hits\nWe         12\nErewhon     3");
 * ```
 */
export function textTable(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const numeric = columns.map((_, index) => rows.length > 0 && rows.every((row) => typeof row[index] === "number"));
  const shown = [columns, ...rows].map((row) => columns.map((_, index) => visible(row[index] ?? "")));
  const widths = columns.map((_, index) => Math.max(...shown.map((row) => unicodeWidth(row[index] ?? ""))));
  const aligned = shown.map((row) =>
    row.map((cell, index) => pad(cell, widths[index] ?? 0, numeric[index] ? "right" : "left")).join("  ").trimEnd()
  );
  return aligned.join("\n");
}

function visible(cell: string | number): string {
  const text = typeof cell === "number" ? cell.toLocaleString("en-US", { maximumFractionDigits: 2 }) : cell;
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => character === "\n" || character === "\t" ? " " : "�");
}
