/** The routes of the page: lists, examples, verdicts, and its own files. */
import { z } from "zod";
import { isAbort, messageOf, UserError } from "../core/errors.ts";
import type { Context } from "../core/step.ts";
import { type Verdict, type VerdictBook, VERDICTS } from "../dialogue/verdicts.ts";
import { PALETTE } from "../view/colors.ts";
import { listLines, showExample } from "./browse_example.ts";
import { admit, HEADERS } from "./browse_guard.ts";
import { type BrowsePaths, buildIndex, type Index, versionOf } from "./browse_index.ts";
import { FACETS, type Filter, findExamples, type Found } from "./browse_query.ts";

const ASSETS: Readonly<Record<string, { file: string; type: string }>> = {
  "": { file: "browse.html", type: "text/html; charset=utf-8" },
  "browse.css": { file: "browse.css", type: "text/css; charset=utf-8" },
  "browse.js": { file: "browse.js", type: "text/javascript; charset=utf-8" },
  "ask.js": { file: "ask.js", type: "text/javascript; charset=utf-8" },
  "example.js": { file: "example.js", type: "text/javascript; charset=utf-8" },
  "texts.js": { file: "texts.js", type: "text/javascript; charset=utf-8" },
  "icon.svg": { file: "icon.svg", type: "image/svg+xml" },
};

/** Lines that one answer lists at most. */
const MOST_LINES = 200;
/** A verdict is far shorter. */
const MOST_BODY = 4096;
/** Lists that are kept, so that going on from page to page neither searches again nor shifts under a new verdict. */
const MOST_LISTS = 8;

const Judgement = z.object({ key: z.string(), verdict: z.enum(VERDICTS).nullable() });

/** Answers requests; it is bound to no port, so that tests can ask it directly. */
export interface BrowseServer {
  handle(request: Request): Promise<Response>;
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
  { paths, token, port, verdicts, themes, context }: {
    paths: BrowsePaths;
    token: string;
    port: () => number;
    verdicts: VerdictBook;
    /** Names in the order that gives them their colours. */
    themes: readonly string[];
    context: Pick<Context, "signal" | "emit">;
  },
): Promise<BrowseServer> {
  let index = await buildIndex(paths, context);
  let lists = new Map<string, Found>();
  let reading: Promise<void> | undefined;

  /** The index of the files as they are; `gate` may have rebuilt the dataset meanwhile. */
  const current = async (): Promise<Index> => {
    if (await versionOf(paths) !== index.version) {
      reading ??= buildIndex(paths, context).then((fresh) => {
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
    const body = await limitedText(request, MOST_BODY);
    const judgement = Judgement.safeParse(parsed(body));
    if (!judgement.success) return problem(400, "A verdict is a key and accept, reject or null.");
    const { key, verdict } = judgement.data;
    const number = index.byKey.get(key)?.[0];
    if (number === undefined) return problem(404, "There is no such example.");
    const before = verdicts.set(key, verdict ?? undefined, index.entries[number]?.id ?? "");
    return json({ key, verdict, before: before ?? null, judged: judged(index, verdicts.all()) });
  };

  const route = async (request: Request): Promise<Response> => {
    const admitted = admit(request, token, port());
    if ("refused" in admitted) return problem(403, admitted.refused);
    const { path } = admitted;
    if (path === "api/verdict") {
      return request.method === "POST" ? await judge(request) : problem(405, "Verdicts are posted.", "POST");
    }
    if (request.method !== "GET" && request.method !== "HEAD") return problem(405, "This is only read.", "GET, HEAD");
    const { searchParams: query, pathname } = new URL(request.url);
    // Without the last slash the page's own files would be looked for beside the token.
    if (pathname === `/${token}`) {
      return new Response(null, { status: 308, headers: { ...HEADERS, location: `/${token}/` } });
    }
    if (path === "api/list") return await list(query);
    if (path === "api/example") return await example(query);
    if (path === "api/themes") return json(colorsFor(themes));
    const asset = Object.hasOwn(ASSETS, path) ? ASSETS[path] : undefined;
    if (!asset) return problem(404, "There is nothing at this address.");
    const file = new URL(`../view/browse/${asset.file}`, import.meta.url);
    return answer(200, await Deno.readFile(file), asset.type);
  };

  return {
    async handle(request) {
      try {
        return await route(request);
      } catch (error) {
        if (isAbort(error)) return problem(409, messageOf(error));
        const words = error instanceof UserError && error.hint ? `${error.message}\n${error.hint}` : messageOf(error);
        context.emit({ type: "log", level: "error", message: words });
        return problem(500, words);
      }
    },
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

function json(value: unknown): Response {
  return answer(200, JSON.stringify(value), "application/json");
}

function problem(status: number, message: string, allow?: string): Response {
  const response = answer(status, message, "text/plain; charset=utf-8");
  if (allow) response.headers.set("allow", allow);
  return response;
}

function answer(status: number, body: string | Uint8Array<ArrayBuffer>, type: string): Response {
  return new Response(body, { status, headers: { ...HEADERS, "content-type": type } });
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The body, or `undefined` where it is longer than `most` bytes. */
async function limitedText(request: Request, most: number): Promise<string | undefined> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const part of request.body ?? []) {
    text += decoder.decode(part, { stream: true });
    if (text.length > most) return undefined;
  }
  return text;
}
