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
/** Of each example: bytes of its id, number of requests, bytes of the verdict; then all three. */
const HEAD = 4 + 1 + 4;
/** In place of a length. */
const PASSED = 0xffffffff;
/** Bytes of a page; a longer trail has one to itself. A place is where a trail begins, were all pages as long as this. */
const PAGE = 1 << 20;

/** Kept as bytes: there may be a hundred thousand, and strings of them would be a third of all memory. */
export function createTrails(): Trails {
  const places = createTextIndex();
  const pages: DataView<ArrayBuffer>[] = [];
  let used = PAGE; // Of the last page.
  let name = new Uint8Array(1 << 8);
  const encoder = new TextEncoder(), decoder = new TextDecoder();

  const at = (place: number) => ({
    page: pages[Math.floor(place / PAGE)] as DataView<ArrayBuffer>,
    start: place % PAGE,
  });
  /** Tells the place that holds the trail of an id, whose bytes are left in `name`. */
  function holder(id: string): { length: number; holds: (place: number) => boolean } {
    if (name.length < 3 * id.length) name = new Uint8Array(6 * id.length);
    const length = ascii(id, name) ? id.length : encoder.encodeInto(id, name).written;
    const holds = (place: number) => {
      const { page, start } = at(place);
      if (page.getUint32(start) !== length) return false;
      let same = 0;
      while (same < length && page.getUint8(start + HEAD + same) === name[same]) same++;
      return same === length;
    };
    return { length, holds };
  }
  /** Whoever asks whether there is a trail will next ask for it. */
  let last: { id: string; place: number | undefined } | undefined;
  const placeOf = (id: string) => {
    if (last?.id !== id) last = { id, place: places.find(id, holder(id).holds) };
    return last.place;
  };

  return {
    keep(id, { requests, verdict }) {
      const { length, holds } = holder(id);
      const said = verdict ? `${verdict.reason}\n${verdict.detail}` : "";
      const most = HEAD + length + REQUEST * requests.length + 3 * said.length;
      if (used + most > PAGE) {
        pages.push(new DataView(new ArrayBuffer(Math.max(PAGE, most))));
        used = 0;
      }
      const place = (pages.length - 1) * PAGE + used;
      const { page, start } = at(place);
      const bytes = new Uint8Array(page.buffer);
      page.setUint32(start, length);
      page.setUint8(start + 4, requests.length);
      bytes.set(name.subarray(0, length), start + HEAD);
      let end = start + HEAD + length;
      for (const { hash, prompt, seed = NaN } of requests) {
        bytes.subarray(end, end + 32).setFromHex(hash);
        bytes.subarray(end + 32, end + 64).setFromHex(prompt);
        page.setFloat64(end + 64, seed);
        end += REQUEST;
      }
      const { written } = encoder.encodeInto(said, bytes.subarray(end));
      page.setUint32(start + 5, verdict === null ? PASSED : written);
      used = end + written;
      places.set(id, place, holds);
      last = undefined;
    },
    has: (id) => placeOf(id) !== undefined,
    of(id) {
      const place = placeOf(id);
      if (place === undefined) return undefined;
      const { page, start } = at(place);
      const bytes = new Uint8Array(page.buffer);
      const first = start + HEAD + page.getUint32(start), number = page.getUint8(start + 4);
      const requests = Array.from({ length: number }, (_, n): Sent => {
        const at = first + REQUEST * n;
        const hash = bytes.subarray(at, at + 32).toHex(), prompt = bytes.subarray(at + 32, at + 64).toHex();
        const seed = page.getFloat64(at + 64);
        return { hash, prompt, ...(Number.isNaN(seed) ? {} : { seed }) };
      });
      const length = page.getUint32(start + 5);
      if (length === PASSED || length === 0) return { requests, verdict: length === 0 ? undefined : null };
      const end = first + REQUEST * number;
      const said = decoder.decode(bytes.subarray(end, end + length));
      const cut = said.indexOf("\n");
      return { requests, verdict: { reason: said.slice(0, cut) as GateReason, detail: said.slice(cut + 1) } };
    },
  };
}

/** Writes a text as bytes, if it is ASCII: short ones take the encoder longer. */
function ascii(text: string, bytes: Uint8Array): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return false;
    bytes[at] = unit;
  }
  return true;
}
