/** Project Gutenberg's catalogue, `pg_catalog.csv`: rows as they are, and what can be read out of their columns. */
import { messageOf, UserError } from "../core/errors.ts";

/** Someone who had a part in a book. Years are negative before the common era. */
export interface Person {
  /** As the catalogue has it, without dates and role: `Tolstoy, Leo, graf`. */
  name: string;
  /** Year of birth; for `active 1566` that year, since the birth was no later. */
  born?: number;
  died?: number;
  /** `Translator`, `Editor` …; absent for the author. */
  role?: string;
}

export interface CatalogueEntry {
  id: number;
  /** `Text`, `Sound`, `Dataset` … */
  type: string;
  title: string;
  languages: string[];
  people: Person[];
  subjects: string[];
  /** Library of Congress classes: `PR`, `HX`, `E201`. */
  classes: string[];
}

const COLUMNS = ["Text#", "Type", "Title", "Language", "Authors", "Subjects", "LoCC"] as const;

/**
 * The entries of a catalogue, packed with gzip or plain (its first bytes tell), in constant memory. A row that is not CSV, has
 * too few columns or no number is told to `onBad` and skipped: a cut-off download still serves.
 *
 * @param name For the messages.
 * @throws {UserError} where it is no catalogue at all.
 */
export async function* readCatalogue(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  onBad: (line: number, cause: string) => void,
): AsyncGenerator<CatalogueEntry> {
  // A computed name, so that only a run that reads the catalogue loads the parser.
  const parser = "csv-parse";
  const { parse }: typeof import("csv-parse") = await import(parser);
  const { Readable } = await import("node:stream");
  const plain = new Blob([bytes]).stream();
  const text = bytes[0] === 0x1f && bytes[1] === 0x8b ? plain.pipeThrough(new DecompressionStream("gzip")) : plain;
  let first = true;
  const rows = parse({
    bom: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      onBad(typeof error?.lines === "number" ? error.lines : 0, error?.message ?? "not CSV");
      return undefined;
    },
    columns: (header: string[]) => {
      first = false;
      const missing = COLUMNS.filter((column) => !header.includes(column));
      if (missing.length > 0) throw notACatalogue(name, `it has no column ${missing.join(", ")}`);
      return header;
    },
  });
  const source = Readable.from(text);
  source.on("error", (error) => rows.destroy(error));
  source.pipe(rows);
  try {
    for await (const row of rows) {
      const entry = toEntry(row);
      if (entry) yield entry;
      else onBad(rows.info.lines, "no book number");
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw notACatalogue(name, messageOf(error), error);
  } finally {
    source.destroy();
  }
  if (first) throw notACatalogue(name, "it is empty");
}

function notACatalogue(name: string, cause: string, error?: unknown): UserError {
  return new UserError(`Cannot read "${name}" as Project Gutenberg's catalogue: ${cause}`, {
    hint: "It must be pg_catalog.csv or pg_catalog.csv.gz as Project Gutenberg offers it; delete a damaged copy.",
    cause: error,
  });
}

function toEntry(row: Record<string, string | undefined>): CatalogueEntry | undefined {
  const id = row["Text#"] ?? "";
  if (!/^[1-9]\d{0,7}$/.test(id)) return undefined;
  return {
    id: Number(id),
    type: row["Type"] ?? "",
    title: tidyTitle(row["Title"] ?? ""),
    languages: list(row["Language"]),
    people: list(row["Authors"]).map(parsePerson),
    subjects: list(row["Subjects"]),
    classes: list(row["LoCC"]),
  };
}

function list(column: string | undefined): string[] {
  return (column ?? "").split(";").map((part) => part.trim()).filter((part) => part !== "");
}

/**
 * A title on one line: the catalogue puts subtitles after a line break or after ` : $b`.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { tidyTitle } from "@/corpus/catalogue.ts";
 *
 * equal(tidyTitle("The possessed : $b or, The devils"), "The possessed: or, The devils");
 * equal(tidyTitle("Erewhon\nOr, Over the Range"), "Erewhon: Or, Over the Range");
 * ```
 */
export function tidyTitle(title: string): string {
  return title
    .replace(/\s*[:;,]?\s*(?:\r?\n|\r|\$[a-z]\b)\s*/g, ": ")
    .replace(/\s*:(?:\s*:)+\s*/g, ": ")
    .replace(/\s+/g, " ")
    .trim();
}

const YEAR = /^(\d{1,4})\??(?:\s*(BCE|B\.C\.))?$/i;

/**
 * One name of the Authors column: `Last, First, 1828-1910 [Translator]`. Dates come as `1743-1826`, `1957-`, `-1468`,
 * `1842-1914?`, `428? BCE-348? BCE`, `active 1566`, `active 317-322`, `active 4th century B.C.`
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { parsePerson } from "@/corpus/catalogue.ts";
 *
 * deepEqual(parsePerson("Garnett, Constance, 1861-1946 [Translator]"), {
 *   name: "Garnett, Constance",
 *   born: 1861,
 *   died: 1946,
 *   role: "Translator",
 * });
 * deepEqual(parsePerson("Plato, 428? BCE-348? BCE"), { name: "Plato", born: -428, died: -348 });
 * ```
 */
export function parsePerson(text: string): Person {
  const [, full = "", role] = /^(.*?)(?:\s*\[([^\]]*)\])?\s*$/s.exec(text.replace(/[\u200e\u200f]/g, "")) ?? [];
  const comma = full.lastIndexOf(",");
  const tail = full.slice(comma + 1).trim();
  const dates = parseDates(tail);
  const name = dates && comma >= 0 ? full.slice(0, comma).trim() : full.trim();
  return { name, ...dates, ...(role ? { role } : {}) };
}

function parseDates(text: string): { born?: number; died?: number } | undefined {
  const active = /^active\s+(?:approximately\s+)?(.+)$/i.exec(text)?.[1];
  if (active) {
    const century = /^(\d{1,2})(?:st|nd|rd|th) century(?:\s*(BCE|B\.C\.))?$/i.exec(active);
    if (century) return { born: century[2] ? -(Number(century[1]) - 1) * 100 : Number(century[1]) * 100 };
    const last = year(active.split("-").at(-1) ?? "");
    return last === undefined ? undefined : { born: last };
  }
  const [from, to, ...more] = text.split("-");
  if (from === undefined || to === undefined || more.length > 0) return undefined;
  const [born, died] = [year(from), year(to)];
  // `Smith, Mary-Ann` has a hyphen and no years.
  if ((from.trim() !== "" && born === undefined) || (to.trim() !== "" && died === undefined)) return undefined;
  if (born === undefined && died === undefined) return undefined;
  return { ...(born === undefined ? {} : { born }), ...(died === undefined ? {} : { died }) };
}

function year(text: string): number | undefined {
  const match = YEAR.exec(text.trim());
  if (!match) return undefined;
  return match[2] ? -Number(match[1]) : Number(match[1]);
}

/**
 * A catalogue name as it stands on a title page.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { spokenName } from "@/corpus/catalogue.ts";
 *
 * equal(spokenName("Wells, H. G. (Herbert George)"), "H. G. Wells");
 * equal(spokenName("Tolstoy, Leo, graf"), "Leo Tolstoy");
 * equal(spokenName("Plato"), "Plato");
 * ```
 */
export function spokenName(name: string): string {
  const [last = "", first = ""] = name.replace(/\s*\([^)]*\)/g, "").split(",").map((part) => part.trim());
  return first ? `${first} ${last}` : last;
}
