/** Models take minutes to write: they grow in a hidden folder beside their place and come to it when they are whole. */
import { basename, dirname, join, resolve } from "node:path";
import { statfs } from "node:fs/promises";
import { UsageError, UserError } from "../core/errors.ts";
import { fileError } from "../core/files.ts";
import { bytes } from "../core/format.ts";
import type { Context } from "../core/step.ts";
import { removeAll } from "../llm/llama_cpp_cache.ts";

export interface Part {
  /** An empty folder on the same disk as the final place; gone at the end. */
  readonly folder: string;
  /**
   * Makes a file or folder inside `folder` durable and moves it to the final place, or to another one beside it. What
   * stood there is replaced in the same moment.
   */
  commit(from: string, to?: string): Promise<void>;
}

/**
 * Has `make` build something that is to stand at `path`. Until it commits, nothing is there under that name, however the
 * process ends. What a killed run left in the hidden folder is removed by the next one.
 *
 * @throws {UsageError} where `path` exists and may not be replaced, or another run is making it.
 */
export async function withPart<T>(
  path: string,
  options: { overwrite: boolean },
  context: Pick<Context, "emit">,
  make: (part: Part) => Promise<T>,
): Promise<T> {
  const place = resolve(path);
  const folder = join(dirname(place), `.${basename(place)}.part`);
  if (!options.overwrite) await refuseExisting(path);
  try {
    await Deno.mkdir(dirname(place), { recursive: true });
  } catch (error) {
    throw fileError("write", path, error);
  }
  const lockPath = `${folder}.lock`;
  using lock = await Deno.open(lockPath, { create: true, write: true }).catch((error) => {
    throw fileError("write", path, error);
  });
  if (!await lock.tryLock(true)) {
    throw new UsageError(`Cannot write "${path}": another run is making it`, "Wait for it, or write to another place.");
  }
  try {
    if (await Deno.stat(folder).then(() => true, () => false)) {
      context.emit({ type: "log", level: "info", message: `removing what an interrupted run left in "${folder}"` });
      await removeAll(folder);
    }
    await Deno.mkdir(folder);
    return await make({
      folder,
      commit: (from, to = place) => commit(from, to, join(folder, `.replaced-${basename(to)}`)),
    });
  } catch (error) {
    throw fileError("write", path, error);
  } finally {
    await removeAll(folder).catch(() => {});
    await Deno.remove(lockPath).catch(() => {});
  }
}

/** @throws {UsageError} where there is something at `path` already. */
export async function refuseExisting(path: string): Promise<void> {
  if (await Deno.lstat(path).then(() => true, () => false)) {
    throw new UsageError(
      `Cannot write "${path}": it exists already`,
      "Replace it by --overwrite, or name another place.",
    );
  }
}

/**
 * Says before hours of work that there is not room enough for their result.
 *
 * @throws {UserError} where the disk that holds `path`, or will, has less free.
 */
export async function needSpace(path: string, needed: number): Promise<void> {
  let place = resolve(path);
  while (!await Deno.stat(place).then(() => true, () => false) && dirname(place) !== place) place = dirname(place);
  let free: number;
  try {
    const { bavail, bsize } = await statfs(place);
    free = bavail * bsize;
  } catch {
    return; // Not every system tells; then a full disk is noticed when it is full.
  }
  if (free >= needed) return;
  throw new UserError(`Cannot write "${path}": it takes ${bytes(needed)}, and ${bytes(free)} of the disk are free`, {
    hint: "Free some space, or write to another disk.",
  });
}

async function commit(from: string, place: string, aside: string): Promise<void> {
  await syncAll(from);
  const old = await Deno.lstat(place).then(() => true, () => false);
  if (old) await Deno.rename(place, aside);
  try {
    await Deno.rename(from, place);
  } catch (error) {
    if (old) await Deno.rename(aside, place);
    throw error;
  }
  await sync(dirname(place));
}

async function syncAll(path: string): Promise<void> {
  if ((await Deno.stat(path)).isDirectory) {
    for await (const { name } of Deno.readDir(path)) await syncAll(join(path, name));
  }
  await sync(path);
}

async function sync(path: string): Promise<void> {
  // Windows has no way to do this to a folder, and wants a file opened for writing.
  const { isDirectory } = await Deno.stat(path);
  if (isDirectory && Deno.build.os === "windows") return;
  using file = await Deno.open(path, isDirectory ? { read: true } : { read: true, write: true });
  await file.sync();
}
