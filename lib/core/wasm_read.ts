/** What kernels in WebAssembly pass over bytes with. */
import { branch, type Code, i32, i8x16, increase, type Local, loop, v128, when } from "./wasm.ts";

/**
 * Moves `at` on to the first byte, at it or behind, that is special.
 *
 * @param bytes Is set to the bytes that `isSpecial` looks at, sixteen at once; it answers negative ones where they are.
 * @param bits Of no meaning afterwards.
 */
export const skipTo = (at: Local, bytes: Local, bits: Local, isSpecial: Code): Code =>
  loop((again) => [
    bytes.set(v128.load(at.get)),
    bits.set(i8x16.bitmask(isSpecial)),
    when(i32.eqz(bits.get), [increase(at, 16), branch(again)]),
    at.set(i32.add(at.get, i32.ctz(bits.get))),
  ]);
