/** How well a GGUF predicts a text, and how far a quantised one strays from its original: by llama-perplexity. */
import { z } from "zod";
import { ToolError, UserError } from "../core/errors.ts";
import { fileError, readTextFile } from "../core/files.ts";
import { runProcess } from "../core/python_process.ts";
import type { Context } from "../core/step.ts";
import { llamaProgram } from "./llama_cpp.ts";
import { startLlamaServer } from "./llama_server.ts";
import { loadHint, supervised } from "./llama_server_process.ts";
import {
  isComplaint,
  type KlStatistics,
  parseChunks,
  parseFinal,
  parseKlRow,
  parseKlStatistics,
  parseScore,
  parseTooFew,
} from "./perplexity_output.ts";

export type { KlStatistics, Measured } from "./perplexity_output.ts";

export interface PerplexityOptions {
  /** Path of a GGUF. */
  readonly model: string;
  /**
   * Path of a text. Marks of a chat template in it are read as plain characters: llama-perplexity knows no special
   * tokens, so give it prose.
   */
  readonly text: string;
  /**
   * Tokens of a chunk; the second half of each is scored, the first is what the model sees before it. Halved as often as
   * a short text needs it. @default {512}
   */
  readonly contextSize?: number;
  /** Chunks at most; without it, as many as the text has. */
  readonly chunks?: number;
  /** Layers put on the GPU; without it as many as fit. */
  readonly gpuLayers?: number;
  readonly threads?: number;
}

export interface ChunkScore {
  /** Mean of −ln p of the tokens that were scored. */
  readonly nll: number;
  /** Tokens scored. */
  readonly tokens: number;
  /** UTF-8 bytes of those tokens. */
  readonly bytes: number;
}

export interface Perplexity {
  /** exp of the mean of −ln p: not to be compared between tokenizers. */
  readonly ppl: number;
  /** Standard error of `ppl` as llama-perplexity reckons it. */
  readonly uncertainty: number;
  /** Σ −ln p / (ln 2 · UTF-8 bytes scored): the same measure for any tokenizer. */
  readonly bitsPerByte: number;
  /** Tokens scored, all chunks together. */
  readonly tokens: number;
  readonly bytes: number;
  /** The one that was used. */
  readonly contextSize: number;
  /** Of two models with the same tokenizer, at the same context size, chunk n is the same text: pairs for a paired test. */
  readonly perChunk: readonly ChunkScore[];
}

/** Below this a chunk has hardly a past to predict from. */
const SHORTEST = 32;

/**
 * Scores a text. Only the second half of every chunk counts, so that each token has a past of half a context at least;
 * the bytes of exactly these tokens are asked of llama-server's tokenizer, which makes bits per byte exact.
 *
 * @throws {UserError} a text that is too short, a model that does not load, figures that are none.
 *
 * @example
 * ```ts ignore
 * const { bitsPerByte, perChunk } = await measurePerplexity({ model: "voice.gguf", text: "held-out.txt" }, context);
 * ```
 */
export async function measurePerplexity(options: PerplexityOptions, context: Context): Promise<Perplexity> {
  const { contextSize, scores, uncertainty } = await score(options, [], context);
  const sizes = await tokenSizes(options, context);
  const first = contextSize / 2 + 1;
  const perChunk = scores.map((score, at): ChunkScore => {
    const before = scores[at - 1];
    // What is printed is the mean over all chunks so far; each has the same number of tokens.
    const nll = score.nll * (at + 1) - (before?.nll ?? 0) * at;
    const scored = sizes.slice(at * contextSize + first, (at + 1) * contextSize);
    return { nll, tokens: contextSize - first, bytes: scored.reduce((sum, size) => sum + size, 0) };
  });
  const mean = scores.at(-1)?.nll ?? NaN;
  const tokens = perChunk.reduce((sum, chunk) => sum + chunk.tokens, 0);
  const bytes = perChunk.reduce((sum, chunk) => sum + chunk.bytes, 0);
  if (sizes.length < scores.length * contextSize || bytes === 0) {
    throw new UserError(`Cannot score "${options.text}": llama-server and llama-perplexity divide it differently`, {
      hint: "Both programs must come from the same llama.cpp: look at LLAMA_CPP_BIN, LLAMA_CPP_DIR and PATH.",
    });
  }
  return {
    ppl: Math.exp(mean),
    uncertainty,
    bitsPerByte: mean * tokens / (Math.LN2 * bytes),
    tokens,
    bytes,
    contextSize,
    perChunk,
  };
}

