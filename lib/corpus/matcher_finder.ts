/** Puts what is known of an automaton into the kernel of matcher_kernel.ts, and JSON. */
import type { Automaton } from "./matcher_dfa.ts";
import { kernelModule } from "./matcher_kernel.ts";
import {
  COLUMNS,
  COUNT,
  type Layout,
  layoutOf,
  LEADS,
  MASKS,
  MOST_HITS,
  PADDING,
  TABLE,
  UNITS,
  WINDOWS,
} from "./matcher_layout.ts";
import { leadsOf, windowsOf } from "./matcher_prefixes.ts";
import type { SettlerMemory } from "./matcher_settle.ts";

const PAGE = 1 << 16;

/** Finds where matches may begin. */
export interface Finder extends SettlerMemory {
  readonly memory: WebAssembly.Memory;
  readonly layout: Layout;
  /** How many matches there are in `data`, and of those that found no room in it. */
  count: number;
  /** Copies bytes into memory, from the layout's `text` on; answers the copy. @throws {RangeError} more bytes than `most`. */
  load(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
  /** See {@linkcode kernelModule}; both are places in memory. */
  scan(from: number, to: number): number;
  /** Length of the last text in UTF-16 units. */
  readonly units: number;
}

/**
 * Makes a finder.
 *
 * @param most Bytes that are loaded at once: memory is set aside for them, but not taken before they come.
 * @param columns The column of the automaton's table that each byte reads; that of surrogates for one that is not plain.
 * @param found See {@linkcode kernelModule}; places are those in memory.
 */
export function createFinder(
  automaton: Automaton,
  categoryOf: readonly number[],
  columns: Uint16Array,
  most: number,
  found: (start: number, end: number, entry: number, shift: number) => void,
): Finder {
  const layout = layoutOf(automaton, categoryOf);
  const categories = Math.max(0, ...categoryOf) + 1;
  const instance = new WebAssembly.Instance(kernelModule(automaton, layout, categories), { env: { found } });
  const { memory, scan } = instance.exports as {
    memory: WebAssembly.Memory;
    scan(from: number, to: number): number;
  };
  memory.grow(Math.ceil((layout.text + most + PADDING) / PAGE));
  const buffer = memory.buffer as ArrayBuffer;
  const bytes = new Uint8Array(buffer);
  const { masks, bitmap } = windowsOf(automaton);
  bytes.set(leadsOf(automaton), LEADS);
  bytes.set(bitmap, WINDOWS);
  // WebAssembly's numbers are little-endian, as those of all machines that Deno runs on.
  new BigUint64Array(buffer, MASKS).set(masks);
  new Uint16Array(buffer, COLUMNS).set(columns);
  const put = (numbers: ArrayLike<number>, at: number) => new Int32Array(buffer, at, numbers.length).set(numbers);
  put(automaton.table, TABLE);
  put(automaton.goesOn, layout.goesOn);
  put(automaton.acceptedFrom, layout.acceptedFrom);
  put(automaton.accepted, layout.accepted);
  put(categoryOf, layout.categoryOf);
  const known = new Int32Array(buffer, 0, (COUNT + 4) / 4);

  return {
    memory,
    layout,
    data: new Int32Array(buffer, layout.hits, 4 * MOST_HITS),
    taken: new Int32Array(buffer, layout.taken, categories),
    load(json) {
      const end = layout.text + json.length;
      bytes.set(json, layout.text);
      bytes.fill(0, end, end + PADDING);
      return bytes.subarray(layout.text, end);
    },
    scan,
    get count() {
      return known[COUNT / 4]!;
    },
    set count(count) {
      known[COUNT / 4] = count;
    },
    get units() {
      return known[UNITS / 4]!;
    },
  };
}
