/** The sources of llama.cpp: out of the source distribution of llama-cpp-python, which any package index has. */
import { join } from "node:path";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { cacheDir, WORKSPACE } from "../core/paths.ts";
import { runProcess } from "../core/python_process.ts";
import { pythonFor } from "../core/python_venv.ts";
import { type Context, emitAll } from "../core/step.ts";
import { makeOnce, removeAll } from "./llama_cpp_cache.ts";

const PYTHON = join(WORKSPACE, "lib", "python");
const PIN = join(PYTHON, "requirements-llama-source.txt");

/** The interpreter with pip, cmake and gguf, made on first use. */
export async function llamaPython(context: Context): Promise<string> {
  return await emitAll(pythonFor("llama", context), context);
}

export interface LlamaRelease {
  /** Of llama-cpp-python. */
  readonly version: string;
  /** Names the exact contents. */
  readonly hash: string;
}

/** The release that is pinned in `lib/python/requirements-llama-source.txt`. */
export async function llamaRelease(): Promise<LlamaRelease> {
  const [, version, hash] = /^llama-cpp-python==(\S+) --hash=sha256:([0-9a-f]{64})$/m.exec(await readTextFile(PIN)) ??
    [];
  if (!version || !hash) throw new Error(`no pinned release in ${PIN}`);
  return { version, hash };
}

/** Where the sources are or will be. */
export async function sourceFolder(env: Context["env"]): Promise<string> {
  const { version, hash } = await llamaRelease();
  return join(cacheDir(env), "llama.cpp", `source-${version}-${hash.slice(0, 12)}`);
}

/**
 * The folder of llama.cpp's sources, fetched and checked against its pinned hash on first use (77 MB).
 *
 * @throws {ToolError} where pip finds no such release or a wrong hash; {UserError} without Python.
 */
export async function llamaSource(context: Context): Promise<string> {
  const folder = await sourceFolder(context.env);
  await makeOnce(folder, "the sources of llama.cpp", context, async () => {
    const python = await llamaPython(context);
    context.emit({ type: "log", level: "info", message: "fetching the sources of llama.cpp (once; 77 MB)" });
    await removeAll(folder);
    const download = join(folder, "download");
    await Deno.mkdir(download, { recursive: true });
    // pip asks the package's build backend for its metadata before it hands the archive out. With the backend in our
    // own environment that takes no time and no compiler. An environment of the user's may lack it.
    const backend = context.env.VOICEWORKS_PYTHON_LLAMA ? [] : ["--no-build-isolation"];
    const options = { signal: context.signal, env: { PYTHONUTF8: "1" } };
    const pip = ["-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"];
    const only = ["--no-deps", "--no-binary", "llama-cpp-python", "--require-hashes", "-r", PIN];
    const hint = () =>
      "pip takes packages from the index that your pip configuration names; try again when it is " +
      "reachable, or set LLAMA_CPP_DIR to a checkout of llama.cpp of your own.";
    await runAll(python, [...pip, ...only, ...backend, "--dest", download], { ...options, hint });
    const [archive] = await Array.fromAsync(Deno.readDir(download));
    if (!archive) throw new UserError(`Cannot fetch llama.cpp: pip left nothing in "${download}"`);
    await runAll(python, [join(PYTHON, "unpack_llama.py"), join(download, archive.name), folder], options);
    await removeAll(download);
  });
  return folder;
}

async function runAll(...call: Parameters<typeof runProcess>): Promise<void> {
  for await (const _ of runProcess(...call));
}
