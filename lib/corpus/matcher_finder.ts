/** Puts what is known of an automaton into the kernel of matcher_kernel.ts, and JSON. */
import type { Automaton } from "./matcher_dfa.ts";
import { kernelModule } from "./matcher_kernel.ts";
import { LEADS, MASKS, PADDING, TEXT, UNITS, WINDOWS } from "./matcher_layout.ts";
import { leadsOf, windowsOf } from "./matcher_prefixes.ts";

const PAGE = 1 << 16;

/** Finds where matches may begin. */
export interface Finder {
  /** Copies bytes into memory, from TEXT on. */
  load(bytes: Uint8Array): void;
  /** See {@linkcode kernelModule}; both are places in memory. */
  scan(from: number, to: number): number;
  /** Length of the last text in UTF-16 units. */
  readonly units: number;
}

/**
 * Makes a finder.
 *
 * @param found See {@linkcode kernelModule}; the place is one in memory.
 */
export function createFinder(
  automaton: Automaton,
  found: (place: number, shift: number) => void,
): Finder {
  const instance = new WebAssembly.Instance(kernelModule(), { env: { found } });
  const { memory, scan } = instance.exports as {
    memory: WebAssembly.Memory;
    scan(from: number, to: number): number;
  };
  let bytes = new Uint8Array(memory.buffer as ArrayBuffer);
  const { masks, bitmap } = windowsOf(automaton);
  bytes.set(leadsOf(automaton), LEADS);
  bytes.set(bitmap, WINDOWS);
  // WebAssembly's numbers are little-endian, as those of all machines that Deno runs on.
  new BigUint64Array(memory.buffer, MASKS).set(masks);

  return {
    load(text) {
      const end = TEXT + text.length;
      const missing = end + PADDING - bytes.length;
      if (missing > 0) {
        memory.grow(Math.ceil(missing / PAGE));
        bytes = new Uint8Array(memory.buffer as ArrayBuffer);
      }
      bytes.set(text, TEXT);
      bytes.fill(0, end, end + PADDING);
    },
    scan,
    get units() {
      return bytes[UNITS]! | bytes[UNITS + 1]! << 8 | bytes[UNITS + 2]! << 16 | bytes[UNITS + 3]! << 24;
    },
  };
}
