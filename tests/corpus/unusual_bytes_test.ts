import { deepEqual } from "node:assert/strict";
import { createUnusualBytes } from "@/corpus/unusual_bytes.ts";

/** Visits runs as a reader does that passes over what it has looked at. */
function runs(unusual: ReturnType<typeof createUnusualBytes>, line: Uint8Array<ArrayBuffer>): number[] {
  const isUnusual = (at: number) => /[^ !#-[\]-\u007f]/.test(String.fromCharCode(line[at] ?? 0x20));
  const found: number[] = [];
  unusual.open(line);
  for (let at = 0; at < line.length;) {
    at = unusual.next(at);
    if (at < line.length) found.push(at);
    while (isUnusual(at) && at < line.length) at++;
  }
  return found;
}

Deno.test("unusual bytes are found wherever they lie, in lines of any length, one line after the other", () => {
  const unusual = createUnusualBytes();
  const places = [0, 1, 15, 16, 63, 64, 65, 8190, 8191, 8192, 8193, 16384, 20000];
  for (const byte of [0x22, 0x5c, 0x00, 0x0a, 0x1f, 0x80, 0xff]) {
    for (const place of places) {
      for (const more of [1, 2, 100]) {
        const line = new Uint8Array(place + more).fill(0x61);
        line[place] = byte;
        deepEqual(runs(unusual, line), [place], `${byte} at ${place} of ${line.length}`);
      }
    }
  }
  const line = new Uint8Array(20_000).fill(0x7f);
  for (const place of places) if (place < line.length) line[place] = 0xe2;
  deepEqual(runs(unusual, line), [0, 15, 63, 8190, 16384]);
  deepEqual(runs(unusual, new Uint8Array(9000).fill(0x20)), []);
  deepEqual(runs(unusual, new Uint8Array(0)), []);
});
