import { z } from "zod";
import { FilteredChunk } from "../records.ts";

/**
 * Where a passage comes from, which decides how an exchange is made of it: prose of a book; a script, whose dialogue is
 * adapted; a speech, which is paraphrased; chess literature, whose way of thinking is taken; or no passage at all, only a
 * topic that fills a gap.
 */
export const SOURCE_KINDS = ["gutenberg", "script", "speech", "chess", "gap"] as const;
export type SourceKind = typeof SOURCE_KINDS[number];

/** A passage that an exchange can be made of: one of the corpus, filtered and perhaps aligned, or of another source. */
export const SourceChunk = FilteredChunk.extend({
  kind: z.enum(SOURCE_KINDS).optional(),
  /** Of the step align; scores by theme lie beside these. */
  alignment: z.looseObject({ best: z.string(), max: z.number() }).optional(),
});
export type SourceChunk = z.infer<typeof SourceChunk>;

/** The shelf whose books are chess literature, whoever printed them. */
const CHESS_SHELF = "chess";

/** The kind that a passage names, else what its shelf tells: a chess book of the corpus is chess literature. */
export function kindOf({ kind, category }: Pick<SourceChunk, "kind" | "category">): SourceKind {
  return kind ?? (category === CHESS_SHELF ? "chess" : "gutenberg");
}
