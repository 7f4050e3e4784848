import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../core/errors.ts";
import { bytes } from "../core/format.ts";
import type { BasePython } from "../core/python_venv.ts";
import { type Gpu, overrideProblem, type Probe } from "../core/gpu.ts";
import { findProgram } from "../llm/llama_cpp.ts";
import { BUILD_TAKES, COMPILER_HINT, hasCompiler } from "../llm/llama_cpp_build.ts";
import { lmsHome } from "../llm/lms.ts";
import type { ServerStatus } from "../llm/models.ts";

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly state: "ok" | "missing" | "wrong";
  /** What is there, or what is the matter. */
  readonly found: string;
  /** The command or the action that mends it. */
  readonly mend?: string;
  /** The first task that needs it makes it: no phase lacks it. */
  readonly later?: true;
}

/** The oldest Deno whose Jupyter kernel works headless (its transient metadata, denoland/deno#34483 and #34083). */
const OLDEST_DENO = "2.9.4";

/** True where version `a` is `b` or newer; both `1.2.3`. */
function atLeast(a: string, b: string): boolean {
  return a.localeCompare(b, "en", { numeric: true }) >= 0;
}

export function checkDeno(version: string): Check {
  return atLeast(version, OLDEST_DENO)
    ? { name: "Deno", state: "ok", found: version }
    : { name: "Deno", state: "wrong", found: `${version}; ${OLDEST_DENO} or newer is needed`, mend: "deno upgrade" };
}

/** @param python What was found, or the error that says why none was. */
export function checkPython(python: BasePython | UserError): Check {
  return python instanceof UserError
    ? { name: "Python", state: "missing", found: python.message, mend: (python.hint ?? "").replace("Install it: ", "") }
    : { name: "Python", state: "ok", found: `${python.version} (${python.command.join(" ")})` };
}

/** An environment that is not made yet is no fault: the first task that needs it makes it. */
export function checkToolchain(name: string, folder: string | undefined, needs: string): Check {
  return folder
    ? { name: `Python for ${name}`, state: "ok", found: folder }
    : { name: `Python for ${name}`, state: "missing", found: "not made yet", mend: needs, later: true };
}

/** A llama.cpp that is not there yet is no fault where it can be built: the first task that needs it does. */
export async function checkLlamaCpp(probe: Probe, env: Readonly<Record<string, string>>): Promise<Check> {
  const name = "llama.cpp";
  let program: string | undefined;
  try {
    program = await findProgram("llama-server", env);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { name, state: "wrong", found: error.message, mend: error.hint ?? "unset LLAMA_CPP_BIN and LLAMA_CPP_DIR" };
  }
  if (program === undefined) {
    const found = "not built yet, and no llama-server on PATH";
    const mend = `needed for GGUF only: built by the first task that needs it, in ${BUILD_TAKES}`;
    return await hasCompiler()
      ? { name, state: "missing", found, mend, later: true }
      : { name, state: "missing", found, mend: `needed for GGUF only. ${COMPILER_HINT}` };
  }
  const answer = await probe.ask(program, ["--version"]);
  const version = /version: (.+)/.exec(`${answer?.stdout}\n${answer?.stderr}`)?.[1];
  if (answer?.code === 0) return { name, state: "ok", found: `llama-server ${version ?? ""} (${program})` };
  return {
    name,
    state: "wrong",
    found: `"${program}" does not run: ${
      answer?.stderr.split("\n").at(-1) || `exit code ${answer?.code ?? "unknown"}`
    }`,
    mend: "set LLAMA_CPP_BIN to the folder of one that does",
  };
}

export function checkServer(status: ServerStatus, wanted: string): Check {
  const name = "LM Studio";
  if (!status.reachable) {
    return {
      name,
      state: "missing",
      found: status.problem ?? `no answer from ${status.url}`,
      mend: status.hint ?? "lms server start",
    };
  }
  if (status.problem) {
    return { name, state: "wrong", found: status.problem, ...(status.hint ? { mend: status.hint } : {}) };
  }
  const kind = status.lmstudio ? "" : " (not LM Studio, but it speaks its language)";
  if (status.loaded.length > 0) {
    return { name, state: "ok", found: `${status.url}${kind} serves ${status.loaded.join(", ")}` };
  }
  return { name, state: "wrong", found: `${status.url}${kind} has no model loaded`, mend: `lms load ${wanted}` };
}

export async function checkLms(probe: Probe, env: Readonly<Record<string, string>>): Promise<Check> {
  const path = join(await lmsHome(env, probe.read), "bin", probe.os === "windows" ? "lms.exe" : "lms");
  for (const command of ["lms", path]) {
    const answer = await probe.ask(command, ["version"]);
    if (answer?.code === 0) return { name: "lms command", state: "ok", found: command };
  }
  return {
    name: "lms command",
    state: "missing",
    found: `neither on PATH nor at "${path}"`,
    mend: "start LM Studio once; it puts lms there. Needed for loading models by command only",
  };
}

export function checkGpu(gpus: readonly Gpu[]): Check {
  if (gpus.length === 0) {
    return {
      name: "GPU",
      state: "missing",
      found: "none found",
      mend:
        "corpus, filter and rehearsal need none; for training install the NVIDIA driver or ROCm, or use a machine with a GPU",
    };
  }
  const shown = gpus.map((gpu) =>
    `${gpu.name}${gpu.memory ? `, ${bytes(gpu.memory)}` : ""}${
      gpu.free === undefined ? "" : ` (${bytes(gpu.free)} free)`
    }`
  );
  return { name: "GPU", state: "ok", found: shown.join("; ") };
}

/** Settings that hide or misname a GPU. */
export function checkGpuSettings(gpus: readonly Gpu[], env: Readonly<Record<string, string>>): Check[] {
  const checks: Check[] = [];
  const override = overrideProblem(env.HSA_OVERRIDE_GFX_VERSION, gpus);
  if (override) {
    checks.push({ name: "ROCm setting", state: "wrong", found: override, mend: "unset HSA_OVERRIDE_GFX_VERSION" });
  }
  for (const [name, kind] of [["CUDA_VISIBLE_DEVICES", "nvidia"], ["HIP_VISIBLE_DEVICES", "amd"]] as const) {
    const value = env[name];
    const hidden = value !== undefined && (value.trim() === "" || value.trim() === "-1");
    if (hidden && gpus.some((gpu) => gpu.kind === kind)) {
      checks.push({ name, state: "wrong", found: `"${value}" hides the GPU`, mend: `unset ${name}` });
    }
  }
  return checks;
}

/** Free space where `path` lies or will lie. `needed` in bytes. */
export async function checkDisk(name: string, path: string, needed: number): Promise<Check> {
  let place = path;
  for (let parent = dirname(place); parent !== place; parent = dirname(place)) {
    if (await Deno.stat(place).catch(() => undefined)) break;
    place = parent;
  }
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  const found = `${bytes(free)} free at "${path}"`;
  return free >= needed ? { name, state: "ok", found } : {
    name,
    state: "wrong",
    found: `${found}, ${bytes(needed)} are needed`,
    mend: "free some space, or name another folder",
  };
}
