import { yearText } from "../core/format.ts";

/** A few ancient works would squeeze all others into a corner of an axis of years: they are named instead. */
export const OLDEST_SHOWN = 1700;

/** The rows from 1700 on, and a sentence on those that are older; empty where there are none. */
export function recent<T extends { readonly year?: number | undefined; readonly title?: string | undefined }>(
  rows: readonly T[],
): { shown: (T & { year: number })[]; note: string } {
  const dated = rows.filter((row): row is T & { year: number } => row.year !== undefined);
  const older = dated.filter(({ year }) => year < OLDEST_SHOWN);
  const names = older.map(({ title, year }) => {
    const when = yearText(year);
    return title === undefined ? when : `${title} (${when})`;
  });
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return {
    shown: dated.filter(({ year }) => year >= OLDEST_SHOWN),
    note: names.length === 0 ? "" : `not shown, older than ${OLDEST_SHOWN}: ${names.slice(0, 3).join(", ")}${more}`,
  };
}
