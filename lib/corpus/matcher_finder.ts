/** Puts what is known of an automaton into the kernel of matcher_kernel.ts, and JSON. */
import type { Automaton } from "./matcher_dfa.ts";
import { kernelModule } from "./matcher_kernel.ts";
import { COLUMNS, LEADS, MASKS, PADDING, TABLE, UNITS, WINDOWS } from "./matcher_layout.ts";
import { leadsOf, windowsOf } from "./matcher_prefixes.ts";

const PAGE = 1 << 16;

/** Finds where matches may begin. */
export interface Finder {
  /** Where JSON begins in memory. */
  readonly text: number;
  /** Copies bytes into memory, from `text` on; answers the copy, which is good until the next call. */
  load(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
  /** See {@linkcode kernelModule}; both are places in memory. */
  scan(from: number, to: number): number;
  /** Length of the last text in UTF-16 units. */
  readonly units: number;
}

/**
 * Makes a finder.
 *
 * @param columns The column of the automaton's table that each byte reads; that of surrogates for one that is not plain.
 * @param found See {@linkcode kernelModule}; places are those in memory.
 */
export function createFinder(
  automaton: Automaton,
  columns: Uint16Array,
  found: (start: number, end: number, entry: number, shift: number) => void,
): Finder {
  const instance = new WebAssembly.Instance(kernelModule(automaton), { env: { found } });
  const { memory, scan } = instance.exports as {
    memory: WebAssembly.Memory;
    scan(from: number, to: number): number;
  };
  const text = TABLE + automaton.table.byteLength;
  memory.grow(Math.ceil((text + PADDING) / PAGE));
  let bytes = new Uint8Array(memory.buffer as ArrayBuffer);
  const { masks, bitmap } = windowsOf(automaton);
  bytes.set(leadsOf(automaton), LEADS);
  bytes.set(bitmap, WINDOWS);
  // WebAssembly's numbers are little-endian, as those of all machines that Deno runs on.
  new BigUint64Array(memory.buffer, MASKS).set(masks);
  new Uint16Array(memory.buffer, COLUMNS).set(columns);
  new Int32Array(memory.buffer, TABLE).set(automaton.table);

  return {
    text,
    load(json) {
      const end = text + json.length;
      const missing = end + PADDING - bytes.length;
      if (missing > 0) {
        memory.grow(Math.ceil(missing / PAGE));
        bytes = new Uint8Array(memory.buffer as ArrayBuffer);
      }
      bytes.set(json, text);
      bytes.fill(0, end, end + PADDING);
      return bytes.subarray(text, end);
    },
    scan,
    get units() {
      return bytes[UNITS]! | bytes[UNITS + 1]! << 8 | bytes[UNITS + 2]! << 16 | bytes[UNITS + 3]! << 24;
    },
  };
}
