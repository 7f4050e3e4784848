/** What a run asked for each of its examples, so that the dataset is built without rendering every request anew. */
import type { GateVerdict } from "../dialogue/gates.ts";
import type { GateReason } from "../dialogue/gates_settings.ts";
import type { Asked } from "../dialogue/ledger.ts";
import { createTextIndex } from "../dialogue/text_index.ts";

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
/** Where each example's trail begins: bytes of its id, number of requests, bytes of the verdict. */
const HEAD = 4 + 1 + 4;
/** In place of a length. */
const PASSED = 0xffffffff;

/**
 * Kept as bytes, id, requests and verdict after the head: there may be a hundred thousand, and strings of them would be a
 * third of all memory.
 */
export function createTrails(): Trails {
  const starts = createTextIndex();
  let bytes = new Uint8Array(1 << 16), view = new DataView(bytes.buffer), used = 0;
  let name = new Uint8Array(1 << 8);
  const encoder = new TextEncoder(), decoder = new TextDecoder();

  /** Whether the trail of an id begins at a place; the id's bytes are left in `name`. */
  function holder(id: string): { length: number; holds: (start: number) => boolean } {
    if (name.length < 3 * id.length) name = new Uint8Array(6 * id.length);
    const length = encoder.encodeInto(id, name).written;
    const holds = (start: number) => {
      if (view.getUint32(start) !== length) return false;
      let at = 0;
      while (at < length && bytes[start + HEAD + at] === name[at]) at++;
      return at === length;
    };
    return { length, holds };
  }
  const startOf = (id: string) => starts.find(id, holder(id).holds);

  return {
    keep(id, { requests, verdict }) {
      const { length, holds } = holder(id);
      const said = verdict ? `${verdict.reason}\n${verdict.detail}` : "";
      const most = HEAD + length + REQUEST * requests.length + 3 * said.length;
      if (used + most > bytes.length) {
        bytes = new Uint8Array(bytes.buffer.transfer(2 * (used + most)));
        view = new DataView(bytes.buffer);
      }
      const start = used;
      view.setUint32(start, length);
      bytes[start + 4] = requests.length;
      bytes.set(name.subarray(0, length), start + HEAD);
      let at = start + HEAD + length;
      for (const { hash, prompt, seed = NaN } of requests) {
        bytes.subarray(at, at + 32).setFromHex(hash);
        bytes.subarray(at + 32, at + 64).setFromHex(prompt);
        view.setFloat64(at + 64, seed);
        at += REQUEST;
      }
      const { written } = encoder.encodeInto(said, bytes.subarray(at));
      view.setUint32(start + 5, verdict === null ? PASSED : written);
      used = at + written;
      starts.set(id, start, holds);
    },
    has: (id) => startOf(id) !== undefined,
    of(id) {
      const start = startOf(id);
      if (start === undefined) return undefined;
      const first = start + HEAD + view.getUint32(start), number = bytes[start + 4] ?? 0;
      const requests = Array.from({ length: number }, (_, n): Sent => {
        const at = first + REQUEST * n;
        const hash = bytes.subarray(at, at + 32).toHex(), prompt = bytes.subarray(at + 32, at + 64).toHex();
        const seed = view.getFloat64(at + 64);
        return { hash, prompt, ...(Number.isNaN(seed) ? {} : { seed }) };
      });
      const length = view.getUint32(start + 5);
      if (length === PASSED || length === 0) return { requests, verdict: length === 0 ? undefined : null };
      const end = first + REQUEST * number;
      const said = decoder.decode(bytes.subarray(end, end + length));
      const cut = said.indexOf("\n");
      return { requests, verdict: { reason: said.slice(0, cut) as GateReason, detail: said.slice(cut + 1) } };
    },
  };
}
