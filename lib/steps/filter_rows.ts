/** The row work of the step `filter`: a Chunk in, the same with its theme counts out, or a drop. */
import { checkRow, RowError, type RowSink, type StartRows } from "../core/parallel_batch.ts";
import { wordStart } from "../corpus/matcher_scan.ts";
import type { Hits } from "../corpus/matcher_settle.ts";
import { createTally, tallyChunk } from "../corpus/theme_tally.ts";
import { type CompiledThemes, openThemes, type Themes } from "../corpus/themes_open.ts";
import { wordsIn } from "../corpus/white_space.ts";
import type { Chunk } from "../records.ts";
import { createBatchFilter, type FilterCounts } from "./filter_batch.ts";
import type { ChunkRest } from "./filter_line.ts";

/** Options that cross to a thread. */
export interface FilterRowOptions {
  themes: CompiledThemes;
  minMatches: number;
  stats: boolean;
}

export const start: StartRows<FilterRowOptions> = (options) => {
  const themes = openThemes(options.themes);
  const weights = Int32Array.from(themes.patterns, ({ weight }) => weight);
  const threshold = Math.round(options.minMatches * 1000);
  const counts: FilterCounts = { byTotal: new Map(), tally: options.stats ? createTally(themes) : undefined };
  const toJson = createWriter(themes);

  const count = (chunk: Chunk, sink: RowSink, json: string): void => {
    const hits = themes.scan(chunk.text);
    let score = 0;
    for (let i = 0; i < hits.length; i++) score += weights[hits.data[4 * i] ?? 0] ?? 0;
    counts.byTotal.set(hits.length, (counts.byTotal.get(hits.length) ?? 0) + 1);
    if (counts.tally) {
      const { text } = chunk;
      const size = { chars: text.length, words: wordsIn(text) };
      tallyChunk(counts.tally, themes, { ...chunk, ...size }, hits, threshold);
    }
    if (score < threshold) {
      return sink.drop("too_few_matches", chunk.id, `matches ${hits.length}, score ${score / 1000}`);
    }
    if (hits.length > MOST_MATCHES) {
      throw new RowError(`the text has ${hits.length} matches; one of more than ${MOST_MATCHES} is no passage`);
    }
    // The row itself is passed on as it came: writing it anew would cost more than all the matching.
    const known = "keyword_counts" in chunk || "matches" in chunk ? withoutCounts(chunk) : json;
    sink.write(known.slice(known.indexOf("{"), known.lastIndexOf("}")) + toJson(chunk.text, hits));
  };

  return {
    row: (row, sink, json) =>
      isChunk(row) ? count(row, sink, json) : checkRow(row, chunkSchema).then((chunk) => count(chunk, sink, json)),
    batch: createBatchFilter(themes, threshold, isRest, counts),
    finish: () => counts,
  };
};

/** A row of more of them, some hundred bytes each, comes near to V8's longest string. */
const MOST_MATCHES = 2_000_000;

const chunkSchema = async () => (await import("../records.ts")).Chunk;

/** A chunk that was filtered before, without what that added. */
function withoutCounts(chunk: Chunk): string {
  return JSON.stringify({ ...chunk, keyword_counts: undefined, matches: undefined });
}

/** Writes the end of a row: counts and matches, in the order of the text. */
function createWriter({ categories, patterns, automaton }: Themes): (text: string, hits: Hits) => string {
  const names = categories.map((name) => `${JSON.stringify(name)}:`);
  const heads = patterns.map(({ category, pattern }) =>
    `{"category":${JSON.stringify(categories[category])},"pattern":${JSON.stringify(pattern)},"start":`
  );
  const inCategory = new Int32Array(categories.length);
  return (text, { data, length }) => {
    inCategory.fill(0);
    let matches = "";
    for (let i = 0; i < length; i++) {
      const number = data[4 * i] ?? 0;
      const category = patterns[number]?.category ?? 0;
      inCategory[category] = (inCategory[category] ?? 0) + 1;
      const start = wordStart(automaton, text, data[4 * i + 2] ?? 0);
      matches += `${i > 0 ? "," : ""}${heads[number]}${start},"end":${data[4 * i + 3]}}`;
    }
    let counts = "";
    names.forEach((name, i) => counts += inCategory[i] ? `${name}${inCategory[i]},` : "");
    return `,"keyword_counts":{${counts}"total":${length}},"matches":[${matches}]}`;
  };
}

const isText = (value: unknown): value is string => typeof value === "string";
const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;
const isNone = (value: unknown): value is undefined => value === undefined;

/** The members of a chunk beside id and text; a chunk that was filtered before has others, too. */
function isRest(members: unknown): members is ChunkRest {
  return isChunk({ ...Object(members), id: "id", text: "text" }) &&
    !["id", "text", "keyword_counts", "matches"].some((name) => Object.hasOwn(Object(members), name));
}

/** A quick look; the schema has the last word on rows that fail it. */
function isChunk(row: unknown): row is Chunk {
  if (typeof row !== "object" || row === null) return false;
  const { id, text, source_id, source_title, author, year, category, chapter, start, end, tokens } = row as Record<
    string,
    unknown
  >;
  return isText(id) && id !== "" && isText(text) && text !== "" && isText(source_title) &&
    (isText(source_id) || Number.isSafeInteger(source_id)) &&
    (isNone(author) || isText(author)) && (isNone(year) || Number.isSafeInteger(year)) &&
    (isNone(category) || isText(category)) && (isNone(chapter) || isText(chapter)) &&
    (isNone(start) || isCount(start)) && (isNone(end) || isCount(end)) && (isNone(tokens) || isCount(tokens));
}
