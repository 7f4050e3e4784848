/** What a run asked for each of its examples, so that the dataset is built without rendering every request anew. */
import type { GateVerdict } from "../dialogue/gates.ts";
import type { GateReason } from "../dialogue/gates_settings.ts";
import type { Asked } from "../dialogue/ledger.ts";

type Sent = Asked["requests"][number];

export interface Trail {
  /** In turn; those that have an answer. */
  readonly requests: readonly Sent[];
  /** What the gates that look at one example alone said: why it fails, `null` where it passes, `undefined` if not asked. */
  readonly verdict: GateVerdict | null | undefined;
}

export interface Trails {
  keep(id: string, trail: Trail): void;
  has(id: string): boolean;
  of(id: string): Trail | undefined;
}

/** Bytes of a request: two SHA-256 and a seed. */
const REQUEST = 32 + 32 + 8;
/** What stands before the requests: their number, and bytes of the verdict with its reason parted off by a line break. */
const HEAD = 1 + 4;
/** In place of a length. */
const PASSED = 0xffffffff;

/** Kept as bytes: there may be a hundred thousand, and strings of them would be a third of all memory. */
export function createTrails(): Trails {
  const starts = new Map<string, number>();
  let bytes = new Uint8Array(1 << 16), used = 0;
  const encoder = new TextEncoder(), decoder = new TextDecoder();
  return {
    keep(id, { requests, verdict }) {
      const said = verdict ? `${verdict.reason}\n${verdict.detail}` : "";
      const most = HEAD + REQUEST * requests.length + 3 * said.length;
      if (used + most > bytes.length) bytes = new Uint8Array(bytes.buffer.transfer(2 * (used + most)));
      starts.set(id, used);
      const view = new DataView(bytes.buffer);
      bytes[used] = requests.length;
      let at = used + HEAD;
      for (const { hash, prompt, seed = NaN } of requests) {
        bytes.set(Uint8Array.fromHex(hash), at);
        bytes.set(Uint8Array.fromHex(prompt), at + 32);
        view.setFloat64(at + 64, seed);
        at += REQUEST;
      }
      const { written } = encoder.encodeInto(said, bytes.subarray(at));
      view.setUint32(used + 1, verdict === null ? PASSED : written);
      used = at + written;
    },
    has: (id) => starts.has(id),
    of(id) {
      const start = starts.get(id);
      if (start === undefined) return undefined;
      const view = new DataView(bytes.buffer);
      const end = start + HEAD + REQUEST * (bytes[start] ?? 0);
      const requests = Array.from({ length: bytes[start] ?? 0 }, (_, n): Sent => {
        const at = start + HEAD + REQUEST * n;
        const hash = bytes.subarray(at, at + 32).toHex(), prompt = bytes.subarray(at + 32, at + 64).toHex();
        const seed = view.getFloat64(at + 64);
        return { hash, prompt, ...(Number.isNaN(seed) ? {} : { seed }) };
      });
      const length = view.getUint32(start + 1);
      if (length === PASSED || length === 0) return { requests, verdict: length === 0 ? undefined : null };
      const said = decoder.decode(bytes.subarray(end, end + length));
      const cut = said.indexOf("\n");
      return { requests, verdict: { reason: said.slice(0, cut) as GateReason, detail: said.slice(cut + 1) } };
    },
  };
}
