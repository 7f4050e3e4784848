/** Embeddings by a model in this process: ONNX, through transformers.js. */
import { join, resolve } from "node:path";
import type { FeatureExtractionPipeline } from "@xenova/transformers";
import { z } from "zod";
import { messageOf, UsageError, UserError } from "../core/errors.ts";
import type { Context } from "../core/step.ts";
import { type Embedder, prefixFor, TooLargeError } from "./embeddings.ts";

export interface TransformersOptions {
  /** A hub id such as `Xenova/all-MiniLM-L6-v2`, or a folder with config.json, tokenizer.json and onnx/model.onnx. */
  readonly model: string;
  /** Where models from the hub are kept. */
  readonly cacheFolder: string;
}

/** `Xenova/all-MiniLM-L6-v2`; a folder of such a name comes first. */
const HUB_ID = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;
const VALID =
  "Pass a folder with config.json, tokenizer.json and onnx/model.onnx, or --embedder server to have LM Studio " +
  "make the embeddings.";
/** Weights in the order of preference: exact first. */
const DTYPES = { fp32: "model.onnx", fp16: "model_fp16.onnx", q8: "model_quantized.onnx" } as const;

type Pooling = "mean" | "cls" | "last_token";
/** As sentence-transformers writes `1_Pooling/config.json`. */
const PoolingFile = z.object({
  pooling_mode_cls_token: z.boolean().default(false),
  pooling_mode_lasttoken: z.boolean().default(false),
});

/**
 * Loads a model for embeddings. Only here is transformers.js loaded: with its runtimes it weighs 630 MB.
 *
 * @throws {UsageError} neither a folder with a model nor a hub id. {UserError} it cannot be fetched or loaded.
 */
export async function transformersEmbedder(
  { model, cacheFolder }: TransformersOptions,
  context: Pick<Context, "fetch" | "env" | "signal" | "emit">,
): Promise<Embedder> {
  const folder = await Deno.stat(model).then((info) => info.isDirectory ? resolve(model) : undefined, () => undefined);
  if (folder === undefined && !HUB_ID.test(model)) {
    throw new UsageError(`Cannot use --embedder "${model}": there is no such folder, and a hub id it is not`, VALID);
  }
  const dtype = folder === undefined ? "fp32" : await dtypeIn(folder);
  const { pipeline, env, LogLevel } = await loadPackage();
  env.logLevel = LogLevel.ERROR;
  env.allowRemoteModels = folder === undefined;
  env.allowLocalModels = folder !== undefined;
  env.useFSCache = folder === undefined;
  env.useBrowserCache = false; // Deno has one too, and it would be taken instead of our folder.
  env.cacheDir = cacheFolder;
  env.useWasmCache = false;
  env.fetch = (input, init) => context.fetch(input, { ...init, signal: context.signal });
  if (context.env.HF_ENDPOINT) env.remoteHost = `${context.env.HF_ENDPOINT.replace(/\/+$/, "")}/`;

  let extract: FeatureExtractionPipeline;
  try {
    extract = await pipeline("feature-extraction", folder ?? model, {
      dtype,
      progress_callback: (event) => {
        // Only weights take long enough to be watched.
        if (!folder && event.status === "progress" && event.file.endsWith(".onnx") && event.total > 0) {
          const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;
          context.emit({
            type: "progress",
            label: `fetch ${model}`,
            done: megabytes(event.loaded),
            total: megabytes(event.total),
            unit: "MB",
          });
        }
      },
    });
  } catch (error) {
    context.signal.throwIfAborted();
    throw unloadable(model, folder !== undefined, error);
  }
  const pooling = folder === undefined ? poolingOf(model) : await poolingIn(folder, model);
  const prefix = prefixFor(model);
  const longest = longestInput(extract);
  return {
    key: ["transformers", folder === undefined ? model : "folder", dtype, pooling, prefix].join("|"),
    shown: `"${model}"`,
    async embed(texts, signal) {
      signal.throwIfAborted();
      const inputs = texts.map((text) => prefix + text);
      // Transformers.js would cut off what is too long without a word. A token has at least one character.
      const long = inputs.find((text) => text.length >= longest && extract.tokenizer.encode(text).length > longest);
      if (long !== undefined) throw new TooLargeError(`more than ${longest} tokens`);
      try {
        const output = await extract(inputs, { pooling });
        const [count = 0, width = 0] = output.dims;
        const data = output.data;
        if (!(data instanceof Float32Array) || count !== texts.length || data.length !== count * width) {
          throw new Error(`it answers with ${output.type} of the shape ${output.dims.join(" × ")}`);
        }
        const vectors = texts.map((_, index) => data.slice(index * width, (index + 1) * width));
        output.dispose();
        return vectors;
      } catch (error) {
        throw new UserError(`Cannot embed with "${model}": ${messageOf(error)}`, { hint: VALID, cause: error });
      }
    },
    [Symbol.asyncDispose]: async () => void await extract.dispose(),
  };
}

