/** Which examples validate. */
import { UsageError } from "../../core/errors.ts";
import type { Context } from "../../core/step.ts";
import { type Side, splitRows } from "../../dialogue/split.ts";
import { type Draft, sceneId } from "../../manuscript/examples.ts";
import { findOverlaps } from "../../manuscript/overlap.ts";
import { readCuration } from "./curate_files.ts";

/**
 * Which example goes to which side. Chunks that share a long span of words stay together.
 *
 * @throws {UsageError} chapters are to be kept whole, and the folder has no curation to know them from.
 */
export async function dealExamples(
  drafts: readonly Draft[],
  input: string,
  { trainRatio, seed, splitBy }: { trainRatio: number; seed: number; splitBy: "scene" | "chapter" | "chunk" },
  emit: Context["emit"],
): Promise<readonly Side[]> {
  const { groups, shared } = findOverlaps(drafts.map(({ text }) => text));
  for (const { first, second, words } of shared.slice(0, 5)) {
    emit({
      type: "log",
      level: "warn",
      message: `"${drafts[first]?.file}" and "${
        drafts[second]?.file
      }" share text, so they stay on one side: "${words} …"`,
    });
  }
  const chapters = splitBy === "chapter" ? await chaptersOf(input) : undefined;
  const rows = drafts.map(({ file }, at) => ({
    passage: chapters?.get(file) ?? (splitBy === "chunk" ? file : sceneId(file)),
    cluster: groups[at] ?? at,
  }));
  return splitRows(rows, { ratio: trainRatio, seed, by: "book" }).sides;
}

/** The chapter of each chunk by its number. */
async function chaptersOf(input: string): Promise<Map<string, string>> {
  const curation = await readCuration(input);
  if (!curation) {
    throw new UsageError(
      `Cannot use --split-by chapter: "${input}" has no curation.json to know the chapters from`,
      "Curate the manuscript by deno task gaea:curate, or keep whole scenes together by --split-by scene.",
    );
  }
  let chapter = 0;
  return new Map(curation.chunks.map(({ file, reasons, manuscript }) => {
    if (reasons.some(({ kind }) => kind === "chapter" || kind === "start")) chapter++;
    return [file, `${manuscript} ${chapter}`];
  }));
}
