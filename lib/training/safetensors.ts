/**
 * Reads safetensors files without torch: their headers, and as much of their numbers as a check needs.
 *
 * A file is the header's length as 8 bytes, little endian, the header as JSON, then the numbers of all tensors without
 * gaps (https://huggingface.co/docs/safetensors#format).
 */
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { fileError, readTextFile } from "../core/files.ts";

/** Bytes of one element. Those of less than a byte are not told apart from others: their sizes are not checked. */
const DTYPE_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
};

/** The format's own limit: a header that claims more is no header. */
const LONGEST_HEADER = 100_000_000;

const Entry = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

export interface Tensor {
  readonly name: string;
  /** `BF16`, `F16`, `F32`, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The file that holds it, and where in it. */
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The tensors of one file, by name, in the order in which they lie in it.
 *
 * @throws {UserError} a file that is no safetensors, is cut short, or whose parts do not add up.
 */
export async function readSafetensors(path: string): Promise<Map<string, Tensor>> {
  const broken = (why: string) =>
    new UserError(`Cannot read "${path}": ${why}`, { hint: "Copy or make the file again: it is damaged." });
  try {
    using file = await Deno.open(path);
    const { size, isFile } = await file.stat();
    if (!isFile) throw new Deno.errors.IsADirectory("is a directory");
    const length = size < 8 ? 0 : Number(new DataView((await readExactly(file, 8)).buffer).getBigUint64(0, true));
    if (length < 2 || length > LONGEST_HEADER) throw broken("it is not a safetensors file");
    if (8 + length > size) throw broken("it ends within its header");
    const header = parseHeader(await readExactly(file, length));
    if (!header) throw broken("it is not a safetensors file");
    const tensors = Object.entries(header)
      .map(([name, { dtype, shape, data_offsets: [start, end] }]): Tensor => (
        { name, dtype, shape, path, start: 8 + length + start, end: 8 + length + end }
      ))
      .sort((a, b) => a.start - b.start || a.end - b.end);
    let at = 8 + length;
    for (const { name, dtype, shape, start, end } of tensors) {
      if (start !== at || end < start) throw broken(`the numbers of "${name}" are not where they should be`);
      const bytes = DTYPE_BYTES[dtype];
      const wanted = bytes === undefined ? end - start : shape.reduce((product, side) => product * side, bytes);
      if (end - start !== wanted) throw broken(`"${name}" has ${end - start} bytes and should have ${wanted}`);
      at = end;
    }
    if (at !== size) throw broken(`it has ${size} bytes and should have ${at}`);
    return new Map(tensors.map((tensor) => [tensor.name, tensor]));
  } catch (error) {
    throw fileError("read", path, error);
  }
}

function parseHeader(bytes: Uint8Array): Record<string, z.infer<typeof Entry>> | undefined {
  try {
    const { __metadata__: _, ...entries } = z.record(z.string(), z.unknown()).parse(
      JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
    );
    return z.record(z.string(), Entry).parse(entries);
  } catch {
    return undefined;
  }
}

const Index = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+$/)) });

/** Names of the safetensors files of a model's folder, in order: one, or those that its index lists. */
export async function modelFiles(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) if (!isDirectory) names.push(name);
  } catch (error) {
    throw fileError("read", folder, error);
  }
  if (names.includes("model.safetensors.index.json")) {
    return [...new Set(Object.values((await readIndex(folder)).weight_map))].sort();
  }
  if (names.includes("model.safetensors")) return ["model.safetensors"];
  const older = names.some((name) => /^pytorch_model.*\.bin$/.test(name));
  throw new UserError(`Cannot use "${folder}" as a model: there is no model.safetensors in it`, {
    exitCode: 2,
    hint: older
      ? "It holds pickled weights: save it anew by save_pretrained, which writes safetensors."
      : "Name the folder of a model as Hugging Face lays it out (config.json, model.safetensors, tokenizer files).",
  });
}

async function readIndex(folder: string): Promise<z.infer<typeof Index>> {
  const path = join(folder, "model.safetensors.index.json");
  const index = Index.safeParse(parseJson(await readTextFile(path)));
  if (!index.success) throw new UserError(`Cannot read "${path}": it is no index of safetensors files`);
  return index.data;
}

/**
 * All tensors of a model's folder.
 *
 * @throws {UserError} as `readSafetensors`; an index and files that do not agree.
 *
 * @example
 * ```ts ignore
 * const tensors = await readModel("output/merged-deepred");
 * tensors.get("model.embed_tokens.weight")?.shape; // [151936, 1536]
 * ```
 */
export async function readModel(folder: string): Promise<Map<string, Tensor>> {
  const files = await modelFiles(folder);
  const all = new Map<string, Tensor>();
  for (const file of files) {
    for (const [name, tensor] of await readSafetensors(join(folder, file))) {
      if (all.has(name)) throw new UserError(`Cannot use "${folder}": "${name}" is there twice`);
      all.set(name, tensor);
    }
  }
  if (files.length === 1 && files[0] === "model.safetensors") return all;
  const { weight_map } = await readIndex(folder);
  const wrong = [
    ...Object.entries(weight_map).filter(([name, file]) => all.get(name)?.path !== join(folder, file)).map(([n]) => n),
    ...[...all.keys()].filter((name) => weight_map[name] === undefined),
  ];
  if (wrong.length > 0) {
    throw new UserError(`Cannot use "${folder}": its index and its files differ in "${wrong[0]}"`, {
      hint: `${wrong.length} tensors in all. Copy or make the folder again.`,
    });
  }
  return all;
}

/** Multiple of all sizes of elements, so that no number is cut in two. */
const BLOCK = 1 << 22;

/** The numbers of a tensor, in blocks of 4 MiB. */
export async function* tensorBlocks({ path, start, end }: Tensor): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(path);
  await file.seek(start, Deno.SeekMode.Start);
  for (let at = start; at < end; at += BLOCK) yield await readExactly(file, Math.min(BLOCK, end - at));
}

/** True where a tensor holds a NaN or an infinity: all bits of an exponent set. False for types that have none. */
export function hasNonFinite(dtype: string, block: Uint8Array<ArrayBuffer>): boolean {
  const { buffer, byteOffset, byteLength } = block;
  const find = (words: Uint16Array | Uint32Array, mask: number) => {
    for (let at = 0; at < words.length; at++) if (((words[at] ?? 0) & mask) === mask) return true;
    return false;
  };
  switch (dtype) {
    case "BF16":
      return find(new Uint16Array(buffer, byteOffset, byteLength / 2), 0x7f80);
    case "F16":
      return find(new Uint16Array(buffer, byteOffset, byteLength / 2), 0x7c00);
    case "F32":
      return find(new Uint32Array(buffer, byteOffset, byteLength / 4), 0x7f800000);
    case "F64": // The exponent lies in the upper half of each number.
      return find(new Uint32Array(buffer, byteOffset, byteLength / 4).filter((_, at) => at % 2 === 1), 0x7ff00000);
    default:
      return false;
  }
}

/** True where every number is zero (of either sign). */
export function isZero(dtype: string, block: Uint8Array<ArrayBuffer>): boolean {
  const width = DTYPE_BYTES[dtype] ?? 1;
  // Little endian: the sign is the highest bit of a number's last byte.
  const signed = /^(?:B?F|F8)/.test(dtype);
  return block.every((byte, at) => (signed && at % width === width - 1 ? byte & 0x7f : byte) === 0);
}

async function readExactly(file: Deno.FsFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = await file.read(bytes.subarray(at));
    if (read === null) throw new UserError("Cannot read a safetensors file: it became shorter while it was read");
    at += read;
  }
  return bytes;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
