/**
 * The part of reading a text in JSON that looks at every byte, in WebAssembly: nearly all of a text is printable ASCII
 * that means itself, and to pass over that is a matter of SIMD instructions.
 */
import {
  branch,
  type Code,
  type FunctionSource,
  i32,
  i8x16,
  leaveWith,
  type Local,
  loop,
  v128,
  when,
} from "../core/wasm.ts";
import { between, checkCharacter } from "./kernel_utf8.ts";

export const QUOTE = 0x22;
const [BACKSLASH, SLASH, SPACE, LETTER_N, LETTER_U] = [0x5c, 0x2f, 0x20, 0x6e, 0x75];
/** Backslash and n, as a little-endian number. */
const FEED = LETTER_N << 8 | BACKSLASH;

/** Bytes between marks at least: what must be looked at again to find a place, and what marks cost in memory. */
export const STRIDE = 64;

/** Bytes that are read in one call: they and what is found of them stay in the processor's nearest caches. */
export const PIECE = 1 << 14;
/** Bytes that must follow, none of which is plain. */
export const PADDING = 64;
/** An escape and a character of four bytes are shorter: nearer to the end of a piece, they are left to the next. */
export const LONGEST = 8;

/** The memory: what is known between calls, as numbers of 32 bits; the piece; what was found in it. */
export const [SHIFT, OPEN, MARK, STARTS_END, ENDS_END, MARKS_END] = [0, 4, 8, 12, 16, 20];
export const BYTES = 64; // The byte in front of them is 0.
export const STARTS = BYTES + PIECE + PADDING;
export const ENDS = STARTS + PIECE; // A paragraph takes four bytes at least: one, a blank line's two feeds of two.
export const LINE_MARKS = ENDS + PIECE; // Two a paragraph, and one in STRIDE bytes.
export const TEXT_MARKS = LINE_MARKS + 4 * PIECE;
export const END = TEXT_MARKS + 4 * PIECE;

export const BROKEN = -1;

/**
 * Reads the piece from its beginning to a quotation mark that closes the string, or to where the next piece must begin,
 * and answers that place; BROKEN where the string must be decoded.
 *
 * `base` makes a place in memory an offset in the line. Behind `limit` only plain bytes may be read yet.
 */
