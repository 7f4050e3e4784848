/** What kernels in WebAssembly write rows of JSON with. */
import { branch, type Code, type FunctionSource, i32, increase, type Local, loop, plus, v128, when } from "./wasm.ts";

/** Bytes that are copied at once: so many may be read and written behind the end. */
export const STEP = 16;
const ZERO = 0x30;

const encoder = new TextEncoder();

/**
 * `number(out, value, digits)` writes a whole number, with zeros in front where it has fewer digits, and answers where
 * the next byte goes.
 */
export const number: FunctionSource = ({ param, local }) => {
  const [out, value, digits] = [param(), param(), param()];
  const [end, at, rest] = [local("i32"), local("i32"), local("i32")];
  return [
    rest.set(value.get),
    at.set(i32.const(1)),
    loop((again) =>
      when(i32.lt_u(i32.const(9), rest.get), [
        rest.set(i32.div_u(rest.get, i32.const(10))),
        increase(at, 1),
        branch(again),
      ])
    ),
    when(i32.lt_u(at.get, digits.get), at.set(digits.get)),
    end.set(i32.add(out.get, at.get)),
    at.set(end.get),
    loop((again) => [
      increase(at, -1),
      rest.set(i32.div_u(value.get, i32.const(10))),
      i32.store8(at.get, plus(i32.sub(value.get, i32.mul(rest.get, i32.const(10))), ZERO)),
      value.set(rest.get),
      branch(again, i32.lt_u(out.get, at.get)),
    ]),
    end.get,
  ];
};

/** A call of {@linkcode number}. */
export type Number = (out: Code, value: Code, digits: Code) => Code;

/**
 * Code that adds to what is written at `out`.
 *
 * @param from Variables for copying, of no meaning in between.
 */
export function writerTo(out: Local, from: Local, left: Local, number: Number) {
  return {
    copy: (source: Code, length: Code): Code => [
      from.set(source),
      left.set(length),
      loop((again) => [
        v128.store(out.get, v128.load(from.get)),
        when(i32.lt_u(i32.const(STEP), left.get), [
          increase(out, STEP),
          increase(from, STEP),
          increase(left, -STEP),
          branch(again),
        ]),
      ]),
      out.set(i32.add(out.get, left.get)),
    ],
    /** A constant text. */
    text: (constant: string): Code => {
      const bytes = encoder.encode(constant);
      const steps = Array.from({ length: Math.ceil(bytes.length / STEP) }, (_, step) => step * STEP);
      return [
        steps.map((at) => v128.store(out.get, v128.const(bytes.subarray(at, at + STEP)), at)),
        increase(out, bytes.length),
      ];
    },
    number: (value: Code, digits = 1): Code => out.set(number(out.get, value, i32.const(digits))),
    byte: (value: Code): Code => [i32.store8(out.get, value), increase(out, 1)],
  };
}
