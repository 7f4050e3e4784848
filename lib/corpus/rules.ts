/** The rules by which the extended corpus comes out of the catalogue: the form of `extended.jsonc`. */
import { z } from "zod";
import { CATEGORIES } from "../records.ts";

/** A regular expression in a preset: whole Unicode, case-insensitive. */
const Pattern = z.string().min(1).transform((source, context) => {
  try {
    return new RegExp(source, "iu");
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});

const Id = z.int().min(1);

/** One category: a book belongs to it when an author, a subject or a title fits, and no `without` does. */
export const CategoryRule = z.strictObject({
  category: z.enum(CATEGORIES),
  /** How many books the corpus shall have, those of the reading list included. */
  target: z.int().min(0),
  /** Of the catalogue's names (`Tolstoy, Leo`), authors only. */
  authors: z.array(Pattern).default([]),
  /** Of single subject headings. */
  subjects: z.array(Pattern).default([]),
  /** Of titles. */
  titles: z.array(Pattern).default([]),
  /** Authors whose books go first among those that fit; they are no reason to be in by themselves. */
  prefer: z.array(Pattern).default([]),
  /** Library of Congress classes, by how they begin; where there are some, a book must have one of them. */
  classes: z.array(z.string().min(1)).default([]),
  /** Subject headings that keep a book out of this category. */
  without: z.array(Pattern).default([]),
});
export type CategoryRule = z.infer<typeof CategoryRule>;

export const RuleSet = z.strictObject({
  /** ISO 639 code: the book must be in this language and no other. */
  language: z.string().min(2),
  /** Someone born so many years before `--published-before` is taken to have published before it. */
  assumed_lifespan: z.int().min(30).max(130),
  /** At most so many books of one author in one category. */
  max_per_author: z.int().min(1),
  exclude: z.strictObject({
    ids: z.array(z.strictObject({ id: Id, why: z.string().min(1) })).default([]),
    titles: z.array(Pattern).default([]),
    subjects: z.array(Pattern).default([]),
  }),
  /** Editions of one work that their titles do not show; the first is kept. */
  same_work: z.array(z.array(Id).min(2)).default([]),
  /** Years of first publication of books whose authors lived on: by number. */
  years: z.record(z.string().regex(/^[1-9]\d*$/), z.int()).default({}),
  /** In the order in which a book is offered to them; it goes to the first that takes it. */
  categories: z.array(CategoryRule).min(1),
});
export type RuleSet = z.infer<typeof RuleSet>;
