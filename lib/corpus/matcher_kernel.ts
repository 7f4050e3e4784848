/**
 * The part of matching that looks at every byte, in WebAssembly: 64 bytes at a time it finds where words begin, and looks
 * up the first bytes of each, so that the automaton runs only from where a match may begin. What it finds where not all
 * is plain is told and looked at by matcher_settle.ts. The idea is that of Teddy and other literal
 * prefilters (https://github.com/BurntSushi/aho-corasick, `packed`), put at the beginnings of words.
 */
import {
  assemble,
  branch,
  type Code,
  drop,
  i32,
  i64,
  i8x16,
  leaveWith,
  type Local,
  loop,
  v128,
  when,
} from "../core/wasm.ts";
import { between, checkCharacter, firstBits } from "./kernel_utf8.ts";
import type { Automaton } from "./matcher_dfa.ts";
import { settler, step } from "./matcher_kernel_settle.ts";
import {
  BROKEN,
  COUNT,
  FACTOR,
  FOLD,
  HASH_SHIFT,
  type Layout,
  LEADS,
  MASKS,
  RARE,
  UNITS,
  WINDOWS,
} from "./matcher_layout.ts";

const [QUOTE, BACKSLASH, LETTER_N, SPACE] = [0x22, 0x5c, 0x6e, 0x20];

/**
 * Makes a module that exports `scan(from, to)`: it reads the JSON string of which the inside begins at `from`, in memory
 * that is filled up to `to`, and adds what matches to the hits in its memory. In their order with these, it calls
 * `found(start, end, entry, shift)` for each beginning of a word, `start`, from where the automaton came as far as
 * `entry` by the byte at `end`, and where not all was plain: the table's entry that stands for an outcome, or for a byte
 * that is not plain. `shift` is what makes a place in memory an offset in UTF-16 units. It answers where the closing
 * quote is.
 */
