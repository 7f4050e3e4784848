/** Books out of mirrors in order: folders on this machine, or hosts that are asked politely, with a cache before them. */
import { join } from "node:path";
import { readBytes, sha256 } from "../core/files.ts";
import type { Context } from "../core/step.ts";
import { VERSION } from "../core/version.ts";
import { readCached, writeCached } from "./cache.ts";
import { faultOf } from "./inspect.ts";
import { CATALOGUE_PATHS, CATALOGUE_URL, DEFAULT_MIRRORS, layouts, type Mirror, pathInFolder } from "./layout.ts";
import { politeFetcher, type PoliteOptions } from "./polite.ts";

/** A file as it came, and where from. `url` begins with the mirror as the user named it. */
export interface FetchedFile {
  bytes: Uint8Array;
  url: string;
  sha256: string;
  cached: boolean;
}

/** What was tried for a book, and how it ended. */
export interface Attempt {
  url: string;
  reason: string;
  detail: string;
}

export type Found = { found: true; file: FetchedFile } | { found: false; reason: string; attempts: Attempt[] };

export interface Mirrors {
  /** The first file on any mirror that is whole and is this book. */
  book(id: number): Promise<Found>;
  /** `pg_catalog.csv`, packed or not: from `url`, else from a file: mirror that has it, else from Project Gutenberg. */
  catalogue(url?: string): Promise<Found>;
}

export interface MirrorOptions {
  mirrors: readonly Mirror[];
  /** Where fetched files are kept; asked for at the first of them, since files of file: mirrors are read in place. */
  cacheFolder: () => string;
  /** Mail or web address of who runs this, for the User-Agent. */
  contact?: string | undefined;
  polite?: PoliteOptions;
}

/**
 * The User-Agent of all requests: Project Gutenberg asks programs for a contact address.
 *
 * @example
 * ```ts
 * import { match } from "node:assert/strict";
 * import { userAgent } from "@/corpus/mirror.ts";
 *
 * match(userAgent("me@example.org"), /^Voiceworks\/\d+\.\d+\.\d+ \(\+me@example\.org\)$/);
 * ```
 */
export function userAgent(contact?: string): string {
  return `Voiceworks/${VERSION}${contact ? ` (+${contact})` : ""}`;
}

