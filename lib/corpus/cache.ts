/** A folder of fetched files, each with its SHA-256 beside it, so that nothing is fetched twice and damage is noticed. */
import { join } from "node:path";
import { z } from "zod";
import { sha256, writeFileAtomic } from "../core/files.ts";

const Label = z.object({ url: z.string(), sha256: z.string(), bytes: z.int(), fetched: z.string() });

/** A file of the cache and where it came from. */
export interface CachedFile {
  bytes: Uint8Array;
  url: string;
  sha256: string;
  /** ISO date and time of the fetch. */
  fetched: string;
}

/**
 * The file under `name` in `folder`; undefined where there is none. `onDamage` is told of a file that is not the one that was
 * stored (or has lost its label); it counts as none.
 */
export async function readCached(
  folder: string,
  name: string,
  onDamage: (path: string) => void,
): Promise<CachedFile | undefined> {
  const path = join(folder, name);
  const bytes = await readIfThere(path);
  if (!bytes) return undefined;
  const label = parseLabel(await readIfThere(`${path}.json`));
  const hash = sha256(bytes);
  if (label?.sha256 !== hash) {
    onDamage(path);
    return undefined;
  }
  return { bytes, url: label.url, sha256: hash, fetched: label.fetched };
}

/**
 * Stores a file, first the content and then its label: a crash between the two leaves a file that counts as none.
 *
 * @throws {UserError} where the folder cannot be written.
 */
export async function writeCached(
  folder: string,
  name: string,
  file: { bytes: Uint8Array; url: string; now: number },
): Promise<CachedFile> {
  const path = join(folder, name);
  const hash = sha256(file.bytes);
  const fetched = new Date(file.now).toISOString();
  const label: z.infer<typeof Label> = { url: file.url, sha256: hash, bytes: file.bytes.length, fetched };
  await writeFileAtomic(path, file.bytes);
  await writeFileAtomic(`${path}.json`, JSON.stringify(label, undefined, 2) + "\n");
  return { bytes: file.bytes, url: file.url, sha256: hash, fetched };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

function parseLabel(bytes: Uint8Array | undefined): z.infer<typeof Label> | undefined {
  if (!bytes) return undefined;
  try {
    return Label.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}
