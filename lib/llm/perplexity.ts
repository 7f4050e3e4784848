/** How well a GGUF predicts a text, and how far a quantised one strays from its original: by llama-perplexity. */
import { ToolError, UserError } from "../core/errors.ts";
import { fileError } from "../core/files.ts";
import { runProcess } from "../core/python_process.ts";
import type { Context } from "../core/step.ts";
import { llamaProgram } from "./llama_cpp.ts";
import { loadHint, supervised } from "./llama_server_process.ts";
import { type Divergence, isComplaint, parseChunks, parseDivergence, parseScore } from "./perplexity_output.ts";
import { type PerplexityOptions, type Plan, planChunks } from "./perplexity_plan.ts";

export type { Divergence, Measured } from "./perplexity_output.ts";
export type { PerplexityOptions } from "./perplexity_plan.ts";

export interface ChunkScore {
  /** Mean of −ln p of the tokens that were scored, to a millionth times the number of the chunk. */
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
  const plan = await planChunks(options, context);
  const { contextSize, sizes } = plan;
  const scores = await run({ ...options, ...plan, label: "perplexity", parse: parseScore }, [
    ...["--ppl-output-type", "1"],
  ], context);
  const first = contextSize / 2 + 1;
  const perChunk = scores.map(({ value }, at): ChunkScore => {
    // What is printed is the mean over all chunks so far; each has the same number of tokens.
    const nll = value * (at + 1) - (scores[at - 1]?.value ?? 0) * at;
    const scored = sizes.slice(at * contextSize + first, (at + 1) * contextSize);
    return { nll, tokens: scored.length, bytes: scored.reduce((sum, size) => sum + size, 0) };
  });
  const { value: mean, error } = scores.at(-1) ?? { value: NaN, error: NaN };
  if (!Number.isFinite(mean)) throw damaged(options.model, mean);
  const tokens = perChunk.reduce((sum, chunk) => sum + chunk.tokens, 0);
  const bytes = perChunk.reduce((sum, chunk) => sum + chunk.bytes, 0);
  return {
    ppl: Math.exp(mean),
    uncertainty: Math.exp(mean) * error,
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

export interface KlDivergence extends Divergence {
  readonly contextSize: number;
  readonly chunks: number;
  /** Tokens compared. */
  readonly tokens: number;
  /** Mean of KL(reference ‖ model) over the chunks up to each one. */
  readonly running: readonly number[];
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
    const plan = await planChunks({ ...rest, chunks, model: reference }, context);
    const same = { ...rest, ...plan };
    const labelled = { ...same, model: reference, label: "reference", parse: parseScore };
    const scores = await run(labelled, ["--ppl-output-type", "1", ...base], context);
    const mean = scores.at(-1)?.value ?? NaN;
    if (!Number.isFinite(mean)) throw damaged(reference, mean);
    await checkScratch(scratch);
    const compared = { ...same, model, label: "KL divergence", parse: parseDivergence };
    const rows = await run(compared, [...base, "--kl-divergence"], context);
    const last = rows.at(-1);
    if (!last || !Number.isFinite(last.meanKld.value)) throw damaged(model, last?.meanKld.value ?? NaN);
    const tokens = rows.length * (plan.contextSize / 2 - 1);
    const running = rows.map(({ meanKld }) => meanKld.value);
    return { ...last, contextSize: plan.contextSize, chunks: rows.length, tokens, running };
  } finally {
    await Deno.remove(scratch).catch(() => {});
  }
}

/** Times that a run is tried whose rows were lost. */
const TRIES = 5;

/** Runs the program and answers the rows of the chunks that count. @throws {UserError} where it gave up. */
async function run<Row>(
  work: PerplexityOptions & Plan & { label: string; parse: (line: string) => Row | undefined },
  args: readonly string[],
  context: Context,
): Promise<Row[]> {
  for (let tries = 1;; tries++) {
    const { rows, total, lines } = await runOnce(work, args, context);
    if (total !== undefined && total !== work.chunks + 1) {
      throw new UserError(`Cannot score "${work.text}": llama-server and llama-perplexity divide it differently`, {
        hint: "Both programs must come from the same llama.cpp: look at LLAMA_CPP_BIN, LLAMA_CPP_DIR and PATH.",
      });
    }
    if (rows.length >= work.chunks) return rows.slice(0, work.chunks);
    if (tries === TRIES) throw failed(work.model, `${rows.length} of ${work.chunks} chunks gave figures`, lines, 0);
  }
}

async function runOnce<Row>(
  { model, text, contextSize, chunks, gpuLayers, threads, label, parse }: Parameters<typeof run<Row>>[0],
  args: readonly string[],
  context: Context,
): Promise<{ rows: Row[]; total: number | undefined; lines: string[] }> {
  const program = await llamaProgram("llama-perplexity", context);
  const [command, line] = supervised(program, [
    ...["--model", model, "--file", text],
    // One chunk at a time: several at once take memory for the logits of each.
    ...["--ctx-size", String(contextSize), "--batch-size", String(contextSize)],
    ...["--chunks", String(chunks + 1)],
    ...gpuLayers === undefined ? [] : ["--n-gpu-layers", String(gpuLayers)],
    ...threads === undefined ? [] : ["--threads", String(threads)],
    "--no-warmup",
    ...args,
  ]);
  const lines: string[] = [];
  const rows: Row[] = [];
  let total: number | undefined;
  try {
    for await (const { line: said } of runProcess(command, line, { signal: context.signal })) {
      total ??= parseChunks(said);
      const row = parse(said);
      if (row === undefined) lines.push(said);
      else {
        rows.push(row);
        if (rows.length > chunks) continue;
        context.emit({ type: "progress", label, done: rows.length, total: chunks, unit: "chunks" });
      }
    }
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw failed(model, `it ended with exit code ${error.code}`, lines, error.code);
  }
  const complaints = lines.filter(isComplaint);
  if (complaints.length > 0) throw failed(model, "it gave up", complaints, 0);
  return { rows, total, lines };
}

function failed(model: string, how: string, lines: readonly string[], code: number): UserError {
  const last = lines.filter((line) => line.trim() !== "").slice(-12);
  const hint = /inconsistent vocabulary/.test(lines.join("\n"))
    ? "Compare a model with the one that it was quantised from."
    : loadHint(last.join("\n"), code);
  const said = last.map((line) => `  ${line}`).join("\n");
  return new UserError(`Cannot measure "${model}" with llama-perplexity: ${how}\n${said}`, { hint });
}

function damaged(model: string, value: number): UserError {
  return new UserError(`Cannot measure "${model}": what it predicts is no number (${value})`, {
    hint: "Its weights are damaged: make the file anew.",
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
