/** Asks lib/python/merge_lora.py and checks what it answers. */
import { join } from "node:path";
import type { z } from "zod";
import { ToolError, UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { runPython } from "../core/python.ts";
import type { Context } from "../core/step.ts";

/**
 * Has the script do its work in the environment `train`, passes its events on, and answers what it left as JSON.
 *
 * @throws {UserError} where it fails, with its last words; the signal's reason when it fired.
 */
export async function runMergeScript<T extends z.ZodType>(
  work: "fetch" | "merge",
  request: Readonly<Record<string, unknown>>,
  answer: T,
  context: Context,
): Promise<z.output<T>> {
  const folder = await Deno.makeTempDir({ prefix: "voiceworks-merge-" });
  try {
    const paths = { request: join(folder, "request.json"), answer: join(folder, "answer.json") };
    await Deno.writeTextFile(paths.request, JSON.stringify(request));
    const args = [work, "--request", paths.request, "--answer", paths.answer];
    for await (const event of runPython("train", "merge_lora.py", args, context)) context.emit(event);
    // Python's JSON may say NaN.
    const text = (await readTextFile(paths.answer)).replace(/(:\s*)(?:NaN|-?Infinity)(?=\s*[,}\]])/g, "$1null");
    return answer.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof ToolError) throw scriptFailure(work, request, error);
    throw error;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What to tell of a script that failed. Where it only fetched, its last words say all: the trace before them is its own. */
export function scriptFailure(work: string, request: Readonly<Record<string, unknown>>, error: ToolError): UserError {
  const said = error.lastLines.join("\n");
  const what = work === "fetch" ? `Cannot fetch "${request.model}"` : `Cannot merge into "${request.base}"`;
  const last = error.lastLines.at(-1) ?? `it ended with exit code ${error.code}`;
  if (/No space left|os error 28\b/i.test(said)) {
    return new UserError(`${what}: the disk is full (No space left on device)`, { cause: error });
  }
  const hint = work === "fetch"
    ? "Name a folder instead, or make the hub reachable: HF_ENDPOINT and HF_TOKEN are used where they are set."
    : error.code === 137 || error.code === -9 || /out of memory|MemoryError|can't allocate/i.test(said)
    ? "Memory ran out: close other programs, merge on another machine, or leave measuring out by --no-verify."
    : undefined;
  const before = work === "fetch" ? "" : error.lastLines.slice(-6, -1).map((line) => `  ${line}`).join("\n");
  const message = `${what}: ${last}${/Error|Traceback/.test(said) && before ? `\n${before}` : ""}`;
  return new UserError(message, { ...(hint === undefined ? {} : { hint }), cause: error });
}
