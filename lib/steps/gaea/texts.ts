/** Plain texts in a folder. */
import { join } from "node:path";
import { UserError } from "../../core/errors.ts";
import { fileError } from "../../core/files.ts";

export interface TextFile {
  readonly path: string;
  /** Its path below the folder, part by part. */
  readonly parts: readonly string[];
}

/**
 * The .txt and .md files of a folder and its subfolders, by name with numbers in their order; hidden ones are passed over.
 *
 * @throws {UserError} there is no such folder, or no such file in it.
 */
export async function textFilesIn(folder: string): Promise<TextFile[]> {
  const found: TextFile[] = [];
  const visit = async (path: string, parts: readonly string[]): Promise<void> => {
    const entries: Deno.DirEntry[] = [];
    try {
      for await (const entry of Deno.readDir(path)) entries.push(entry);
    } catch (error) {
      throw fileError("read", path, error);
    }
    entries.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    for (const { name, isDirectory } of entries) {
      if (name.startsWith(".")) continue;
      if (isDirectory) await visit(join(path, name), [...parts, name]);
      else if (/\.(?:txt|md)$/i.test(name)) found.push({ path: join(path, name), parts: [...parts, name] });
    }
  };
  await visit(folder, []);
  if (found.length === 0) {
    throw new UserError(`Cannot read "${folder}": it holds no .txt and no .md file`, { exitCode: 2 });
  }
  return found;
}
