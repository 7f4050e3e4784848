/** Where a blind trial takes its texts from. */
import { UserError } from "../../core/errors.ts";
import { readJsonl } from "../../core/jsonl.ts";
import type { Context } from "../../core/step.ts";
import type { Continued } from "../../evaluation/blind/trial.ts";
import { type Continuation, readContinuations } from "../../evaluation/continuations.ts";
import { Example } from "../../records.ts";
import { newestVoices } from "./voice_files.ts";

export interface BlindSources {
  /** Where gaea:voice keeps its continuations. */
  readonly benchmarks: string;
  readonly base: string | undefined;
  readonly tuned: string | undefined;
  readonly author: string;
  readonly validation: string;
}

/** The files of both sides: those that are named, else the newest. */
export async function blindVoices({ benchmarks, base, tuned }: BlindSources): Promise<{ base: string; tuned: string }> {
  return base !== undefined && tuned !== undefined ? { base, tuned } : await newestVoices(benchmarks);
}

/**
 * The continuations of both sides by prompt, the first sample of each, with the author's own where the held-out examples
 * have it.
 *
 * @throws {UserError} a file is missing or bad, or the two sides have no prompt in common.
 */
export async function pairContinuations(
  paths: { readonly base: string; readonly tuned: string },
  validation: string,
  context: Context,
): Promise<Continued[]> {
  const [first, second] = await Promise.all([
    readContinuations(paths.base, context),
    readContinuations(paths.tuned, context),
  ]);
  const tunedBy = byPrompt(second);
  const own = await authorsOwn(validation, context);
  const pairs = [...byPrompt(first).values()].flatMap((row): Continued[] => {
    const other = tunedBy.get(row.prompt_id);
    if (!other) return [];
    // gaea:voice keeps how the author went on with each opening; other programs may not.
    const author = own.get(row.prompt.trim()) ?? (typeof row.author === "string" ? row.author : undefined);
    return [{
      id: row.prompt_id,
      prompt: row.prompt,
      base: row.text,
      tuned: other.text,
      ...(author === undefined ? {} : { author }),
    }];
  });
  if (pairs.length === 0) {
    throw new UserError(`Cannot compare "${paths.base}" and "${paths.tuned}": they have no prompt in common`, {
      exitCode: 2,
      hint: "Both sides must answer the same prompts: run gaea:voice with the same validation file and seed.",
    });
  }
  const alone = first.length + second.length - 2 * pairs.length;
  const unpaired = new Set([...first, ...second].map((row) => row.prompt_id)).size - pairs.length;
  if (alone > 0 && unpaired > 0) context.emit({ type: "drop", reason: "unpaired_prompt", count: unpaired });
  return pairs;
}

function byPrompt(rows: readonly Continuation[]): Map<string, Continuation> {
  const first = new Map<string, Continuation>();
  for (const row of rows) if (!first.has(row.prompt_id)) first.set(row.prompt_id, row);
  return first;
}

/** The author's passages: the completions of the training examples. */
export async function authorPassages(path: string, context: Context): Promise<string[]> {
  const examples = await readExamples(path, context);
  if (examples.length === 0) throw new UserError(`Cannot use "${path}": it holds no examples`, { exitCode: 2 });
  return examples.map(({ completion }) => completion);
}

/** How the author went on, by the opening; nothing where there is no such file. */
async function authorsOwn(path: string, context: Context): Promise<Map<string, string>> {
  if (!await Deno.stat(path).then(() => true, () => false)) return new Map();
  return new Map((await readExamples(path, context)).map(({ prefix, completion }) => [prefix.trim(), completion]));
}

async function readExamples(path: string, { signal }: Context): Promise<{ prefix: string; completion: string }[]> {
  const examples = [];
  for await (const { messages } of readJsonl(path, Example, { signal })) {
    const said = (role: string) => messages.find((message) => message.role === role)?.content ?? "";
    examples.push({ prefix: said("user"), completion: said("assistant") });
  }
  return examples;
}