/** Opens the mirrors; nothing is read or asked before the first book. */
export function openMirrors(
  context: Pick<Context, "fetch" | "clock" | "signal" | "emit">,
  options: MirrorOptions,
): Mirrors {
  const polite = politeFetcher(context, userAgent(options.contact), options.polite);
  let warned = options.contact !== undefined;
  const get: typeof polite = (url) => {
    if (!warned) {
      warned = true;
      const message = "Project Gutenberg asks programs for an address: pass --contact with your mail or web address";
      context.emit({ type: "log", level: "warn", message });
    }
    return polite(url);
  };
  const onDamage = (path: string) =>
    context.emit({ type: "log", level: "warn", message: `Cached "${path}" is damaged: it is fetched again` });

  /** One file of one mirror; answers why not, where it is not to be had. */
  async function fetchFile(mirror: Mirror, path: string, check: Check): Promise<FetchedFile | Attempt> {
    const url = `${mirror.name}/${path}`;
    if (mirror.kind === "file") {
      const bytes = await readIfFile(pathInFolder(mirror.folder, path));
      if (!bytes) return { url, reason: "not_found", detail: "no such file" };
      const fault = check(bytes, "");
      return fault ? { url, ...fault } : { bytes, url, sha256: sha256(bytes), cached: false };
    }
    const answer = await get(url);
    if (answer.kind === "absent") return { url, reason: "not_found", detail: answer.detail };
    if (answer.kind === "unreachable") return { url, reason: "unreachable", detail: answer.detail };
    if (answer.kind === "bad") return { url, reason: answer.reason, detail: answer.detail };
    const fault = check(answer.bytes, answer.contentType);
    if (fault) return { url, ...fault };
    return { bytes: answer.bytes, url, sha256: sha256(answer.bytes), cached: false };
  }

  async function search(paths: readonly string[], name: string, check: Check): Promise<Found> {
    const attempts: Attempt[] = [];
    for (const mirror of options.mirrors) {
      context.signal.throwIfAborted();
      const shelf = mirror.kind === "http" ? join(options.cacheFolder(), shelfOf(mirror.host)) : undefined;
      const kept = shelf === undefined ? undefined : await readCached(shelf, name, onDamage);
      if (kept) return { found: true, file: { bytes: kept.bytes, url: kept.url, sha256: kept.sha256, cached: true } };
      for (const path of paths) {
        const got = await fetchFile(mirror, path, check);
        if ("bytes" in got) {
          if (shelf !== undefined) await writeCached(shelf, name, { ...got, now: context.clock.now() });
          return { found: true, file: got };
        }
        attempts.push(got);
        if (got.reason === "unreachable") break; // The other layouts lie on the same host.
      }
    }
    return { found: false, reason: mainReason(attempts), attempts };
  }

  return {
    book: (id) => search(layouts(id), `${id}.txt`, (bytes, contentType) => faultOf(bytes, id, contentType)),
    async catalogue(url) {
      if (url !== undefined) return await fetchCatalogue(url);
      for (const mirror of options.mirrors) {
        for (const path of mirror.kind === "file" ? CATALOGUE_PATHS : []) {
          const got = await fetchFile(mirror, path, noPage);
          if ("bytes" in got) return { found: true, file: got };
        }
      }
      return await fetchCatalogue(CATALOGUE_URL);
    },
  };

  async function fetchCatalogue(url: string): Promise<Found> {
    const at = new URL(url);
    const shelf = join(options.cacheFolder(), shelfOf(at.host));
    const name = at.pathname.split("/").at(-1) || "pg_catalog.csv";
    const kept = await readCached(shelf, name, onDamage);
    if (kept) {
      const message = `Catalogue of ${kept.fetched.slice(0, 10)} from the cache; delete "${
        join(shelf, name)
      }" for a new one`;
      context.emit({ type: "log", level: "info", message });
      return { found: true, file: { bytes: kept.bytes, url: kept.url, sha256: kept.sha256, cached: true } };
    }
    const mirror: Mirror = { kind: "http", name: at.origin, host: at.host };
    const got = await fetchFile(mirror, at.pathname.slice(1), noPage);
    if (!("bytes" in got)) return { found: false, reason: got.reason, attempts: [got] };
    await writeCached(shelf, name, { ...got, now: context.clock.now() });
    return { found: true, file: got };
  }
}

type Check = (bytes: Uint8Array, contentType: string) => { reason: string; detail: string } | undefined;

const noPage: Check = (bytes, contentType) =>
  bytes.length === 0 || /html/i.test(contentType)
    ? { reason: bytes.length === 0 ? "empty" : "html", detail: "no catalogue came" }
    : undefined;

const PUBLIC_SHELF = "gutenberg";

/** Public mirrors hold the same books and share a shelf; any other host has its own, so that its texts are never taken for theirs. */
function shelfOf(host: string): string {
  const isPublic = DEFAULT_MIRRORS.some((mirror) => new URL(mirror).host === host) || host.endsWith(".gutenberg.org");
  return isPublic ? PUBLIC_SHELF : host.replace(/[^a-z0-9.-]/gi, "_");
}

/** The reason that tells most: that a wrong file came says more than that others were not there. */
function mainReason(attempts: readonly Attempt[]): string {
  const order = ["wrong_book", "truncated", "html", "not_text", "empty", "too_long", "server_error", "unreachable"];
  return order.find((reason) => attempts.some((attempt) => attempt.reason === reason)) ?? "not_found";
}

async function readIfFile(path: string): Promise<Uint8Array | undefined> {
  try {
    const info = await Deno.stat(path);
    if (!info.isFile) return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
  return await readBytes(path);
}
