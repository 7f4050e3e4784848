/** The files of a preparation: examples for both sides, what was left out, and the figures. */
import { z } from "zod";
import { writeFileAtomic } from "../../core/files.ts";
import { createJsonl, writeJsonl } from "../../core/jsonl.ts";
import { beside } from "../../core/paths.ts";
import { countWords } from "../../corpus/paragraphs.ts";
import type { Side } from "../../dialogue/split.ts";
import { type Draft, ExampleFigures, messagesOf, type RejectedChunk } from "../../manuscript/examples.ts";
import type { SkippedFile } from "./prepare_folder.ts";

/** `visions_training_stats.json`. */
export const PrepareStats = z.object({
  /** Folder of the tokenizer, or its name. */
  tokenizer: z.string(),
  /** Where the chat template stood; null where there was none, and counts are near but not exact. */
  template: z.string().nullable(),
  limit: z.int(),
  min_tokens: z.int(),
  prefix_least: z.number(),
  prefix_most: z.number(),
  /** Before scenes were cut into parts; null where none was. */
  before: ExampleFigures.nullable(),
  after: ExampleFigures,
  examples: z.array(z.object({
    file: z.string(),
    side: z.enum(["train", "val"]),
    words: z.int(),
    tokens: z.int(),
    prefix_words: z.int(),
    prefix_share: z.number(),
    in_range: z.boolean(),
  })),
  rejected: z.array(z.object({ file: z.string(), reason: z.string(), detail: z.string() })),
  skipped: z.array(z.object({ file: z.string(), reason: z.string() })),
});
export type PrepareStats = z.infer<typeof PrepareStats>;

export interface PreparePaths {
  readonly training: string;
  readonly validation: string;
  readonly rejects: string;
  readonly stats: string;
}

/** The companions of a training file are named after it. */
export function preparePaths(training: string, validation: string): PreparePaths {
  return { training, validation, rejects: beside(training, "_rejects.jsonl"), stats: beside(training, "_stats.json") };
}

/** Writes all files; the training file last, so that its presence says that all are there. */
export async function writePrepared(
  paths: PreparePaths,
  { drafts, sides, rejected, skipped, figures }: {
    drafts: readonly Draft[];
    sides: readonly Side[];
    rejected: readonly RejectedChunk[];
    skipped: readonly SkippedFile[];
    figures: Omit<PrepareStats, "examples" | "rejected" | "skipped">;
  },
): Promise<PrepareStats> {
  const stats: PrepareStats = {
    ...figures,
    examples: drafts.map((draft, at) => ({
      file: draft.file,
      side: sides[at] ?? "train",
      words: draft.words,
      tokens: draft.tokens,
      prefix_words: countWords(draft.prefix),
      prefix_share: draft.share,
      in_range: draft.inRange,
    })),
    rejected: rejected.map(({ file, reason, detail }) => ({ file, reason, detail })),
    skipped: [...skipped],
  };
  await using training = await createJsonl(paths.training);
  await using validation = await createJsonl(paths.validation);
  for (const [at, draft] of drafts.entries()) {
    await (sides[at] === "val" ? validation : training).write({ messages: messagesOf(draft) });
  }
  await writeJsonl(
    paths.rejects,
    rejected.map(({ file, reason, detail, text }) => ({ reason, id: file, detail, row: { text } })),
  );
  await writeFileAtomic(paths.stats, JSON.stringify(stats, null, 2) + "\n");
  await validation.commit();
  await training.commit();
  return stats;
}
