import { count, yearText } from "../core/format.ts";
import { textTable } from "../core/text_table.ts";
import { cut } from "../core/width.ts";
import type { Retrieved } from "./retrieve.ts";
import type { Wanted } from "./retrieve_lists.ts";

/** What was fetched, or after a dry run every book with the reason why it is in. */
export function retrieveReport({ works, words, byCategory, refused, missing, plan, late, outputs }: Retrieved): string {
  if (outputs.length === 0) {
    const rows = plan.map((
      book,
    ) => [String(book.id), ...described(book), late.includes(book.id) ? "left out: too late" : book.why]);
    const summary = `${count(plan.length - late.length)} books would be fetched; nothing was written`;
    return `${summary}\n\n${textTable(["Id", "Title", "Author", "Year", "Category", "Why"], rows)}`;
  }
  const left = [`${count(refused.length)} refused`, `${count(missing.length)} missing`];
  const head = `${count(works)} works, ${count(words)} words; ${left.join(", ")}`;
  const shelves = textTable(["Category", "Works"], Object.entries(byCategory));
  return works === 0 ? head : `${head}\n\n${shelves}`;
}

function described({ title, author, year, category }: Wanted): string[] {
  const when = year === undefined ? "" : yearText(year);
  // Some titles of the catalogue fill a page, and would push every reason out of sight.
  return [cut(title ?? "(as in the file)", 60), cut(author ?? "", 40), when, category ?? ""];
}
