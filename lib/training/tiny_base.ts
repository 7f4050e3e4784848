/** A base model that is made here, in seconds and without a network: for the rehearsal, for tests, for trying a recipe. */
import { join } from "node:path";
import { cleanBook, RefusedBook } from "../corpus/clean.ts";
import { splitParagraphs } from "../corpus/paragraphs.ts";
import { readBytes, readTextFile, sha256, writeFileAtomic } from "../core/files.ts";
import { cacheDir, WORKSPACE } from "../core/paths.ts";
import { runPython } from "../core/python.ts";
import type { Context } from "../core/step.ts";
import { makeOnce, removeAll } from "../llm/llama_cpp_cache.ts";

export interface TinyBaseOptions {
  /** The same seed makes the same model, on the same machine. @default {1969} */
  readonly seed?: number;
  /** Training steps. @default {120} */
  readonly steps?: number;
  /** Layers of 256 × 512. @default {3} */
  readonly layers?: number;
}

/**
 * A Hugging Face folder with a small Llama (hidden size 256, so that K-quants are real) that was taught the sample texts
 * as they are and as answers in ChatML. Its tokenizer is SentencePiece (`tokenizer.model`, as llama.cpp's converter asks
 * for) and the same once more as `tokenizer.json`; its chat template marks what the assistant says. Made once, then
 * taken from the cache folder.
 *
 * @throws {ToolError} where the script fails.
 *
 * @example
 * ```ts ignore
 * const folder = await makeTinyBase(context); // ~/.cache/voiceworks/tiny-base-0123456789ab
 * ```
 */
export async function makeTinyBase(context: Context, options: TinyBaseOptions = {}): Promise<string> {
  const { seed = 1969, steps = 120, layers = 3 } = options;
  const texts = await sampleTexts();
  const script = await readTextFile(join(WORKSPACE, "lib", "python", "tiny_base.py"));
  const key = sha256(JSON.stringify([script, texts, seed, steps, layers])).slice(0, 12);
  const folder = join(cacheDir(context.env), `tiny-base-${key}`);
  await makeOnce(folder, "the tiny base model", context, async () => {
    context.emit({ type: "log", level: "info", message: `making a tiny base model in ${folder} (once)` });
    await removeAll(folder); // What an interrupted run left.
    const input = join(folder, "texts.json");
    await writeFileAtomic(input, JSON.stringify(texts));
    const args = ["--texts", input, "--output", folder, "--seed", seed, "--steps", steps, "--layers", layers];
    for await (const event of runPython("train", "tiny_base.py", args.map(String), context)) context.emit(event);
    await Deno.remove(input);
  });
  return folder;
}

/** Paragraphs of the sample books, in a fixed order. */
async function sampleTexts(): Promise<string[]> {
  const paths = await textFiles(join(WORKSPACE, "data-samples", "mirror"));
  const texts: string[] = [];
  for (const path of paths) {
    try {
      const { text } = cleanBook(await readBytes(path));
      texts.push(...splitParagraphs(text).map(({ start, end }) => text.slice(start, end)));
    } catch (error) {
      if (!(error instanceof RefusedBook)) throw error; // One of the samples is there to be refused.
    }
  }
  return texts;
}

async function textFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) paths.push(...await textFiles(join(folder, name)));
    else if (name.endsWith(".txt")) paths.push(join(folder, name));
  }
  return paths.sort();
}