export const finder: FunctionSource = ({ param, local }) => {
  const [base, limit] = [param(), param()];
  const int = () => local("i32");
  const [at, from, end, tail, mark] = [int(), int(), int(), int(), int()];
  const [starts, ends, marks, shift, open] = [int(), int(), int(), int(), int()];
  const [bits, feeds, byte, gap] = [int(), int(), int(), int()];
  const [char, code, width, digit] = [int(), int(), int(), int()];
  const bytes = local("v128");

  const plus = (value: Code, more: number) => i32.add(value, i32.const(more));
  const increase = (variable: Local, more: number) => variable.set(plus(variable.get, more));
  const push = (end: Local, value: Code) => [i32.store(end.get, value), increase(end, 4)];
  const unit = (place: Code) => i32.sub(i32.add(place, base.get), shift.get);
  const isByte = (value: number) => i32.eq(byte.get, i32.const(value));
  const broken = leaveWith(i32.const(BROKEN));

  const pushMark = (place: Local): Code => [
    mark.set(place.get),
    i32.store(marks.get, i32.add(place.get, base.get)),
    i32.store(plus(marks.get, TEXT_MARKS - LINE_MARKS), unit(place.get)),
    increase(marks, 4),
  ];
  const pushMarkUnless = (place: Local): Code => when(i32.ne(place.get, mark.get), pushMark(place));
  const openParagraph: Code = [
    open.set(i32.const(1)),
    push(starts, unit(from.get)),
    pushMarkUnless(from),
  ];
  const trimmed = (variable: Local): Code =>
    loop((again) =>
      when(i32.eq(i32.load8_u(plus(variable.get, -1)), i32.const(SPACE)), [increase(variable, -1), branch(again)])
    );

  const leave: Code = [
    i32.store(i32.const(SHIFT), shift.get),
    i32.store(i32.const(OPEN), open.get),
    i32.store(i32.const(MARK), i32.add(mark.get, base.get)),
    i32.store(i32.const(STARTS_END), starts.get),
    i32.store(i32.const(ENDS_END), ends.get),
    i32.store(i32.const(MARKS_END), marks.get),
    leaveWith(at.get),
  ];
  /** The plain bytes up to `at` are done with, but for spaces: what follows tells whether they are within a paragraph. */
  const leaveToNext: Code = [
    when(i32.ne(at.get, from.get), [when(i32.eqz(open.get), openParagraph), trimmed(at)]),
    leave,
  ];

  const unusual = (offset: number): Code => [
    bytes.set(v128.load(at.get, offset)),
    i8x16.bitmask(v128.or(
      i8x16.lt_s(bytes.get, i8x16.const(SPACE)), // What is not ASCII is negative.
      v128.or(i8x16.eq(bytes.get, i8x16.const(QUOTE)), i8x16.eq(bytes.get, i8x16.const(BACKSLASH))),
    )),
  ];
  const skipPlain: Code = loop((again) => [
    bits.set(i32.or(unusual(0), i32.shl(unusual(16), i32.const(16)))),
    when(i32.eqz(bits.get), [increase(at, 32), branch(again)]),
    at.set(i32.add(at.get, i32.ctz(bits.get))),
  ]);

  /** White space from a line feed on. */
  const readSpace: Code = [
    end.set(at.get),
    feeds.set(i32.const(0)),
    loop((again) => [
      code.set(i32.load16_u(end.get)),
      when(i32.eq(code.get, i32.const(FEED)), [increase(end, 2), increase(feeds, 1), branch(again)]),
      when(i32.eq(i32.and(code.get, i32.const(0xff)), i32.const(SPACE)), [increase(end, 1), branch(again)]),
    ]),
    when(i32.lt_u(limit.get, end.get), leaveToNext),
  ];
  const closeParagraph: Code = when(
    i32.and(
      open.get,
      i32.or(
        isByte(QUOTE),
        i32.or(i32.lt_u(i32.const(1), feeds.get), i32.eq(i32.load8_u(end.get), i32.const(QUOTE))),
      ),
    ),
    [
      open.set(i32.const(0)),
      tail.set(at.get),
      trimmed(tail),
      push(ends, unit(tail.get)),
      pushMarkUnless(tail),
    ],
  );

  const isSpace = i32.or(
    i32.or(i32.lt_u(code.get, i32.const(SPACE + 1)), between(code.get, 0x2000, 11)),
    i32.or(between(code.get, 0x2028, 2), i32.eq(code.get, i32.const(0x3000))),
  );
  const hexDigit = (index: number): Code => [
    digit.set(i32.load8_u(plus(at.get, 2 + index))),
    when(
      between(digit.get, 0x30, 10),
      increase(digit, -0x30),
      [
        digit.set(i32.or(digit.get, i32.const(0x20))),
        when(i32.eqz(between(digit.get, 0x61, 6)), broken),
        increase(digit, 10 - 0x61),
      ],
    ),
    code.set(i32.or(i32.shl(code.get, i32.const(4)), digit.get)),
  ];
  const readEscape: Code = [
    char.set(i32.load8_u(plus(at.get, 1))),
    width.set(i32.const(2)),
    when(i32.eq(char.get, i32.const(LETTER_U)), [
      width.set(i32.const(6)),
      code.set(i32.const(0)),
      [0, 1, 2, 3].map(hexDigit),
      when(isSpace, broken),
    ], [
      when(
        i32.eqz(
          [QUOTE, BACKSLASH, SLASH].map((letter) => i32.eq(char.get, i32.const(letter)))
            .reduce((all, more) => i32.or(all, more)),
        ),
        broken,
      ),
    ]),
  ];
  const readLong: Code = [
    when(i32.lt_u(byte.get, i32.const(0x80)), broken),
    char.set(i32.load(at.get)),
    code.set(i32.const(0x80)),
    checkCharacter(char, code, width, broken, increase(shift, -1)), // Four bytes are two units.
    when(isSpace, broken),
  ];

  return [
    at.set(i32.const(BYTES)),
    starts.set(i32.const(STARTS)),
    ends.set(i32.const(ENDS)),
    marks.set(i32.const(LINE_MARKS)),
    shift.set(i32.load(i32.const(SHIFT))),
    open.set(i32.load(i32.const(OPEN))),
    mark.set(i32.sub(i32.load(i32.const(MARK)), base.get)),
    loop((next) => [
      when(
        i32.eqz(open.get),
        loop((again) => when(i32.eq(i32.load8_u(at.get), i32.const(SPACE)), [increase(at, 1), branch(again)])),
      ),
      from.set(at.get),
      skipPlain,
      byte.set(i32.load8_u(at.get)),
      when(i32.and(i32.lt_u(limit.get, at.get), i32.ne(byte.get, i32.const(QUOTE))), leaveToNext),
      feeds.set(i32.const(0)),
      gap.set(i32.eq(i32.load16_u(at.get), i32.const(FEED))),
      when(gap.get, readSpace),
      gap.set(i32.or(gap.get, isByte(QUOTE))),
      when(i32.and(i32.eqz(open.get), i32.or(i32.ne(at.get, from.get), i32.eqz(gap.get))), openParagraph),
      when(gap.get, closeParagraph),
      when(i32.ge_u(i32.sub(at.get, mark.get), i32.const(STRIDE)), pushMark(at)),
      when(isByte(QUOTE), leave),
      when(gap.get, [
        shift.set(i32.add(shift.get, feeds.get)), // Each is two bytes and one unit.
        at.set(end.get),
        branch(next),
      ]),
      when(isByte(BACKSLASH), readEscape, readLong),
      shift.set(i32.add(shift.get, plus(width.get, -1))),
      at.set(i32.add(at.get, width.get)),
      branch(next),
    ]),
    i32.const(BROKEN),
  ];
};
