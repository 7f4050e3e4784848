/** What models (or people) made of openings: the rows that `gaea:voice` keeps and that any other program may bring. */
import { basename } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { readJsonl } from "../core/jsonl.ts";
import type { Context } from "../core/step.ts";

/** A continuation. Other keys (sampling, model, timing) are kept as they are. */
export const Continuation = z.looseObject({
  /** The same on both sides of a comparison. */
  prompt_id: z.string().min(1),
  prompt: z.string(),
  /** Counts the answers to one prompt, from 0. */
  sample: z.int().nonnegative().default(0),
  /** What was written, without the prompt. */
  text: z.string(),
});
export type Continuation = z.infer<typeof Continuation>;

/** Other names that programs give to the same. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  prompt_id: ["id"],
  prompt: ["prefix"],
  text: ["continuation", "completion", "answer"],
};

const AnyContinuation = z.preprocess((row) => {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return row;
  const known: Record<string, unknown> = { ...row };
  for (const [name, others] of Object.entries(SYNONYMS)) {
    for (const other of others) if (known[name] === undefined && known[other] !== undefined) known[name] = known[other];
  }
  if (typeof known.prompt_id === "number") known.prompt_id = String(known.prompt_id);
  if (known.prompt === undefined) known.prompt = "";
  return known;
}, Continuation);

/**
 * Continuations out of a JSON Lines file, or a plain text, which counts as one.
 *
 * @throws {UserError} a file that is missing, empty or of another shape: the message names `file:line` and the cause.
 */
export async function readContinuations(
  path: string,
  context: Pick<Context, "signal" | "emit">,
): Promise<Continuation[]> {
  if (!/\.jsonl?$|\.ndjson$/i.test(path)) {
    const text = await readTextFile(path);
    if (text.trim() === "") throw empty(path);
    return [{ prompt_id: basename(path), prompt: "", sample: 0, text }];
  }
  const onTorn = (line: number) =>
    context.emit({ type: "drop", reason: "torn_line", count: 1, detail: `${path}:${line}` });
  const rows = await Array.fromAsync(readJsonl(path, AnyContinuation, { signal: context.signal, onTorn }));
  if (rows.length === 0) throw empty(path);
  return rows;
}

function empty(path: string): UserError {
  return new UserError(`Cannot use "${path}": it holds no continuations`, {
    exitCode: 2,
    hint: 'Rows look like {"prompt_id": "p1", "prompt": "…", "text": "…"}; deno task gaea:voice writes them.',
  });
}
