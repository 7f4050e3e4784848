/** A model's folder into a GGUF, and a GGUF into a smaller one: llama.cpp's converter and llama-quantize. */
import { resolve } from "node:path";
import { closest } from "fastest-levenshtein";
import { ToolError, UsageError, UserError } from "../core/errors.ts";
import { ask } from "../core/exec.ts";
import { runPython } from "../core/python.ts";
import { runProcess } from "../core/python_process.ts";
import type { Context } from "../core/step.ts";
import { llamaConverter } from "../llm/llama_cpp.ts";
import { supervised } from "../llm/llama_server_process.ts";

/** Types that the converter writes by itself; all others take llama-quantize. */
export const DIRECT_TYPES: readonly string[] = ["f32", "f16", "bf16", "q8_0"];

/**
 * Writes a model's folder as one GGUF.
 *
 * @throws {UserError} a model or tokenizer that the converter does not know, a disk that is full.
 */
export async function convertModel(
  { model, output, type }: { model: string; output: string; type: string },
  context: Context,
): Promise<void> {
  const converter = await llamaConverter(context);
  context.emit({ type: "log", level: "info", message: `converting "${model}" to ${type}` });
  try {
    const args = [resolve(model), "--outfile", resolve(output), "--outtype", type];
    for await (const event of runPython("train", converter, args, context)) {
      if (event.type !== "log" || event.level !== "info") context.emit(event);
    }
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const said = error.lastLines.join("\n");
    const last = error.lastLines.at(-1) ?? `it ended with exit code ${error.code}`;
    const hint = /pre-tokenizer was not recognized/.test(said)
      ? "The converter knows tokenizers by how they divide a text: use the base's own tokenizer files, unchanged, and a " +
        "llama.cpp that knows this family (LLAMA_CPP_DIR)."
      : /Model .* is not supported|not supported/i.test(said)
      ? "This llama.cpp does not know the model's architecture: use a newer one by LLAMA_CPP_DIR."
      : /ModuleNotFoundError|ImportError/.test(said)
      ? "Install it into the Python of VOICEWORKS_PYTHON_TRAIN, or unset that: Voiceworks then makes an environment that " +
        "has what its own converter imports."
      : /FileNotFoundError.*token|tokenizer/i.test(said)
      ? "A tokenizer file is missing or damaged: copy it from the base model."
      : undefined;
    const message = `Cannot convert "${model}" to GGUF: ${last}${diskWords(said)}`;
    throw new UserError(message, { ...(hint === undefined ? {} : { hint }), cause: error });
  }
}

/** The types that a llama-quantize knows, in capitals as it writes them. */
export async function quantTypes(program: string): Promise<string[]> {
  const { stdout = "", stderr = "" } = await ask(program, ["--help"], 20_000) ?? {};
  return [...`${stdout}\n${stderr}`.matchAll(/^\s*\d+\s+or\s+([A-Z0-9_]+)/gm)].flatMap(([, name]) => name ?? []);
}

/** @throws {UsageError} a type that this llama-quantize does not know. */
export async function checkQuantType(type: string, program: string): Promise<void> {
  const known = (await quantTypes(program)).map((name) => name.toLowerCase());
  if (known.length === 0 || known.includes(type)) return; // One that lists nothing is left to say so itself.
  throw new UsageError(
    `Cannot use --quant-type "${type}": did you mean "${closest(type, known)}"?`,
    `This llama-quantize knows ${known.join(", ")}.`,
  );
}

/**
 * Quantises a GGUF of 16 bits.
 *
 * @returns Tensors that had to take another type, because their rows are not a multiple of 256.
 * @throws {UserError} where llama-quantize fails, with its last words.
 */
export async function quantise(
  { program, input, output, type, imatrix, threads }: {
    program: string;
    input: string;
    output: string;
    type: string;
    imatrix?: string | undefined;
    threads?: number | undefined;
  },
  context: Context,
): Promise<{ fallbacks: number }> {
  context.emit({ type: "log", level: "info", message: `quantising to ${type}` });
  const args = [
    ...imatrix === undefined ? [] : ["--imatrix", imatrix],
    ...[input, output, type.toUpperCase()],
    ...threads === undefined ? [] : [String(threads)],
  ];
  let fallbacks = 0;
  const lines: string[] = [];
  const [command, line] = supervised(program, args);
  try {
    for await (const { line: said } of runProcess(command, line, { signal: context.signal })) {
      if (said.trim() !== "") lines.push(said);
      if (lines.length > 12) lines.shift();
      const [, done, total] = /^\[\s*(\d+)\/\s*(\d+)\]/.exec(said) ?? [];
      if (done !== undefined) {
        const counted = { done: Number(done), total: Number(total) };
        context.emit({ type: "progress", label: "quantising", ...counted, unit: "tensors" });
      }
      const [, count] = /(\d+) of \d+ tensor\(s\) (?:required fallback|incompatible)/.exec(said) ?? [];
      if (count !== undefined) fallbacks = Number(count);
    }
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const said = lines.join("\n");
    const hint = /imatrix|importance matrix/i.test(said)
      ? "This type needs an importance matrix (llama-imatrix makes one): give it by --imatrix."
      : undefined;
    throw new UserError(
      `Cannot quantise to ${type}: llama-quantize ended with exit code ${error.code}${diskWords(said)}\n` +
        lines.slice(-6).map((each) => `  ${each}`).join("\n"),
      { ...(hint === undefined ? {} : { hint }), cause: error },
    );
  }
  return { fallbacks };
}

/** llama-quantize calls a full disk `basic_ios::clear: iostream error`. */
function diskWords(said: string): string {
  return /No space left|os error 28\b|iostream error/i.test(said) ? " (No space left on device)" : "";
}