async function loadPackage(): Promise<typeof import("@xenova/transformers")> {
  const name = "@xenova/transformers"; // Computed, or Deno would fetch the package at the start of every task.
  try {
    return await import(name);
  } catch (error) {
    throw new UserError(`Cannot load transformers.js: ${messageOf(error)}`, {
      hint: "It is fetched from npm on first use. --embedder server needs no package.",
      cause: error,
    });
  }
}

/** The weights that a folder has. @throws {UsageError} none, or other files are missing. */
async function dtypeIn(folder: string): Promise<keyof typeof DTYPES> {
  const has = (path: string) => Deno.stat(join(folder, path)).then((info) => info.isFile, () => false);
  const missing: string[] = [];
  for (const file of ["config.json", "tokenizer.json", "tokenizer_config.json"]) {
    if (!await has(file)) missing.push(file);
  }
  let found: keyof typeof DTYPES | undefined;
  for (const [dtype, file] of Object.entries(DTYPES)) {
    if (await has(join("onnx", file))) found ??= dtype as keyof typeof DTYPES;
  }
  if (!found) missing.push("onnx/model.onnx");
  if (!found || missing.length > 0) {
    throw new UsageError(`Cannot use --embedder "${folder}": it has no ${missing.join(", no ")}`, VALID);
  }
  return found;
}

/** How a model's vectors of tokens become one; from what is known of its family. */
function poolingOf(model: string): Pooling {
  if (/(?:^|[/_-])bge-(?!m3-unsupervised)|mxbai-embed|snowflake-arctic-embed|gte-.*-v1\.5/i.test(model)) return "cls";
  return /qwen3-embedding/i.test(model) ? "last_token" : "mean";
}

async function poolingIn(folder: string, model: string): Promise<Pooling> {
  const text = await Deno.readTextFile(join(folder, "1_Pooling", "config.json")).catch(() => undefined);
  if (text === undefined) return poolingOf(model);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return poolingOf(model);
  }
  const file = PoolingFile.safeParse(value).data;
  if (!file) return poolingOf(model);
  return file.pooling_mode_cls_token ? "cls" : file.pooling_mode_lasttoken ? "last_token" : "mean";
}

/** In tokens. */
function longestInput({ tokenizer, model }: FeatureExtractionPipeline): number {
  const limits = z.object({ max_position_embeddings: z.int().positive().optional() }).safeParse(model.config).data;
  return Math.min(tokenizer.model_max_length || Infinity, limits?.max_position_embeddings ?? Infinity);
}

function unloadable(model: string, local: boolean, error: unknown): UserError {
  const words = messageOf(error);
  const cannot = `Cannot load the embedding model "${model}"`;
  if (/NotCapable|Requires .* access/.test(`${error instanceof Error ? error.name : ""} ${words}`)) {
    return new UserError(`${cannot}: this task may not do that: ${words.split("\n")[0]}`, { cause: error });
  }
  if (local) return new UserError(`${cannot}: ${words}`, { hint: VALID, cause: error });
  if (
    error instanceof Error && error.name === "ModelFileNotFoundError" || /unauthorized|could not locate/i.test(words)
  ) {
    return new UserError(`${cannot}: the hub has no ONNX model of that name, or it is not public`, {
      hint: `Set HF_TOKEN for one that is not public. ${VALID}`,
      cause: error,
    });
  }
  let root: unknown = error;
  while (root instanceof Error && root.cause) root = root.cause;
  return new UserError(`${cannot}: the hub cannot be reached (${messageOf(root)})`, {
    hint: `Set HF_ENDPOINT for a mirror of the hub. ${VALID}`,
    cause: error,
  });
}