export function kernelModule(automaton: Automaton, layout: Layout, categories: number): WebAssembly.Module {
  const { gap, limit } = automaton;
  return assemble({ found: 4 }, ({ found }, own) => ({
    settle: settler(automaton, layout, categories, found),
    scan({ param, local }) {
      const [from, to] = [param(), param()];
      const blocks = [local("v128"), local("v128"), local("v128"), local("v128")];
      const long = () => local("i64");
      const [at, shift, bit, place, char] = [local("i32"), local("i32"), local("i32"), local("i32"), local("i32")];
      const [next, pending, code, entry] = [local("i32"), local("i32"), local("i32"), local("i32")];
      const [quotes, slashes, escaped, escape, closing] = [long(), long(), long(), long(), long()];
      const [inside, words, after, carry, starts, high] = [long(), long(), long(), long(), long(), long()];
      const [rest, hidden, fours, odd, rough] = [long(), long(), long(), long(), long()];
      const [near, next64, window] = [long(), long(), long()];
      const ahead = local("v128");

      const broken = leaveWith(i32.const(BROKEN));
      /** A bit for each of the 64 bytes. */
      const bits = (test: (bytes: Code) => Code): Code =>
        blocks.map(({ get }, i) => i64.shl(i64.extend_i32_u(i8x16.bitmask(test(get))), i64.const(BigInt(16 * i))))
          .reduce((all, more) => i64.or(all, more));
      const is = (value: number) => bits((bytes) => i8x16.eq(bytes, i8x16.const(value)));
      const one = i64.const(1n);
      const ones = i64.const(-1n);
      const not = (code: Code) => i64.xor(code, ones);
      const any = (...masks: Code[]) => i64.ne(masks.reduce((all, more) => i64.and(all, more)), i64.const(0n));
      const bitOf = (index: Local) => i64.shl(one, i64.extend_i32_u(index.get));
      const lowest = (mask: Local, index: Local) => index.set(i32.wrap_i64(i64.ctz(mask.get)));
      const countBelow = (mask: Code) => i32.wrap_i64(i64.popcnt(mask));
      const shiftAt = (below: Code) =>
        i32.sub(
          i32.add(shift.get, countBelow(i64.and(hidden.get, below))),
          countBelow(i64.and(fours.get, below)),
        );

      /** Beyond ASCII (the highest bit makes a byte negative) or a control character. */
      const isOdd = (bytes: Code) => i8x16.lt_s(bytes, i8x16.const(SPACE));
      const readEscapes: Code = [
        quotes.set(is(QUOTE)),
        slashes.set(is(BACKSLASH)),
        escaped.set(i64.or(i64.shl(slashes.get, one), escape.get)),
        closing.set(i64.and(quotes.get, not(escaped.get))),
        inside.set(i64.and(i64.sub(closing.get, one), not(closing.get))), // All bits below the lowest.
        when(any(odd.get, not(high.get), inside.get), broken), // Control characters.
        when(
          any(escaped.get), // Most blocks have none.
          when(
            any(escaped.get, i64.or(slashes.get, not(i64.or(is(LETTER_N), quotes.get))), inside.get),
            leaveWith(i32.const(RARE)),
          ),
        ),
        escape.set(i64.shr_u(slashes.get, i64.const(63n))),
      ];
      /** The range is moved to where signed bytes begin: to compare unsigned ones takes processors four times as long. */
      const inRange = (bytes: Code, low: number, count: number) =>
        i8x16.lt_s(i8x16.sub(bytes, i8x16.const(low + 0x80)), i8x16.const(count - 0x80));
      const findWords: Code = [
        words.set(bits((bytes) =>
          v128.or(
            v128.or(inRange(v128.or(bytes, i8x16.const(0x20)), 0x61, 26), inRange(bytes, 0x30, 10)),
            i8x16.eq(bytes, i8x16.const(0x5f)),
          )
        )),
        words.set(i64.and(words.get, not(escaped.get))),
        after.set(i64.or(i64.shl(words.get, one), carry.get)),
        carry.set(i64.shr_u(words.get, i64.const(63n))),
        starts.set(i64.and(i64.and(words.get, not(after.get)), inside.get)),
      ];

      const isFour: Code = fours.set(i64.or(fours.get, bitOf(bit)));
      const readLongCharacters: Code = when(
        i64.ne(i64.or(high.get, i64.extend_i32_u(pending.get)), i64.const(0n)),
        [
          hidden.set(i64.or(
            hidden.get,
            i64.and(bits((bytes) => i8x16.lt_s(bytes, i8x16.const(-64))), inside.get),
          )),
          rest.set(i64.and(high.get, i64.shl(ones, i64.extend_i32_u(pending.get)))),
          pending.set(i32.const(0)),
          loop((again) =>
            when(any(rest.get), [
              lowest(rest, bit),
              char.set(i32.load(i32.add(at.get, bit.get))),
              checkCharacter(char, code, next, broken, isFour),
              when(
                i32.load8_u(firstBits(char), LEADS),
                starts.set(i64.or(starts.get, i64.and(bitOf(bit), not(after.get)))),
              ),
              next.set(i32.add(bit.get, next.get)), // Where the next character begins.
              when(
                i32.lt_u(next.get, i32.const(64)),
                rest.set(i64.and(rest.get, i64.shl(ones, i64.extend_i32_u(next.get)))),
                [pending.set(i32.sub(next.get, i32.const(64))), rest.set(i64.const(0n))],
              ),
              branch(again),
            ])
          ),
        ],
      );

      /** Marks beginnings of which the window holds what is not plain. */
      const nearOdd: Code = [
        ahead.set(v128.load(at.get, 64)),
        next64.set(i64.extend_i32_u(i8x16.bitmask(v128.or(
          isOdd(ahead.get),
          v128.or(i8x16.eq(ahead.get, i8x16.const(QUOTE)), i8x16.eq(ahead.get, i8x16.const(BACKSLASH))),
        )))),
        rough.set(i64.or(odd.get, i64.or(quotes.get, slashes.get))),
        near.set(rough.get),
        [1n, 2n, 4n].map((distance) => near.set(i64.or(near.get, i64.shr_u(near.get, i64.const(distance))))),
        // All bits from the lowest of the next bytes on, less than eight bytes ahead.
        near.set(i64.or(near.get, i64.shl(i64.or(next64.get, i64.sub(i64.const(0n), next64.get)), i64.const(57n)))),
      ];
      const lowBits = i32.wrap_i64(window.get);
      const mask = i64.load(
        i32.or(
          i32.shl(i32.and(lowBits, i32.const(0x1f)), i32.const(8)),
          i32.and(i32.shr_u(lowBits, i32.const(5)), i32.const(0x1f << 3)),
        ),
        MASKS,
      );
      const folded = i64.or(window.get, i64.const(BigInt(FOLD) * 0x0101010101010101n));
      const hash = (window: Code) => i32.wrap_i64(i64.shr_u(i64.mul(window, i64.const(FACTOR)), i64.const(HASH_SHIFT)));
      /** Whether the window of which `code` is the hash is known: 1 or 0, and seldom 1 by chance. */
      const isKnown = i32.and(
        i32.shr_u(i32.load8_u(i32.shr_u(code.get, i32.const(3)), WINDOWS), i32.and(code.get, i32.const(7))),
        i32.const(1),
      );
      /** Adds to those in `near` the beginnings of which the window is known, without a branch to be mispredicted. */
      const lookUpWindows: Code = [
        rest.set(i64.and(starts.get, not(near.get))),
        near.set(i64.and(starts.get, near.get)),
        loop((again) =>
          when(any(rest.get), [
            lowest(rest, bit),
            rest.set(i64.and(rest.get, i64.sub(rest.get, one))),
            window.set(i64.load(i32.add(at.get, bit.get))),
            code.set(hash(i64.and(folded, mask))),
            near.set(i64.or(near.get, i64.shl(i64.extend_i32_u(isKnown), i64.extend_i32_u(bit.get)))),
            branch(again),
          ])
        ),
      ];
      /** How many plain bytes there are from `bit` on, 7 at most; `bit` is less than 64, so that it takes two shifts. */
      const countPlain = i64.ctz(i64.or(
        i64.or(
          i64.shr_u(rough.get, i64.extend_i32_u(bit.get)),
          i64.shl(i64.shl(next64.get, one), i64.extend_i32_u(i32.sub(i32.const(63), bit.get))),
        ),
        i64.const(1n << 7n),
      ));
      const walk: Code = [
        entry.set(step(i32.const(gap), place)),
        loop((further) =>
          when(between(entry.get, gap + 1, limit - gap - 1), [ // Row 0 and the gap's are dead ends.
            place.set(i32.add(place.get, i32.const(1))),
            entry.set(step(entry.get, place)),
            branch(further),
          ])
        ),
        when(
          i32.ge_u(entry.get, i32.const(limit)),
          drop(
            own("settle")(i32.add(at.get, bit.get), place.get, entry.get, shiftAt(i64.sub(bitOf(bit), one))),
          ),
        ),
      ];
      /** Of beginnings near what is not plain the bytes before that are looked up first: most walks are spared. */
      const tellStarts: Code = loop((again) =>
        when(any(near.get), [
          lowest(near, bit),
          near.set(i64.and(near.get, i64.sub(near.get, one))),
          place.set(i32.add(at.get, bit.get)),
          window.set(i64.load(place.get)),
          next.set(i32.wrap_i64(countPlain)),
          code.set(hash(i64.and(
            i64.and(folded, mask),
            not(i64.shl(ones, i64.extend_i32_u(i32.shl(next.get, i32.const(3))))),
          ))),
          when(i32.or(i32.lt_u(next.get, i32.const(2)), isKnown), walk),
          branch(again),
        ])
      );

      return [
        at.set(from.get),
        shift.set(from.get),
        i32.store(i32.const(COUNT), i32.const(0)),
        loop((again) => [
          blocks.map((block, i) => block.set(v128.load(at.get, 16 * i))),
          odd.set(bits(isOdd)),
          high.set(bits((bytes) => bytes)),
          readEscapes,
          findWords,
          high.set(i64.and(high.get, inside.get)),
          hidden.set(i64.and(slashes.get, inside.get)),
          fours.set(i64.const(0n)),
          readLongCharacters,
          nearOdd,
          lookUpWindows,
          tellStarts,
          when(any(closing.get), [
            lowest(closing, bit),
            place.set(i32.add(at.get, bit.get)),
            i32.store(i32.const(UNITS), i32.sub(place.get, shiftAt(inside.get))),
            leaveWith(place.get),
          ]),
          shift.set(shiftAt(ones)),
          at.set(i32.add(at.get, i32.const(64))),
          branch(again, i32.lt_u(at.get, to.get)),
        ]),
        i32.const(BROKEN),
      ];
    },
  }));
}
