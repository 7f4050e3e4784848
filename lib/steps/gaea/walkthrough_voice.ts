/** Voices in a notebook: what is at hand, else recordings and texts whose answer is known. */
import { join } from "node:path";
import { UserError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { readJsonl, writeJsonl } from "../../core/jsonl.ts";
import { WORKSPACE } from "../../core/paths.ts";
import { serverStatus } from "../../llm/models.ts";
import { apiToken } from "../../llm/server.ts";
import type { Context } from "../../core/step.ts";
import { cutPieces } from "../../evaluation/style/pieces.ts";
import { gaeaPaths } from "./paths.ts";
import { PORTS, type Side } from "./serve_plan.ts";
import { voice, type VoiceResult } from "./voice.ts";
import { newestVoices } from "./voice_files.ts";
import { VoiceRow } from "./voice_rows.ts";

const SAMPLES = join(WORKSPACE, "data-samples");

export interface VoicesAtHand {
  readonly base: readonly VoiceRow[];
  readonly tuned: readonly VoiceRow[];
  /** Where they come from, in a sentence. */
  readonly source: string;
  readonly recorded: boolean;
}

/** Asks those of the two sides whose server answers on its port; says which ones do not. */
export async function askServed(options: Readonly<Record<string, unknown>>, context: Context): Promise<VoiceResult[]> {
  const results: VoiceResult[] = [];
  for (const [side, port] of Object.entries(PORTS) as [Side, number][]) {
    const url = `http://127.0.0.1:${port}`;
    const { models } = await serverStatus(url, { fetch: context.fetch, token: apiToken(context.env) });
    if (models.length === 0) {
      context.emit({ type: "log", level: "info", message: `nobody serves the ${side} model at ${url}` });
      continue;
    }
    const flags = side === "base" ? { baseline: true } : { finetuned: true };
    results.push(await voice.run(voice.options.parse({ ...options, ...flags, url }), context));
  }
  return results;
}

/** The newest continuations of both sides, else recorded ones. */
export async function voicesAtHand(dataDir: string, context: Context): Promise<VoicesAtHand> {
  const read = (path: string) => Array.fromAsync(readJsonl(path, VoiceRow, { signal: context.signal }));
  try {
    const { base, tuned } = await newestVoices(join(gaeaPaths(dataDir, context.env).root, "benchmarks"));
    return { base: await read(base), tuned: await read(tuned), source: `${base} and ${tuned}`, recorded: false };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    context.emit({ type: "log", level: "warn", message: `${error.message}: what follows is a recording` });
  }
  const recorded = (side: string) => read(join(SAMPLES, "recorded", `voice_${side}.jsonl`));
  return {
    base: await recorded("baseline"),
    tuned: await recorded("finetuned"),
    source: "a recording: both sides were written by hand, in the manner of a base and of a tuned model",
    recorded: true,
  };
}

/** Files for a comparison whose answer is known. */
export interface KnownAnswer {
  readonly author: string;
  readonly validation: string;
  readonly base: string;
  readonly tuned: string;
}

/** Words of a passage. */
const PASSAGE = 250;

/**
 * Writes texts of which it is known how far the second is from the first: the base is a story in another hand, the tuned
 * model is half of that story and half the sample manuscript's own author. A good measure says: about half of the way.
 */
export async function knownAnswer(dataDir: string, context: Pick<Context, "env">): Promise<KnownAnswer> {
  const read = (...path: string[]) => readTextFile(join(SAMPLES, ...path));
  const own = cutPieces(await read("manuscript", "one_over.md"), PASSAGE);
  const other = cutPieces(await read("contrast", "the_clock_at_dunning.txt"), PASSAGE);
  const folder = join(gaeaPaths(dataDir, context.env).root, "known_answer");
  const path = (name: string) => join(folder, name);
  const deal = (parts: readonly number[]) => own.filter((_, at) => parts.includes(at % 6));
  const example = (text: string) => {
    const cut = text.indexOf(" ", 100) + 1;
    return {
      messages: [{ role: "user", content: text.slice(0, cut) }, { role: "assistant", content: text.slice(cut) }],
    };
  };
  const row = (text: string, at: number) => ({ prompt_id: `passage ${at + 1}`, prompt: "", sample: 0, text });
  const mine = deal([5]);
  await writeJsonl(path("training.jsonl"), deal([0, 2, 4]).map(example));
  await writeJsonl(path("validation.jsonl"), deal([1, 3]).map(example));
  await writeJsonl(path("base.jsonl"), other.map(row));
  await writeJsonl(
    path("tuned.jsonl"),
    other.map((text, at) => at % 2 === 0 ? text : mine[(at - 1) / 2] ?? text).map(row),
  );
  return {
    author: path("training.jsonl"),
    validation: path("validation.jsonl"),
    base: path("base.jsonl"),
    tuned: path("tuned.jsonl"),
  };
}

export interface SourcesAtHand {
  /** Options of gaea:compare. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly source: string;
  readonly known: boolean;
}

/** What to compare: the newest continuations and the training text, else texts whose answer is known. */
export async function sourcesAtHand(dataDir: string, context: Context): Promise<SourcesAtHand> {
  const { root, training, validation } = gaeaPaths(dataDir, context.env);
  try {
    const voices = await newestVoices(join(root, "benchmarks"));
    await Promise.all([Deno.stat(training), Deno.stat(validation)]);
    return { options: { ...voices, dataDir }, source: `${voices.base} and ${voices.tuned}`, known: false };
  } catch (error) {
    if (!(error instanceof UserError || error instanceof Deno.errors.NotFound)) throw error;
  }
  const message = `no continuations in "${root}": what follows are texts whose answer is known`;
  context.emit({ type: "log", level: "warn", message });
  const options = await knownAnswer(dataDir, context);
  return {
    options: { ...options, output: join(root, "known_answer", "comparison.json") },
    source: "texts whose answer is known",
    known: true,
  };
}
