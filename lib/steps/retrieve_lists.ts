import { BookList } from "../corpus/books.ts";
import { readCatalogue } from "../corpus/catalogue.ts";
import type { Found, Mirrors } from "../corpus/mirror.ts";
import { RuleSet } from "../corpus/rules.ts";
import { selectBooks } from "../corpus/select.ts";
import { UserError } from "../core/errors.ts";
import { readBytes } from "../core/files.ts";
import { count } from "../core/format.ts";
import { readJsonc } from "../core/jsonc.ts";
import type { Context } from "../core/step.ts";
import type { Reject, Work } from "../records.ts";
import { bookListPath, rulesPath, type Sources } from "./retrieve_files.ts";

/** A book to fetch, with what is known of it beforehand, and why it is wanted. */
export interface Wanted {
  id: number;
  title?: string | undefined;
  author?: string | undefined;
  year?: number | undefined;
  category?: Work["category"];
  translator?: string | undefined;
  translation_year?: number | undefined;
  why: string;
}

export interface Lists {
  priority: Wanted[];
  extended: Wanted[];
  /** Books of the catalogue that fit the rules of a category and are out all the same. */
  passedOver: Reject[];
}

/**
 * What to fetch: the books of the reading list, or those that `ids` names; and, where the extended corpus is asked for, what
 * the rules choose from the catalogue.
 *
 * @throws {UserError} a list, rules or catalogue that cannot be read.
 */
export async function planLists(
  options: Sources & { publishedBefore: number },
  mirrors: Pick<Mirrors, "catalogue">,
  context: Pick<Context, "emit" | "signal">,
): Promise<Lists> {
  const path = bookListPath(options);
  const { books } = await readJsonc(path, BookList);
  if (options.ids.length > 0) {
    const known = new Map(books.map((book) => [book.id, book]));
    const ids = [...new Set(options.ids)];
    return {
      priority: ids.map((id) => ({ ...known.get(id), id, why: "named by --ids" })),
      extended: [],
      passedOver: [],
    };
  }
  const why = `on the reading list${options.books ? ` "${path}"` : ""}`;
  const priority = books.map((book) => ({ ...book, why }));
  if (!options.extended) return { priority, extended: [], passedOver: [] };
  return { priority, ...await chooseExtended(options, books, mirrors, context) };
}

async function chooseExtended(
  options: Sources & { publishedBefore: number },
  books: BookList["books"],
  mirrors: Pick<Mirrors, "catalogue">,
  context: Pick<Context, "emit" | "signal">,
): Promise<Omit<Lists, "priority">> {
  const rules = await readJsonc(rulesPath(options), RuleSet);
  const { bytes, name } = await catalogueBytes(options.catalogue, mirrors);
  const log = (level: "info" | "warn", message: string) => context.emit({ type: "log", level, message });
  let bad = 0;
  const catalogue = readCatalogue(bytes, name, (line, cause) => {
    bad++;
    if (bad <= 3) log("warn", `${name}:${line} is skipped: ${cause}`);
  });
  const selection = await selectBooks(stoppable(catalogue, context.signal), rules, books, options.publishedBefore);
  if (bad > 0) context.emit({ type: "drop", reason: "bad_catalogue_row", count: bad, detail: name });
  for (const [reason, dropped] of Object.entries(selection.dropped)) {
    if (dropped > 0) context.emit({ type: "drop", reason, count: dropped, detail: "catalogue" });
  }
  const passed = Map.groupBy(selection.passedOver, ({ reason }) => reason);
  for (const [reason, entries] of passed) {
    context.emit({ type: "drop", reason, count: entries.length, detail: "catalogue" });
  }
  for (const { category, target } of rules.categories) {
    const listed = books.filter((book) => book.category === category).length;
    const chosen = selection.choices.filter(({ book }) => book.category === category).length;
    const pool = selection.pools[category];
    log(
      listed + chosen < target ? "warn" : "info",
      `${category}: ${listed} on the reading list + ${chosen} chosen of ${count(pool?.eligible ?? 0)} that are early ` +
        `enough (${count(pool?.candidates ?? 0)} fit the rules); target ${target}`,
    );
  }
  return {
    extended: selection.choices.map(({ book, why }) => ({ ...book, why })),
    passedOver: selection.passedOver.map(({ id, reason, detail, ...row }) => ({ id: String(id), reason, detail, row })),
  };
}

async function catalogueBytes(
  path: string | undefined,
  mirrors: Pick<Mirrors, "catalogue">,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; name: string }> {
  const url = path !== undefined && /^https?:/i.test(path) ? path : undefined;
  if (path !== undefined && url === undefined) return { bytes: await readBytes(path), name: path };
  const found: Found = await mirrors.catalogue(url);
  if (found.found) return { bytes: new Uint8Array(found.file.bytes), name: found.file.url };
  const [attempt] = found.attempts;
  throw new UserError(`Cannot fetch the catalogue${attempt ? ` from ${attempt.url}: ${attempt.detail}` : ""}`, {
    hint: "Fetch pg_catalog.csv.gz by another way and name it with --catalogue, or leave --extended out.",
  });
}

async function* stoppable<T>(rows: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const row of rows) {
    signal.throwIfAborted();
    yield row;
  }
}
