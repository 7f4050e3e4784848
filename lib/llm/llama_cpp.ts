/** Finds llama.cpp: what the user has, else what was built before, else builds it. */
import { delimiter, dirname, join, resolve } from "node:path";
import { UserError } from "../core/errors.ts";
import type { Context } from "../core/step.ts";
import { buildFolder, buildLlamaCpp, executable, type LlamaProgram, PROGRAMS } from "./llama_cpp_build.ts";
import { isFile, isFolder, isMade } from "./llama_cpp_cache.ts";
import { llamaSource, sourceFolder } from "./llama_cpp_source.ts";

export type { LlamaProgram } from "./llama_cpp_build.ts";

type Env = Context["env"];

/**
 * The path of a program that is there already: in `$LLAMA_CPP_BIN` (a folder, or a program in it), `$LLAMA_CPP_DIR` (a
 * checkout, built in `build/bin`), on the `$PATH`, or built here before.
 *
 * @throws {UserError} where `$LLAMA_CPP_BIN` or `$LLAMA_CPP_DIR` names no place that has it.
 *
 * @example
 * ```ts
 * import { rejects } from "node:assert/strict";
 * import { findProgram } from "@/llm/llama_cpp.ts";
 *
 * await rejects(findProgram("llama-server", { LLAMA_CPP_BIN: "/nowhere" }), /no llama-server/);
 * ```
 */
export async function findProgram(name: LlamaProgram, env: Env): Promise<string | undefined> {
  const file = executable(name);
  if (env.LLAMA_CPP_BIN) {
    const folder = await binFolder(env.LLAMA_CPP_BIN);
    const path = join(folder, file);
    if (await isFile(path)) return path;
    throw new UserError(`Cannot use LLAMA_CPP_BIN="${env.LLAMA_CPP_BIN}": there is no ${name} in "${folder}"`, {
      exitCode: 2,
      hint: `Set it to the folder that holds ${PROGRAMS.join(", ")}, or unset it: llama.cpp is then built for you.`,
    });
  }
  const places = await checkoutFolders(env);
  for (const folder of (env.PATH ?? "").split(delimiter)) if (folder) places.push(resolve(folder));
  const built = await buildFolder(env);
  if (await isMade(built)) places.push(join(built, "bin"));
  for (const folder of places) {
    const path = join(folder, file);
    if (await isFile(path)) return path;
  }
  return undefined;
}

/** The path of a program; llama.cpp is built where none is found. @throws {UserError} as `findProgram`, and where it cannot be built. */
export async function llamaProgram(name: LlamaProgram, context: Context): Promise<string> {
  return await findProgram(name, context.env) ?? join(await buildLlamaCpp(context), executable(name));
}

/**
 * The path of `convert_hf_to_gguf.py`: that of the user's llama.cpp where it is complete, else that of the sources, which
 * are fetched where they are missing; no compiler is needed. It runs in the environment of
 * `lib/python/requirements-train.txt` (`runPython("train", path, …)`).
 */
export async function llamaConverter(context: Context): Promise<string> {
  return await findConverter(context.env) ?? join(await llamaSource(context), CONVERTER);
}

const CONVERTER = "convert_hf_to_gguf.py";

/** As `llamaConverter`, but fetches nothing. */
export async function findConverter(env: Env): Promise<string | undefined> {
  const places: string[] = [];
  if (env.LLAMA_CPP_DIR) {
    await checkoutFolders(env);
    places.push(env.LLAMA_CPP_DIR);
  }
  if (env.LLAMA_CPP_BIN) {
    const bin = await binFolder(env.LLAMA_CPP_BIN);
    places.push(bin, join(bin, "..", ".."));
  }
  for (const folder of (env.PATH ?? "").split(delimiter)) if (folder) places.push(folder);
  const source = await sourceFolder(env);
  if (await isMade(source)) places.push(source);
  for (const folder of places) {
    const path = resolve(folder, CONVERTER);
    if (await isFile(path) && await isWhole(path)) return path;
  }
  return undefined;
}

/** A script copied out of a newer tree lacks the package of the same tree that it imports. */
async function isWhole(script: string): Promise<boolean> {
  if (await isFolder(join(dirname(script), "conversion"))) return true;
  return !/^\s*from conversion import/m.test(await Deno.readTextFile(script));
}

async function binFolder(path: string): Promise<string> {
  return resolve(await isFile(path) ? dirname(path) : path);
}

async function checkoutFolders(env: Env): Promise<string[]> {
  const folder = env.LLAMA_CPP_DIR;
  if (!folder) return [];
  if (!await isFolder(folder)) {
    throw new UserError(`Cannot use LLAMA_CPP_DIR="${folder}": there is no such folder`, {
      exitCode: 2,
      hint: "Set it to a checkout of llama.cpp, or unset it: llama.cpp is then built for you.",
    });
  }
  return [["build", "bin"], ["build", "bin", "Release"], ["bin"], []].map((parts) => resolve(folder, ...parts));
}
