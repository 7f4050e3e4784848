import { join } from "node:path";
import { z } from "zod";
import { readTextFile, writeFileAtomic } from "../core/files.ts";
import { count } from "../core/format.ts";
import { transformJsonl } from "../core/parallel.ts";
import { beside, dataDir, presetPath } from "../core/paths.ts";
import { defineStep } from "../core/step.ts";
import { PATTERN_SYNTAX } from "../corpus/matcher_syntax.ts";
import { summarize, type ThemeStats } from "../corpus/theme_stats.ts";
import { statsTables, tableText } from "../corpus/theme_tables.ts";
import { createTally, mergeCounts, mergeTallies } from "../corpus/theme_tally.ts";
import { parseThemes, type Themes } from "../corpus/themes.ts";
import type { FilterCounts } from "./filter_batch.ts";
import type { FilterRowOptions } from "./filter_rows.ts";

const options = z.object({
  input: z.string().optional().describe("Chunks, JSON Lines; default: theme_chunks/chunks.jsonl in the data root"),
  output: z.string().optional().describe(
    "Where the chunks on theme go; default: theme_chunks/filtered.jsonl in the data root. Ids of the others go beside it, to …_rejects.jsonl",
  ),
  minMatches: z.number().min(0).default(3).describe(
    "A chunk is kept from this score: the number of its matches, each times its pattern's weight (1 where none is given)",
  ),
  themes: z.string().optional().describe(
    "Theme file: categories of patterns, JSON with comments; default: lib/presets/deepred/themes.jsonc. " +
      `A pattern is whole words in any case; it may use ${PATTERN_SYNTAX}`,
  ),
  stats: z.boolean().default(false).describe(
    "Also show which categories and patterns hit where, and write it beside the output, to …_stats.json",
  ),
  workers: z.int().min(1).max(64).optional().describe(
    "Threads; default: by the size of the input and the cores, at most 3",
  ),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});

/** What filtering came to. */
export interface FilterResult {
  input: string;
  output: string;
  rejects: string;
  themes: string;
  chunks: number;
  kept: number;
  /** What was left out, by reason. */
  dropped: Record<string, number>;
  /** Chunks by number of matches, fewest first. */
  byTotal: { total: number; chunks: number }[];
  /** With `--stats`: the file, and what is in it. */
  statsFile?: string;
  stats?: ThemeStats;
}

/** Keeps the chunks in which the themes are found often enough. */
export const filter = defineStep({
  name: "filter",
  summary: "Keep the passages in which the themes are found often enough",
  options,

  files(options, { env }) {
    const { input, output, rejects, themes, statsFile } = pathsOf(options, env);
    return { reads: [input, themes], writes: [output, rejects, ...(options.stats ? [statsFile] : [])] };
  },

  async run(options, context): Promise<FilterResult> {
    const { input, output, rejects, themes: path, statsFile } = pathsOf(options, context.env);
    const text = await readTextFile(path);
    let themes: Themes | undefined;
    const compiled = () => themes ??= parseThemes(text, path);
    const rowOptions = (): FilterRowOptions => {
      const { categories, patterns, automaton } = compiled();
      return { themes: { categories, patterns, automaton }, minMatches: options.minMatches, stats: options.stats };
    };
    const { rows, written, drops, finished } = await transformJsonl({
      input,
      output,
      rejects,
      module: new URL("./filter_rows.ts", import.meta.url),
      options: rowOptions,
      context,
      label: "filter",
      ...(options.workers === undefined ? {} : { workers: options.workers }),
    });
    const { byTotal, stats } = gather(compiled(), finished, options);
    const result: FilterResult = {
      input,
      output,
      rejects,
      themes: path,
      chunks: rows,
      kept: written,
      dropped: drops,
      byTotal: [...byTotal].sort((a, b) => a[0] - b[0]).map(([total, chunks]) => ({ total, chunks })),
    };
    if (written === 0) {
      context.emit({
        type: "log",
        level: "warn",
        message: `no chunk reaches a score of ${options.minMatches}; lower --min-matches or widen "${path}"`,
      });
    }
    context.emit({ type: "metric", name: "chunks_on_theme", value: written });
    context.emit({ type: "artifact", path: output, title: "Chunks on theme", rows: written });
    if (!stats) return result;
    await writeFileAtomic(statsFile, JSON.stringify(stats, null, 2) + "\n");
    context.emit({ type: "artifact", path: statsFile, title: "Theme statistics" });
    return { ...result, statsFile, stats };
  },

  report({ chunks, kept, stats }) {
    const share = chunks === 0 ? 0 : (100 * kept) / chunks;
    const lines = [`${count(kept)} of ${count(chunks)} chunks are on theme (${share.toFixed(1)} %)`];
    return [...lines, ...(stats ? statsTables(stats).map(tableText) : [])].join("\n\n");
  },
});

function pathsOf(
  given: z.output<typeof options>,
  env: Readonly<Record<string, string>>,
): { input: string; output: string; rejects: string; statsFile: string; themes: string } {
  const root = dataDir(given.dataDir, env);
  const output = given.output ?? join(root, "theme_chunks", "filtered.jsonl");
  return {
    input: given.input ?? join(root, "theme_chunks", "chunks.jsonl"),
    output,
    rejects: beside(output, "_rejects.jsonl"),
    statsFile: beside(output, "_stats.json"),
    themes: given.themes ?? presetPath("deepred/themes.jsonc"),
  };
}

/** Adds up what the threads have counted. */
function gather(themes: Themes, finished: readonly unknown[], options: { stats: boolean; minMatches: number }): {
  byTotal: Map<number, number>;
  stats: ThemeStats | undefined;
} {
  const byTotal = new Map<number, number>();
  const tally = createTally(themes);
  for (const counts of finished as FilterCounts[]) {
    mergeCounts(byTotal, counts.byTotal);
    if (counts.tally) mergeTallies(tally, counts.tally);
  }
  return { byTotal, stats: options.stats ? summarize(themes, tally, options.minMatches) : undefined };
}
