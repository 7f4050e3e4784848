/** The routes of the page: lists, examples, verdicts, and its own files. */
import { z } from "zod";
import { type Handler, json, pageHandler, postedJson, problem } from "../core/page_server.ts";
import type { Context } from "../core/step.ts";
import type { SourceChunk } from "../dialogue/source_kinds.ts";
import { type Verdict, type VerdictBook, VERDICTS } from "../dialogue/verdicts.ts";
import { PALETTE } from "../view/colors.ts";
import { listLines, showExample } from "./browse_example.ts";
import { type BrowsePaths, buildIndex, type Index, versionOf } from "./browse_index.ts";
import { FACETS, type Filter, findExamples, type Found } from "./browse_query.ts";

const VIEW = new URL("../view/browse/", import.meta.url);
const FILES = Object.fromEntries(
  ["browse.html", "browse.css", "browse.js", "ask.js", "example.js", "texts.js", "icon.svg"]
    .map((name) => [name === "browse.html" ? "" : name, new URL(name, VIEW)]),
);

/** Lines that one answer lists at most. */
const MOST_LINES = 200;
/** A verdict is far shorter. */
const MOST_BODY = 4096;
/** Lists that are kept, so that going on from page to page neither searches again nor shifts under a new verdict. */
const MOST_LISTS = 8;

const Judgement = z.object({ key: z.string(), verdict: z.enum(VERDICTS).nullable() });

export interface BrowseServer {
  readonly handle: Handler;
  /** Examples in the dataset and left out. */
  readonly sizes: () => { dataset: number; leftOut: number };
}

/**
 * Reads the files and answers for them.
 *
 * @param port tells the server's own port once it is known; requests to any other are refused.
 * @throws {UserError} the dataset is missing or holds a bad row.
 */
export async function browseServer(
  { paths, others = new Map(), token, port, verdicts, themes, context }: {
    paths: BrowsePaths;
    /** Passages that lie in no file of passages. */
    others?: ReadonlyMap<string, SourceChunk>;
    token: string;
    port: () => number;
    verdicts: VerdictBook;
    /** Names in the order that gives them their colours. */
    themes: readonly string[];
    context: Pick<Context, "signal" | "emit">;
  },
): Promise<BrowseServer> {
  let index = await buildIndex(paths, others, context);
  let lists = new Map<string, Found>();
  let reading: Promise<void> | undefined;

  /** The index of the files as they are; `gate` may have rebuilt the dataset meanwhile. */
  const current = async (): Promise<Index> => {
    if (await versionOf(paths) !== index.version) {
      reading ??= buildIndex(paths, others, context).then((fresh) => {
        index = fresh;
        lists = new Map();
      }).finally(() => reading = undefined);
      await reading;
    }
    return index;
  };

  /** The search that each open page waits for: typing on gives it up. */
  const searches = new Map<string, AbortController>();

  const find = async (now: Index, filter: Filter, page: string): Promise<Found> => {
    searches.get(page)?.abort(new DOMException("The reader went on.", "AbortError"));
    const search = new AbortController();
    searches.set(page, search);
    try {
      return await findExamples(now, verdicts.all(), filter, search.signal);
    } finally {
      if (searches.get(page) === search) searches.delete(page);
    }
  };

  const list = async (query: URLSearchParams) => {
    const now = await current();
    const filter: Filter = Object.fromEntries(
      [...FACETS, "text"].flatMap((name) => query.get(name) ? [[name, query.get(name)]] : []),
    );
    const name = JSON.stringify(filter);
    let found = query.has("fresh") ? undefined : lists.get(name);
    if (!found) {
      found = await find(now, filter, query.get("page") ?? "");
      lists.delete(name);
      lists.set(name, found);
      const [oldest] = lists.keys();
      if (lists.size > MOST_LISTS && oldest !== undefined) lists.delete(oldest);
    }
    const from = wholeNumber(query.get("from")) ?? 0;
    const count = Math.min(wholeNumber(query.get("count")) ?? 50, MOST_LINES);
    return json({
      version: now.version,
      total: found.numbers.length,
      all: now.entries.length,
      from,
      counts: found.counts,
      judged: judged(now, verdicts.all()),
      lines: await listLines(now, found.numbers.slice(from, from + count), verdicts.all()),
    });
  };

  const example = async (query: URLSearchParams) => {
    const now = await current();
    if (query.get("version") !== now.version) return problem(409, "The dataset was rebuilt meanwhile.");
    const shown = await showExample(now, wholeNumber(query.get("number")) ?? -1, verdicts.all());
    return shown ? json(shown) : problem(404, "There is no such example.");
  };

  const judge = async (request: Request) => {
    const judgement = Judgement.safeParse(await postedJson(request, MOST_BODY));
    if (!judgement.success) return problem(400, "A verdict is a key and accept, reject or null.");
    const { key, verdict } = judgement.data;
    const number = index.byKey.get(key)?.[0];
    if (number === undefined) return problem(404, "There is no such example.");
    const before = verdicts.set(key, verdict ?? undefined, index.entries[number]?.id ?? "");
    return json({ key, verdict, before: before ?? null, judged: judged(index, verdicts.all()) });
  };

  const queryOf = (request: Request) => new URL(request.url).searchParams;
  return {
    handle: pageHandler({
      token,
      port,
      files: FILES,
      routes: {
        "api/list": { answer: (request) => list(queryOf(request)) },
        "api/example": { answer: (request) => example(queryOf(request)) },
        "api/themes": { answer: () => json(colorsFor(themes)) },
        "api/verdict": { method: "POST", answer: judge },
      },
      emit: context.emit,
    }),
    sizes: () => {
      const leftOut = index.entries.filter(({ reason }) => reason !== undefined).length;
      return { dataset: index.entries.length - leftOut, leftOut };
    },
  };
}

/** Verdicts on examples that are here; others are kept for a dataset that has them again. */
function judged({ byKey }: Index, verdicts: ReadonlyMap<string, Verdict>): Record<Verdict, number> {
  const counts = { accept: 0, reject: 0 };
  for (const [key, verdict] of verdicts) if (byKey.has(key)) counts[verdict]++;
  return counts;
}

/** Colours as the charts and highlights of the notebooks have them. */
function colorsFor(themes: readonly string[]): { themes: readonly string[]; palette: readonly string[] } {
  return { themes, palette: PALETTE };
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
