import { join } from "node:path";
import { z } from "zod";
import { UserError } from "./errors.ts";
import { writeFileAtomic } from "./files.ts";

type Env = Readonly<Record<string, string>>;
type Os = typeof Deno.build.os;

/**
 * The folder where Jupyter looks for a user's kernels: `$JUPYTER_DATA_DIR`, else what the operating system names.
 *
 * @throws {UserError} where the environment names no home folder.
 */
export function jupyterDataDir(env: Env, os: Os = Deno.build.os): string {
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  if (os === "windows" && env.APPDATA) return join(env.APPDATA, "jupyter");
  const home = env.HOME || env.USERPROFILE;
  if (!home) {
    throw new UserError("Cannot find Jupyter's folder: neither HOME nor USERPROFILE is set", {
      hint: "Name a folder: deno task kernel --prefix DIR",
    });
  }
  if (os === "darwin") return join(home, "Library", "Jupyter");
  return join(env.XDG_DATA_HOME || join(home, ".local", "share"), "jupyter");
}

/**
 * The kernel as Jupyter starts it. Stop is a signal, since the library listens for it (`start` in notebook.ts): a kernel
 * that is interrupted by message ends loops but nothing that is awaited. Windows has no such signal.
 */
export function kernelSpec(deno: string, os: Os = Deno.build.os): Record<string, unknown> {
  return {
    argv: [deno, "jupyter", "--kernel", "--conn", "{connection_file}"],
    display_name: "Deno",
    language: "typescript",
    interrupt_mode: os === "windows" ? "message" : "signal",
    // Else text results hold colour codes.
    env: { NO_COLOR: "1" },
  };
}

const Installed = z.looseObject({ argv: z.array(z.string()).min(1) });

/** What became of an installation. */
export interface Installation {
  /** The kernel's folder. */
  readonly path: string;
  readonly action: "installed" | "kept" | "replaced";
  /** The program that the replaced kernel started. */
  readonly before?: string;
}

/**
 * Puts the kernel "deno" under `data` (`<data>/kernels/deno/kernel.json`). One that is there is replaced when it starts
 * another Deno; a kernel of that name that is no Deno is left alone.
 *
 * @throws {UserError} for a kernel "deno" that is something else.
 */
export async function installKernel(data: string, deno: string = Deno.execPath()): Promise<Installation> {
  const path = join(data, "kernels", "deno");
  const file = join(path, "kernel.json");
  const spec = JSON.stringify(kernelSpec(deno), undefined, 2) + "\n";
  const before = await readOrNothing(file);
  if (before === spec) return { path, action: "kept" };
  const program = before === undefined ? undefined : denoOf(before, file);
  await writeFileAtomic(file, spec);
  return program === undefined ? { path, action: "installed" } : { path, action: "replaced", before: program };
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The program of an installed kernel, if that is a Deno. */
function denoOf(text: string, file: string): string {
  let argv: string[] = [];
  try {
    argv = Installed.parse(JSON.parse(text)).argv;
  } catch {
    // Not a kernel that anything could start.
  }
  if (argv[0] !== undefined && argv[1] === "jupyter") return argv[0];
  throw new UserError(`Cannot install the kernel "deno": "${file}" is another program's`, {
    hint: "Remove that folder, or install elsewhere: deno task kernel --prefix DIR",
  });
}
