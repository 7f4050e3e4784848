/**
 * A reading list: which books to fetch, with what the catalogue does not know of them (category, year of first publication).
 * The presets' `books.jsonc` and whatever `--books` names are of this form.
 */
import { z } from "zod";
import { CATEGORIES } from "../records.ts";

const Year = z.int().min(-3000).max(2100);

/** One book of a reading list. Strict, so that a misspelt key is told and not lost. */
export const Book = z.strictObject({
  /** Project Gutenberg's number. */
  id: z.int().min(1).max(9_999_999),
  title: z.string().trim().min(1),
  author: z.string().trim().min(1),
  /** Year of first publication, in any language; negative before the common era. */
  year: Year.optional(),
  category: z.enum(CATEGORIES).optional(),
  translator: z.string().trim().min(1).optional(),
  translation_year: Year.optional(),
});
export type Book = z.infer<typeof Book>;

/**
 * The whole file: `{ "books": [ … ] }`. An id may stand in it once only.
 *
 * @example
 * ```ts
 * import { BookList } from "@/corpus/books.ts";
 *
 * const list = BookList.parse({
 *   books: [{ id: 35, title: "The Time Machine", author: "H. G. Wells", year: 1895, category: "science_fiction" }],
 * });
 * if (list.books[0]?.id !== 35) throw new Error("the list was not read");
 * ```
 */
export const BookList = z.strictObject({ books: z.array(Book).min(1) }).superRefine((list, context) => {
  const seen = new Map<number, number>();
  for (const [index, book] of list.books.entries()) {
    const first = seen.get(book.id);
    if (first === undefined) seen.set(book.id, index);
    else {
      context.addIssue({
        code: "custom",
        path: ["books", index, "id"],
        message: `book ${book.id} is already in the list, as entry ${first + 1}`,
      });
    }
  }
});
export type BookList = z.infer<typeof BookList>;
