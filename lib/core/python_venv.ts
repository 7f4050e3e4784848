import { dirname, join } from "node:path";
import { UserError } from "./errors.ts";
import { readTextFile, sha256, writeFileAtomic } from "./files.ts";
import { cacheDir, WORKSPACE } from "./paths.ts";
import { delay, runProcess } from "./python_process.ts";
import type { Context, StepEvent } from "./step.ts";

/** Sets of Python packages; one virtual environment each, because their pins exclude each other. */
export type Toolchain = "notebook" | "lab" | "train" | "llama" | "axolotl" | "peers";

/** Oldest Python that every pinned package still supports. */
const OLDEST = [3, 10] as const;

/** Written last: a virtual environment without it was not finished. */
const MARKER = "voiceworks.json";

/** Where the interpreter of a virtual environment lies. */
export function interpreterOf(venv: string, os: typeof Deno.build.os = Deno.build.os): string {
  return os === "windows" ? join(venv, "Scripts", "python.exe") : join(venv, "bin", "python");
}

/**
 * The interpreter for a toolchain: what `$VOICEWORKS_PYTHON_<TOOLCHAIN>` names, else that of a virtual environment in
 * the cache folder, made on first use from `lib/python/requirements-<toolchain>.txt`. Changed requirements make a new
 * one. Two processes may ask at once: one makes it, the other waits.
 *
 * Yields what happens, returns the interpreter's path.
 *
 * @throws {UserError} no Python of the right age; {ToolError} where venv or pip fail.
 */
export async function* pythonFor(
  toolchain: Toolchain,
  context: Context,
  requirements: string = pinsOf(toolchain),
): AsyncGenerator<StepEvent, string> {
  const variable = `VOICEWORKS_PYTHON_${toolchain.toUpperCase()}`;
  const own = context.env[variable];
  if (own) {
    if (/[\\/]/.test(own) && !await exists(own)) {
      throw new UserError(`Cannot use ${variable}="${own}": there is no such file`, {
        exitCode: 2,
        hint: `Give the path of a Python interpreter, or unset ${variable}: an environment is then made for you.`,
      });
    }
    return own;
  }
  const venv = await folderOf(toolchain, context.env, requirements);
  if (await isComplete(venv)) return interpreterOf(venv);

  await Deno.mkdir(dirname(venv), { recursive: true });
  using lock = await Deno.open(`${venv}.lock`, { create: true, write: true });
  for (let told = false; !await lock.tryLock(true); told = true) {
    if (!told) yield info(`waiting for another process that installs the Python packages "${toolchain}"`);
    context.signal.throwIfAborted();
    await delay(250);
  }
  if (await isComplete(venv)) return interpreterOf(venv);
  yield* make(venv, requirements, toolchain, context);
  return interpreterOf(venv);
}

/** Where a toolchain is, if it is there already: the interpreter that the user named, or that of a finished environment. */
export async function findToolchain(toolchain: Toolchain, env: Context["env"]): Promise<string | undefined> {
  const own = env[`VOICEWORKS_PYTHON_${toolchain.toUpperCase()}`];
  if (own) return own;
  const venv = await folderOf(toolchain, env);
  return await isComplete(venv) ? venv : undefined;
}

/** Changed requirements make another folder. */
async function folderOf(toolchain: Toolchain, env: Context["env"], requirements = pinsOf(toolchain)): Promise<string> {
  return join(cacheDir(env), "venv", `${toolchain}-${sha256(await readTextFile(requirements)).slice(0, 12)}`);
}

function pinsOf(toolchain: Toolchain): string {
  return join(WORKSPACE, "lib", "python", `requirements-${toolchain}.txt`);
}

