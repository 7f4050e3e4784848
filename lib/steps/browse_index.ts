/** What the page knows of every example without holding its text. */
import { z } from "zod";
import { beside } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import type { SourceChunk } from "../dialogue/source_kinds.ts";
import { verdictKey, verdictsPath } from "../dialogue/verdicts.ts";
import { type Place, placedLines } from "./browse_places.ts";
import { DatasetRow, exchangeOf, parseLine, rejectedExchange, RejectRow, Source, words } from "./browse_rows.ts";

export { parseLine } from "./browse_rows.ts";

/** One example of the dataset or of its rejects. Texts stay in the files; names are shared strings. */
export interface Entry {
  readonly place: Place;
  /** Its line in the file of sources, where there is one. */
  readonly source: Place | undefined;
  /** `<chunk>/<persona>`, or the line where the row does not say. */
  readonly id: string;
  /** What a verdict is kept under; absent where no question and answer could be read. */
  readonly key: string | undefined;
  readonly persona: string;
  readonly chunk: string;
  book: string;
  themes: readonly string[];
  /** Why it was left out; absent for what is in the dataset. */
  readonly reason: string | undefined;
}

/** All files that the page reads, and the one that it writes. */
export interface BrowsePaths {
  readonly dataset: string;
  readonly rejects: string;
  readonly sources: string;
  readonly chunks: string;
  readonly verdicts: string;
}

/** Companions are named after the dataset. */
export function browsePaths(dataset: string, chunks: string): BrowsePaths {
  return {
    dataset,
    rejects: beside(dataset, "_rejects.jsonl"),
    sources: beside(dataset, "_sources.jsonl"),
    chunks,
    verdicts: verdictsPath(dataset),
  };
}

export interface Index {
  /** Changes when the files do: places of one version mean nothing in another. */
  readonly version: string;
  readonly entries: readonly Entry[];
  /** Passages by id, those that an example names. */
  readonly passages: ReadonlyMap<string, Place | SourceChunk>;
  /** Examples by the key of their verdict; equal exchanges share one. */
  readonly byKey: ReadonlyMap<string, readonly number[]>;
}

/** Sizes and times of the files, so that a rebuilt dataset is noticed. */
export async function versionOf(paths: BrowsePaths): Promise<string> {
  const marks = [paths.dataset, paths.rejects, paths.sources, paths.chunks].map(async (path) => {
    const info = await Deno.stat(path).catch(() => undefined);
    return info ? `${info.size}-${info.mtime?.getTime() ?? 0}` : "none";
  });
  return (await Promise.all(marks)).join(" ");
}

/**
 * Reads all files once.
 *
 * @param others Passages that lie in no file of passages.
 * @throws {UserError} the dataset is missing, or a row of any file is bad.
 */
export async function buildIndex(
  paths: BrowsePaths,
  others: ReadonlyMap<string, SourceChunk>,
  context: Pick<Context, "signal" | "emit">,
): Promise<Index> {
  const version = await versionOf(paths);
  const entries: Entry[] = [];
  const shared = sharing();
  const tell = () => {
    if (entries.length % 5000 === 0) {
      context.emit({ type: "progress", label: "reading", done: entries.length, unit: "examples" });
    }
  };
  const add = (entry: Entry) => {
    entries.push(entry);
    tell();
  };
  const matched = await readDataset(paths, shared, add, context.signal);
  if (!matched) {
    const message = `"${paths.sources}" has not the lines of "${paths.dataset}": books and personas may be wrong`;
    context.emit({ type: "log", level: "warn", message });
  }
  if (await isThere(paths.rejects)) await readRejects(paths, shared, add, context.signal);
  const own = await readPassages(paths, entries, shared, context);
  const passages = new Map<string, Place | SourceChunk>([...others, ...own]);
  const byKey = new Map<string, number[]>();
  for (const [number, { key }] of entries.entries()) {
    if (key === undefined) continue;
    const same = byKey.get(key);
    if (same) same.push(number);
    else byKey.set(key, [number]);
  }
  return { version, entries, passages, byKey };
}

type Sharing = ReturnType<typeof sharing>;

