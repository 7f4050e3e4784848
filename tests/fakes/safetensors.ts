/** Models and adapters for tests, written without torch. */
import { join } from "node:path";
import { seededRandom } from "@/dialogue/random.ts";
import { readModel } from "@/training/safetensors.ts";

export interface FakeTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export function floats(shape: readonly number[], value: (at: number) => number): FakeTensor {
  const numbers = Float32Array.from(
    { length: shape.reduce((product, side) => product * side, 1) },
    (_, at) => value(at),
  );
  return { dtype: "F32", shape, data: new Uint8Array(numbers.buffer) };
}

/** float32 rounded to bfloat16, to the nearest even. */
export function toBf16(data: Uint8Array): Uint8Array {
  const words = new Uint32Array(data.slice().buffer);
  const halves = Uint16Array.from(words, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
  return new Uint8Array(halves.buffer);
}

export async function writeSafetensors(path: string, tensors: Readonly<Record<string, FakeTensor>>): Promise<void> {
  let at = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
      const start = at;
      at += data.length;
      return [name, { dtype, shape, data_offsets: [start, at] }];
    }),
  );
  const json = new TextEncoder().encode(JSON.stringify({ __metadata__: { format: "pt" }, ...header }));
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  await Deno.writeFile(
    path,
    await new Blob([length, padded, ...Object.values(tensors).map(({ data }) => data.slice())]).bytes(),
  );
}

export interface FakeAdapterOptions {
  /** Deviation of the second matrices; 0 for an adapter that was never trained. @default {0.3} */
  readonly scale?: number;
  /** Names of modules, by their ends. */
  readonly targets?: readonly string[];
  readonly rank?: number;
  readonly seed?: number;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A LoRA on a model, as PEFT saves it. */
export async function writeAdapter(folder: string, base: string, options: FakeAdapterOptions = {}): Promise<string> {
  const { scale = 0.3, targets = ["q_proj", "v_proj", "up_proj", "down_proj"], rank = 4, seed = 1 } = options;
  const random = seededRandom("adapter", seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const tensors: Record<string, FakeTensor> = {};
  for (const [name, { shape: [rows = 0, columns = 0] }] of await readModel(base)) {
    const module = name.replace(/\.weight$/, "");
    if (!targets.some((target) => module.endsWith(target))) continue;
    const prefix = `base_model.model.${module}.lora_`;
    tensors[`${prefix}A.weight`] = floats([rank, columns], () => normal() / Math.sqrt(columns));
    tensors[`${prefix}B.weight`] = floats([rows, rank], () => scale === 0 ? 0 : scale * normal());
  }
  await Deno.mkdir(folder, { recursive: true });
  await writeSafetensors(join(folder, "adapter_model.safetensors"), tensors);
  await Deno.writeTextFile(
    join(folder, "adapter_config.json"),
    JSON.stringify({
      peft_type: "LORA",
      task_type: "CAUSAL_LM",
      base_model_name_or_path: base,
      r: rank,
      lora_alpha: rank,
      target_modules: targets,
      ...options.config,
    }),
  );
  return folder;
}
