/** The model that is merged into: its folder on this machine, and whether anything may be merged into it. */
import { join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { readTextFile, sha256File } from "../core/files.ts";
import type { Context } from "../core/step.ts";
import { resolveBase } from "./base.ts";
import type { HashedFile } from "./merge_record.ts";
import { runMergeScript } from "./merge_python.ts";
import { modelFiles, readModel } from "./safetensors.ts";

const Config = z.object({
  quantization_config: z.object({ quant_method: z.string().optional(), load_in_4bit: z.boolean().optional() })
    .nullish(),
  tie_word_embeddings: z.boolean().optional(),
});

export interface MergeBase {
  /** As it was asked for. */
  readonly name: string;
  readonly folder: string;
  /** Names of its safetensors files. */
  readonly weights: readonly string[];
  /** Names of all that a merged model takes over as it is: configuration, tokenizer, templates, licence. */
  readonly companions: readonly string[];
  /** The type that most of its numbers have. */
  readonly dtype: string;
  readonly parameters: number;
  /** Of the safetensors files. */
  readonly bytes: number;
  /** Input embedding and output head are one matrix. */
  readonly tied: boolean;
}

/** Weights in other forms, and what describes the base and not what comes of it. */
const LEFT_OUT =
  /\.(?:safetensors|bin|pt|pth|ckpt|h5|msgpack|onnx|gguf|tflite)$|^pytorch_model.*\.json$|^README\.md$|^(?:merge|merge_probes|voiceworks)\.json$|^\./i;

/**
 * Finds a base by what it was called: a folder, `tiny`, or an id of the hub, which is fetched.
 *
 * @throws {UserError} a model that is not there or not whole; one that is quantised: what is merged into rounded weights
 * is lost in their rounding.
 */
export async function findMergeBase(name: string, dataRoot: string, context: Context): Promise<MergeBase> {
  const { kind, path } = await resolveBase(name, dataRoot, context);
  const folder = kind === "hub" ? (await runMergeScript("fetch", { model: path }, Fetched, context)).folder : path;
  const weights = await modelFiles(folder);
  const config = await readConfig(folder);
  const { quantization_config: quantised } = config;
  if (quantised) {
    const how = quantised.load_in_4bit ? "4-bit bitsandbytes" : quantised.quant_method ?? "a quantisation";
    throw new UsageError(
      `Cannot merge into "${name}": its weights are held in ${how}`,
      "Merge into the model in full precision that it was made from: --base-model.",
    );
  }
  const tensors = [...(await readModel(folder)).values()];
  const sizes = new Map<string, number>();
  for (const { dtype, start, end } of tensors) sizes.set(dtype, (sizes.get(dtype) ?? 0) + end - start);
  const [dtype = ""] = [...sizes].toSorted(([, a], [, b]) => b - a)[0] ?? [];
  const companions: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory && !LEFT_OUT.test(name)) companions.push(name);
  }
  return {
    name,
    folder,
    weights,
    companions: companions.sort(),
    dtype,
    parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0),
    bytes: tensors.reduce((sum, { start, end }) => sum + end - start, 0),
    tied: config.tie_word_embeddings === true || !tensors.some((tensor) => /(?:^|\.)lm_head\./.test(tensor.name)),
  };
}

const Fetched = z.object({ folder: z.string() });

async function readConfig(folder: string): Promise<z.output<typeof Config>> {
  const path = join(folder, "config.json");
  let value: unknown;
  try {
    value = JSON.parse(await readTextFile(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  const config = Config.safeParse(value);
  if (!config.success) throw new UserError(`Cannot read "${path}": it is no configuration of a model`, { exitCode: 2 });
  return config.data;
}

/** Names, sizes and hashes of files, in order. */
export async function hashFiles(folder: string, names: readonly string[]): Promise<HashedFile[]> {
  const files: HashedFile[] = [];
  for (const name of names) {
    const path = join(folder, name);
    files.push({ name, bytes: (await Deno.stat(path)).size, sha256: await sha256File(path) });
  }
  return files;
}
