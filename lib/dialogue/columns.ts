/** Numbers by place that grow without being moved: an array twice as long would hold all of them twice for a moment. */
export interface Column {
  /** 0 where nothing was put. */
  get(at: number): number;
  put(at: number, value: number): void;
}

const BITS = 13, MASK = (1 << BITS) - 1;

/**
 * An empty column.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { createColumn } from "@/dialogue/columns.ts";
 *
 * const column = createColumn();
 * column.put(100_000, 7);
 * deepEqual([column.get(100_000), column.get(99_999), column.get(0)], [7, 0, 0]);
 * ```
 */
export function createColumn(): Column {
  const pages: (Uint32Array | undefined)[] = [];
  return {
    get: (at) => pages[at >>> BITS]?.[at & MASK] ?? 0,
    put(at, value) {
      const number = at >>> BITS;
      while (pages.length < number) pages.push(undefined);
      const page = pages[number] ??= new Uint32Array(MASK + 1);
      page[at & MASK] = value;
    },
  };
}
