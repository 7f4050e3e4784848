/** Curated chunks into training examples: the opening of each is the prompt, all the rest is what the model learns. */
import { z } from "zod";
import { UsageError, UserError } from "../../core/errors.ts";
import { count } from "../../core/format.ts";
import { type Context, defineStep } from "../../core/step.ts";
import { textTable } from "../../core/text_table.ts";
import { fetchTokenizer } from "../../corpus/tokens.ts";
import { type ChatCounter, chatCounter } from "../../manuscript/chat_count.ts";
import { cutPrefix, type PrefixShares } from "../../manuscript/prefix.ts";
import {
  type ChunkText,
  draftExamples,
  type ExampleFigures,
  figuresOf,
  type LongChunk,
  messagesOf,
} from "../../manuscript/examples.ts";
import { gaeaPaths } from "./paths.ts";
import { dealExamples } from "./prepare_deal.ts";
import { readBeforeSplits, readChunkFolder, type SkippedFile } from "./prepare_folder.ts";
import { type PreparePaths, preparePaths, type PrepareStats, writePrepared } from "./prepare_write.ts";

const options = z.object({
  input: z.string().optional().describe("Folder of the chunks; default: <data-dir>/gaea/curated"),
  output: z.string().optional().describe(
    "Training examples (JSON Lines); default: <data-dir>/gaea/processed/visions_training.jsonl. Figures go beside it, to …_stats.json, and what is left out to …_rejects.jsonl",
  ),
  validation: z.string().optional().describe("Validation examples; default: validation.jsonl beside the output"),
  minTokens: z.int().min(1).default(400).describe("A chunk with fewer tokens makes no example"),
  maxTokens: z.int().min(1).default(4000).describe(
    "A chunk with more tokens is an error, with a proposal where to cut it",
  ),
  sequenceLength: z.int().min(1).default(4096).describe(
    "What the model is trained on at once; no example may be longer",
  ),
  tokenizer: z.string().default("o200k").describe(
    "Whose tokens count: the model's own folder or hub id, with its chat template, for exact figures; or o200k, which needs no model and is near",
  ),
  prefixLeast: z.number().gt(0).lt(1).default(0.05).describe("Share of a chunk that its opening holds at least"),
  prefixMost: z.number().gt(0).lt(1).default(0.1).describe("Share of a chunk that its opening holds at most"),
  trainRatio: z.number().gt(0).lt(1).default(0.9).describe("Share of the examples for training; the others validate"),
  splitBy: z.enum(["scene", "chapter", "chunk"]).default("scene").describe(
    "What goes to one side whole: the parts of a scene that was cut, all chunks of a chapter, or each chunk for itself",
  ),
  seed: z.int().min(0).default(1969).describe("Draws which examples validate"),
  overwrite: z.boolean().default(false).describe("Replace what an earlier run prepared"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
type PrepareOptions = z.output<typeof options>;

export interface PrepareResult {
  readonly paths: PreparePaths;
  readonly stats: PrepareStats;
}

/** Reads, cuts, counts, deals and writes. */
export const prepare = defineStep({
  name: "gaea:prepare",
  summary: "Makes a training example of each chunk: its opening, and how it goes on",
  options,
  files(options, { env }) {
    const { input, training, validation } = pathsOf(options, env);
    return { reads: [input], writes: [training, validation] };
  },
  async run(options, context): Promise<PrepareResult> {
    const { input, ...paths } = pathsOf(options, context.env);
    await checkOptionsAndOutput(options, paths);
    const { emit } = context;
    const { chunks, skipped } = await readChunkFolder(input, context);
    tellSkipped(skipped, emit);
    const tokenizer = await fetchTokenizer(options.tokenizer, context);
    const counter = await chatCounter(tokenizer);
    if (counter.template === undefined) tellInexact(options.tokenizer, emit);
    const limit = Math.min(options.maxTokens, options.sequenceLength);
    const shares = { least: options.prefixLeast, most: options.prefixMost };
    const { drafts, rejected, long } = draftExamples(chunks, {
      shares,
      minTokens: options.minTokens,
      limit,
      count: counter.count,
    });
    if (long.length > 0) throw tooLong(long, limit);
    for (const { file, reason, detail } of rejected) emit({ type: "drop", reason, count: 1, id: file, detail });
    if (drafts.length < 2) {
      throw new UserError(
        `Cannot prepare "${input}": ${
          drafts.length === 0 ? "no chunk makes" : "only one chunk makes"
        } an example, and two are needed: one to learn from, one to validate with`,
        {
          hint: rejected.map(({ file, detail }) => `${file}: ${detail}`).slice(0, 5).join("\n") || "Give more chunks.",
        },
      );
    }
    for (const { file, share, inRange } of drafts) {
      if (!inRange) emit({ type: "log", level: "warn", message: outOfRange(file, share, shares) });
    }
    context.signal.throwIfAborted();
    const sides = await dealExamples(drafts, input, options, emit);
    const validating = sides.filter((side) => side === "val").length;
    const before = await readBeforeSplits(input, chunks);
    const stats = await writePrepared(paths, {
      drafts,
      sides,
      rejected,
      skipped,
      figures: {
        tokenizer: options.tokenizer,
        template: counter.template ?? null,
        limit,
        min_tokens: options.minTokens,
        prefix_least: shares.least,
        prefix_most: shares.most,
        before: before ? beforeFigures(before, counter, shares, options) : null,
        after: {
          ...figuresOf(drafts.map(({ tokens }) => tokens), {
            training: drafts.length - validating,
            validation: validating,
          }),
          chunks: chunks.length,
        },
      },
    });
    emit({ type: "artifact", path: paths.training, title: "Training examples", rows: stats.after.training });
    emit({ type: "artifact", path: paths.validation, title: "Validation examples", rows: stats.after.validation });
    return { paths, stats };
  },
  report: ({ stats, paths }) =>
    [
      `${count(stats.after.training)} examples to train on, ${count(stats.after.validation)} to validate with, ` +
      `${count(stats.after.max_tokens)} tokens at most`,
      "",
      figuresTable(stats),
      "",
      stats.template === null
        ? `Tokens are near, not exact: ${stats.tokenizer} has no chat template`
        : `Tokens are exact, by the chat template of ${stats.tokenizer}`,
      `Read the openings: deno task gaea:check-prefixes --input ${paths.training}`,
    ].join("\n"),
});

/** The table of figures, before and after scenes were cut. */
export function figuresTable({ before, after }: Pick<PrepareStats, "before" | "after">): string {
  const rows: [string, keyof ExampleFigures][] = [
    ["Total chunks", "chunks"],
    ["Training examples", "training"],
    ["Validation examples", "validation"],
    ["Max tokens", "max_tokens"],
    ["Avg tokens", "avg_tokens"],
    ["Examples > 3000 tokens", "over_3000"],
    ["Examples > 4000 tokens", "over_4000"],
  ];
  return textTable(
    before ? ["Metric", "Before splits", "After splits"] : ["Metric", "Now"],
    rows.map(([title, key]) => [title, ...(before ? [Math.round(before[key])] : []), Math.round(after[key])]),
  );
}

async function checkOptionsAndOutput(options: PrepareOptions, paths: PreparePaths): Promise<void> {
  const faults: string[] = [];
  const { minTokens, maxTokens, sequenceLength, prefixLeast, prefixMost } = options;
  if (minTokens >= Math.min(maxTokens, sequenceLength)) {
    faults.push(`Cannot use --min-tokens ${minTokens}: it must be below --max-tokens and --sequence-length`);
  }
  if (prefixLeast >= prefixMost) {
    faults.push(`Cannot use --prefix-least ${prefixLeast}: it must be below --prefix-most ${prefixMost}`);
  }
  if (paths.training === paths.validation) faults.push(`Cannot write both sides to "${paths.training}"`);
  if (faults.length > 0) throw new UsageError(faults);
  if (options.overwrite) return;
  for (const path of [paths.training, paths.validation]) {
    if (await Deno.stat(path).then(() => true, () => false)) {
      throw new UsageError(`Cannot write "${path}": it exists already`, "Prepare anew by --overwrite.");
    }
  }
}

function tellSkipped(skipped: readonly SkippedFile[], emit: Context["emit"]): void {
  if (skipped.length === 0) return;
  const list = skipped.map(({ file, reason }) => `${file} (${reason})`);
  const more = list.length > 8 ? ` and ${list.length - 8} more` : "";
  emit({ type: "log", level: "info", message: `Not taken for chunks: ${list.slice(0, 8).join(", ")}${more}` });
}

function tellInexact(tokenizer: string, emit: Context["emit"]): void {
  emit({
    type: "log",
    level: "warn",
    message: tokenizer === "o200k"
      ? "Token counts are near, not exact: give the folder or the hub id of the model that is trained by --tokenizer"
      : `"${tokenizer}" has no chat template: what a template writes around the texts is reckoned as Llama 3.1's`,
  });
}

function tooLong(long: readonly LongChunk[], limit: number): UserError {
  const told = long.map(({ file, tokens, parts }) => {
    const stem = file.replace(/\.\w+$/, "");
    const cuts = parts.map(({ words, begins, why }, at) =>
      `  ${stem}${String.fromCharCode(97 + at)}  ${count(words)} words  "${begins}…"${why ? `  (${why})` : ""}`
    );
    return [
      `Cannot train on "${file}": it has ${count(tokens)} tokens, and at most ${count(limit)} fit`,
      ...(cuts.length > 1
        ? cuts
        : ["  It has no change of place, time or topic outside its conversations to cut it at."]),
    ].join("\n");
  });
  return new UserError(told.join("\n"), {
    hint: "Cut the files there, or curate again with a smaller --max-words. Nothing was written.",
  });
}

function outOfRange(file: string, share: number, { least, most }: PrefixShares): string {
  return `The opening of "${file}" holds ${(100 * share).toFixed(1)} % of it: no sentence ends between ${
    100 * least
  } and ${100 * most} %`;
}

/** Figures of the chunks before some were cut, dealt by the same ratio. */
function beforeFigures(
  chunks: readonly ChunkText[],
  { count }: ChatCounter,
  shares: PrefixShares,
  { trainRatio }: PrepareOptions,
): ExampleFigures {
  const tokens = chunks.flatMap(({ text }) => {
    const cut = cutPrefix(text, shares);
    return cut ? [count(messagesOf(cut))] : [];
  });
  const validation = Math.max(1, Math.round(tokens.length * (1 - trainRatio)));
  return { ...figuresOf(tokens, { training: tokens.length - validation, validation }), chunks: chunks.length };
}

function pathsOf(options: PrepareOptions, env: Context["env"]): PreparePaths & { input: string } {
  const defaults = gaeaPaths(options.dataDir, env);
  const training = options.output ?? defaults.training;
  const validation = options.validation ?? training.replace(/[^\\/]*$/, "validation.jsonl");
  return { input: options.input ?? defaults.curated, ...preparePaths(training, validation) };
}
