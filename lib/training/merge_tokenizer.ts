/** Which tokenizer a merged model carries: its base's, or the one that the run saved. */
import { join } from "node:path";
import { UsageError } from "../core/errors.ts";
import { sha256File } from "../core/files.ts";
import { isFolder } from "../llm/llama_cpp_cache.ts";
import type { Adapter } from "./adapter.ts";
import { runOf } from "./candidates.ts";
import type { MergeBase } from "./merge_base.ts";
import { error, type Finding, ok } from "./preflight/finding.ts";
import { runPaths } from "./run_file.ts";

export type TokenizerFrom = "base" | "run";

/** What a merged model takes over as it is. */
export interface Companions {
  /** Name of each file, and the folder that it is copied from. */
  readonly files: Readonly<Record<string, string>>;
  /** Whose tokenizer and chat template they are. */
  readonly from: TokenizerFrom;
  /** Folder that it is loaded from. */
  readonly tokenizer: string;
}

const TEMPLATE = /^chat_template\.(?:jinja|json)$/;
const TOKENIZER =
  /^(?:tokenizer(?:_config)?\.json|tokenizer\.model|special_tokens_map\.json|added_tokens\.json|vocab\.(?:json|txt)|merges\.txt)$/;
/** Of another folder's files: what it may say differently is its own affair, but for these. */
const SPEAKS = /token|vocab|merges|template|spiece|added/i;

/**
 * Chooses the files. Tokenizers that a newer transformers writes anew may not be read by older programs, so the base's own
 * are the rule. A run that was trained by another chat template than the base's (Axolotl's `chat_template: llama3` writes
 * no date, Llama 3.1's own does) must be served by that one.
 *
 * @throws {UsageError} where the run saved no tokenizer.
 */
export async function companionsOf(
  base: MergeBase,
  adapter: Adapter | undefined,
  wanted: TokenizerFrom,
): Promise<Companions> {
  const files = Object.fromEntries(base.companions.map((name) => [name, base.folder]));
  if (wanted === "base" || !adapter) return { files, from: "base", tokenizer: base.folder };
  const run = runOf(adapter.path);
  for (const folder of [adapter.path, ...run === undefined ? [] : [runPaths(run).final, run]]) {
    const names = (await namesIn(folder)).filter((name) => TOKENIZER.test(name) || TEMPLATE.test(name));
    if (!names.includes("tokenizer_config.json")) continue;
    // A template of the base beside that of the run would be read first by one program and second by another.
    const kept = Object.entries(files).filter(([name]) => !TEMPLATE.test(name));
    const own = names.map((name) => [name, folder]);
    return { files: Object.fromEntries([...kept, ...own]), from: "run", tokenizer: folder };
  }
  throw new UsageError(
    `Cannot keep the tokenizer of the run: there is no tokenizer_config.json beside "${adapter.path}"`,
    "Take the base's own, if it was trained by that: --tokenizer-from base.",
  );
}

/** Whether a merged model has the tokenizer that it should. */
export async function compareCompanions({ files, from }: Companions, merged: string): Promise<Finding> {
  const there = await namesIn(merged);
  const same = async (name: string, folder: string) =>
    there.includes(name) && await sha256File(join(merged, name)) === await sha256File(join(folder, name));
  const wrong: string[] = [];
  for (const [name, folder] of Object.entries(files).filter(([name]) => SPEAKS.test(name))) {
    if (!await same(name, folder)) wrong.push(name);
  }
  const strange = there.filter((name) => TEMPLATE.test(name) && !(name in files));
  if (wrong.length === 0 && strange.length === 0) {
    return ok("tokenizer", `tokenizer, vocabulary and chat template are the ${from}'s own files`);
  }
  return error(
    "tokenizer",
    [
      ...wrong.length > 0 ? [`${wrong.join(", ")}: missing or not the ${from}'s own`] : [],
      ...strange.length > 0 ? [`${strange.join(", ")}: the ${from} has none`] : [],
    ].join("; "),
    `Merge again, or make them those of the ${from}; whose they are to be says --tokenizer-from.`,
  );
}

/** None of a folder that is not there. */
async function namesIn(folder: string): Promise<string[]> {
  if (!await isFolder(folder)) return [];
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => name).sort();
}
