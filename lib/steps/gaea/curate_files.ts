/** The files of a curation: what is read, and what is written without losing what is there. */
import { basename, join } from "node:path";
import { UsageError, UserError } from "../../core/errors.ts";
import { fileError, readBytes, sha256, writeFileAtomic } from "../../core/files.ts";
import type { Context } from "../../core/step.ts";
import { type ChunkFile, type Curated, Curation, type Manuscript } from "../../manuscript/curation.ts";
import { curationReport } from "../../manuscript/curation_report.ts";
import { decodeManuscript } from "../../manuscript/read.ts";

export const CURATION_FILE = "curation.json";
export const REPORT_FILE = "CURATION_REPORT.md";
export const BACKUP_FOLDER = "backup";
/** `chunk_001.txt`, `chunk_015a.txt`. */
export const CHUNK_FILE = /^chunk_\d{3,}[a-z]*\.txt$/;
const TEXT_FILE = /\.(?:txt|md|markdown|text)$/i;
/** Files that are under way to the disk at a time. */
const LANES = 8;

/** The text files that paths name, folders by their files in order of name. @throws {UserError} none, or not there. */
export async function manuscriptFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    let info: Deno.FileInfo;
    try {
      info = await Deno.stat(path);
    } catch (error) {
      throw fileError("read", path, error);
    }
    if (!info.isDirectory) {
      files.push(path);
      continue;
    }
    const found: string[] = [];
    for await (const entry of Deno.readDir(path)) {
      if (entry.isFile && TEXT_FILE.test(entry.name) && !entry.name.startsWith(".")) found.push(join(path, entry.name));
    }
    if (found.length === 0) {
      throw new UserError(`Cannot curate "${path}": the folder holds no .txt or .md file`, { exitCode: 2 });
    }
    files.push(...found.sort((a, b) => a.localeCompare(b, "en", { numeric: true })));
  }
  return files;
}

/** Reads manuscripts; what should be known about them becomes warnings. */
export async function readManuscripts(
  files: readonly string[],
  { emit }: Pick<Context, "emit">,
): Promise<Manuscript[]> {
  const manuscripts: Manuscript[] = [];
  for (const file of files) {
    const bytes = await readBytes(file);
    const { text, encoding, warnings } = decodeManuscript(bytes, file);
    for (const message of warnings) emit({ type: "log", level: "warn", message });
    manuscripts.push({ name: basename(file), text, encoding, sha256: sha256(bytes) });
  }
  return manuscripts;
}

/** The chunks that a folder holds. @throws {UsageError} there are some, and they may not be replaced. */
export async function chunksThere(folder: string, overwrite: boolean): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) if (isFile && CHUNK_FILE.test(name)) found.push(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw fileError("read", folder, error);
  }
  if (found.length > 0 && !overwrite) {
    throw new UsageError(
      `Cannot write to "${folder}": it holds ${found.length} ${found.length === 1 ? "chunk" : "chunks"} already`,
      "Curate anew by --overwrite (chunks that were edited by hand are kept in backup/), or give another --output.",
    );
  }
  return found;
}

/**
 * Writes a curation. Chunks of an earlier one go; those that somebody has edited since are moved to `backup/` first.
 * `curation.json` comes last: where it is, all others are.
 */
export async function writeCuration(
  folder: string,
  curated: Curated,
  there: readonly string[],
  { emit }: Pick<Context, "emit">,
): Promise<void> {
  const backup = join(folder, BACKUP_FOLDER);
  const earlier = there.length > 0 ? await readCuration(folder) : undefined;
  await keepEdited(folder, backup, there, earlier, emit);
  await Deno.remove(join(folder, CURATION_FILE)).catch(() => {});
  await writeAll(folder, curated.chunks);
  await writeAll(backup, curated.originals);
  const fresh = new Set(curated.chunks.map(({ file }) => file));
  const stale = [
    ...there.filter((name) => !fresh.has(name)).map((name) => join(folder, name)),
    ...(earlier?.splits ?? []).filter(({ original }) => !curated.originals.some(({ file }) => file === original))
      .map(({ original }) => join(backup, original)),
  ];
  for (const path of stale) await Deno.remove(path).catch(() => {}); // Edited ones were moved.
  await writeFileAtomic(join(folder, REPORT_FILE), curationReport(curated));
  await writeFileAtomic(join(folder, CURATION_FILE), JSON.stringify(curated.curation, null, 2) + "\n");
}

async function writeAll(folder: string, files: readonly ChunkFile[]): Promise<void> {
  for (let at = 0; at < files.length; at += LANES) {
    await Promise.all(files.slice(at, at + LANES).map(({ file, text }) => writeFileAtomic(join(folder, file), text)));
  }
}

/** Moves chunks that differ from what the last curation wrote to the backup folder, under names that are free. */
async function keepEdited(
  folder: string,
  backup: string,
  there: readonly string[],
  earlier: Curation | undefined,
  emit: Context["emit"],
): Promise<void> {
  const known = new Map(earlier?.chunks.map(({ file, sha256 }) => [file, sha256]));
  for (const name of there) {
    if (sha256(await readBytes(join(folder, name))) === known.get(name)) continue;
    await Deno.mkdir(backup, { recursive: true });
    const kept = await freeName(backup, name.replace(/\.txt$/, "_edited"));
    await Deno.rename(join(folder, name), kept);
    emit({ type: "log", level: "warn", message: `"${name}" was edited by hand: it is kept as "${kept}"` });
  }
}

async function freeName(folder: string, stem: string): Promise<string> {
  for (let number = 1;; number++) {
    const path = join(folder, `${stem}${number === 1 ? "" : `_${number}`}.txt`);
    if (!await Deno.stat(path).then(() => true, () => false)) return path;
  }
}

/** The curation of a folder; undefined where it has none that can be read. */
export async function readCuration(folder: string): Promise<Curation | undefined> {
  try {
    return Curation.parse(JSON.parse(await Deno.readTextFile(join(folder, CURATION_FILE))));
  } catch {
    return undefined;
  }
}
