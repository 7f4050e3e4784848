/** A manuscript into chunks at narrative boundaries, with a report on each of them. */
import { join, resolve } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../../core/errors.ts";
import { count } from "../../core/format.ts";
import { defineStep } from "../../core/step.ts";
import { textTable } from "../../core/text_table.ts";
import { PAUSE_WORDS } from "../../manuscript/boundaries.ts";
import { curate, type Curated } from "../../manuscript/curation.ts";
import { reasonsOf } from "../../manuscript/curation_report.ts";
import { type CurationStats, curationStats } from "../../manuscript/curation_stats.ts";
import {
  chunksThere,
  CURATION_FILE,
  manuscriptFiles,
  readManuscripts,
  REPORT_FILE,
  writeCuration,
} from "./curate_files.ts";
import { gaeaPaths } from "./paths.ts";

const options = z.object({
  manuscript: z.array(z.string()).optional().describe(
    "The manuscript, .txt or .md: a file, several, or a folder of them; default: <data-dir>/gaea/manuscript",
  ),
  output: z.string().optional().describe(
    "Folder of the chunks, curation.json and CURATION_REPORT.md; default: <data-dir>/gaea/curated",
  ),
  minWords: z.int().min(1).default(900).describe("Words of the smallest chunk that is wanted"),
  maxWords: z.int().min(2).default(2100).describe("Words of the largest chunk that is wanted"),
  pauseWords: z.int().min(1).default(PAUSE_WORDS).describe(
    "Two speeches with fewer words of narration between them are one conversation, which is not cut",
  ),
  split: z.boolean().default(true).describe(
    "Cut scenes that are too long into parts (015a, 015b), originals in backup/; else they stay whole and the cut is proposed",
  ),
  overwrite: z.boolean().default(false).describe("Replace the chunks of an earlier curation"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});

type CurateOptions = z.output<typeof options>;

export interface CurateResult extends Curated {
  readonly folder: string;
  readonly stats: CurationStats;
}

/** Cuts, describes and writes. */
export const curateStep = defineStep({
  name: "gaea:curate",
  summary: "Cuts a manuscript into scenes of training size, each boundary with its reason",
  options,
  files(options, { env }) {
    const paths = pathsOf(options, env);
    return { reads: paths.manuscript, writes: [join(paths.output, CURATION_FILE), join(paths.output, REPORT_FILE)] };
  },
  async run(options, { env, emit, signal }): Promise<CurateResult> {
    const { manuscript, output } = pathsOf(options, env);
    const { minWords, maxWords, split, pauseWords } = options;
    if (minWords >= maxWords) {
      throw new UsageError(`Cannot use --min-words ${minWords}: it must be below --max-words ${maxWords}`);
    }
    const files = await manuscriptFiles(manuscript);
    const within = files.find((file) =>
      resolve(file).startsWith(resolve(output) + (Deno.build.os === "windows" ? "\\" : "/"))
    );
    if (within) throw new UsageError(`Cannot write to "${output}": the manuscript "${within}" lies in it`);
    const there = await chunksThere(output, options.overwrite);
    const manuscripts = await readManuscripts(files, { emit });
    signal.throwIfAborted();
    const curated = curate(manuscripts, { minWords, maxWords, split, pauseWords });
    const bare = curated.curation.manuscripts.find(({ words }) => words === 0);
    if (bare) throw new UserError(`Cannot curate "${bare.name}": it holds headings and no prose`, { exitCode: 2 });
    warn(curated, emit);
    signal.throwIfAborted();
    await writeCuration(output, curated, there, { emit });
    emit({ type: "artifact", path: output, title: "Curated chunks", rows: curated.chunks.length });
    emit({ type: "artifact", path: join(output, REPORT_FILE), title: "Curation report" });
    return { ...curated, folder: output, stats: curationStats(curated.curation) };
  },
  report({ stats, curation, proposals, folder }) {
    const { chunks, scenes } = stats;
    const percent = (part: number, whole: number) => `${Math.round(100 * part / whole)} %`;
    const lines = [
      `${count(stats.words)} words in ${count(chunks)} chunks, ${count(stats.leastWords)} to ${
        count(stats.mostWords)
      } words`,
      `${percent(stats.inRange, chunks)} in the optimal range of ${curation.min_words}–${curation.max_words} words ` +
      `(${stats.tooShort} shorter, ${stats.tooLong} longer)`,
      `${percent(stats.whole, chunks)} narrative integrity: begins and ends with a sentence, outside conversations`,
      `scenes: ${
        Object.entries(scenes).map(([kind, { chunks: number }]) => `${percent(number, chunks)} ${kind}`).join(", ")
      }`,
      `point of view: ${
        stats.secondPerson === undefined ? "cannot be told" : `${percent(stats.secondPerson, 1)} second person`
      }; italics in 1,000 words: ${stats.monologuesPer1000.toFixed(1)} inner voice, ${
        stats.emphasesPer1000.toFixed(1)
      } other`,
    ];
    for (const { original, words, parts, done } of curation.splits) {
      const shown = proposals.get(original) ?? curation.chunks.filter(({ file }) => parts.includes(file));
      lines.push(
        "",
        `${original} has ${count(words)} words: ${done ? "cut, the original is in backup/" : "a cut is proposed"}`,
        textTable(
          ["Part", "Words", "Begins because of"],
          shown.map((part) => [part.file, part.words, reasonsOf(part)]),
        ),
      );
    }
    return [...lines, "", `Read ${join(folder, REPORT_FILE)}`].join("\n");
  },
});

/** What a person has to look at before training on the chunks. */
function warn(
  { curation, proposals }: Curated,
  emit: (event: { type: "log"; level: "warn"; message: string }) => void,
): void {
  const { chunks, max_words: max } = curation;
  for (const { file, words } of chunks) {
    if (words <= max || proposals.has(file)) continue;
    emit({
      type: "log",
      level: "warn",
      message:
        `"${file}" has ${count(words)} words and stays whole: there is no change of place, time or topic outside its ` +
        "conversations where it could be cut (a lower --pause-words finds more)",
    });
  }
  const marked = chunks.some(({ reasons }) => reasons.some(({ kind }) => kind === "chapter" || kind === "scene break"));
  if (!marked && chunks.length > 1) {
    emit({
      type: "log",
      level: "warn",
      message:
        "The manuscript has neither chapters nor scene breaks: all boundaries are guesses from its words. Read them.",
    });
  }
}

function pathsOf(options: CurateOptions, env: Readonly<Record<string, string>>) {
  const defaults = gaeaPaths(options.dataDir, env);
  return { manuscript: options.manuscript ?? [defaults.manuscript], output: options.output ?? defaults.curated };
}
