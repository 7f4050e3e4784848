/** Gap filling: topics and occasions stand in for passages where voices and themes have too few examples. */
import { z } from "zod";
import { readJsonc } from "../core/jsonc.ts";
import { seededRandom, shuffle } from "./random.ts";
import type { SourceChunk } from "./source_kinds.ts";

/** A topic file such as `lib/presets/deepred/topics.jsonc`. */
export const TopicFile = z.strictObject({
  /** By theme: what an exchange may be about. */
  topics: z.record(z.string(), z.array(z.string().min(1)).min(1))
    .refine((all) => Object.keys(all).length > 0, "at least one theme is needed"),
  /** When and where; each topic meets each of them. */
  occasions: z.array(z.string().min(1)).min(1),
});
export type TopicFile = z.infer<typeof TopicFile>;

/** @throws {UsageError} with every fault, each as `file:line`. */
export function loadTopics(path: string): Promise<TopicFile> {
  return readJsonc(path, TopicFile);
}

/**
 * Every topic on every occasion, as passages of the kind `gap`: all topics once before any comes again.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { gapChunks } from "@/dialogue/topics.ts";
 *
 * const file = { topics: { science: ["an error in the log"] }, occasions: ["before the morning shift"] };
 * deepEqual(gapChunks(file, 1969).map(({ id, text }) => [id, text]), [
 *   ["gap-science-1-1", "Topic: an error in the log\nOccasion: before the morning shift"],
 * ]);
 * ```
 */
export function gapChunks({ topics, occasions }: TopicFile, seed: number): SourceChunk[] {
  const all = Object.entries(topics).flatMap(([theme, list]) =>
    list.map((topic, at) => ({
      theme,
      topic,
      id: `gap-${theme}-${at + 1}`,
      // Each topic goes through the occasions in an order of its own.
      order: shuffle(occasions.map((_, index) => index), seededRandom(seed, "occasions", theme, at)),
    }))
  );
  return occasions.flatMap((_, round) =>
    all.map(({ theme, topic, id, order }): SourceChunk => {
      const occasion = order[round] ?? 0;
      return {
        id: `${id}-${occasion + 1}`,
        text: `Topic: ${topic}\nOccasion: ${occasions[occasion] ?? ""}`,
        source_id: id,
        source_title: "Topics",
        kind: "gap",
        keyword_counts: { [theme]: 1, total: 1 },
      };
    })
  );
}
