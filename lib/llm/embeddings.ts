/** Embeddings: texts in, vectors of length 1 out; from a model in this process or from a server. */
import { UserError } from "../core/errors.ts";

/** Makes embeddings. One batch at a time. */
export interface Embedder extends AsyncDisposable {
  /** Tells this model with its settings from others: part of the cache's key. */
  readonly key: string;
  /** For messages. */
  readonly shown: string;
  /**
   * Embeds a batch, in its order.
   *
   * @throws {TooLargeError} a text, or all together, are more than the model takes. {UserError} anything else.
   */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>;
}

/** A batch that is too large: fewer or shorter texts may pass. */
export class TooLargeError extends Error {
  override readonly name = "TooLargeError";
}

/** Nobody's context is this short: a refusal of such a text is not about its length. */
const SHORTEST_PART = 40;

/**
 * Embeds texts whatever their number and length: a batch that is too large is halved, and a text that is too long alone
 * is cut near its middle, each half embedded, and the halves' vectors averaged, weighted by length.
 *
 * @param onSplit Told once for each text that had to be cut.
 * @throws {UserError} what the embedder throws, or a text that it refuses however short.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { embedAll, type Embedder, TooLargeError } from "@/llm/embeddings.ts";
 *
 * const small: Embedder = {
 *   key: "toy",
 *   shown: "toy",
 *   embed(texts) {
 *     if (texts.length > 1) return Promise.reject(new TooLargeError("one at a time"));
 *     return Promise.resolve(texts.map((text) => Float32Array.of(0, text.length)));
 *   },
 *   [Symbol.asyncDispose]: () => Promise.resolve(),
 * };
 * const vectors = await embedAll(small, ["a", "bb"], new AbortController().signal);
 * deepEqual(vectors.map((vector) => [...vector]), [[0, 1], [0, 1]]);
 * ```
 */
export async function embedAll(
  embedder: Embedder,
  texts: readonly string[],
  signal: AbortSignal,
  onSplit: (text: string) => void = () => {},
): Promise<Float32Array[]> {
  signal.throwIfAborted();
  if (texts.length === 0) return [];
  try {
    const vectors = await embedder.embed(texts, signal);
    return vectors.map((vector) => normalized(vector, embedder));
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    const [only = ""] = texts;
    if (texts.length > 1) {
      const middle = texts.length >> 1;
      return [
        ...await embedAll(embedder, texts.slice(0, middle), signal, onSplit),
        ...await embedAll(embedder, texts.slice(middle), signal, onSplit),
      ];
    }
    if (only.length < SHORTEST_PART) {
      throw new UserError(`Cannot embed with ${embedder.shown}: it refuses even ${only.length} characters`, {
        hint: "Load the model with a longer context.",
        cause: error,
      });
    }
    onSplit(only);
    const halves = halvesOf(only);
    const vectors = [
      ...await embedAll(embedder, halves.slice(0, 1), signal),
      ...await embedAll(embedder, halves.slice(1), signal),
    ];
    return [weightedMean(vectors, halves.map((half) => half.length), embedder)];
  }
}

/** Cuts at the white space nearest to the middle; where there is none, in the middle, between whole characters. */
function halvesOf(text: string): [string, string] {
  const middle = text.length >> 1;
  for (let off = 0; off < middle - 1; off++) {
    for (const at of [middle - off, middle + off]) {
      if (/\s/.test(text[at] ?? "")) return [text.slice(0, at), text.slice(at + 1)];
    }
  }
  const low = /[\udc00-\udfff]/.test(text[middle] ?? "") ? middle - 1 : middle;
  return [text.slice(0, low), text.slice(low)];
}

function weightedMean(vectors: readonly Float32Array[], weights: readonly number[], embedder: Embedder): Float32Array {
  const sum = new Float32Array(vectors[0]?.length ?? 0);
  vectors.forEach((vector, part) => {
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (vector[i] ?? 0) * (weights[part] ?? 0);
  });
  return normalized(sum, embedder);
}

/** Scaled to length 1. @throws {UserError} for a vector that has no direction: nothing can be measured with it. */
function normalized(vector: Float32Array, embedder: Embedder): Float32Array {
  const length = lengthOf(vector);
  if (!(length > 0 && length < Infinity)) {
    throw new UserError(
      `Cannot use the embeddings of ${embedder.shown}: a vector of ${vector.length} numbers has the length ${length}`,
      { hint: "The model is broken, or is none for embeddings; choose another." },
    );
  }
  return vector.map((value) => value / length);
}

/** Euclidean. */
export function lengthOf(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}

/** What a model of a known family wants before a text whose topic is to be compared, from the models' own cards. */
export function prefixFor(model: string): string {
  if (/nomic-embed-text/i.test(model)) return "clustering: ";
  if (/(?:^|[/_-])e5-/i.test(model)) return "query: ";
  return "";
}
