/** The part of the kernel of filter_kernel.ts that writes. */
import { branch, type Code, type FunctionSource, i32, increase, loop, plus, when } from "../core/wasm.ts";
import { type Number, writerTo } from "../core/wasm_write.ts";

const [COMMA, DOT, ZERO, CLOSE] = [0x2c, 0x2e, 0x30, 0x7d];

/** Where in memory the tables lie, of numbers of 32 bits, and what they hold. */
export interface KernelTables {
  /** Of each part of the rest: where it is, its length, what follows. */
  rest: number;
  /** Of each pattern, how a match of it begins: where that is, its length, the pattern's category. */
  patterns: number;
  /** Of each category, how its count begins: where that is, its length, and room to count in. */
  categories: number;
  categoryCount: number;
  /** The matches, as in matcher_settle.ts. */
  hits: number;
}

/** See RowKernel. */
export const keep = (tables: KernelTables, toNumber: Number): FunctionSource => ({ param, local }) => {
  const [line, newline, matches, out] = [param(), param(), param(), param()];
  const int = () => local("i32");
  const [from, left, hit, end, entry, count] = [int(), int(), int(), int(), int(), int()];
  const { copy, text, number, byte } = writerTo(out, from, left, toNumber);
  const endOfCategories = tables.categories + 12 * tables.categoryCount;
  const eachCategory = (body: Code): Code => [
    entry.set(i32.const(tables.categories)),
    loop((again) => [
      body,
      increase(entry, 12),
      branch(again, i32.lt_u(entry.get, i32.const(endOfCategories))),
    ]),
  ];
  const eachHit = (body: Code): Code => [
    hit.set(i32.const(tables.hits)),
    loop((again) =>
      when(i32.lt_u(hit.get, end.get), [
        entry.set(plus(i32.mul(i32.load(hit.get), i32.const(12)), tables.patterns)),
        body,
        increase(hit, 16),
        branch(again),
      ])
    ),
  ];
  const ofPattern = plus(i32.mul(i32.load(entry.get, 8), i32.const(12)), tables.categories);
  return [
    end.set(plus(i32.shl(matches.get, i32.const(4)), tables.hits)),
    copy(line.get, i32.sub(plus(newline.get, -1), line.get)), // Without the brace that closes it.
    text(',"keyword_counts":{'),
    eachCategory(i32.store(entry.get, i32.const(0), 8)),
    eachHit([entry.set(ofPattern), i32.store(entry.get, plus(i32.load(entry.get, 8), 1), 8)]),
    eachCategory([
      count.set(i32.load(entry.get, 8)),
      when(count.get, [
        copy(i32.load(entry.get), i32.load(entry.get, 4)),
        number(count.get),
        byte(i32.const(COMMA)),
      ]),
    ]),
    text('"total":'),
    number(matches.get),
    text('},"matches":['),
    eachHit([
      copy(i32.load(entry.get), i32.load(entry.get, 4)),
      number(i32.load(hit.get, 4)),
      text(',"end":'),
      number(i32.load(hit.get, 12)),
      byte(i32.const(CLOSE)),
      byte(i32.const(COMMA)),
    ]),
    out.set(i32.sub(out.get, i32.ne(matches.get, i32.const(0)))), // No comma behind the last.
    text("]}\n"),
    out.get,
  ];
};

/** See RowKernel. */
export const leaveOut = (toNumber: Number): FunctionSource => ({ param, local }) => {
  const [id, idEnd, matches, score, out] = [param(), param(), param(), param(), param()];
  const [from, left] = [local("i32"), local("i32")];
  const { copy, text, number, byte } = writerTo(out, from, left, toNumber);
  return [
    text('{"reason":"too_few_matches","id":"'),
    copy(id.get, i32.sub(idEnd.get, id.get)),
    text('","detail":"matches '),
    number(matches.get),
    text(", score "),
    left.set(i32.div_u(score.get, i32.const(1000))),
    score.set(i32.sub(score.get, i32.mul(left.get, i32.const(1000)))),
    number(left.get),
    when(score.get, [
      byte(i32.const(DOT)),
      loop((again) => [
        left.set(i32.div_u(score.get, i32.const(100))),
        byte(plus(left.get, ZERO)),
        score.set(i32.mul(i32.sub(score.get, i32.mul(left.get, i32.const(100))), i32.const(10))),
        branch(again, score.get),
      ]),
    ]),
    text('"}\n'),
    out.get,
  ];
};
