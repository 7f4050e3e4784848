import { resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import { readTextFile, writeFileAtomic } from "../core/files.ts";
import { parseJsonc } from "../core/jsonc.ts";
import { createJsonl, readJsonl, readLines } from "../core/jsonl.ts";
import { type Context, defineStep } from "../core/step.ts";
import { AlignableChunk, type Alignment, alignmentTexts, createAligner } from "../corpus/alignment.ts";
import { agreementOf, type JudgedPassage } from "../corpus/alignment_agreement.ts";
import { parseThemes, ThemeFile } from "../corpus/themes.ts";
import type { Reject } from "../records.ts";
import { type AlignOptions, alignOptions, type AlignPaths, alignPaths } from "./align_options.ts";
import { alignReport, type AlignResult, statsOf, tell } from "./align_report.ts";
import { createReservoir, judge, sampleDropped } from "./align_sample.ts";
import { openVectors, type VectorSource } from "./align_vectors.ts";

/** Passages whose vectors are looked for together, as a multiple of the batch. */
const BATCHES_IN_HAND = 8;
/** More would not change a rank correlation. */
const COMPARED = 20_000;

/** Scores how near the meaning of each passage is to each theme. */
export const align = defineStep({
  name: "align",
  summary: "Score by embeddings how near each passage is to each theme",
  options: alignOptions,

  files(given, { env }) {
    const { input, themes, output, rejects, statsFile } = alignPaths(given, env);
    return { reads: [input, themes], writes: [output, rejects, statsFile] };
  },

  async run(given, context): Promise<AlignResult> {
    const paths = alignPaths(given, context.env);
    if (resolve(paths.input) === resolve(paths.output)) {
      throw new UsageError(`Cannot use "${paths.output}" as --output: it is the input; choose another file`);
    }
    const themeText = await readTextFile(paths.themes);
    const themes = parseThemes(themeText, paths.themes);
    const themeFile = parseJsonc(themeText, paths.themes, ThemeFile);
    const anchors = alignmentTexts(themeFile);
    const total = await countRows(paths.input, context.signal);
    await using source = await openVectors(given, context);
    const score = createAligner(themeFile, await source.vectorsOf(anchors));

    const judged = createReservoir<JudgedPassage>(COMPARED, "judged");
    const byBest: Record<string, number> = {};
    const ids = new Set<string>();
    let dropped = 0;
    await using out = await createJsonl(paths.output);
    await using rejects = await createJsonl(paths.rejects);
    const floor = given.minAlignment;
    const rows = readJsonl(paths.input, AlignableChunk, {
      signal: context.signal,
      onTorn: (line) => warn(context, `"${paths.input}:${line}" was torn by a crash and is left out`),
    });
    for await (const { chunk, alignment } of aligned(rows, source, score, total, "align", context)) {
      ids.add(chunk.id);
      judged.add(judge(chunk, alignment, themes, given.minMatches));
      if (floor !== undefined && alignment.max < floor) {
        dropped++;
        const detail = `${alignment.max} to ${alignment.best}, asked for ${floor}`;
        await rejects.write({ reason: "weak_alignment", id: chunk.id, detail } satisfies Reject);
        context.emit({ type: "drop", reason: "weak_alignment", count: 1, id: chunk.id, detail });
        continue;
      }
      byBest[alignment.best] = (byBest[alignment.best] ?? 0) + 1;
      await out.write({ ...chunk, alignment });
    }
    const others: JudgedPassage[] = [];
    const left = await droppedByKeywords(given, paths, judged.items, ids, context);
    for await (
      const { chunk, alignment } of aligned(left, source, score, left.length, "compare", context)
    ) {
      others.push({ ...judge(chunk, alignment, themes, given.minMatches), kept: false });
    }
    const agreement = agreementOf(themes.categories, [...judged.items, ...others]);
    const kept = await out.commit();
    await rejects.commit();

    const result: AlignResult = {
      ...{ input: paths.input, output: paths.output, rejects: paths.rejects, statsFile: paths.statsFile },
      embedder: source.shown,
      dimensions: source.dimensions,
      chunks: kept + dropped,
      kept,
      dropped: dropped > 0 ? { weak_alignment: dropped } : {},
      ...source.counts,
      seconds: source.seconds,
      byBest: Object.fromEntries(Object.entries(byBest).sort((a, b) => b[1] - a[1])),
      agreement,
    };
    await writeFileAtomic(paths.statsFile, JSON.stringify(statsOf(result, given.minAlignment), null, 2) + "\n");
    tell(result, context);
    return result;
  },

  report: alignReport,
});

async function countRows(path: string, signal: AbortSignal): Promise<number> {
  let rows = 0;
  for await (const { bytes } of readLines(path, signal)) if (bytes.length > 1) rows++;
  return rows;
}

/** Passages with their alignment, in order, a window at a time. */
async function* aligned(
  rows: AsyncIterable<AlignableChunk> | Iterable<AlignableChunk>,
  source: VectorSource,
  score: (vector: Float32Array) => Alignment,
  total: number,
  label: string,
  { emit }: Context,
): AsyncGenerator<{ chunk: AlignableChunk; alignment: Alignment }> {
  let done = 0;
  const finish = async function* (window: AlignableChunk[]) {
    const vectors = await source.vectorsOf(window.map(({ text }) => text));
    for (const chunk of window) {
      const vector = vectors.get(chunk.text);
      if (vector) yield { chunk, alignment: score(vector) };
    }
    done += window.length;
    emit({ type: "progress", label, done, total: Math.max(total, done), unit: "passages" });
    if (source.seconds > 0) {
      const value = source.counts.embedded / source.seconds;
      emit({ type: "metric", name: "embeddings_per_second", value, step: done, unit: "texts/s" });
    }
  };
  let window: AlignableChunk[] = [];
  for await (const chunk of rows) {
    window.push(chunk);
    if (window.length < BATCHES_IN_HAND * source.batchSize) continue;
    yield* finish(window);
    window = [];
  }
  if (window.length > 0) yield* finish(window);
}

function warn({ emit }: Context, message: string): void {
  emit({ type: "log", level: "warn", message });
}

/** What to compare with: nothing where the input itself holds both kinds, or there is no file of all passages. */
async function droppedByKeywords(
  { compare }: AlignOptions,
  paths: AlignPaths,
  judged: readonly JudgedPassage[],
  ids: ReadonlySet<string>,
  { signal, emit }: Context,
) {
  if (compare === 0 || judged.some(({ kept }) => !kept)) return [];
  const sample = await sampleDropped(paths.chunks, ids, compare, signal);
  if (sample) return sample;
  const message = `no "${paths.chunks}": passages that the keyword filter left out are not compared`;
  emit({ type: "log", level: "info", message });
  return [];
}
