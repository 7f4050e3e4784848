import { join } from "node:path";
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { count, counted } from "../core/format.ts";
import { transformJsonl } from "../core/parallel.ts";
import { beside, dataDir } from "../core/paths.ts";
import { defineStep } from "../core/step.ts";
import { fetchTokenizer } from "../corpus/tokens.ts";
import { createIdKeeper } from "./chunk_ids.ts";
import type { ChunkRowOptions } from "./chunk_rows.ts";
import { extendedWorks, wantsExtended } from "./works_files.ts";

const options = z.object({
  input: z.string().optional().describe("Works, JSON Lines; default: corpus/priority_works.jsonl in the data root"),
  priorityOnly: z.boolean().default(true).describe("Only these; --no-priority-only is --extended"),
  extended: z.boolean().default(false).describe("The extended corpus too: extended_works.jsonl beside the input"),
  output: z.string().optional().describe(
    "Where the chunks go; default: theme_chunks/chunks.jsonl in the data root. What is left out goes beside it, to …_rejects.jsonl",
  ),
  chunkSize: z.int().min(1).max(10_000_000).default(1024).describe("The largest chunk, in the unit; never exceeded"),
  unit: z.enum(["chars", "words", "tokens"]).default("chars").describe("What sizes are counted in"),
  method: z.enum(["paragraph", "window"]).default("paragraph").describe(
    "paragraph: whole paragraphs, as many as fit; window: as many words as fit, each window overlapping the one before",
  ),
  overlap: z.int().min(0).optional().describe(
    "The largest overlap of two windows, in the unit; smaller than the chunk size; default: an eighth of it",
  ),
  minChunkSize: z.int().min(0).optional().describe(
    "The smallest chunk, in the unit: what is smaller takes from its neighbours or is left out; default: an eighth of the chunk size",
  ),
  tokenizer: z.string().optional().describe(
    'Also count tokens with this: "o200k", a folder with tokenizer.json, or a hub id; default with --unit tokens: o200k',
  ),
  workers: z.int().min(1).max(64).optional().describe(
    "Threads; default: by the size of the input and the cores, at most 3",
  ),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});

/** What chunking came to. */
export interface ChunkResult {
  /** One, or with the extended corpus two. */
  input: readonly string[];
  output: string;
  rejects: string;
  works: number;
  chunks: number;
  /** What was left out, by reason. */
  dropped: Record<string, number>;
  /** Sentences longer than a chunk, which were cut at clauses or words. */
  cutSentences: number;
}

/** Cuts works into chunks: passages that never cross a chapter and never split a word. */
export const chunk = defineStep({
  name: "chunk",
  summary: "Cut works into passages of a size, at paragraphs and sentences",
  options,

  files(options, { env }) {
    const { input, output, rejects } = pathsOf(options, env);
    return { reads: input, writes: [output, rejects] };
  },

  async run(options, context): Promise<ChunkResult> {
    const paths = pathsOf(options, context.env);
    const rowOptions = rowOptionsOf(options);
    if (rowOptions.tokenizer !== undefined) rowOptions.tokenizer = await fetchTokenizer(rowOptions.tokenizer, context);
    const ids = createIdKeeper();
    const { rows, written, drops, counts } = await transformJsonl({
      ...paths,
      module: new URL("./chunk_rows.ts", import.meta.url),
      options: rowOptions,
      context,
      label: "chunk",
      inOrder: ids.keepApart,
      ...(options.workers === undefined ? {} : { workers: options.workers }),
    });
    if (ids.repeated > 0) {
      context.emit({
        type: "log",
        level: "warn",
        message: `${counted(ids.repeated, "work")} of ${
          count(rows)
        } with the id of an earlier one: chunks are numbered apart`,
      });
    }
    const cutSentences = counts.cut_sentences ?? 0;
    if (cutSentences > 0) {
      context.emit({
        type: "log",
        level: "info",
        message: `${counted(cutSentences, "sentence")} longer than a chunk: cut at clauses or words`,
      });
    }
    context.emit({ type: "metric", name: "chunks", value: written });
    context.emit({ type: "artifact", path: paths.output, title: "Chunks", rows: written });
    return { ...paths, works: rows, chunks: written, dropped: drops, cutSentences };
  },
  report({ works, chunks, dropped }) {
    const left = Object.values(dropped).reduce((sum, number) => sum + number, 0);
    return `${counted(chunks, "passage")} from ${counted(works, "work")}; ${count(left)} left out`;
  },
});

function pathsOf(
  options: z.output<typeof chunk.options>,
  env: Readonly<Record<string, string>>,
): { input: string[]; output: string; rejects: string } {
  const root = dataDir(options.dataDir, env);
  const output = options.output ?? join(root, "theme_chunks", "chunks.jsonl");
  const works = options.input ?? join(root, "corpus", "priority_works.jsonl");
  const input = wantsExtended(options) ? [works, extendedWorks(works)] : [works];
  return { input, output, rejects: beside(output, "_rejects.jsonl") };
}

/** @throws {UsageError} options that exclude each other: all of them at once. */
function rowOptionsOf(options: z.output<typeof chunk.options>): ChunkRowOptions {
  const { chunkSize: size, unit, method } = options;
  const eighth = Math.floor(size / 8);
  const minSize = options.minChunkSize ?? eighth;
  const overlap = options.overlap ?? (method === "window" ? eighth : 0);
  const faults: string[] = [];
  if (overlap >= size) faults.push(`--overlap ${overlap}: must be smaller than --chunk-size ${size}`);
  if (method === "paragraph" && overlap > 0) faults.push(`--overlap ${overlap}: needs --method window`);
  if (minSize > size) faults.push(`--min-chunk-size ${minSize}: must not exceed --chunk-size ${size}`);
  if (faults.length > 0) throw new UsageError(faults);
  const tokenizer = options.tokenizer ?? (unit === "tokens" ? "o200k" : undefined);
  return { size, unit, method, overlap, minSize, ...(tokenizer === undefined ? {} : { tokenizer }) };
}
