/**
 * A small assembler for WebAssembly: what must look at every byte of a gigabyte is written with its SIMD instructions,
 * which JavaScript has no words for. Code is a tree of function calls, so that TypeScript's functions are its macros.
 * Encodings: https://webassembly.github.io/spec/core/binary/.
 */

const TYPES = { i32: 0x7f, i64: 0x7e, v128: 0x7b } as const;
export type ValueType = keyof typeof TYPES;

/** Instructions, operands first, as a tree that is flattened at the end; a label stands for the way to its block. */
export type Code = number | Label | Block | readonly Code[];

/** Where a branch may go to. */
export class Label {}

interface Block {
  opcode: number;
  label: Label;
  body: Code;
  otherwise?: Code;
}

/** A parameter or a local variable of a function. */
export interface Local {
  readonly type: ValueType;
  readonly get: Code;
  set(value: Code): Code;
  /** Sets it and answers the value. */
  tee(value: Code): Code;
}

/**
 * The body of a function whose parameters and result are i32. It declares its parameters first, then its local
 * variables, which are 0 at first.
 */
export type FunctionSource = (declare: { param(): Local; local(type: ValueType): Local }) => Code;

type Call = (...args: Code[]) => Code;

/** A page of 64 KiB at least; an own memory has so much, to be grown. */
const ONE_PAGE = [0, 1];

/**
 * Makes a module with one memory, exported as `memory` or imported from `env.memory`, and functions exported by their
 * names.
 *
 * @param imports Functions of `env` that answer nothing, and how many i32 they take.
 * @param functions Is given what calls the imports, and what calls the module's own functions by their names.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { assemble, i32 } from "@/core/wasm.ts";
 *
 * const module = assemble({}, () => ({ double: ({ param }) => i32.mul(param().get, i32.const(2)) }));
 * const { double } = new WebAssembly.Instance(module).exports as { double(n: number): number };
 * equal(double(21), 42);
 * ```
 */
export function assemble<Import extends string>(
  imports: Readonly<Record<Import, number>>,
  functions: (calls: Record<Import, Call>, own: (name: string) => Call) => Readonly<Record<string, FunctionSource>>,
  { memory = "own" }: { memory?: "own" | "import" } = {},
): WebAssembly.Module {
  const names = Object.keys(imports) as Import[];
  const call = (index: number): Call => (...args) => [...args, 0x10, unsigned(index)];
  const calls = Object.fromEntries(names.map((name, index) => [name, call(index)])) as Record<Import, Call>;
  const indexOf = (name: string) => names.length + Object.keys(bodies).indexOf(name);
  const bodies = functions(calls, (name) => (...args) => call(indexOf(name))(...args));
  const sources = Object.entries(bodies).map(([name, source]) => ({ name, ...functionOf(source) }));
  const ofI32 = (count: number) => vector(new Array<number>(count).fill(TYPES.i32));
  const bytes = flatten([
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [
      ...names.map((name) => [0x60, ofI32(imports[name]), 0]),
      ...sources.map(({ params }) => [0x60, ofI32(params), ofI32(1)]),
    ]),
    section(2, [
      ...names.map((name, index) => [text("env"), text(name), 0, unsigned(index)]),
      ...(memory === "import" ? [[text("env"), text("memory"), 2, ONE_PAGE]] : []),
    ]),
    section(3, sources.map((_, index) => unsigned(names.length + index))),
    section(5, memory === "own" ? [ONE_PAGE] : []),
    section(7, [
      [text("memory"), 2, 0],
      ...sources.map(({ name }, index) => [text(name), 0, unsigned(names.length + index)]),
    ]),
    section(10, sources.map(({ code }) => sized(code))),
  ]);
  return new WebAssembly.Module(Uint8Array.from(bytes));
}

function functionOf(source: FunctionSource): { params: number; code: Code } {
  let params = 0;
  const locals: ValueType[] = [];
  const variable = (type: ValueType, index: number): Local => ({
    type,
    get: [0x20, unsigned(index)],
    set: (value) => [value, 0x21, unsigned(index)],
    tee: (value) => [value, 0x22, unsigned(index)],
  });
  const body = source({
    param: () => variable("i32", params++),
    local: (type) => variable(type, params + locals.push(type) - 1),
  });
  return { params, code: [vector(locals.map((type) => [1, TYPES[type]])), body, 0x0b] };
}

function flatten(code: Code, open: readonly Label[] = [], into: number[] = []): number[] {
  if (typeof code === "number") into.push(code);
  else if (code instanceof Label) into.push(...flatten(unsigned(open.length - 1 - open.lastIndexOf(code))));
  else if ("opcode" in code) {
    into.push(code.opcode, 0x40); // Blocks answer nothing.
    flatten(code.body, [...open, code.label], into);
    if (code.otherwise) {
      into.push(0x05);
      flatten(code.otherwise, [...open, code.label], into);
    }
    into.push(0x0b);
  } else for (const part of code) flatten(part, open, into);
  return into;
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? value : [value & 0x7f | 0x80, unsigned(value >>> 7)];
}

