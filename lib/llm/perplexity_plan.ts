/** How a text is divided into the chunks that llama-perplexity scores. */
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import type { Context } from "../core/step.ts";
import { startLlamaServer } from "./llama_server.ts";

export interface PerplexityOptions {
  /** Path of a GGUF. */
  readonly model: string;
  /**
   * Path of a text. Marks of a chat template in it are read as plain characters: llama-perplexity knows no special
   * tokens, so give it prose.
   */
  readonly text: string;
  /**
   * Tokens of a chunk, a power of two; the second half of each is scored, the first is what the model sees before it.
   * Halved as often as a short text needs it. @default {512}
   */
  readonly contextSize?: number;
  /** Chunks at most; without it, as many as the text has, less one. */
  readonly chunks?: number;
  /** Layers put on the GPU; without it as many as fit. */
  readonly gpuLayers?: number;
  readonly threads?: number;
}

/** Below this a chunk has hardly a past to predict from. */
const SHORTEST = 32;

export interface Plan {
  readonly contextSize: number;
  /** Chunks that count; one more is computed after them. */
  readonly chunks: number;
  /** UTF-8 bytes of every token of the text. */
  readonly sizes: readonly number[];
}

/** Divides the text before llama-perplexity does: whose own words about a text that is too short may be lost. */
export async function planChunks(options: PerplexityOptions, context: Context): Promise<Plan> {
  let contextSize = options.contextSize ?? 512;
  if (!Number.isInteger(Math.log2(contextSize))) throw new Error(`a context of ${contextSize} is no power of two`);
  const sizes = await tokenSizes(options, context);
  while (contextSize > sizes.length / 2) contextSize /= 2;
  if (contextSize < SHORTEST) {
    throw new UserError(
      `Cannot score "${options.text}": it has ${sizes.length} tokens, and ${2 * SHORTEST} are needed at least`,
    );
  }
  const most = Math.floor(sizes.length / contextSize) - 1;
  return { contextSize, chunks: Math.min(options.chunks ?? most, most), sizes };
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
