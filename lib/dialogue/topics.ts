/** Gap filling: topics and occasions stand in for passages where voices and themes have too few examples. */
import { z } from "zod";
import { readJsonc } from "../core/jsonc.ts";
import type { Coverage } from "./personas.ts";
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

/** A persona and a theme with their number of examples. */
export interface Cell {
  readonly persona: string;
  readonly theme: string;
  readonly count: number;
}

/** Cells of persona × theme with fewer examples than asked for, fewest first. */
export function uncovered(
  personas: readonly string[],
  themes: readonly string[],
  covered: Coverage,
  least: number,
): Cell[] {
  return themes.flatMap((theme) =>
    personas.map((persona) => ({ persona, theme, count: covered.get(theme)?.get(persona) ?? 0 }))
  ).filter(({ count }) => count < least)
    .sort((a, b) => a.count - b.count);
}

/**
 * So many topics that examples made of them even out the themes: always one of the theme that has fewest.
 *
 * @param each Examples that are made of one topic.
 */
export function gapsFor(
  chunks: readonly SourceChunk[],
  covered: Coverage,
  examples: number,
  each: number,
): SourceChunk[] {
  const queues = Map.groupBy(chunks, ({ keyword_counts }) => Object.keys(keyword_counts)[0] ?? "");
  const counts = new Map(
    [...queues.keys()].map((
      theme,
    ) => [theme, [...covered.get(theme)?.values() ?? []].reduce((sum, count) => sum + count, 0)]),
  );
  const chosen: SourceChunk[] = [];
  while (chosen.length * each < examples) {
    const open = [...queues].filter(([, queue]) => queue.length > 0);
    const [theme, queue] = open.reduce<[string, SourceChunk[]] | undefined>(
      (least, entry) => least && (counts.get(least[0]) ?? 0) <= (counts.get(entry[0]) ?? 0) ? least : entry,
      undefined,
    ) ?? [];
    const next = queue?.shift();
    if (theme === undefined || !next) break;
    counts.set(theme, (counts.get(theme) ?? 0) + each);
    chosen.push(next);
  }
  return chosen;
}