function signed(value: bigint): Code {
  const low = Number(value & 0x7fn);
  const last = value >= -0x40n && value < 0x40n;
  return last ? low : [low | 0x80, signed(value >> 7n)];
}

const sized = (code: Code): Code => {
  const bytes = flatten(code);
  return [unsigned(bytes.length), bytes];
};
const vector = (items: readonly Code[]): Code => [unsigned(items.length), items];
const section = (id: number, items: readonly Code[]): Code => [id, sized(vector(items))];
const text = (name: string): Code => vector([...new TextEncoder().encode(name)]);

/** `if`. */
export function when(condition: Code, body: Code, otherwise?: Code): Code {
  const block = { opcode: 0x04, label: new Label(), body };
  return [condition, otherwise === undefined ? block : { ...block, otherwise }];
}

/** A block that is left by `branch(label)`. */
export function block(body: (leave: Label) => Code): Code {
  const label = new Label();
  return { opcode: 0x02, label, body: body(label) };
}

/** A block that is begun again by `branch(label)`, and left at its end. */
export function loop(body: (again: Label) => Code): Code {
  const label = new Label();
  return { opcode: 0x03, label, body: body(label) };
}

export function branch(to: Label, condition?: Code): Code {
  return condition === undefined ? [0x0c, to] : [condition, 0x0d, to];
}

/** Forgets a value, such as the answer of a call. */
export function drop(value: Code): Code {
  return [value, 0x1a];
}

export function leaveWith(result: Code): Code {
  return [result, 0x0f];
}

const plain = (opcode: number) => (...operands: Code[]): Code => [...operands, opcode];
const simd = (opcode: number) => (...operands: Code[]): Code => [...operands, 0xfd, unsigned(opcode)];
/** All accesses are unaligned; the offset is a constant that is added to the address. */
const load = (...opcode: Code[]) => (address: Code, offset = 0): Code => [address, ...opcode, 0, unsigned(offset)];

const store = (...opcode: Code[]) => (address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  ...opcode,
  0,
  unsigned(offset),
];

/** Named as in the specification. */
export const i32 = {
  const: (value: number): Code => [0x41, signed(BigInt(value | 0))],
  load: load(0x28),
  load8_u: load(0x2d),
  load16_u: load(0x2f),
  store: store(0x36),
  store8: store(0x3a),
  clz: plain(0x67),
  ctz: plain(0x68),
  eqz: plain(0x45),
  eq: plain(0x46),
  ne: plain(0x47),
  lt_u: plain(0x49),
  gt_u: plain(0x4b),
  ge_u: plain(0x4f),
  add: plain(0x6a),
  sub: plain(0x6b),
  mul: plain(0x6c),
  div_u: plain(0x6e),
  and: plain(0x71),
  or: plain(0x72),
  xor: plain(0x73),
  shl: plain(0x74),
  shr_u: plain(0x76),
  wrap_i64: plain(0xa7),
};

export const i64 = {
  const: (value: bigint): Code => [0x42, signed(BigInt.asIntN(64, value))],
  load: load(0x29),
  eqz: plain(0x50),
  ne: plain(0x52),
  ctz: plain(0x7a),
  popcnt: plain(0x7b),
  add: plain(0x7c),
  sub: plain(0x7d),
  mul: plain(0x7e),
  and: plain(0x83),
  or: plain(0x84),
  xor: plain(0x85),
  shl: plain(0x86),
  shr_u: plain(0x88),
  extend_i32_u: plain(0xad),
};

export const v128 = {
  /** At most sixteen bytes; zeros follow where there are fewer. */
  const: (bytes: Uint8Array): Code => [0xfd, 0x0c, Array.from({ length: 16 }, (_, i) => bytes[i] ?? 0)],
  load: load(0xfd, 0x00),
  store: store(0xfd, 0x0b),
  and: simd(0x4e),
  or: simd(0x50),
};

export const i8x16 = {
  /** Sixteen times the same constant. */
  const: (value: number): Code => [0xfd, 0x0c, Array.from({ length: 16 }, () => value & 0xff)],
  eq: simd(0x23),
  lt_s: simd(0x25),
  sub: simd(0x71),
  bitmask: simd(0x64),
};

/** A number and a constant. */
export const plus = (value: Code, more: number): Code => i32.add(value, i32.const(more));

export const increase = (variable: Local, more: number): Code => variable.set(plus(variable.get, more));