async function* make(
  venv: string,
  requirements: string,
  toolchain: Toolchain,
  context: Context,
): AsyncGenerator<StepEvent> {
  const base = await findPython(context.signal);
  yield info(`making a Python environment for "${toolchain}" in ${venv} (once; Python ${base.version})`);
  await Deno.remove(venv, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const { signal } = context;
  const [program, ...head] = base.command;
  for await (
    const _ of runProcess(program, [...head, "-m", "venv", venv], {
      signal,
      hint: (lines) =>
        lines.some((line) => line.includes("ensurepip"))
          ? "This Python lacks its venv module. On Debian and Ubuntu: sudo apt install python3-venv"
          : undefined,
    })
  );
  // Python compiles what it imports; to compile all of torch takes longer than to install it.
  const flags = ["--no-compile", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"];
  const args = ["-m", "pip", "install", ...flags, "-r", requirements];
  let done = 0;
  const label = `Python packages (${toolchain})`;
  for await (
    const { stream, line } of runProcess(interpreterOf(venv), args, {
      signal,
      env: { PYTHONUNBUFFERED: "1", PYTHONUTF8: "1" },
      hint: () =>
        "pip takes its packages from the index that your pip configuration names; try again when it is reachable.",
    })
  ) {
    // One line a package, so the bar moves; how many there will be is not known.
    if (/^Collecting /.test(line)) yield { type: "progress", label, done: ++done, unit: "packages" };
    else if (/^Installing collected packages/.test(line)) yield info(`unpacking ${done} Python packages`);
    else if (stream === "stderr" && /^ERROR/.test(line)) yield { type: "log", level: "error", message: line };
  }
  yield { type: "progress", label, done, total: done, unit: "packages" };
  await writeFileAtomic(join(venv, MARKER), JSON.stringify({ toolchain, python: base.version }) + "\n");
}

/** A Python to make environments with. */
export interface BasePython {
  /** Program and leading arguments: `["py", "-3"]`. */
  readonly command: readonly [string, ...string[]];
  readonly version: string;
}

/**
 * The first Python on the PATH that is new enough.
 *
 * @throws {UserError} that says how to install one, and which ones were too old.
 */
export async function findPython(signal?: AbortSignal): Promise<BasePython> {
  const named: (readonly [string, ...string[]])[] = [["python3"], ["python"]];
  const exact = [14, 13, 12, 11, 10].map((minor) => [`python3.${minor}`] as const);
  // On Windows "python3" may be a stub that opens the shop; the launcher "py" is the real thing.
  const candidates = Deno.build.os === "windows" ? [["py", "-3"] as const, ...named] : [...named, ...exact];
  const old: string[] = [];
  for (const command of candidates) {
    signal?.throwIfAborted();
    const version = await versionOf(command);
    if (version === undefined) continue;
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major === OLDEST[0] && minor >= OLDEST[1]) return { command, version };
    old.push(`${command.join(" ")} is ${version}`);
  }
  const wanted = OLDEST.join(".");
  const found = old.length > 0 ? `only ${[...new Set(old)].join(", ")}` : "there is none on the PATH";
  throw new UserError(`Cannot find Python ${wanted} or newer: ${found}`, {
    hint: Deno.build.os === "windows"
      ? "Install it: winget install Python.Python.3.12"
      : Deno.build.os === "darwin"
      ? "Install it: brew install python"
      : "Install it: sudo apt install python3 python3-venv (or your system's own way)",
  });
}

async function versionOf([program, ...args]: readonly [string, ...string[]]): Promise<string | undefined> {
  const code = "import sys; print('.'.join(map(str, sys.version_info[:3])))";
  try {
    const { success, stdout } = await new Deno.Command(program, {
      args: [...args, "-c", code],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).output();
    const version = new TextDecoder().decode(stdout).trim();
    return success && /^\d+\.\d+\.\d+$/.test(version) ? version : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

async function isComplete(venv: string): Promise<boolean> {
  // The interpreter is a link: it dangles when the Python that it was made from is gone.
  return await exists(join(venv, MARKER)) && await exists(interpreterOf(venv));
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

function info(message: string): StepEvent {
  return { type: "log", level: "info", message };
}
