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
  increase,
  leaveWith,
  type Local,
  loop,
  plus,
  v128,
  when,
} from "../core/wasm.ts";
import { between, checkCharacter } from "./kernel_utf8.ts";
import { TABLES_SIZE } from "./sentence_kernel.ts";

const [QUOTE, BACKSLASH, SLASH, SPACE, LETTER_N, LETTER_U] = [0x22, 0x5c, 0x2f, 0x20, 0x6e, 0x75];
/** Backslash and n, as a little-endian number. */
const FEED = LETTER_N << 8 | BACKSLASH;

/** Bytes between marks at least: what must be looked at again to find a place, and what marks cost in memory. */
export const STRIDE = 64;
/** Bytes of a mark: a place in memory, and what it is in the text. */
export const MARK = 8;

/** The memory: where lists end, the length of the text, the mark near which a place was found last, the tables of
 * sentence_kernel.ts, and the bytes. */
export const [STARTS_END, MARKS_END, LENGTH, NEAR] = [0, 4, 8, 12];
export const TABLES = 64;
/** The byte in front of them is 0. */
export const BYTES = TABLES + TABLES_SIZE + 64;
/** Bytes that must follow the line, all of them 0. */
export const PADDING = 64;

export const BROKEN = -1;

/**
 * `find(text, starts, ends, marks)` reads the string whose content begins at `text`, and answers the place of the
 * quotation mark that closes it; BROKEN where the string must be decoded. It makes three lists from the given places on:
 * where paragraphs start and end, in the text; and marks, where the line and the text are at the same place. Marks stand
 * where paragraphs start and end, and in front of what is not plain ASCII. Such things lie in the STRIDE bytes from a mark
 * on; behind them all is plain up to the next mark.
 */
export const find: FunctionSource = ({ param, local }) => {
  const [at, starts, ends, marks] = [param(), param(), param(), param()];
  const int = () => local("i32");
  const [from, end, tail, mark, shift, open] = [int(), int(), int(), int(), int(), int()];
  const [bits, feeds, byte, gap] = [int(), int(), int(), int()];
  const [char, code, width, digit] = [int(), int(), int(), int()];
  const bytes = local("v128");

  const push = (end: Local, value: Code) => [i32.store(end.get, value), increase(end, 4)];
  const unit = (place: Code) => i32.sub(place, shift.get);
  const isByte = (value: number) => i32.eq(byte.get, i32.const(value));
  const broken = leaveWith(i32.const(BROKEN));

  const pushMark = (place: Local): Code => [
    mark.set(place.get),
    push(marks, place.get),
    push(marks, unit(place.get)),
  ];
  const pushMarkUnless = (place: Local): Code => when(i32.ne(place.get, mark.get), pushMark(place));
  const openParagraph: Code = [
    open.set(i32.const(1)),
    push(starts, unit(from.get)),
    pushMarkUnless(from),
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
      loop((again) =>
        when(i32.eq(i32.load8_u(plus(tail.get, -1)), i32.const(SPACE)), [increase(tail, -1), branch(again)])
      ),
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

  const leave: Code = [
    i32.store(i32.const(STARTS_END), starts.get),
    i32.store(i32.const(MARKS_END), marks.get),
    i32.store(i32.const(LENGTH), unit(at.get)),
    leaveWith(at.get),
  ];

  return [
    shift.set(at.get),
    i32.store(i32.const(NEAR), marks.get),
    pushMark(at),
    loop((next) => [
      when(
        i32.eqz(open.get),
        loop((again) => when(i32.eq(i32.load8_u(at.get), i32.const(SPACE)), [increase(at, 1), branch(again)])),
      ),
      from.set(at.get),
      skipPlain,
      byte.set(i32.load8_u(at.get)),
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

/**
 * `place(unit)` answers where in memory a place in the text found last is. Asked for in the order of the text, or nearly
 * so, all of them together cost one look at each mark.
 */
export const place: FunctionSource = ({ param, local }) => {
  const unit = param();
  const [near, at, byte, behind] = [local("i32"), local("i32"), local("i32"), local("i32")];
  const textOf = (mark: Code) => i32.load(mark, 4);
  return [
    near.set(i32.load(i32.const(NEAR))),
    loop((again) => when(i32.lt_u(unit.get, textOf(near.get)), [increase(near, -MARK), branch(again)])),
    loop((again) => [
      at.set(plus(near.get, MARK)),
      when(
        i32.and(
          i32.lt_u(at.get, i32.load(i32.const(MARKS_END))),
          i32.ge_u(unit.get, textOf(at.get)),
        ),
        [near.set(at.get), branch(again)],
      ),
    ]),
    i32.store(i32.const(NEAR), near.get),
    at.set(i32.load(near.get)),
    behind.set(plus(at.get, STRIDE)),
    unit.set(i32.sub(unit.get, textOf(near.get))),
    loop((again) =>
      when(unit.get, [
        byte.set(i32.load8_u(at.get)),
        when(
          i32.or(i32.ge_u(byte.get, i32.const(0x80)), i32.eq(byte.get, i32.const(BACKSLASH))),
          [
            when(i32.eq(i32.load16_u(at.get), i32.const(LETTER_U << 8 | BACKSLASH)), increase(at, 4)),
            when(i32.ge_u(byte.get, i32.const(0xe0)), increase(at, 1)),
            when(i32.ge_u(byte.get, i32.const(0xf0)), [increase(at, 1), increase(unit, -1)]),
            increase(at, 2),
          ],
          [
            when(i32.ge_u(at.get, behind.get), leaveWith(i32.add(at.get, unit.get))), // Plain up to the next mark.
            increase(at, 1),
          ],
        ),
        increase(unit, -1),
        branch(again),
      ])
    ),
    at.get,
  ];
};
