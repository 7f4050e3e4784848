/** What a run asked for each of its examples, so that the dataset is built without rendering every request anew. */
import type { Asked } from "../dialogue/ledger.ts";

type Sent = Asked["requests"][number];

export interface Trail {
  /** In turn; those that have an answer. */
  readonly requests: readonly Sent[];
  /** Whether what came of them passes every gate that looks at one example alone. */
  readonly passed: boolean;
}

export interface Trails {
  keep(id: string, trail: Trail): void;
  of(id: string): Trail | undefined;
}

/** Bytes of a request: two SHA-256 and a seed. */
const REQUEST = 32 + 32 + 8;

/** Kept as bytes: there may be a hundred thousand, and strings of them would be a third of all memory. */
export function createTrails(): Trails {
  const starts = new Map<string, number>();
  let bytes = new Uint8Array(1 << 16), used = 0;
  return {
    keep(id, { requests, passed }) {
      const length = 2 + REQUEST * requests.length;
      if (used + length > bytes.length) bytes = new Uint8Array(bytes.buffer.transfer(2 * (used + length)));
      starts.set(id, used);
      const view = new DataView(bytes.buffer);
      bytes[used++] = passed ? 1 : 0;
      bytes[used++] = requests.length;
      for (const { hash, prompt, seed = NaN } of requests) {
        bytes.set(Uint8Array.fromHex(hash), used);
        bytes.set(Uint8Array.fromHex(prompt), used + 32);
        view.setFloat64(used + 64, seed);
        used += REQUEST;
      }
    },
    of(id) {
      const start = starts.get(id);
      if (start === undefined) return undefined;
      const view = new DataView(bytes.buffer);
      const requests = Array.from({ length: bytes[start + 1] ?? 0 }, (_, n): Sent => {
        const at = start + 2 + REQUEST * n;
        const hash = bytes.subarray(at, at + 32).toHex(), prompt = bytes.subarray(at + 32, at + 64).toHex();
        const seed = view.getFloat64(at + 64);
        return { hash, prompt, ...(Number.isNaN(seed) ? {} : { seed }) };
      });
      return { requests, passed: bytes[start] === 1 };
    },
  };
}
