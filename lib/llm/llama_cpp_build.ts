/** Builds llama.cpp's programs for this machine. */
import { dirname, join } from "node:path";
import { ask } from "../core/exec.ts";
import { ToolError, UserError } from "../core/errors.ts";
import { readTextFile, sha256 } from "../core/files.ts";
import { duration } from "../core/format.ts";
import { cacheDir, WORKSPACE } from "../core/paths.ts";
import { runProcess } from "../core/python_process.ts";
import type { Context } from "../core/step.ts";
import { isFile, makeOnce, removeAll } from "./llama_cpp_cache.ts";
import { llamaPython, llamaRelease, llamaSource } from "./llama_cpp_source.ts";

export const PROGRAMS = ["llama-server", "llama-quantize", "llama-perplexity"] as const;
export type LlamaProgram = (typeof PROGRAMS)[number];

const WINDOWS = Deno.build.os === "windows";

/** `llama-server`, with the ending that the system wants. */
export function executable(name: string): string {
  return WINDOWS ? `${name}.exe` : name;
}

const FLAGS = [
  "-DCMAKE_BUILD_TYPE=Release",
  // Programs that stand alone may be moved out of the build tree.
  "-DBUILD_SHARED_LIBS=OFF",
  // We serve local files to local clients: no TLS, no web page (which it would fetch from the net), no extras.
  "-DLLAMA_OPENSSL=OFF",
  "-DLLAMA_BUILD_UI=OFF",
  "-DLLAMA_USE_PREBUILT_UI=OFF",
  "-DLLAMA_BUILD_TESTS=OFF",
  "-DLLAMA_BUILD_EXAMPLES=OFF",
  "-DLLAMA_BUILD_APP=OFF",
  // Otherwise it asks git, and git may find the repository that the cache folder happens to lie in.
  "-DLLAMA_BUILD_NUMBER=0",
  // Nobody reads them, and to look for them takes a twentieth of the time.
  "-DGGML_ALL_WARNINGS=OFF",
  "-DLLAMA_ALL_WARNINGS=OFF",
];

/** Has the sources that need not be fast compiled together and with less care. */
const LIGHTER = join(WORKSPACE, "lib", "llm", "llama_cpp_build.cmake");

function flagsOf(env: Context["env"], version: string): string[] {
  const own = env.LLAMA_CPP_CMAKE_ARGS?.trim();
  return [...FLAGS, `-DLLAMA_BUILD_COMMIT=llama-cpp-python-${version}`, ...own ? own.split(/\s+/) : []];
}

/** Where the programs are or will be: another release, other flags or another kind of machine make another folder. */
export async function buildFolder(env: Context["env"]): Promise<string> {
  const { version, hash } = await llamaRelease();
  const lighter = (await readTextFile(LIGHTER)).replace(/^\s*(?:#.*)?\n/gm, ""); // A comment is no reason to build anew.
  const contents = [hash, flagsOf(env, version), lighter, Deno.build.target];
  const key = sha256(JSON.stringify(contents)).slice(0, 12);
  return join(cacheDir(env), "llama.cpp", `${version}-${key}`);
}

/**
 * The folder with the programs, built on first use: minutes. An interrupted build goes on where it was.
 * `$LLAMA_CPP_CMAKE_ARGS` adds flags (`-DGGML_CUDA=ON`).
 *
 * @throws {UserError} without a compiler, or where the build fails.
 */
export async function buildLlamaCpp(context: Context): Promise<string> {
  const folder = await buildFolder(context.env);
  const bin = join(folder, "bin");
  await makeOnce(folder, "llama.cpp", context, async () => {
    await needCompiler();
    const started = performance.now();
    const source = await llamaSource(context);
    const cmake = await toolsBeside(await llamaPython(context));
    const { version } = await llamaRelease();
    const build = join(folder, "build");
    await configure(cmake, source, build, flagsOf(context.env, version), context);
    await compile(cmake.cmake, build, context);
    await removeAll(bin);
    await Deno.mkdir(bin, { recursive: true });
    for (const name of PROGRAMS.map(executable)) {
      const made = await firstFile([join(build, "bin", name), join(build, "bin", "Release", name)]);
      if (!made) throw new UserError(`Cannot build llama.cpp: "${name}" is not among what was built in "${build}"`);
      await Deno.copyFile(made, join(bin, name));
    }
    await removeAll(build);
    const took = duration((performance.now() - started) / 1000);
    context.emit({ type: "log", level: "info", message: `llama.cpp is built (${took}) and kept in "${folder}"` });
  });
  return bin;
}

async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isFile(path)) return path;
  return undefined;
}

interface Cmake {
  readonly cmake: string;
  readonly ninja: string | undefined;
}

