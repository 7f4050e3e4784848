/** How the kernels in WebAssembly read a character of more than one byte of UTF-8. */
import { type Code, i32, type Local, when } from "../core/wasm.ts";

export const between = (value: Code, low: number, count: number): Code =>
  i32.lt_u(i32.sub(value, i32.const(low)), i32.const(count));

/** Six bits more behind others. */
export const or6 = (high: Code, low: Code) => i32.or(i32.shl(high, i32.const(6)), low);

/** The low six bits of the byte at a shift in `char`. */
export const tail = (char: Local, shift: number) => i32.and(i32.shr_u(char.get, i32.const(shift)), i32.const(0x3f));

/** The low six bits of the first two bytes, as one number. */
export const firstBits = (char: Local): Code => or6(tail(char, 0), tail(char, 8));

/**
 * Checks a character (RFC 3629).
 *
 * @param char Four bytes from its first one on, which is not ASCII.
 * @param code Is set to its code point where it has more than two bytes, else changed or not.
 * @param width Is set to its bytes.
 * @param broken What to do where it is none.
 * @param four What to do besides where it has four bytes.
 */
export function checkCharacter(char: Local, code: Local, width: Local, broken: Code, four: Code): Code {
  const lead = i32.and(char.get, i32.const(0xff));
  const masked = (mask: number, value: number) => i32.eq(i32.and(char.get, i32.const(mask)), i32.const(value));
  const wide = or6(or6(i32.and(char.get, i32.const(0x0f)), tail(char, 8)), tail(char, 16));
  return when(
    i32.lt_u(lead, i32.const(0xe0)),
    [
      when(i32.eqz(i32.and(i32.ge_u(lead, i32.const(0xc2)), masked(0xc000, 0x8000))), broken),
      width.set(i32.const(2)),
    ],
    when(
      i32.lt_u(lead, i32.const(0xf0)),
      [
        code.set(wide),
        when(i32.eqz(masked(0xc0c000, 0x808000)), broken),
        when(i32.or(i32.lt_u(code.get, i32.const(0x800)), between(code.get, 0xd800, 0x800)), broken),
        width.set(i32.const(3)),
      ],
      [
        code.set(or6(wide, tail(char, 24))),
        when(i32.eqz(masked(0xc0c0c000 | 0, 0x80808000 | 0)), broken),
        when(i32.eqz(between(code.get, 0x10000, 0x100000)), broken),
        width.set(i32.const(4)),
        four,
      ],
    ),
  );
}