/** One string for all that are equal: 100,000 examples have a few hundred names. */
function sharing() {
  const names = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  return {
    name(name: string): string {
      const known = names.get(name);
      if (known === undefined) names.set(name, name);
      return known ?? name;
    },
    list(list: readonly string[]): readonly string[] {
      const key = list.join("\0");
      const known = lists.get(key);
      if (known === undefined) lists.set(key, list);
      return known ?? list;
    },
  };
}

/** @returns whether the file of sources, if there is one, has a line for each of the dataset's. */
async function readDataset(
  paths: BrowsePaths,
  shared: Sharing,
  add: (entry: Entry) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const path = paths.dataset;
  let matched = true;
  const sources = await isThere(paths.sources) ? placedLines(paths.sources, signal) : undefined;
  try {
    for await (const { place, number, bytes } of placedLines(path, signal)) {
      const { messages, metadata } = parseLine(bytes, DatasetRow, path, number);
      const next = await sources?.next();
      const line = next && !next.done ? next.value : undefined;
      if (next?.done) matched = false;
      const source = { ...metadata, ...(line && parseLine(line.bytes, Source, paths.sources, line.number)) };
      const exchange = exchangeOf(messages);
      const persona = source.persona ?? "unknown";
      add({
        place,
        source: line?.place,
        id: source.chunk_id ? `${source.chunk_id}/${persona}` : `line ${number}`,
        key: exchange && verdictKey(exchange),
        persona: shared.name(persona),
        chunk: shared.name(source.chunk_id ?? ""),
        book: shared.name(source.source_title ?? ""),
        themes: shared.list(source.themes ?? []),
        reason: undefined,
      });
    }
    return matched && (await sources?.next())?.done !== false;
  } finally {
    await sources?.return(undefined);
  }
}

async function readRejects(paths: BrowsePaths, shared: Sharing, add: (entry: Entry) => void, signal: AbortSignal) {
  for await (const { place, number, bytes } of placedLines(paths.rejects, signal)) {
    const { id, reason, row } = parseLine(bytes, RejectRow, paths.rejects, number);
    const cut = id.lastIndexOf("/");
    const exchange = rejectedExchange(row);
    add({
      place,
      source: undefined,
      id,
      key: exchange && verdictKey(exchange),
      persona: shared.name(cut < 0 ? "unknown" : id.slice(cut + 1)),
      chunk: shared.name(cut < 0 ? id : id.slice(0, cut)),
      book: "",
      themes: [],
      reason: shared.name(reason),
    });
  }
}

const PassageHead = z.looseObject({
  id: z.string(),
  source_title: words,
  keyword_counts: z.record(z.string(), z.number()).optional().catch(undefined),
});

/** Finds the passages that examples name, and fills in the books and themes that rows did not tell. */
async function readPassages(
  { chunks }: BrowsePaths,
  entries: readonly Entry[],
  shared: Sharing,
  { signal, emit }: Pick<Context, "signal" | "emit">,
): Promise<Map<string, Place>> {
  const passages = new Map<string, Place>();
  if (!await isThere(chunks)) {
    emit({ type: "log", level: "warn", message: `No passages are shown: there is no "${chunks}" (--chunks names it)` });
    return passages;
  }
  const byChunk = Map.groupBy(entries, ({ chunk }) => chunk);
  for await (const { place, number, bytes } of placedLines(chunks, signal)) {
    const quick = idAtFront(bytes);
    if (quick !== undefined && !byChunk.has(quick)) continue;
    const { id, source_title, keyword_counts } = parseLine(bytes, PassageHead, chunks, number);
    const examples = byChunk.get(id);
    if (!examples) continue;
    passages.set(id, place);
    const themes = Object.entries(keyword_counts ?? {}).filter(([name, n]) => name !== "total" && n > 0)
      .sort(([, a], [, b]) => b - a).map(([name]) => name);
    for (const example of examples) {
      if (example.book === "") example.book = shared.name(source_title ?? "");
      if (example.themes.length === 0) example.themes = shared.list(themes);
    }
  }
  return passages;
}

/** The id of a row as chunk and filter write it, without parsing all of it: most passages have no example. */
function idAtFront(bytes: Uint8Array): string | undefined {
  return /^\{"id":"([^"\\]+)"/.exec(new TextDecoder().decode(bytes.subarray(0, 200)))?.[1];
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
