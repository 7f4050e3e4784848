import { isAbsolute, relative } from "node:path";
import { parse } from "jsonc-parser";
import { BookList } from "../corpus/books.ts";
import { CATALOGUE_PATHS, layouts, type Mirror, parseMirror, pathInFolder } from "../corpus/layout.ts";
import { UsageError } from "../core/errors.ts";
import { presetPath, WORKSPACE } from "../core/paths.ts";
import { wantsExtended } from "./works_files.ts";

/** What the options of `retrieve` say about files on this machine. */
export interface Sources {
  ids: readonly number[];
  books?: string | undefined;
  rules?: string | undefined;
  catalogue?: string | undefined;
  mirror: readonly string[];
  extended: boolean;
  priorityOnly: boolean;
}

export function bookListPath(options: Pick<Sources, "books">): string {
  return options.books ?? presetPath("deepred/books.jsonc");
}

export function rulesPath(options: Pick<Sources, "rules">): string {
  return options.rules ?? presetPath("deepred/extended.jsonc");
}

/**
 * A `--mirror` as source URLs shall name it: a folder of the workspace relative to it, so that works made from the samples are
 * the same on every machine.
 *
 * @throws {UsageError} what {@linkcode parseMirror} refuses.
 */
export function namedMirror(mirror: string): Mirror {
  const parsed = parseMirror(mirror);
  if (parsed.kind !== "file" || !isAbsolute(parsed.folder)) return parsed;
  const way = relative(WORKSPACE, parsed.folder);
  if (way === "" || way.startsWith("..") || isAbsolute(way)) return parsed;
  return { ...parsed, name: `file:${way.replaceAll("\\", "/")}` };
}

/** @throws {UsageError} a mirror that is a folder of this machine is not there: no book could be, whatever its number. */
export async function refuseMissing(mirror: Mirror): Promise<void> {
  if (mirror.kind !== "file" || await Deno.stat(mirror.folder).then((info) => info.isDirectory, () => false)) return;
  throw new UsageError(
    `Cannot use mirror "${mirror.name}": there is no such folder`,
    "It is laid out as Project Gutenberg's mirrors are: cache/epub/35/pg35.txt, or 3/35/35-0.txt.",
  );
}

/**
 * The local files that a run reads: lists, rules, the catalogue, and the books of file: mirrors, so that a changed sample text
 * is noticed. Answers what it can; faults are for the run to tell.
 */
export function localFiles(options: Sources): string[] {
  const folders = options.mirror.flatMap((mirror) => {
    try {
      const parsed = parseMirror(mirror);
      return parsed.kind === "file" ? [parsed.folder] : [];
    } catch {
      return [];
    }
  });
  const list = bookListPath(options);
  const ids = options.ids.length > 0 ? options.ids : idsOf(list);
  const catalogues = options.catalogue
    ? (/^https?:/i.test(options.catalogue) ? [] : [options.catalogue])
    : folders.flatMap((folder) => {
      return CATALOGUE_PATHS.map((path) => pathInFolder(folder, path)).filter(isThere);
    });
  return [
    list,
    ...(wantsExtended(options) ? [rulesPath(options), ...catalogues] : []),
    ...folders.flatMap((folder) => ids.flatMap((id) => bookFiles(folder, id))),
  ];
}

/** All files of a book that are there; else the first that could be, so that its arrival is noticed. */
function bookFiles(folder: string, id: number): string[] {
  const paths = layouts(id).map((path) => pathInFolder(folder, path));
  const there = paths.filter(isThere);
  return there.length > 0 ? there : paths.slice(0, 1);
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function idsOf(path: string): number[] {
  try {
    const list = BookList.safeParse(parse(Deno.readTextFileSync(path), [], { allowTrailingComma: true }));
    return list.success ? list.data.books.map(({ id }) => id) : [];
  } catch {
    return [];
  }
}
