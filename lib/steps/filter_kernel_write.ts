/** The part of the kernel of filter_kernel.ts that writes. */
import { branch, type Code, type FunctionSource, i32, type Local, loop, v128, when } from "../core/wasm.ts";

const encoder = new TextEncoder();
const [COMMA, DOT, ZERO, CLOSE] = [0x2c, 0x2e, 0x30, 0x7d];
/** Bytes that are compared and copied at once: so many may be read and written behind the end. */
export const STEP = 16;

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
  /** Short constant texts. */
  texts: Readonly<Record<keyof typeof TEXTS, number>>;
}

export const TEXTS = {
  counts: encoder.encode(',"keyword_counts":{'),
  total: encoder.encode('"total":'),
  list: encoder.encode('},"matches":['),
  endMatch: encoder.encode(',"end":'),
  endList: encoder.encode("]}\n"),
  leftOut: encoder.encode('{"reason":"too_few_matches","id":"'),
  detail: encoder.encode('","detail":"matches '),
  score: encoder.encode(", score "),
  endLeftOut: encoder.encode('"}\n'),
};

const plus = (value: Code, more: number) => i32.add(value, i32.const(more));
const increase = (variable: Local, more: number) => variable.set(plus(variable.get, more));

/** `number(out, value)` writes a whole number, and answers where the next byte goes. */
export const number: FunctionSource = ({ param, local }) => {
  const [out, value] = [param(), param()];
  const [end, at] = [local("i32"), local("i32")];
  return [
    end.set(plus(out.get, 1)),
    at.set(value.get),
    loop((again) =>
      when(i32.lt_u(i32.const(9), at.get), [
        at.set(i32.div_u(at.get, i32.const(10))),
        increase(end, 1),
        branch(again),
      ])
    ),
    at.set(end.get),
    loop((again) => [
      increase(at, -1),
      out.set(i32.div_u(value.get, i32.const(10))),
      i32.store8(at.get, plus(i32.sub(value.get, i32.mul(out.get, i32.const(10))), ZERO)),
      value.set(out.get),
      branch(again, value.get),
    ]),
    end.get,
  ];
};

type Number = (out: Code, value: Code) => Code;

/** Code that adds to what is written at `out`. */
function writerTo(out: Local, from: Local, left: Local, number: Number) {
  const copy = (source: Code, length: Code): Code => [
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
  ];
  return {
    copy,
    text: (tables: KernelTables, name: keyof typeof TEXTS) =>
      copy(i32.const(tables.texts[name]), i32.const(TEXTS[name].length)),
    number: (value: Code): Code => out.set(number(out.get, value)),
    byte: (value: Code): Code => [i32.store8(out.get, value), increase(out, 1)],
  };
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
    text(tables, "counts"),
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
    text(tables, "total"),
    number(matches.get),
    text(tables, "list"),
    eachHit([
      copy(i32.load(entry.get), i32.load(entry.get, 4)),
      number(i32.load(hit.get, 4)),
      text(tables, "endMatch"),
      number(i32.load(hit.get, 12)),
      byte(i32.const(CLOSE)),
      byte(i32.const(COMMA)),
    ]),
    out.set(i32.sub(out.get, i32.ne(matches.get, i32.const(0)))), // No comma behind the last.
    text(tables, "endList"),
    out.get,
  ];
};

/** See RowKernel. */
export const leaveOut = (tables: KernelTables, toNumber: Number): FunctionSource => ({ param, local }) => {
  const [id, idEnd, matches, score, out] = [param(), param(), param(), param(), param()];
  const [from, left] = [local("i32"), local("i32")];
  const { copy, text, number, byte } = writerTo(out, from, left, toNumber);
  return [
    text(tables, "leftOut"),
    copy(id.get, i32.sub(idEnd.get, id.get)),
    text(tables, "detail"),
    number(matches.get),
    text(tables, "score"),
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
    text(tables, "endLeftOut"),
    out.get,
  ];
};
