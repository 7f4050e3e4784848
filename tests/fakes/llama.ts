/** The real llama.cpp for tests: what is there, or built where somebody asked for it. */
import { readEnvironment } from "@/core/env.ts";
import { findPython } from "@/core/python_venv.ts";
import type { Context, StepEvent } from "@/core/step.ts";
import { findProgram, type LlamaProgram, llamaProgram } from "@/llm/llama_cpp.ts";
import { hasCompiler } from "@/llm/llama_cpp_build.ts";
import { writeTinyGguf } from "@/llm/llama_cpp_tiny.ts";
import { fakeContext } from "./context.ts";

/** Building takes minutes, which nobody expects of a first `deno task test`. */
const BUILD = Boolean(Deno.env.get("VOICEWORKS_BUILD_LLAMA"));

/** A context with the real network and environment. */
export function realContext(overrides: Partial<Context> = {}): Context & { events: StepEvent[] } {
  return fakeContext({ fetch, env: readEnvironment(), ...overrides });
}

/** Why tests with a real llama-server cannot run here, or undefined. */
export async function whyNoLlama(): Promise<string | undefined> {
  if (!await findPython().then(() => true, () => false)) return "no Python to write a model with";
  if (await findProgram("llama-server", readEnvironment())) return undefined;
  if (!BUILD) return "llama.cpp is not built; VOICEWORKS_BUILD_LLAMA=1 has the tests build it (about five minutes)";
  return await hasCompiler() ? undefined : "no C++ compiler to build llama.cpp with";
}

/** A program of llama.cpp, built first where it is missing. */
export function realProgram(name: LlamaProgram): Promise<string> {
  return llamaProgram(name, realContext({ emit: tell }));
}

/** A model that answers in random words; needs no llama.cpp. */
export async function tinyModel(path: string, options: Parameters<typeof writeTinyGguf>[1] = {}): Promise<string> {
  await writeTinyGguf(path, options, realContext({ emit: tell }));
  return path;
}

function tell(event: StepEvent): void {
  if (event.type === "log") console.log(event.message);
}
