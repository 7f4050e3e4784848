/**
 * What the step `filter` does with the bytes of a row beside matching, in WebAssembly and in the matcher's memory: it
 * knows lines of the form in which the step `chunk` writes them, and writes rows and rejects (filter_kernel_write.ts).
 */
import {
  assemble,
  branch,
  type Code,
  type FunctionSource,
  i32,
  i64,
  i8x16,
  increase,
  leaveWith,
  type Local,
  loop,
  plus,
  v128,
  when,
} from "../core/wasm.ts";
import { skipTo } from "../core/wasm_read.ts";
import { number, STEP } from "../core/wasm_write.ts";
import { between, checkCharacter } from "../corpus/kernel_utf8.ts";
import { keep, type KernelTables, leaveOut } from "./filter_kernel_write.ts";

const encoder = new TextEncoder();
const [QUOTE, BACKSLASH, SPACE, DELETE, NEWLINE, ZERO, LETTER_N] = [0x22, 0x5c, 0x20, 0x7f, 0x0a, 0x30, 0x6e];
const LONGEST_NUMBER = 15;

/** What follows a part of a line's rest that is the same in all lines: its end, a whole number, a string's inside. */
export const END = 0, NUMBER = 1, STRING = 2;

/** All places are those in memory. */
export interface RowKernel {
  /** Where the text begins of the line that begins at a place; 0 where it does not begin `{"id":"…","text":"`. */
  open(line: number): number;
  /** The newline of the line that goes on, behind the text, as the table says; 0 where it does not. */
  rest(at: number): number;
  /** Writes a line with its matches, and answers where the next one goes. */
  keep(line: number, newline: number, matches: number, out: number): number;
  /** The same for the reject of a line; the score is in thousandths. */
  leaveOut(id: number, idEnd: number, matches: number, score: number, out: number): number;
}

/** Bytes between an id and its text. */
export const BEHIND_ID = encoder.encode('","text":"').length;
export const BEFORE_ID = encoder.encode('{"id":"').length;

export function openRowKernel(memory: WebAssembly.Memory, tables: KernelTables): RowKernel {
  const module = assemble({}, (_, own) => ({
    open,
    rest: rest(tables),
    number,
    keep: keep(tables, own("number")),
    leaveOut: leaveOut(own("number")),
  }), { memory: "import" });
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as RowKernel;
}

const littleEndian = (text: string) => encoder.encode(text).reduceRight((all, byte) => all << 8n | BigInt(byte), 0n);

/** Passes over printable ASCII that means itself in a JSON string. */
const skipPlain = (at: Local, bytes: Local, bits: Local): Code =>
  skipTo(
    at,
    bytes,
    bits,
    [QUOTE, BACKSLASH, DELETE].map((byte) => i8x16.eq(bytes.get, i8x16.const(byte)))
      .reduce((all, more) => v128.or(all, more), i8x16.lt_s(bytes.get, i8x16.const(SPACE))),
  );

const open: FunctionSource = ({ param, local }) => {
  const line = param();
  const [at, bits, bytes] = [local("i32"), local("i32"), local("v128")];
  const isHead = i64.eqz(i64.shl(
    i64.xor(i64.load(line.get), i64.const(littleEndian('{"id":"'))),
    i64.const(BigInt(8 * (8 - BEFORE_ID))),
  ));
  const isMiddle = i32.and(
    i64.eqz(i64.xor(i64.load(at.get), i64.const(littleEndian('","text"')))),
    i32.eq(i32.load16_u(at.get, 8), i32.const(Number(littleEndian(':"')))),
  );
  return [
    when(i32.eqz(isHead), leaveWith(i32.const(0))),
    at.set(plus(line.get, BEFORE_ID)),
    skipPlain(at, bytes, bits),
    when(i32.eq(at.get, plus(line.get, BEFORE_ID)), leaveWith(i32.const(0))),
    i32.mul(isMiddle, plus(at.get, BEHIND_ID)),
  ];
};

const rest = ({ rest }: KernelTables): FunctionSource => ({ param, local }) => {
  const at = param();
  const int = () => local("i32");
  const [part, from, left, bits, bytes] = [int(), int(), int(), int(), local("v128")];
  const [char, code, width] = [int(), int(), int()];
  const no = leaveWith(i32.const(0));
  const isOther = i32.ne(
    i32.const(0),
    i32.shl(
      i32.xor(i8x16.bitmask(i8x16.eq(v128.load(at.get), v128.load(from.get))), i32.const(0xffff)),
      i32.sub(i32.const(32), left.get), // What is beyond the part does not count.
    ),
  );
  const readPart: Code = [
    from.set(i32.load(part.get)),
    left.set(i32.load(part.get, 4)),
    loop((again) =>
      when(i32.lt_u(i32.const(STEP), left.get), [
        when(i32.ne(i8x16.bitmask(i8x16.eq(v128.load(at.get), v128.load(from.get))), i32.const(0xffff)), no),
        increase(at, STEP),
        increase(from, STEP),
        increase(left, -STEP),
        branch(again),
      ])
    ),
    when(isOther, no),
    at.set(i32.add(at.get, left.get)),
  ];
  /** A whole number that is one in JSON and exact in JavaScript. */
  const readNumber: Code = [
    from.set(at.get),
    loop((again) => when(between(i32.load8_u(at.get), ZERO, 10), [increase(at, 1), branch(again)])),
    left.set(i32.sub(at.get, from.get)),
    when(i32.eqz(between(left.get, 1, LONGEST_NUMBER)), no),
    when(i32.and(i32.eq(i32.load8_u(from.get), i32.const(ZERO)), i32.ne(left.get, i32.const(1))), no),
  ];
  /** A string up to its closing quote, or to what makes it none. Others than these escapes are rare. */
  const readString: Code = loop((again) => [
    skipPlain(at, bytes, bits),
    char.set(i32.load(at.get)),
    when(i32.and(char.get, i32.const(0x80)), [
      checkCharacter(char, code, width, no, []),
      at.set(i32.add(at.get, width.get)),
      branch(again),
    ]),
    [QUOTE, BACKSLASH, LETTER_N].map((letter) =>
      when(i32.eq(i32.and(char.get, i32.const(0xffff)), i32.const(letter << 8 | BACKSLASH)), [
        increase(at, 2),
        branch(again),
      ])
    ),
  ]);
  return [
    part.set(i32.const(rest)),
    loop((next) => [
      readPart,
      bits.set(i32.load(part.get, 8)),
      increase(part, 12),
      when(i32.eq(bits.get, i32.const(NUMBER)), [readNumber, branch(next)]),
      when(i32.eq(bits.get, i32.const(STRING)), [readString, branch(next)]),
    ]),
    i32.mul(i32.eq(i32.load8_u(at.get), i32.const(NEWLINE)), at.get),
  ];
};
