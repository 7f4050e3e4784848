import { z } from "zod";
import { exists } from "../core/files.ts";
import { cleanBook, RefusedBook } from "../corpus/clean.ts";
import type { Attempt, FetchedFile, Mirrors } from "../corpus/mirror.ts";
import { UsageError, UserError } from "../core/errors.ts";
import { counted } from "../core/format.ts";
import { createJsonl, readJsonl } from "../core/jsonl.ts";
import { beside } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import type { Reject, Work } from "../records.ts";
import type { Wanted } from "./retrieve_lists.ts";

/** A book that did not make it. */
export interface Left {
  id: number;
  title?: string | undefined;
  reason: string;
  detail: string;
  /** No mirror answered: nobody knows whether the book is there. */
  unanswered?: true;
}

/** The reason of a book that no mirror could be asked for. */
const UNREACHABLE = "unreachable";

export interface Written {
  works: number;
  words: number;
  byCategory: Record<string, number>;
  refused: Left[];
  missing: Left[];
}

/**
 * Fetches and cleans books one after the other and writes them in their order; what fails goes to the rejects file beside.
 *
 * @param passedOver Rejects of the choice before, which go to the same file.
 * @throws {UserError} where not one book came through: the files of an earlier run are left as they are.
 */
export async function writeWorks(
  list: readonly Wanted[],
  output: string,
  publishedBefore: number,
  mirrors: Pick<Mirrors, "book">,
  context: Pick<Context, "emit" | "signal">,
  passedOver: readonly Reject[] = [],
): Promise<Written> {
  const result: Written = { works: 0, words: 0, byCategory: {}, refused: [], missing: [] };
  const rejectsPath = beside(output, "_rejects.jsonl");
  await using works = await createJsonl(output);
  await using rejects = await createJsonl(rejectsPath);
  const progress = (done: number) =>
    context.emit({ type: "progress", label: "retrieve", done, total: list.length, unit: "books" });

  const leave = async (
    kind: "refused" | "missing",
    book: Wanted,
    reason: string,
    detail: string,
    tried?: Attempt[],
  ) => {
    const unanswered = tried?.length && tried.every(({ reason }) => reason === UNREACHABLE);
    result[kind].push({ id: book.id, title: book.title, reason, detail, ...(unanswered ? { unanswered } : {}) });
    // Without network every book would say so; one event at the end says it for all.
    if (reason !== UNREACHABLE) context.emit({ type: "drop", reason, count: 1, id: String(book.id), detail });
    const { why, ...known } = book;
    const row: Reject = { reason, id: String(book.id), detail, row: { ...known, why, ...(tried ? { tried } : {}) } };
    await rejects.write(row);
  };

  progress(0);
  for (const [index, book] of list.entries()) {
    context.signal.throwIfAborted();
    const late = tooLate(book, publishedBefore);
    const found = late === undefined ? await mirrors.book(book.id) : undefined;
    if (late !== undefined) {
      await leave("refused", book, "published_too_late", `${late}, not before ${publishedBefore}`);
    } else if (!found?.found) {
      const told = found?.attempts.find(({ reason }) => reason === found.reason);
      const detail = !told || told.reason === "not_found"
        ? `not at any of ${found?.attempts.length ?? 0} places on the mirrors`
        : `${told.url}: ${told.detail}`;
      await leave("missing", book, found?.reason ?? "not_found", detail, found?.attempts);
    } else {
      try {
        const work = toWork(book, found.file);
        await works.write(work);
        result.works++;
        result.words += work.words;
        const category = work.category ?? "none";
        result.byCategory[category] = (result.byCategory[category] ?? 0) + 1;
      } catch (error) {
        if (!(error instanceof RefusedBook)) throw error;
        await leave("refused", book, error.reason, error.message);
      }
    }
    progress(index + 1);
  }
  const unreachable = result.missing.filter(({ reason }) => reason === UNREACHABLE).length;
  if (unreachable > 0) context.emit({ type: "drop", reason: UNREACHABLE, count: unreachable });
  if (result.works === 0) throw noneCame(result);
  const rows = await works.commit();
  context.emit({ type: "artifact", path: output, title: "Works", rows });
  for (const row of passedOver) await rejects.write(row);
  const left = await rejects.commit();
  context.emit({ type: "artifact", path: rejectsPath, title: "Books left out, with reasons", rows: left });
  return result;
}

/**
 * Keeps a corpus from being replaced by the few books of a trial; the same books again, or more, may replace theirs.
 *
 * @throws {UsageError} the file holds works of books other than these, or something else.
 */
export async function refuseOtherBooks(output: string, ids: readonly number[], signal: AbortSignal): Promise<void> {
  if (!await exists(output)) return;
  const refuse = (what: string) =>
    new UsageError(
      `Cannot write "${output}": it holds ${what}`,
      "Name another --output, which chunk takes as its --input, or replace it by --overwrite: fetched books stay cached.",
    );
  let others = 0;
  try {
    for await (const { id } of readJsonl(output, z.object({ id: z.int() }), { signal })) {
      if (!ids.includes(id)) others++;
    }
  } catch (error) {
    throw error instanceof UserError ? refuse("something else than works") : error;
  }
  if (others > 0) throw refuse(`${counted(others, "book")} that --ids does not name`);
}

/** The year of publication or translation that puts a book past the line, if one does. */
export function tooLate(book: Wanted, publishedBefore: number): number | undefined {
  return [book.year, book.translation_year].find((year) => year !== undefined && year >= publishedBefore);
}

/** @throws {RefusedBook} what cleaning throws. */
function toWork(book: Wanted, file: FetchedFile): Work {
  const clean = cleanBook(file.bytes);
  const translator = book.translator ?? clean.header.translator;
  return {
    id: book.id,
    title: book.title ?? (clean.header.title || `Book ${book.id}`),
    author: book.author ?? clean.header.author ?? "Unknown",
    ...(translator === undefined ? {} : { translator }),
    ...(book.year === undefined ? {} : { year: book.year }),
    ...(book.translation_year === undefined ? {} : { translation_year: book.translation_year }),
    ...(book.category === undefined ? {} : { category: book.category }),
    language: languageCode(clean.header.language),
    source_url: file.url,
    sha256: file.sha256,
    encoding: clean.encoding,
    words: clean.words,
    removed: clean.removed,
    chapters: clean.chapters,
    text: clean.text,
  };
}

/** Headers write languages out; the names that they use most. */
const LANGUAGES: Readonly<Record<string, string>> = {
  english: "en",
  french: "fr",
  german: "de",
  russian: "ru",
  italian: "it",
  spanish: "es",
  latin: "la",
};

function languageCode(name: string | undefined): string {
  const first = (name ?? "English").split(/[,;&]/)[0]?.trim().toLowerCase() ?? "english";
  return LANGUAGES[first] ?? first;
}

function noneCame({ missing, refused }: Written): UserError {
  const left = [...missing, ...refused];
  if (missing.length > 0 && missing.every(({ reason }) => reason === UNREACHABLE)) {
    return new UserError(`Cannot retrieve any of ${left.length} books: no mirror can be reached`, {
      hint: "Check the network, or name a mirror on this machine: --mirror file:path/to/folder",
    });
  }
  const shown = left.slice(0, 3).map(({ id, reason, detail }) => `  ${id}: ${reason} (${detail})`);
  const more = left.length > shown.length ? [`  … and ${left.length - shown.length} more`] : [];
  return new UserError([`Cannot retrieve any of ${left.length} books`, ...shown, ...more].join("\n"), {
    hint: "Check --mirror, --books and --ids; the rehearsal (deno task pipeline) needs no network.",
  });
}
