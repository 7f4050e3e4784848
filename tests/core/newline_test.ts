import { equal } from "node:assert/strict";
import { lastNewline } from "@/core/newline.ts";

Deno.test("lastNewline finds what lastIndexOf finds, wherever it lies", () => {
  const size = 40_000;
  const places = [
    0,
    1,
    15,
    16,
    31,
    32,
    33,
    6591,
    6592,
    6593,
    22_975,
    22_976,
    22_977,
    size - 1025,
    size - 1024,
    size - 1,
  ];
  for (const place of places) {
    const bytes = new Uint8Array(size).fill(0x8a);
    bytes[place] = 0x0a;
    if (place > 40) bytes[20] = 0x0a;
    for (const [from, to] of [[0, size], [0, place], [place, size], [place + 1, size], [5, size - 7]] as const) {
      const found = bytes.subarray(from, to).lastIndexOf(0x0a);
      equal(lastNewline(bytes, from, to), found < 0 ? -1 : from + found, `${place} between ${from} and ${to}`);
    }
  }
});
