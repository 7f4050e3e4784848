/** What of a folder is an example to be: the chunks, and nothing else that lies beside them. */
import { join } from "node:path";
import { UserError } from "../../core/errors.ts";
import { fileError, readBytes } from "../../core/files.ts";
import type { Context } from "../../core/step.ts";
import type { ChunkText } from "../../manuscript/examples.ts";
import { decodeManuscript } from "../../manuscript/read.ts";
import { BACKUP_FOLDER, CHUNK_FILE, CURATION_FILE, REPORT_FILE } from "./curate_files.ts";

/** A file that makes no example, and why. */
export interface SkippedFile {
  readonly file: string;
  readonly reason: "manuscript" | "metadata" | "folder" | "hidden" | "not a chunk";
}

/** Files that are read at a time. */
const LANES = 16;

/**
 * The chunks of a folder in the order of their numbers, and what was passed over. Where none is named `chunk_…`, every
 * text is one that is neither a manuscript nor metadata by its name.
 *
 * @throws {UserError} the folder is missing, or has no chunk; a chunk is no text.
 */
export async function readChunkFolder(
  folder: string,
  { emit, signal }: Pick<Context, "emit" | "signal">,
): Promise<{ chunks: ChunkText[]; skipped: SkippedFile[] }> {
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) entries.push(entry);
  } catch (error) {
    const info = await Deno.stat(folder).catch(() => undefined);
    if (info?.isFile) {
      throw new UserError(`Cannot read "${folder}": it is a file, not a folder of chunks`, { exitCode: 2 });
    }
    throw fileError("read", folder, error);
  }
  const numbered = entries.some(({ name, isFile }) => isFile && CHUNK_FILE.test(name));
  const skipped: SkippedFile[] = [];
  const names: string[] = [];
  for (const entry of entries) {
    const reason = reasonToSkip(entry, numbered);
    if (reason) skipped.push({ file: entry.name, reason });
    else names.push(entry.name);
  }
  const byNumber = new Intl.Collator("en", { numeric: true }).compare;
  names.sort(byNumber);
  skipped.sort((a, b) => byNumber(a.file, b.file));
  if (names.length === 0) {
    const beside = skipped.length === 0
      ? "it is empty"
      : `it holds ${skipped.map(({ file }) => `"${file}"`).join(", ")}`;
    throw new UserError(`Cannot find chunks in "${folder}": ${beside}`, {
      exitCode: 2,
      hint: "Chunks are named chunk_001.txt, chunk_002.txt …; deno task gaea:curate makes them from a manuscript.",
    });
  }
  const chunks: ChunkText[] = [];
  const warned = new Set<string>();
  for (let at = 0; at < names.length; at += LANES) {
    signal.throwIfAborted();
    const read = await Promise.all(
      names.slice(at, at + LANES).map(async (file) => {
        const path = join(folder, file);
        return { file, ...decodeManuscript(await readBytes(path), path) };
      }),
    );
    for (const { file, text, warnings } of read) {
      chunks.push({ file, text });
      // One word about a language is enough for all chunks in it.
      for (const message of warnings) {
        const kind = message.replaceAll(join(folder, file), "").replace(/\d+/g, "");
        if (!warned.has(kind)) emit({ type: "log", level: "warn", message });
        warned.add(kind);
      }
    }
  }
  return { chunks, skipped };
}

function reasonToSkip({ name, isFile }: Deno.DirEntry, numbered: boolean): SkippedFile["reason"] | undefined {
  if (!isFile) return "folder";
  if (name.startsWith(".")) return "hidden";
  if (
    name === CURATION_FILE || name === REPORT_FILE ||
    /^(?:readme|metadata|license)\b|\.(?:json|jsonl|ya?ml|csv|html)$/i.test(name)
  ) {
    return "metadata";
  }
  if (/manuscript/i.test(name)) return "manuscript";
  if (numbered ? CHUNK_FILE.test(name) : /\.(?:txt|md)$/i.test(name)) return undefined;
  return /report|notes?\b|outline/i.test(name) ? "metadata" : "not a chunk";
}

/**
 * The chunks as they were before some were cut: originals that lie in `backup/` in place of their parts. Undefined where
 * none was cut.
 */
export async function readBeforeSplits(folder: string, chunks: readonly ChunkText[]): Promise<ChunkText[] | undefined> {
  const originals = new Map<string, ChunkText>();
  for (const file of new Set(chunks.flatMap(({ file }) => wholeOf(file) ?? []))) {
    const path = join(folder, BACKUP_FOLDER, file);
    const bytes = await Deno.readFile(path).catch(() => undefined);
    if (bytes) originals.set(file, { file, text: decodeManuscript(bytes, path).text });
  }
  if (originals.size === 0) return undefined;
  const before: ChunkText[] = [];
  for (const chunk of chunks) {
    const original = originals.get(wholeOf(chunk.file) ?? "");
    if (!original) before.push(chunk);
    else if (before.at(-1) !== original) before.push(original);
  }
  return before;
}

/** `chunk_015a.txt` → `chunk_015.txt`; undefined for one that is no part. */
function wholeOf(file: string): string | undefined {
  const match = /^(chunk_\d+)[a-z]+(\.\w+)$/.exec(file);
  return match ? `${match[1]}${match[2]}` : undefined;
}
