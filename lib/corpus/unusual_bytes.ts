/**
 * Where in JSON the bytes are that need a look: nearly all of a text is printable ASCII that means itself, and to pass
 * over that is a matter of SIMD instructions.
 */
import { assemble, branch, type Code, type FunctionSource, i32, i64, i8x16, loop, v128, when } from "../core/wasm.ts";

const [QUOTE, BACKSLASH, SPACE] = [0x22, 0x5c, 0x20];
/** Bytes looked at in one call, and where they lie in memory: behind them as many places of 32 bits. */
const PIECE = 8192;
const BYTES = 0;
const PLACES = PIECE + 64;

/** Passes over usual bytes, forward only. */
export interface UnusualBytes {
  /** Takes a line of JSON. */
  open(line: Uint8Array<ArrayBuffer>): void;
  /**
   * The first place from `at` on where a run of unusual bytes begins: quotation marks, backslashes, control characters
   * and what is not ASCII. The end of the line where there is none.
   *
   * @param at Not within a run, and not before the `at` of an earlier call.
   */
  next(at: number): number;
}

export function createUnusualBytes(): UnusualBytes {
  const { memory, find } = new WebAssembly.Instance(assemble({}, () => ({ find: finder }))).exports as {
    memory: WebAssembly.Memory;
    find(): number;
  };
  const bytes = new Uint8Array(memory.buffer, BYTES, PIECE);
  new Uint8Array(memory.buffer, BYTES + PIECE, 64).fill(SPACE);
  const places = new Int32Array(memory.buffer, PLACES, PIECE);
  let line = new Uint8Array(0);
  /** The piece in memory: where it begins and ends in the line, and which of its places is next. */
  let from = 0;
  let to = 0;
  let index = 0;
  let count = 0;

  return {
    open(opened) {
      line = opened;
      [from, to, index, count] = [0, 0, 0, 0];
    },
    next(at) {
      while (true) {
        for (; index < count; index++) {
          const place = from + places[index]!;
          if (place >= at) return place;
        }
        if (at >= line.length || (to >= line.length && at < to)) return line.length;
        from = Math.max(at, to);
        to = Math.min(from + PIECE, line.length);
        bytes.set(line.subarray(from, to));
        bytes.fill(SPACE, to - from);
        index = 0;
        count = find();
      }
    },
  };
}

/** Writes where runs begin in the piece, and answers how many these are. */
const finder: FunctionSource = ({ local }) => {
  const [at, out, bit] = [local("i32"), local("i32"), local("i32")];
  const [unusual, runs, carry] = [local("i64"), local("i64"), local("i64")];
  const bytes = local("v128");
  const bits = (offset: number): Code => [
    bytes.set(v128.load(at.get, BYTES + offset)),
    i64.shl(
      i64.extend_i32_u(i8x16.bitmask(v128.or(
        i8x16.lt_s(bytes.get, i8x16.const(SPACE)), // What is not ASCII is negative.
        v128.or(i8x16.eq(bytes.get, i8x16.const(QUOTE)), i8x16.eq(bytes.get, i8x16.const(BACKSLASH))),
      ))),
      i64.const(BigInt(offset)),
    ),
  ];
  return [
    out.set(i32.const(PLACES)),
    loop((again) => [
      unusual.set([0, 16, 32, 48].map(bits).reduce((all, more) => i64.or(all, more))),
      runs.set(i64.and(
        unusual.get,
        i64.xor(i64.or(i64.shl(unusual.get, i64.const(1n)), carry.get), i64.const(-1n)),
      )),
      carry.set(i64.shr_u(unusual.get, i64.const(63n))),
      loop((next) =>
        when(i64.ne(runs.get, i64.const(0n)), [
          bit.set(i32.wrap_i64(i64.ctz(runs.get))),
          runs.set(i64.and(runs.get, i64.sub(runs.get, i64.const(1n)))),
          i32.store(out.get, i32.add(at.get, bit.get)),
          out.set(i32.add(out.get, i32.const(4))),
          branch(next),
        ])
      ),
      at.set(i32.add(at.get, i32.const(64))),
      branch(again, i32.lt_u(at.get, i32.const(PIECE))),
    ]),
    i32.shr_u(i32.sub(out.get, i32.const(PLACES)), i32.const(2)),
  ];
};
