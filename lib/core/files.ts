import { createHash, hash, randomUUID } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { messageOf, UserError } from "./errors.ts";

/** Turns what the operating system says of a file into a sentence for the user; other errors pass unchanged. */
export function fileError(action: "read" | "write", path: string, error: unknown): unknown {
  const cannot = `Cannot ${action} "${path}"`;
  if (error instanceof Deno.errors.NotFound) {
    return new UserError(`${cannot}: there is no such file`, {
      hint: action === "read" ? "Check the path, or run the step that makes it first." : "Check the path.",
      cause: error,
    });
  }
  if (error instanceof Deno.errors.IsADirectory || /EISDIR|is a directory/i.test(messageOf(error))) {
    return new UserError(`${cannot}: it is a folder, not a file`, { cause: error });
  }
  if (error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.AlreadyExists) {
    return new UserError(`${cannot}: a file stands where a folder is needed`, { cause: error });
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new UserError(`${cannot}: permission denied or the disk is read-only`, { cause: error });
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new UserError(`${cannot}: this task may not touch that place`, {
      hint: messageOf(error).split("\n")[0] ?? "",
      cause: error,
    });
  }
  if (/ENOSPC|No space left|os error 28\b|os error 112\b/i.test(messageOf(error))) {
    return new UserError(`${cannot}: the disk is full`, {
      hint: "Nothing that was complete before is lost; free some space and run again.",
      cause: error,
    });
  }
  if (/EROFS|Read-only file system|os error 30\b/i.test(messageOf(error))) {
    return new UserError(`${cannot}: the disk is read-only`, { cause: error });
  }
  return error;
}

/**
 * Looks at a path before the work whose result it will take.
 *
 * @param example A file's name, for the hint.
 * @throws {UserError} a folder stands there.
 */
export async function refuseFolder(path: string, example = "theme_dataset.jsonl"): Promise<void> {
  if (!(await Deno.stat(path).catch(() => undefined))?.isDirectory) return;
  throw new UserError(`Cannot write "${path}": it is a folder, not a file`, {
    exitCode: 2,
    hint: `Name a file, such as ${join(path, example)}`,
  });
}

/**
 * A whole text file, decoded as UTF-8.
 *
 * @throws {UserError} missing, a folder, not readable, or not UTF-8.
 */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readBytes(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UserError(`Cannot read "${path}": it is not UTF-8 text`, { exitCode: 2, cause });
  }
}

/** A whole file. @throws {UserError} missing, a folder, or not readable. */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw fileError("read", path, error);
  }
}

/** Whether there is something at a path that can be looked at. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** The name under which a file grows before it is complete: in the same folder, so that the rename is atomic. */
export function tempPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 8)}.part`);
}

/** Bytes after which a growing file is sent to the disk, so that its commit need not wait for all of it. */
const FLUSH_EVERY = 16 << 20;

/**
 * Opens a temp file beside `path`; `commit` makes it durable under its name, disposing without a commit removes it.
 *
 * @throws {UserError} where the folder cannot be made or written.
 */
export async function createFile(path: string): Promise<
  AsyncDisposable & { write(bytes: Uint8Array): Promise<void>; commit(): Promise<void> }
> {
  const temp = tempPath(path);
  let file: Deno.FsFile | undefined;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    file = await Deno.open(temp, { write: true, createNew: true });
  } catch (error) {
    throw fileError("write", path, error);
  }
  let unflushed = 0;
  let flushing: Promise<void> | undefined;
  /** Through a handle of its own: writes would wait for it. What it cannot do, the commit will tell. */
  const flush = async () => {
    try {
      using handle = await Deno.open(temp, { write: true });
      await handle.syncData();
    } catch {
      // As said.
    }
    flushing = undefined;
  };
  const discard = async () => {
    await flushing;
    file?.close();
    file = undefined;
    await Deno.remove(temp).catch(() => {});
  };
  return {
    async write(bytes) {
      try {
        for (let rest = bytes; rest.length > 0;) {
          if (!file) throw new Error(`write after commit: ${path}`);
          rest = rest.subarray(await file.write(rest));
        }
        unflushed += bytes.length;
        if (unflushed < FLUSH_EVERY || flushing) return;
        unflushed = 0;
        flushing = flush();
      } catch (error) {
        await discard();
        throw fileError("write", path, error);
      }
    },
    async commit() {
      try {
        await flushing;
        await file?.sync();
        file?.close();
        file = undefined;
        await Deno.rename(temp, path);
        await syncFolder(dirname(path));
      } catch (error) {
        await discard();
        throw fileError("write", path, error);
      }
    },
    async [Symbol.asyncDispose]() {
      if (file) await discard();
    },
  };
}

/** Makes a rename survive a power cut. Windows neither needs nor allows it. */
async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}

/**
 * Writes a file whole or not at all: temp file in the same folder, fsync, rename. Makes missing parent folders.
 *
 * @throws {UserError} no permission, read-only or full disk.
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array): Promise<void> {
  await using file = await createFile(path);
  await file.write(typeof content === "string" ? new TextEncoder().encode(content) : content);
  await file.commit();
}

/** SHA-256 as lower-case hex. */
export function sha256(content: string | Uint8Array): string {
  return hash("sha256", content, "hex");
}

/** SHA-256 of a file, read in blocks. @throws {UserError} missing, a folder, or not readable. */
export async function sha256File(path: string): Promise<string> {
  const sum = createHash("sha256");
  try {
    using file = await Deno.open(path);
    const block = new Uint8Array(1 << 20);
    for (let read = await file.read(block); read !== null; read = await file.read(block)) {
      sum.update(block.subarray(0, read));
    }
  } catch (error) {
    throw fileError("read", path, error);
  }
  return sum.digest("hex");
}