export interface KlOptions extends Omit<PerplexityOptions, "model"> {
  /** Path of the GGUF that is taken for the truth: f16 or bf16. */
  readonly reference: string;
  /** Path of the quantised GGUF. */
  readonly model: string;
  /** Chunks at most: 20 to 50 are enough. @default {40} */
  readonly chunks?: number;
  /**
   * Path of a file for the reference's predictions, which must not exist; it is removed at the end. It takes chunks ×
   * contextSize × vocabulary bytes: 3 GB for 40 chunks of 512 tokens and a vocabulary of 152,000.
   */
  readonly scratch: string;
}

export interface KlDivergence extends KlStatistics {
  readonly contextSize: number;
  readonly chunks: number;
  /** Tokens compared. */
  readonly tokens: number;
}

/**
 * Kullback-Leibler divergence of a quantised model from its original, token by token over a text.
 *
 * @throws {UserError} as `measurePerplexity`; vocabularies that differ; a disk that is too full for the scratch file.
 */
export async function klDivergence(options: KlOptions, context: Context): Promise<KlDivergence> {
  const { reference, model, scratch, chunks = 40, ...rest } = options;
  const base = ["--kl-divergence-base", scratch];
  try {
    const scored = await score({ ...rest, chunks, model: reference }, base, context);
    await checkScratch(scratch);
    const { contextSize } = scored;
    const lines = await run(
      { ...rest, model },
      contextSize,
      [...base, "--kl-divergence"],
      { label: "KL divergence", isRow: (line) => parseKlRow(line) !== undefined },
      context,
    );
    const statistics = parseKlStatistics(lines);
    if (!statistics || !Number.isFinite(statistics.meanKld.value)) throw unreadable(model, lines);
    const tokens = scored.scores.length * (contextSize / 2 - 1);
    return { ...statistics, contextSize, chunks: scored.scores.length, tokens };
  } finally {
    await Deno.remove(scratch).catch(() => {});
  }
}

async function score(options: PerplexityOptions, extra: readonly string[], context: Context) {
  const { model, text, chunks } = options;
  await readTextFile(text);
  const limit = chunks === undefined ? [] : ["--chunks", String(chunks)];
  const rows = { label: "perplexity", isRow: (line: string) => parseScore(line) !== undefined };
  let contextSize = options.contextSize ?? 512;
  for (;;) {
    const args = ["--ppl-output-type", "1", ...limit, ...extra];
    const lines = await run(options, contextSize, args, rows, context);
    const [tokens] = lines.flatMap((line) => parseTooFew(line) ?? []);
    if (tokens !== undefined) {
      while (contextSize > tokens / 2) contextSize /= 2;
      if (contextSize < SHORTEST) {
        throw new UserError(`Cannot score "${text}": it has ${tokens} tokens, and ${2 * SHORTEST} are needed at least`);
      }
      continue;
    }
    const scores = lines.flatMap((line) => parseScore(line) ?? []);
    const [final] = lines.flatMap((line) => parseFinal(line) ?? []);
    const last = scores.at(-1);
    if (!last) throw unreadable(model, lines);
    if (!Number.isFinite(last.nll)) {
      throw new UserError(
        `Cannot score with "${model}": it predicts no numbers (${last.nll}), so its weights are damaged`,
      );
    }
    return { contextSize, scores, uncertainty: final?.error ?? NaN };
  }
}

