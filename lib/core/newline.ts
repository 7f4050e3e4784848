/** Where a newline is, far from the end of bytes: lines may be whole books, and what JavaScript has looks at one byte a time. */
import { assemble, branch, type FunctionSource, i32, i8x16, leaveWith, loop, v128, when } from "./wasm.ts";

const NEWLINE = 0x0a;
/** Lines that are shorter than this are found at once. */
const NEAR = 1024;
const PIECE = 1 << 14;
const STEP = 32;

/** Looks from `end` back to 0; -1 where there is no newline. */
const last: FunctionSource = ({ param, local }) => {
  const [at, bits] = [param(), local("i32")];
  const newlines = (offset: number) =>
    i32.shl(
      i8x16.bitmask(i8x16.eq(v128.load(at.get, offset), i8x16.const(NEWLINE))),
      i32.const(offset),
    );
  return [
    loop((again) => [
      at.set(i32.sub(at.get, i32.const(STEP))),
      bits.set(i32.or(newlines(0), newlines(16))),
      when(bits.get, leaveWith(i32.sub(i32.add(at.get, i32.const(STEP - 1)), i32.clz(bits.get)))),
      branch(again, at.get),
    ]),
    i32.const(-1),
  ];
};

let kernel: { bytes: Uint8Array; last(end: number): number } | undefined;

function openKernel(): NonNullable<typeof kernel> {
  const { memory, last: find } = new WebAssembly.Instance(assemble({}, () => ({ last }))).exports as {
    memory: WebAssembly.Memory;
    last(end: number): number;
  };
  return { bytes: new Uint8Array(memory.buffer, 0, PIECE), last: find };
}

/**
 * The offset of the last newline between two offsets, or -1.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { lastNewline } from "@/core/newline.ts";
 *
 * const bytes = new TextEncoder().encode(`one\ntwo\n${"x".repeat(100_000)}`);
 * equal(lastNewline(bytes, 0, bytes.length), 7);
 * equal(lastNewline(bytes, 8, bytes.length), -1);
 * ```
 */
export function lastNewline(bytes: Uint8Array, from: number, to: number): number {
  const near = Math.max(from, to - NEAR);
  const found = bytes.subarray(near, to).lastIndexOf(NEWLINE);
  if (found >= 0) return near + found;
  for (let end = near; end > from;) {
    const start = Math.max(from, end - PIECE);
    kernel ??= openKernel();
    const length = Math.ceil((end - start) / STEP) * STEP;
    kernel.bytes.set(bytes.subarray(start, end));
    kernel.bytes.fill(0, end - start, length);
    const place = kernel.last(length);
    if (place >= 0) return start + place;
    end = start;
  }
  return -1;
}
