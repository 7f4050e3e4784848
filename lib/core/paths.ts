import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "./errors.ts";

type Env = Readonly<Record<string, string>>;

/** The folder that holds `deno.json`. */
export const WORKSPACE: string = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The data root: the `--data-dir` option, else `$GUTENBERG_DATA`, else `./data`.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { dataDir } from "@/core/paths.ts";
 *
 * equal(dataDir(undefined, { GUTENBERG_DATA: "/mnt/data/gutenberg" }), "/mnt/data/gutenberg");
 * ```
 */
export function dataDir(option: string | undefined, env: Env): string {
  return option || env.GUTENBERG_DATA || "data";
}

/**
 * The user's cache folder for books, virtual environments and llama.cpp: `$VOICEWORKS_CACHE`, else what the operating
 * system names (`%LOCALAPPDATA%`, `~/Library/Caches`, `$XDG_CACHE_HOME` or `~/.cache`), with `voiceworks` at its end.
 *
 * @throws {UserError} where the environment names no home folder.
 */
export function cacheDir(env: Env, os: typeof Deno.build.os = Deno.build.os): string {
  if (env.VOICEWORKS_CACHE) return resolve(env.VOICEWORKS_CACHE);
  if (os === "windows" && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, "voiceworks", "cache");
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, "voiceworks");
  const home = env.HOME || env.USERPROFILE;
  if (!home) {
    throw new UserError("Cannot find a cache folder: neither HOME nor USERPROFILE is set", {
      hint: "Set VOICEWORKS_CACHE to a folder where books and tools may be kept.",
    });
  }
  return os === "darwin" ? join(home, "Library", "Caches", "voiceworks") : join(home, ".cache", "voiceworks");
}

/** Absolute path of a file under `lib/presets`. */
export function presetPath(name: string): string {
  return join(WORKSPACE, "lib", "presets", ...name.split("/"));
}

/** `corpus/chunks.jsonl` → `corpus/chunks_stats.json`: a companion of a file, named after it. */
export function beside(path: string, ending: string): string {
  const name = path.split(/[\\/]/).at(-1) ?? path;
  return join(dirname(path), name.replace(/\.jsonl?$/, "") + ending);
}

/**
 * A remark for people: paths below the working directory stand as one would type them there.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { sep } from "node:path";
 * import { shortPaths } from "@/core/paths.ts";
 *
 * equal(shortPaths(`wrote "${Deno.cwd()}${sep}data"`), 'wrote "data"');
 * ```
 */
export function shortPaths(text: string): string {
  const folder = Deno.cwd();
  if (folder.endsWith(sep)) return text; // The root, in which everything lies.
  const begins = (at: number) => at === 0 || /[\s"'(]/.test(text.charAt(at - 1));
  return text.replaceAll(folder + sep, (path, at: number) => begins(at) ? "" : path);
}
