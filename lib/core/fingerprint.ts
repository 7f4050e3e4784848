import { join } from "node:path";
import { sha256, sha256File } from "./files.ts";

/** What is remembered of a file, so that an unchanged one is not read again. */
export interface FileMark {
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch. */
  modified: number;
  sha256: string;
}

/** Marks by path; `null` for what was not there. */
export type Marks = Record<string, FileMark | null>;

/**
 * Marks of files and folders. A file whose size and time are those of `known` keeps its known hash; a folder's hash is
 * that of its files' names, sizes and times.
 */
export async function markFiles(paths: readonly string[], known: Marks = {}): Promise<Marks> {
  const marks: Marks = {};
  for (const path of paths) marks[path] = await markFile(path, known[path] ?? null);
  return marks;
}

async function markFile(path: string, known: FileMark | null): Promise<FileMark | null> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
  const modified = info.mtime?.getTime() ?? 0;
  if (info.isDirectory) return { size: 0, modified, sha256: sha256((await listFolder(path)).join("\n")) };
  const same = known && known.size === info.size && known.modified === modified;
  return { size: info.size, modified, sha256: same ? known.sha256 : await sha256File(path) };
}

async function listFolder(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of Deno.readDir(path)) {
    const child = join(path, entry.name);
    if (entry.isDirectory) lines.push(...await listFolder(child));
    else {
      const info = await Deno.stat(child);
      lines.push(`${child} ${info.size} ${info.mtime?.getTime() ?? 0}`);
    }
  }
  return lines.sort();
}

/** Why two sets of marks differ, in words; undefined where their contents are the same. */
export function differenceOf(before: Marks, after: Marks): string | undefined {
  for (const [path, mark] of Object.entries(after)) {
    if (!(path in before)) return `"${path}" is a new input`;
    const old = before[path];
    if (!old && mark) return `"${path}" is there now`;
    if (old && !mark) return `"${path}" is gone`;
    if (old && mark && old.sha256 !== mark.sha256) return `"${path}" changed`;
  }
  return undefined;
}
