/**
 * The ends of most sentences in a text as it stands in JSON, in WebAssembly. The rules are those of sentences.ts; the kernel
 * follows them where one look tells, and leaves the other stops to them.
 */
import {
  block,
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
import { skipTo } from "../core/wasm_read.ts";
import { between, or6, tail } from "./kernel_utf8.ts";
import { SHORT_FORMS } from "./abbreviations.ts";
import { isSpace } from "./paragraphs.ts";
import { isBeforeWord, isCloser, isLower, isQuote, isStop, isTokenUnit } from "./sentences.ts";

const [QUOTE, BACKSLASH, SPACE, DOT, BRACKET, LETTER_N] = [0x22, 0x5c, 0x20, 0x2e, 0x5b, 0x6e];
const NO_BREAK = 0xa0;

/** What a character is, for all below LIMIT; what is above is left to the rules. */
const [STOP, CLOSER, QUOTATION, WHITE, BEFORE_WORD, LOWER, UPPER, TOKEN] = [1, 2, 4, 8, 16, 32, 64, 128];
const LIMIT = 0x2100;
/** A byte for each character, then one for each form of a word that may be an abbreviation. */
export const TABLES_SIZE = LIMIT + SHORT_FORMS.length;

/** Numbers of 32 bits that tell of a stop: where it is (with all bits turned where the rules must look), an end, a start. */
export const ENTRY = 3;

/** What lies in memory from the place `tables` on. */
export function sentenceTables(): Uint8Array {
  const tables = new Uint8Array(TABLES_SIZE);
  for (let unit = 0; unit < LIMIT; unit++) {
    const all: [boolean, number][] = [
      [isStop(unit), STOP],
      [isCloser(unit), CLOSER],
      [isQuote(unit), QUOTATION],
      [isSpace(unit), WHITE],
      [isBeforeWord(unit), BEFORE_WORD],
      [isLower(unit), LOWER],
      [/\p{Lu}/u.test(String.fromCharCode(unit)), UPPER],
      [isTokenUnit(unit), TOKEN],
    ];
    for (const [is, kind] of all) if (is) tables[unit]! |= kind;
  }
  tables.set(SHORT_FORMS, LIMIT);
  return tables;
}

const or = (...all: Code[]): Code => all.reduce((some, more) => i32.or(some, more));
const equals = (value: Code, number: number) => i32.eq(value, i32.const(number));
const low = (value: Code, bits: number) => i32.and(value, i32.const((1 << bits) - 1));

/** `read(place)` answers the character there, times eight, and its bytes; LIMIT stands for all that the tables lack. */
export const read: FunctionSource = ({ param, local }) => {
  const [place, bytes, code] = [param(), local("i32"), local("i32")];
  const answer = (code: Code, width: number) => leaveWith(i32.or(i32.shl(code, i32.const(3)), i32.const(width)));
  const isEscape = (letter: number) => equals(low(bytes.get, 16), letter << 8 | BACKSLASH);
  return [
    bytes.set(i32.load(place.get)),
    code.set(low(bytes.get, 8)),
    when(isEscape(QUOTE), answer(i32.const(QUOTE), 2)),
    when(isEscape(LETTER_N), answer(i32.const(0x0a), 2)),
    when(equals(code.get, BACKSLASH), answer(i32.const(LIMIT), 2)),
    when(i32.lt_u(code.get, i32.const(0x80)), answer(code.get, 1)),
    when(
      i32.lt_u(code.get, i32.const(0xe0)),
      answer(or6(low(bytes.get, 5), tail(bytes, 8)), 2),
    ),
    when(equals(code.get, 0xe2), [
      code.set(i32.or(i32.const(0x2000), or6(tail(bytes, 8), tail(bytes, 16)))),
      when(i32.lt_u(code.get, i32.const(LIMIT)), answer(code.get, 3)),
    ]),
    i32.const(LIMIT << 3 | 3),
  ];
};

/**
 * `stops(from, to, unit, list)` lists the stops in a paragraph that end a sentence or may do so, as entries of ENTRY
 * numbers, and answers where the list ends; 0 where all of the paragraph is left to the rules.
 *
 * @param tables Where the tables lie.
 * @param toRead Calls {@linkcode read}.
 */
export const stops = (tables: number, toRead: (place: Code) => Code): FunctionSource => ({ param, local }) => {
  const [at, to, unit, list] = [param(), param(), param(), param()];
  const int = () => local("i32");
  const [first, shift, bits, byte] = [int(), int(), int(), int()];
  const [stop, dots, isDot] = [int(), int(), int()];
  const [end, endShift, next, nextShift] = [int(), int(), int(), int()];
  const [char, closed, spoken, from, length] = [int(), int(), int(), int(), int()];
  const bytes = local("v128");

  const push = (value: Code): Code => [i32.store(list.get, value), increase(list, 4)];
  const code = i32.shr_u(char.get, i32.const(3));
  const is = (kind: number, code: Code) => i32.and(i32.load8_u(code, tables), i32.const(kind));
  const isKnown = i32.lt_u(code, i32.const(LIMIT));
  const charIs = (kind: number) => i32.and(isKnown, i32.ne(i32.const(0), is(kind, i32.mul(isKnown, code))));
  /** Goes past the character that was read: it is one unit. */
  const pass = (place: Local, shift: Local): Code => [
    place.set(i32.add(place.get, low(char.get, 3))),
    shift.set(i32.add(shift.get, plus(low(char.get, 3), -1))),
  ];
  const passAll = (place: Local, shift: Local, kind: number, also: Code = []): Code =>
    loop((again) => [
      char.set(toRead(place.get)),
      when(charIs(kind), [also, pass(place, shift), branch(again)]),
    ]);

  const isSpecial = v128.or(
    v128.or(i8x16.lt_s(bytes.get, i8x16.const(0)), i8x16.eq(bytes.get, i8x16.const(BACKSLASH))),
    ["?", "!", "."].map((stop) => i8x16.eq(bytes.get, i8x16.const(stop.charCodeAt(0))))
      .reduce((all, more) => v128.or(all, more)),
  );
  /** Leaves for `unsure` unless what stands before a full stop, the byte in front of `at`, is a word and no abbreviation. */
  const checkWord = (unsure: (condition: Code) => Code): Code => [
    from.set(plus(at.get, -2)),
    loop((again) => [
      byte.set(i32.load8_u(from.get)),
      when(
        i32.and(i32.ge_u(from.get, first.get), between(byte.get, 0x61, 26)),
        [increase(from, -1), branch(again)],
      ),
    ]),
    when(i32.and(i32.ge_u(from.get, first.get), between(byte.get, 0x41, 26)), increase(from, -1)),
    length.set(plus(i32.sub(at.get, from.get), -2)),
    unsure(i32.lt_u(length.get, i32.const(2))),
    when(i32.ge_u(from.get, first.get), [
      byte.set(i32.load8_u(from.get)),
      when(
        i32.lt_u(byte.get, i32.const(0x80)),
        unsure(or(is(TOKEN, byte.get), equals(byte.get, BACKSLASH))),
        unsure(i32.ne(low(i32.load(plus(from.get, -2)), 16), i32.const(0x80e2))), // But for punctuation.
      ),
    ]),
    when(i32.lt_u(length.get, i32.const(7)), [
      byte.set(i32.xor(
        or(
          i32.shl(low(i32.load8_u(from.get, 1), 5), i32.const(8)),
          i32.shl(low(i32.load8_u(plus(at.get, -2)), 5), i32.const(3)),
          length.get,
        ),
        i32.shl(low(i32.load8_u(from.get, 2), 5), i32.const(4)),
      )),
      unsure(i32.load8_u(byte.get, tables + LIMIT)),
    ]),
  ];

  /** Past a run of stops: `?!`, `...`, also `. . .`. */
  const passStops: Code = [
    dots.set(i32.const(0)),
    loop((again) => [
      isDot.set(equals(code, DOT)),
      increase(dots, 1),
      pass(at, shift),
      char.set(toRead(at.get)),
      branch(again, charIs(STOP)),
      when(
        i32.and(
          or(equals(code, SPACE), equals(code, NO_BREAK)),
          equals(i32.load8_u(i32.add(at.get, low(char.get, 3))), DOT),
        ),
        [pass(at, shift), char.set(i32.const(DOT << 3 | 1)), branch(again)],
      ),
    ]),
  ];

  const atStop: Code = block((done) => [
    block((label) => {
      const unsure = (condition: Code) => branch(label, condition);
      const boundary: Code = [
        push(stop.get),
        push(i32.sub(end.get, endShift.get)),
        push(i32.sub(next.get, nextShift.get)),
        branch(done),
      ];
      return [
        end.set(at.get),
        endShift.set(shift.get),
        closed.set(i32.const(0)),
        spoken.set(i32.const(0)),
        passAll(end, endShift, CLOSER, [
          when(i32.eqz(closed.get), spoken.set(i32.ne(i32.const(0), is(QUOTATION, code)))),
          closed.set(i32.const(1)),
        ]),
        when(i32.ge_u(end.get, to.get), leaveWith(list.get)),
        unsure(or(equals(code, BRACKET), equals(code, LIMIT))),
        next.set(end.get),
        nextShift.set(endShift.get),
        passAll(next, nextShift, WHITE),
        branch(done, i32.eq(next.get, end.get)),
        spoken.set(i32.and(spoken.get, or(i32.eqz(isKnown), charIs(UPPER)))), // Who spoke may follow.
        from.set(next.get),
        passAll(from, length, BEFORE_WORD), // Where that is in the text does not matter.
        unsure(or(i32.ge_u(from.get, to.get), i32.eqz(isKnown))),
        branch(done, charIs(LOWER)),
        when(
          isDot.get,
          when(i32.eqz(i32.or(closed.get, plus(dots.get, -1))), checkWord(unsure)),
          unsure(spoken.get),
        ),
        boundary,
      ];
    }),
    push(i32.xor(stop.get, i32.const(-1))),
    increase(list, 4 * (ENTRY - 1)),
  ]);

  return [
    first.set(at.get),
    shift.set(i32.sub(at.get, unit.get)),
    loop((again) => [
      skipTo(at, bytes, bits, isSpecial),
      when(i32.ge_u(at.get, to.get), leaveWith(list.get)),
      char.set(toRead(at.get)),
      when(charIs(STOP), [
        stop.set(i32.sub(at.get, shift.get)),
        passStops,
        atStop,
        branch(again),
      ]),
      when(equals(code, LIMIT), [
        when(equals(i32.load8_u(at.get), BACKSLASH), leaveWith(i32.const(0))),
        // Of four bytes, and two units.
        when(i32.ge_u(i32.load8_u(at.get), i32.const(0xf0)), increase(at, 1)),
      ]),
      pass(at, shift),
      branch(again),
    ]),
    i32.const(0),
  ];
};
