/**
 * Reads what a GGUF says of itself: its metadata and the list of its tensors, not their numbers.
 *
 * Little endian: `GGUF`, version, numbers of tensors and of entries, the entries (key, type, value), the tensors (name,
 * dimensions, type, offset). Source: ggml-org/ggml, docs/gguf.md.
 */
import { UserError } from "../core/errors.ts";
import { fileError } from "../core/files.ts";

export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];

export interface GgufTensor {
  readonly name: string;
  /** Innermost first: the reverse of PyTorch's. */
  readonly shape: readonly number[];
  /** ggml's number of the type: 0 is F32, 1 is F16, 8 is Q8_0, 12 is Q4_K, 14 is Q6_K, 30 is BF16. */
  readonly type: number;
}

export interface GgufHeader {
  /** Of the file, in bytes. */
  readonly size: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensor[];
}

/**
 * @throws {UserError} a file that is no GGUF, or ends before its last tensor does.
 *
 * @example
 * ```ts ignore
 * const { metadata } = await readGguf("output/deepred.gguf");
 * metadata.get("general.architecture"); // "qwen2"
 * ```
 */
export async function readGguf(path: string): Promise<GgufHeader> {
  try {
    using file = await Deno.open(path);
    const read = reader(file);
    const { isFile, size } = await file.stat();
    if (!isFile) throw new Deno.errors.IsADirectory("is a directory");
    if (new TextDecoder().decode(await read.bytes(4)) !== "GGUF") {
      throw new UserError(`Cannot read "${path}": it is not a GGUF file`, { exitCode: 2 });
    }
    const version = await read.uint32();
    if (version < 2 || version > 3) throw new UserError(`Cannot read "${path}": GGUF version ${version} is not known`);
    const tensorCount = await read.size();
    const entryCount = await read.size();
    const metadata = new Map<string, GgufValue>();
    for (let at = 0; at < entryCount; at++) {
      const key = await read.string();
      metadata.set(key, await readValue(read, await read.uint32()));
    }
    const tensors: GgufTensor[] = [];
    let last = 0;
    for (let at = 0; at < tensorCount; at++) {
      const name = await read.string();
      const sides = await read.uint32();
      const shape: number[] = [];
      for (let side = 0; side < sides; side++) shape.push(await read.size());
      const type = await read.uint32();
      tensors.push({ name, shape, type });
      const [numbers, bytes] = BLOCKS[type] ?? [1, 0];
      const count = shape.reduce((product, side) => product * side, 1);
      last = Math.max(last, await read.size() + Math.floor(count / numbers) * bytes);
    }
    // Where the tensors' numbers begin; what is said of their places counts from there.
    const alignment = Number(metadata.get("general.alignment") ?? 32);
    const whole = Math.ceil(read.position() / alignment) * alignment + last;
    if (tensors.length > 0 && size < whole) {
      throw new UserError(`Cannot read "${path}": it has ${size} bytes and should have ${whole}, so it was cut off`, {
        hint: "Copy or make it again.",
      });
    }
    return { size, metadata, tensors };
  } catch (error) {
    if (error instanceof EndOfFile) throw new UserError(`Cannot read "${path}": it ends within its header`);
    throw fileError("read", path, error);
  }
}

/** Numbers of a block and the bytes that it takes, by ggml's number of the type (ggml-common.h); of others it is not asked. */
const BLOCKS: Readonly<Record<number, readonly [number, number]>> = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  3: [32, 20],
  6: [32, 22],
  7: [32, 24],
  8: [32, 34],
  10: [256, 84],
  11: [256, 110],
  12: [256, 144],
  13: [256, 176],
  14: [256, 210],
  30: [1, 2],
};

class EndOfFile extends Error {}

/** Longer ones are no text but a damaged file. */
const LONGEST_STRING = 1 << 26;

type Reader = ReturnType<typeof reader>;

function reader(file: Deno.FsFile) {
  let block = new Uint8Array();
  let at = 0;
  let gone = 0;
  const bytes = async (length: number): Promise<Uint8Array> => {
    while (block.length - at < length) {
      const more = new Uint8Array(Math.max(1 << 20, length));
      const read = await file.read(more);
      if (read === null) throw new EndOfFile();
      const joined = new Uint8Array(block.length - at + read);
      joined.set(block.subarray(at));
      joined.set(more.subarray(0, read), block.length - at);
      gone += at;
      block = joined;
      at = 0;
    }
    return block.subarray(at, at += length);
  };
  const view = async (length: number) => {
    const part = await bytes(length);
    return new DataView(part.buffer, part.byteOffset, length);
  };
  const size = async () => {
    const value = Number((await view(8)).getBigUint64(0, true));
    if (!Number.isSafeInteger(value)) throw new EndOfFile();
    return value;
  };
  return {
    bytes,
    /** In the file. */
    position: () => gone + at,
    view,
    size,
    uint32: async () => (await view(4)).getUint32(0, true),
    string: async () => {
      const length = await size();
      if (length > LONGEST_STRING) throw new EndOfFile();
      return new TextDecoder().decode(await bytes(length));
    },
  };
}

async function readValue(read: Reader, type: number): Promise<GgufValue> {
  switch (type) {
    case 0:
      return (await read.view(1)).getUint8(0);
    case 1:
      return (await read.view(1)).getInt8(0);
    case 2:
      return (await read.view(2)).getUint16(0, true);
    case 3:
      return (await read.view(2)).getInt16(0, true);
    case 4:
      return await read.uint32();
    case 5:
      return (await read.view(4)).getInt32(0, true);
    case 6:
      return (await read.view(4)).getFloat32(0, true);
    case 7:
      return (await read.view(1)).getUint8(0) !== 0;
    case 8:
      return await read.string();
    case 9: {
      const inner = await read.uint32();
      const values: GgufValue[] = [];
      for (let left = await read.size(); left > 0; left--) values.push(await readValue(read, inner));
      return values;
    }
    case 10:
      return (await read.view(8)).getBigUint64(0, true);
    case 11:
      return (await read.view(8)).getBigInt64(0, true);
    case 12:
      return (await read.view(8)).getFloat64(0, true);
    default:
      throw new EndOfFile();
  }
}
