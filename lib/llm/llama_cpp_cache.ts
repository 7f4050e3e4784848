/** Things that are made once, take minutes, and are then shared by all processes of this user. */
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../core/files.ts";
import { delay } from "../core/python_process.ts";
import type { Context } from "../core/step.ts";

/** Written last: a folder without it was not finished. */
const MARKER = "voiceworks.json";

/** True for a folder that `makeOnce` has finished. */
export async function isMade(folder: string): Promise<boolean> {
  return await isFile(join(folder, MARKER));
}

/**
 * Has `make` fill a folder, unless that is done already. Of several processes one makes it and the others wait. What an
 * interrupted `make` leaves is there for the next one to go on from.
 *
 * @param what For the message to those who wait: `llama.cpp`.
 */
export async function makeOnce(
  folder: string,
  what: string,
  context: Context,
  make: () => Promise<void>,
): Promise<void> {
  if (await isMade(folder)) return;
  await Deno.mkdir(dirname(folder), { recursive: true });
  using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
  for (let told = false; !await lock.tryLock(true); told = true) {
    if (!told) context.emit({ type: "log", level: "info", message: `waiting for another process that makes ${what}` });
    context.signal.throwIfAborted();
    await delay(250);
  }
  if (await isMade(folder)) return;
  await make();
  await writeFileAtomic(join(folder, MARKER), JSON.stringify({ what }) + "\n");
}

export async function isFile(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => undefined))?.isFile === true;
}

export async function isFolder(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => undefined))?.isDirectory === true;
}

/** Removes a folder or file, if it is there. */
export async function removeAll(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