/** cmake and ninja out of the interpreter's own environment, else from the PATH. */
async function toolsBeside(python: string): Promise<Cmake> {
  const folder = dirname(python);
  const [cmake, ninja] = await Promise.all(["cmake", "ninja"].map(async (name) => {
    const own = join(folder, executable(name));
    if (await isFile(own)) return own;
    return (await ask(name, ["--version"]))?.code === 0 ? name : undefined;
  }));
  if (!cmake) {
    throw new UserError("Cannot build llama.cpp: there is no cmake", {
      hint: `Install it into the environment of VOICEWORKS_PYTHON_LLAMA: "${python}" -m pip install cmake ninja`,
    });
  }
  return { cmake, ninja };
}

async function needCompiler(): Promise<void> {
  if (await hasCompiler()) return;
  throw new UserError("Cannot build llama.cpp: there is no C++ compiler", { hint: COMPILER_HINT });
}

/** True where a C++ compiler answers. On Windows CMake finds Visual Studio by itself: it is left to say so. */
export async function hasCompiler(): Promise<boolean> {
  if (WINDOWS) return true;
  for (const name of ["c++", "g++", "clang++"]) if ((await ask(name, ["--version"]))?.code === 0) return true;
  return false;
}

export const COMPILER_HINT =
  (WINDOWS
    ? 'Install one: winget install Microsoft.VisualStudio.2022.BuildTools, with the workload "Desktop development with C++"'
    : Deno.build.os === "darwin"
    ? "Install one: xcode-select --install"
    : "Install one: sudo apt install build-essential (Fedora: sudo dnf install gcc-c++; Arch: sudo pacman -S base-devel)") +
  ". Or put llama.cpp's programs on PATH, or set LLAMA_CPP_BIN to their folder.";

async function configure(
  { cmake, ninja }: Cmake,
  source: string,
  build: string,
  flags: readonly string[],
  context: Context,
): Promise<void> {
  // On Windows the compiler is only found by Visual Studio's own generator.
  const generator = ninja && !WINDOWS ? ["-G", "Ninja", `-DCMAKE_MAKE_PROGRAM=${ninja}`] : [];
  const lighter = `-DCMAKE_PROJECT_INCLUDE=${LIGHTER.replaceAll("\\", "/")}`;
  const args = ["-S", source, "-B", build, ...generator, lighter, ...flags];
  try {
    await run(cmake, args, context, () => {});
  } catch (error) {
    if (!context.signal.aborted) await removeAll(build); // It remembers what it did not find.
    if (error instanceof ToolError && /No CMAKE_CX*_COMPILER|compiler.*not (?:found|able)/i.test(error.message)) {
      throw new UserError(`Cannot build llama.cpp: no C++ compiler works here\n${error.message}`, {
        hint: COMPILER_HINT,
        cause: error,
      });
    }
    throw error;
  }
}

/** As measured with GCC 12, alone and beside other work. */
export const BUILD_TAKES = "six to nine minutes on two cores";

async function compile(cmake: string, build: string, context: Context): Promise<void> {
  const message = `building llama.cpp (once; ${BUILD_TAKES})`;
  context.emit({ type: "log", level: "info", message });
  const args = ["--build", build, "--config", "Release", "--target", ...PROGRAMS];
  const take = (line: string) => {
    const [, done, total] = /^\[(\d+)\/(\d+)\]/.exec(line) ?? /^\[\s*(\d+)(%)\]/.exec(line) ?? [];
    if (done === undefined) return;
    const whole = total === "%" ? 100 : Number(total);
    context.emit({
      type: "progress",
      label: "llama.cpp",
      done: Number(done),
      total: whole,
      unit: total === "%" ? "%" : "files",
    });
  };
  try {
    await run(cmake, [...args, "--parallel", String(navigator.hardwareConcurrency)], context, take);
  } catch (error) {
    // A compiler may take 1 GB; where several together are too much, one alone may do.
    if (!(error instanceof ToolError) || !/Killed|out of memory|virtual memory exhausted/i.test(error.message)) {
      throw error;
    }
    context.emit({
      type: "log",
      level: "warn",
      message: "memory ran out while compiling; going on one file at a time",
    });
    await run(cmake, [...args, "--parallel", "1"], context, take);
  }
}

/** Compilers' complaints come on standard output by way of ninja: the last lines of both go into the error. */
async function run(
  program: string,
  args: readonly string[],
  context: Context,
  take: (line: string) => void,
): Promise<void> {
  const last: string[] = [];
  try {
    for await (const { line } of runProcess(program, args, { signal: context.signal })) {
      take(line);
      if (line.trim() !== "" && !/^\[\s*\d+(?:\/\d+|%)\]/.test(line)) last.push(line);
      if (last.length > 20) last.shift();
    }
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const hint = /No space left/i.test(last.join("\n"))
      ? "The disk is full; the build needs 1 GB."
      : "Another llama.cpp can be used instead: put its programs on PATH, or set LLAMA_CPP_BIN to their folder.";
    throw new ToolError([program, ...args], error.code, last, hint);
  }
}
