/** Where a book lies on a mirror of Project Gutenberg, and what a `--mirror` may be. Pure: no files, no network. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../core/errors.ts";

/**
 * Mirrors in the order in which they are asked, out of Project Gutenberg's own list of mirrors. The first two also carry
 * the generated UTF-8 files under `cache/`.
 */
export const DEFAULT_MIRRORS: readonly string[] = [
  "https://aleph.gutenberg.org/",
  "https://gutenberg.pglaf.org/",
  "http://mirrors.xmission.com/gutenberg/",
  "http://mirror.csclub.uwaterloo.ca/gutenberg/",
];

/** The catalogue feeds are what www.gutenberg.org offers to programs; everything else there is for human readers only. */
export const CATALOGUE_URL = "https://www.gutenberg.org/cache/epub/feeds/pg_catalog.csv.gz";

/** Where a mirror keeps the catalogue. */
export const CATALOGUE_PATHS: readonly string[] = [
  "cache/epub/feeds/pg_catalog.csv.gz",
  "cache/epub/feeds/pg_catalog.csv",
];

/** A place to get books from. `name` is as the user gave it, without a slash at the end. */
export type Mirror =
  | { kind: "http"; name: string; host: string }
  | { kind: "file"; name: string; folder: string };

/**
 * The folder of the main collection: all digits but the last, one folder each, then the number itself.
 *
 * @throws {RangeError} where `id` is no positive whole number, so that no path can lead out of the mirror.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { digitFolder } from "@/corpus/layout.ts";
 *
 * equal(digitFolder(12345), "1/2/3/4/12345");
 * equal(digitFolder(9), "0/9");
 * ```
 */
export function digitFolder(id: number): string {
  if (!Number.isSafeInteger(id) || id < 1) throw new RangeError(`Cannot place book ${id}: not a positive whole number`);
  const digits = String(id);
  return [...(digits.length === 1 ? "0" : digits.slice(0, -1)), digits].join("/");
}

/**
 * Paths to try, best first: the generated file (UTF-8, uniform header), then UTF-8, 8-bit and plain text of the main
 * collection, then its `old/` folder, where a few books only are.
 *
 * @throws {RangeError} where `id` is no positive whole number.
 */
export function layouts(id: number): string[] {
  const folder = digitFolder(id);
  const names = [`${id}-0.txt`, `${id}-8.txt`, `${id}.txt`];
  return [
    `cache/epub/${id}/pg${id}.txt`,
    ...names.map((name) => `${folder}/${name}`),
    ...names.map((name) => `${folder}/old/${name}`),
  ];
}

/**
 * Reads one `--mirror`: `https://host/path`, `http://…`, `file:///absolute/folder` or `file:relative/folder`, which
 * stays relative to the working folder.
 *
 * @throws {UsageError} any other form, and www.gutenberg.org, which blocks programs that fetch books.
 */
export function parseMirror(mirror: string): Mirror {
  const name = mirror.trim().replace(/[\\/]+$/, "");
  if (/^file:/i.test(name)) {
    const rest = name.slice("file:".length);
    if (rest === "") throw new UsageError(`Cannot use mirror "${mirror}": it names no folder`, FORMS);
    if (!rest.startsWith("//")) return { kind: "file", name, folder: rest };
    try {
      return { kind: "file", name, folder: fileURLToPath(new URL(name)) };
    } catch {
      throw new UsageError(`Cannot use mirror "${mirror}": it is no file URL of this system`, FORMS);
    }
  }
  const url = URL.canParse(name) ? new URL(name) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`Cannot use mirror "${mirror}": it is neither a web address nor a file: URL`, FORMS);
  }
  if (url.username || url.search || url.hash) {
    throw new UsageError(`Cannot use mirror "${mirror}": it may hold no user name, "?" or "#"`, FORMS);
  }
  if (isMainSite(url.hostname)) {
    throw new UsageError(
      `Cannot use mirror "${mirror}": ${url.hostname} is for human readers and blocks programs`,
      `Leave --mirror out, or name one of ${DEFAULT_MIRRORS.join(", ")}`,
    );
  }
  return { kind: "http", name: url.href.replace(/\/+$/, ""), host: url.host };
}

const FORMS = "Valid are https://host/path, http://host/path, file:///absolute/folder and file:relative/folder.";

/** True for Project Gutenberg's own site, where robots may fetch the catalogue only. */
export function isMainSite(hostname: string): boolean {
  return /^(www\.)?gutenberg\.(org|net)$/i.test(hostname.replace(/\.$/, ""));
}

/**
 * A path of the mirror as a path in the folder of a file mirror.
 *
 * @throws {RangeError} where it could lie outside of the folder.
 */
export function pathInFolder(folder: string, path: string): string {
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || /[\\:\0]/.test(part))) {
    throw new RangeError(`Cannot read "${path}": it is no plain path inside of the mirror`);
  }
  return join(folder, ...parts);
}
