import { dirname, join, resolve } from "node:path";
import { WORKSPACE } from "../core/paths.ts";
import { runProcess } from "../core/python_process.ts";
import type { Context } from "../core/step.ts";
import { llamaPython } from "./llama_cpp_source.ts";

export interface TinyOptions {
  /** The same seed writes the same file. @default {1} */
  readonly seed?: number;
  /** @default {"f16"} */
  readonly dtype?: "f16" | "f32";
  /** Tokens that the model claims to have been trained on. @default {4096} */
  readonly context?: number;
}

/**
 * Writes a Llama of 2 MB with random weights that answers in random words: for trying llama-server, quantising and
 * serving where there is no real model.
 *
 * @throws {ToolError} where the script fails.
 */
export async function writeTinyGguf(path: string, options: TinyOptions, context: Context): Promise<void> {
  const python = await llamaPython(context);
  await Deno.mkdir(dirname(resolve(path)), { recursive: true });
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const script = join(WORKSPACE, "lib", "python", "tiny_gguf.py");
  for await (const _ of runProcess(python, [script, path, ...flags], { signal: context.signal }));
}
