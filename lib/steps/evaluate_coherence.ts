/** Perplexity of both models on text that training did not see, kept so that it is not measured twice. */
import { basename, join } from "node:path";
import { z } from "zod";
import { messageOf, UserError } from "../core/errors.ts";
import { readTextFile, sha256, writeFileAtomic } from "../core/files.ts";
import { count } from "../core/format.ts";
import { readJsonl } from "../core/jsonl.ts";
import type { Context } from "../core/step.ts";
import { measureCoherence, measureGeneral, unseen } from "../evaluation/coherence.ts";
import type { Measure } from "../evaluation/measures.ts";
import { readGguf } from "../llm/gguf_header.ts";
import { measurePerplexity, type Perplexity } from "../llm/perplexity.ts";
import { Example } from "../records.ts";
import type { EvaluateOptions, EvaluatePaths } from "./evaluate_options.ts";
import { fingerprintOf } from "./evaluate_gguf.ts";
import { exists } from "./evaluate_models.ts";

const Score = z.object({
  ppl: z.number(),
  uncertainty: z.number(),
  bitsPerByte: z.number(),
  tokens: z.number(),
  bytes: z.number(),
  contextSize: z.number(),
  perChunk: z.array(z.object({ nll: z.number(), tokens: z.number(), bytes: z.number() })),
});
/** Scores by model, text and context size. */
const Cache = z.record(z.string(), Score);

/** The largest text that is scored, in characters: a thousand answers, hundreds of chunks. */
const MOST = 400_000;

interface Setting {
  readonly options: EvaluateOptions;
  readonly paths: EvaluatePaths;
  readonly context: Context;
}

/** The measures that need both models as GGUFs; what cannot be measured says why. */
export async function coherenceMeasures(
  models: { readonly tuned?: string | undefined; readonly base?: string | undefined },
  setting: Setting,
): Promise<Measure[]> {
  const { options, paths, context } = setting;
  const { tuned, base } = models;
  if (tuned === undefined || base === undefined) {
    const missing = tuned === undefined ? "--gguf" : "--base-gguf";
    return [measureCoherence(undefined, `perplexity needs both models as files: ${missing} is missing`)];
  }
  const own = await heldOut(setting);
  if (await formOf(tuned) !== await formOf(base)) {
    context.emit({
      type: "log",
      level: "warn",
      message: "the two GGUFs are quantised differently: what perplexity tells apart may be that",
    });
  }
  const measures: Measure[] = [];
  try {
    if (own.text === "") measures.push(measureCoherence(undefined, own.about));
    else measures.push(measureCoherence({ ...await both(tuned, base, own, setting), seed: options.seed }, ""));
    if (options.generalText !== undefined) {
      const text = (await readTextFile(options.generalText)).slice(0, MOST);
      const general = { text, about: `of ${basename(options.generalText)}` };
      measures.push(measureGeneral({ ...await both(tuned, base, general, setting), seed: options.seed }));
    }
  } catch (error) {
    if (context.signal.aborted || !(error instanceof UserError)) throw error;
    context.emit({ type: "log", level: "warn", message: `no perplexity: ${messageOf(error)}` });
    measures.push(measureCoherence(undefined, messageOf(error).split("\n")[0] ?? ""));
  }
  if (await exists(paths.perplexity)) {
    context.emit({ type: "artifact", path: paths.perplexity, title: "Perplexity" });
  }
  return measures;
}

/** The types of a file's tensors and how many there are of each: the same for models that were quantised alike. */
async function formOf(path: string): Promise<string> {
  const { tensors } = await readGguf(path);
  return JSON.stringify(
    [...Map.groupBy(tensors, ({ type }) => type)].map(([type, list]) => [type, list.length]).sort(),
  );
}

/** Answers of the held-out dataset that share nothing with the training data, or a text as it is. */
export async function heldOut({ options, paths, context }: Setting): Promise<{ text: string; about: string }> {
  if (!await exists(paths.heldout)) {
    if (options.heldout !== undefined) await readTextFile(paths.heldout); // Says what is wrong.
    return { text: "", about: `there is no held-out text: "${paths.heldout}"` };
  }
  if (!/\.jsonl$/i.test(paths.heldout)) {
    return { text: (await readTextFile(paths.heldout)).slice(0, MOST), about: `of ${basename(paths.heldout)}` };
  }
  const answersOf = async (path: string) =>
    (await Array.fromAsync(readJsonl(path, Example, { signal: context.signal, onTorn: () => {} })))
      .flatMap(({ messages }) => messages.filter(({ role }) => role === "assistant").map(({ content }) => content));
  const trained = await exists(paths.trained) ? await answersOf(paths.trained) : [];
  const { kept, seen } = unseen(await answersOf(paths.heldout), trained);
  if (seen > 0) {
    context.emit({ type: "drop", reason: "shares_words_with_training", count: seen, detail: paths.heldout });
  }
  const texts: string[] = [];
  for (let size = 0; texts.length < kept.length && size < MOST; size += texts.at(-1)?.length ?? 0) {
    texts.push(kept[texts.length] ?? "");
  }
  const name = basename(paths.heldout);
  return {
    text: texts.join("\n\n"),
    about: texts.length === 0 && seen > 0
      ? `all ${count(seen)} answers of ${name} share eight words in a row with the training data`
      : `${count(texts.length)} answers of ${name}`,
  };
}

async function both(
  tuned: string,
  base: string,
  { text, about }: { text: string; about: string },
  { options, paths, context }: Setting,
): Promise<{ tuned: Perplexity; base: Perplexity; text: string }> {
  const cache = await readCache(paths.perplexity);
  const file = join(paths.folder, `.held-out-${sha256(text).slice(0, 12)}.txt`);
  const contextSize = contextFor(text);
  try {
    await writeFileAtomic(file, text);
    const score = async (model: string): Promise<Perplexity> => {
      const key = `${await fingerprintOf(model)} ${sha256(text)} ${contextSize}`;
      const known = cache[key];
      if (known) return known;
      const { gpuLayers, threads } = options;
      const measured = await measurePerplexity({
        model,
        text: file,
        contextSize,
        ...(gpuLayers === undefined ? {} : { gpuLayers }),
        ...(threads === undefined ? {} : { threads }),
      }, context);
      cache[key] = { ...measured, perChunk: [...measured.perChunk] };
      await writeFileAtomic(paths.perplexity, JSON.stringify(cache, undefined, 1) + "\n");
      return measured;
    };
    return { tuned: await score(tuned), base: await score(base), text: about };
  } finally {
    await Deno.remove(file).catch(() => {});
  }
}

/** A context of 512 tokens, or less where a short text would make fewer than some sixteen chunks of it. */
function contextFor(text: string): number {
  const tokens = text.length / 4; // About, in English.
  let size = 512;
  while (size > 64 && tokens / size < 16) size /= 2;
  return size;
}

/** A cache that cannot be read is as good as none. */
async function readCache(path: string): Promise<z.output<typeof Cache>> {
  try {
    return Cache.parse(JSON.parse(await Deno.readTextFile(path)));
  } catch {
    return {};
  }
}
