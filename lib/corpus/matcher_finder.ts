/** Puts what is known of an automaton into the kernel of matcher_kernel.ts, and texts. */
import type { Automaton } from "./matcher_dfa.ts";
import { kernelModule } from "./matcher_kernel.ts";
import { LEADS, MASKS, PADDING, TEXT, UNITS, WINDOWS } from "./matcher_layout.ts";
import { leadsOf, windowsOf } from "./matcher_prefixes.ts";

const PAGE = 1 << 16;

/** Finds where matches may begin. */
export interface Finder {
  /** Makes room for texts of so many bytes from TEXT on; answers the memory, good until the next call. */
  reserve(size: number): Uint8Array<ArrayBuffer>;
  /** Marks the end of what was put into memory: `size` bytes from TEXT on. */
  close(size: number): void;
  /** See {@linkcode kernelModule}; both are places in memory. */
  scan(from: number, to: number): number;
  /** Length of the last text in UTF-16 units. */
  readonly units: number;
}

/**
 * Makes a finder.
 *
 * @param json Whether texts are the inside of JSON strings.
 * @param found Called with a place in memory and what makes it an offset in UTF-16 units.
 */
export function createFinder(
  automaton: Automaton,
  json: boolean,
  found: (place: number, shift: number) => void,
): Finder {
  const instance = new WebAssembly.Instance(kernelModule(json), { env: { found } });
  const { memory, scan } = instance.exports as {
    memory: WebAssembly.Memory;
    scan(from: number, to: number): number;
  };
  let bytes = new Uint8Array(memory.buffer as ArrayBuffer);
  const { masks, bitmap } = windowsOf(automaton);
  bytes.set(leadsOf(automaton), LEADS);
  bytes.set(bitmap, WINDOWS);
  const view = new DataView(memory.buffer); // WebAssembly's numbers are little-endian everywhere.
  masks.forEach((mask, pair) => view.setBigUint64(MASKS + 8 * pair, mask, true));

  return {
    reserve(size) {
      const missing = TEXT + size + PADDING - bytes.length;
      if (missing > 0) {
        memory.grow(Math.ceil(missing / PAGE));
        bytes = new Uint8Array(memory.buffer as ArrayBuffer);
      }
      return bytes;
    },
    close: (size) => void bytes.fill(json ? 0 : 0xff, TEXT + size, TEXT + size + PADDING),
    scan,
    get units() {
      return bytes[UNITS]! | bytes[UNITS + 1]! << 8 | bytes[UNITS + 2]! << 16 | bytes[UNITS + 3]! << 24;
    },
  };
}