/** Runs the program and answers all its lines. @throws {UserError} where it gave up, by its exit code or by its words. */
async function run(
  { model, text, gpuLayers, threads }: PerplexityOptions,
  contextSize: number,
  args: readonly string[],
  rows: { label: string; isRow: (line: string) => boolean },
  context: Context,
): Promise<string[]> {
  if (contextSize % 2 !== 0) throw new Error(`a context of ${contextSize} has no half`);
  const program = await llamaProgram("llama-perplexity", context);
  const all = [
    ...["--model", model, "--file", text],
    // One chunk at a time: several at once take memory for the logits of each.
    ...["--ctx-size", String(contextSize), "--batch-size", String(contextSize)],
    ...gpuLayers === undefined ? [] : ["--n-gpu-layers", String(gpuLayers)],
    ...threads === undefined ? [] : ["--threads", String(threads)],
    "--no-warmup",
    ...args,
  ];
  const lines: string[] = [];
  let done = 0;
  let total: number | undefined;
  const [command, line] = supervised(program, all);
  try {
    for await (const { line: said } of runProcess(command, line, { signal: context.signal })) {
      lines.push(said);
      total ??= parseChunks(said);
      if (!rows.isRow(said)) continue;
      const known = total === undefined ? {} : { total };
      context.emit({ type: "progress", label: rows.label, done: ++done, ...known, unit: "chunks" });
    }
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw failed(model, `it ended with exit code ${error.code}`, lines, error.code);
  }
  if (lines.some(isComplaint)) throw failed(model, "it gave up", lines.filter(isComplaint), 0);
  return lines;
}

function failed(model: string, how: string, lines: readonly string[], code: number): UserError {
  const last = lines.filter((line) => line.trim() !== "").slice(-12);
  const hint = /inconsistent vocabulary/.test(lines.join("\n"))
    ? "Compare a model with the one that it was quantised from."
    : loadHint(last.join("\n"), code);
  const said = last.map((line) => `  ${line}`).join("\n");
  return new UserError(`Cannot measure "${model}" with llama-perplexity: ${how}\n${said}`, { hint });
}

function unreadable(model: string, lines: readonly string[]): UserError {
  const said = lines.filter((line) => line.trim() !== "").slice(-6).map((line) => `  ${line}`).join("\n");
  return new UserError(`Cannot measure "${model}": llama-perplexity gave no figures\n${said}`, {
    hint:
      "The text may be too short (100 scored tokens are the least), or this llama-perplexity speaks another language.",
  });
}

/**
 * llama-perplexity does not notice that a disk is full. Its file is `_logits_`, context, vocabulary and chunks as 32-bit
 * numbers, the tokens, then for each scored token the predictions as 16-bit numbers (tools/perplexity/perplexity.cpp).
 */
async function checkScratch(path: string): Promise<void> {
  try {
    using file = await Deno.open(path);
    const head = new Uint8Array(20);
    await file.read(head);
    const view = new DataView(head.buffer);
    const [context = 0, vocabulary = 0, chunks = 0] = [8, 12, 16].map((at) => view.getInt32(at, true));
    const scored = chunks * (context - 1 - Math.floor(context / 2));
    const row = 2 * (2 * Math.floor((vocabulary + 1) / 2) + 4);
    if ((await file.stat()).size === 20 + chunks * context * 4 + scored * row) return;
  } catch (error) {
    throw fileError("write", path, error);
  }
  throw new UserError(`Cannot write "${path}": it is shorter than it should be, so the disk is full`, {
    hint: "Free some space, or compare fewer chunks.",
  });
}

const Tokens = z.object({ tokens: z.array(z.object({ piece: z.union([z.string(), z.array(z.number())]) })) });

/** UTF-8 bytes of every token, as llama-perplexity divides the text: no special tokens but a BOS before it. */
async function tokenSizes({ model, text, threads }: PerplexityOptions, context: Context): Promise<number[]> {
  const content = (await readTextFile(text)).replace(/\n$/, ""); // It drops one line end, too.
  const only = { contextSize: 64, parallel: 1, gpuLayers: 0, ...(threads === undefined ? {} : { threads }) };
  await using server = await startLlamaServer({ model, ...only }, context);
  const response = await context.fetch(`${server.url}/tokenize`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ content, add_special: true, parse_special: false, with_pieces: true }),
    signal: context.signal,
  });
  const { tokens } = Tokens.parse(await response.json());
  const encoder = new TextEncoder();
  return tokens.map(({ piece }) => typeof piece === "string" ? encoder.encode(piece).length : piece.length);
}
