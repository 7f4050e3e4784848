/** Vectors of texts for the step `align`: from the cache, else from the embedder, each text once. */
import { join } from "node:path";
import { cacheDir } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import { embedAll, type Embedder } from "../llm/embeddings.ts";
import { openEmbeddingCache } from "../llm/embeddings_cache.ts";
import { serverEmbedder } from "../llm/embeddings_server.ts";
import { transformersEmbedder } from "../llm/embeddings_transformers.ts";
import { apiToken, lmstudioAddress } from "../llm/server.ts";

export interface VectorOptions {
  embedder: string;
  embeddingModel?: string | undefined;
  lmstudioUrl?: string | undefined;
  lmstudioHost?: string | undefined;
  lmstudioPort?: number | undefined;
  batchSize?: number | undefined;
  cacheDir?: string | undefined;
}

/** Where vectors come from, and how many came from where. */
export interface VectorSource extends AsyncDisposable {
  readonly shown: string;
  readonly dimensions: number;
  readonly batchSize: number;
  /** Texts made into vectors by the model, found in the cache, and cut because they were too long. */
  readonly counts: { embedded: number; cached: number; cut: number };
  /** Seconds that the model took. */
  readonly seconds: number;
  vectorsOf(texts: readonly string[]): Promise<Map<string, Float32Array>>;
}

/** Tells a model from another that goes by the same name. */
const PROBE = "At noon the ferry turned about, and the lighthouse keeper wrote a number in the margin of his almanac.";

/** @throws {UserError} the model or its cache cannot be used. */
export async function openVectors(options: VectorOptions, context: Context): Promise<VectorSource> {
  const { signal } = context;
  const folder = options.cacheDir ?? join(cacheDir(context.env), "embeddings");
  const embedder = await openEmbedder(options, folder, context);
  try {
    const [probe = new Float32Array()] = await embedAll(embedder, [PROBE], signal);
    const cache = openEmbeddingCache(
      join(folder, "embeddings.sqlite"),
      { key: embedder.key, probe },
      (message) => context.emit({ type: "log", level: "warn", message }),
    );
    // On a processor, larger batches only mean more padding (26 texts a second by 4, 19 by 32); a server works them in parallel.
    const batchSize = options.batchSize ?? (options.embedder === "server" ? 32 : 8);
    const counts = { embedded: 0, cached: 0, cut: 0 };
    let milliseconds = 0;
    return {
      shown: embedder.shown,
      dimensions: probe.length,
      batchSize,
      counts,
      get seconds() {
        return milliseconds / 1000;
      },
      async vectorsOf(texts) {
        const vectors = new Map<string, Float32Array>();
        const missing: string[] = [];
        for (const text of new Set(texts)) {
          const vector = cache.get(text);
          if (vector) vectors.set(text, vector);
          else missing.push(text);
        }
        counts.cached += vectors.size;
        // Texts of a batch are padded to the longest, so those of one length go together.
        missing.sort((a, b) => a.length - b.length);
        for (let start = 0; start < missing.length; start += batchSize) {
          const batch = missing.slice(start, start + batchSize);
          const began = context.clock.now();
          const made = await embedAll(embedder, batch, signal, () => counts.cut++);
          milliseconds += context.clock.now() - began;
          cache.put(batch, made);
          made.forEach((vector, index) => vectors.set(batch[index] ?? "", vector));
          counts.embedded += batch.length;
        }
        return vectors;
      },
      async [Symbol.asyncDispose]() {
        cache[Symbol.dispose]();
        await embedder[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await embedder[Symbol.asyncDispose]();
    throw error;
  }
}

function openEmbedder(options: VectorOptions, folder: string, context: Context): Promise<Embedder> {
  if (options.embedder !== "server") {
    return transformersEmbedder({ model: options.embedder, cacheFolder: join(folder, "models") }, context);
  }
  return serverEmbedder({
    address: lmstudioAddress(options, context.env),
    model: options.embeddingModel,
    token: apiToken(context.env),
  }, context);
}
