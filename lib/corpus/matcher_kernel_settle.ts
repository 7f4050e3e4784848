/** The part of the kernel of matcher_kernel.ts that does what matcher_settle.ts does, where all is plain: nearly everywhere. */
import { branch, type Code, type FunctionSource, i32, leaveWith, type Local, loop, plus, when } from "../core/wasm.ts";
import type { Automaton } from "./matcher_dfa.ts";
import { COLUMNS, COUNT, type Layout, MOST_HITS, TABLE } from "./matcher_layout.ts";

/** The automaton's next entry, from a row on by the byte at a place. */
export const step = (row: Code, place: Local): Code =>
  i32.load(
    i32.shl(
      i32.add(row, i32.load16_u(i32.shl(i32.load8_u(place.get), i32.const(1)), COLUMNS)),
      i32.const(2),
    ),
    TABLE,
  );

/**
 * Makes `settle(start, place, entry, shift)`, whose answer means nothing: it adds the matches that begin with the word
 * at `start`, from where the automaton came as far as `entry`, a place where it must be looked closer, by the byte at
 * `place`. `shift` is what makes a place an offset in UTF-16 units.
 *
 * @param found Is told the same where a byte is not plain, here or in front of the word, or behind it in a phrase.
 */
export function settler(
  { gap, limit }: Automaton,
  layout: Layout,
  categories: number,
  found: (...args: Code[]) => Code,
): FunctionSource {
  return ({ param, local }) => {
    const [start, first, entry, shift] = [param(), param(), param(), param()];
    const int = () => local("i32");
    const [place, outcome, row, end, noted] = [int(), int(), int(), int(), int()];
    const [index, stop, pattern, category, at] = [int(), int(), int(), int(), int()];

    const cell = (base: number, number: Local): Code => i32.load(i32.shl(number.get, i32.const(2)), base);
    const setCell = (base: number, number: Local, value: Code): Code =>
      i32.store(i32.shl(number.get, i32.const(2)), value, base);
    const outcomeAt = (variable: Local): Code => i32.sub(variable.get, i32.const(limit));
    const next: Code = index.set(plus(index.get, 1));
    const tellAndLeave: Code = [found(start.get, first.get, entry.get, shift.get), leaveWith(i32.const(0))];
    /** Row 0 and the gap's are dead ends. */
    const isInside = (row: Local) => i32.and(i32.ne(row.get, i32.const(0)), i32.ne(row.get, i32.const(gap)));

    const add = (pattern: Code, to: Code): Code => [
      at.set(i32.load(i32.const(COUNT))),
      i32.store(i32.const(COUNT), plus(at.get, 1)),
      when(i32.lt_u(at.get, i32.const(MOST_HITS)), [
        at.set(i32.shl(at.get, i32.const(4))),
        i32.store(at.get, pattern, layout.hits),
        i32.store(at.get, i32.sub(start.get, shift.get), layout.hits + 4),
        i32.store(at.get, end.get, layout.hits + 8),
        i32.store(at.get, to, layout.hits + 12),
      ]),
    ];
    /** Does something for each pattern that ends in the outcome. */
    const eachAccepted = (body: Code): Code => [
      index.set(cell(layout.acceptedFrom, outcome)),
      stop.set(i32.load(i32.shl(outcome.get, i32.const(2)), layout.acceptedFrom + 4)),
      loop((again) =>
        when(i32.lt_u(index.get, stop.get), [
          pattern.set(cell(layout.accepted, index)),
          category.set(cell(layout.categoryOf, pattern)),
          body,
          next,
          branch(again),
        ])
      ),
    ];
    const eachCategory = (body: Code): Code => [
      index.set(i32.const(0)),
      loop((again) => [body, next, branch(again, i32.lt_u(index.get, i32.const(categories)))]),
    ];
    const isFree = (category: Local) => i32.gt_u(end.get, cell(layout.taken, category));

    const single: Code = eachAccepted(
      when(isFree(category), [setCell(layout.taken, category, end.get), add(pattern.get, end.get)]),
    );
    const note: Code = eachAccepted([
      noted.set(i32.const(1)),
      setCell(layout.bestEnd, category, i32.sub(place.get, shift.get)),
      setCell(layout.bestPattern, category, pattern.get),
    ]);
    const forget: Code = when(noted.get, eachCategory(setCell(layout.bestEnd, index, i32.const(0))));
    const addBest: Code = eachCategory([
      at.set(cell(layout.bestEnd, index)),
      when(at.get, [
        setCell(layout.bestEnd, index, i32.const(0)),
        when(isFree(index), [
          setCell(layout.taken, index, at.get),
          stop.set(at.get),
          add(cell(layout.bestPattern, index), stop.get),
        ]),
      ]),
    ]);
    /** From the row behind a word on, as far as the phrase goes. */
    const phrase: Code = loop((further) => [
      note,
      row.set(cell(layout.goesOn, outcome)),
      when(
        row.get,
        loop((again) => [
          place.set(plus(place.get, 1)),
          row.set(step(row.get, place)),
          when(i32.eq(row.get, i32.const(limit)), [forget, tellAndLeave]),
          when(i32.lt_u(i32.const(limit), row.get), [outcome.set(outcomeAt(row)), branch(further)]),
          branch(again, isInside(row)),
        ]),
      ),
    ]);

    return [
      outcome.set(outcomeAt(entry)),
      when(
        i32.or(i32.eqz(outcome.get), i32.ge_u(i32.load8_u(plus(start.get, -1)), i32.const(0x80))),
        tellAndLeave,
      ),
      place.set(first.get),
      end.set(i32.sub(first.get, shift.get)),
      when(cell(layout.goesOn, outcome), [phrase, when(noted.get, addBest)], single),
      i32.const(0),
    ];
  };
}
