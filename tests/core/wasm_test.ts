import { deepEqual, equal, throws } from "node:assert/strict";
import {
  assemble,
  block,
  branch,
  drop,
  type FunctionSource,
  i32,
  i64,
  i8x16,
  leaveWith,
  loop,
  v128,
  when,
} from "@/core/wasm.ts";

function run(source: FunctionSource, ...args: number[]): number {
  const { exports } = new WebAssembly.Instance(assemble({}, () => ({ source })));
  return (exports as { source(...args: number[]): number }).source(...args);
}

Deno.test("assemble encodes constants of every size and sign", () => {
  for (const value of [0, 1, 63, 64, -1, -64, -65, 127, 128, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)]) {
    equal(run(() => i32.const(value)), value);
  }
  for (const value of [0n, 0x7fn, -0x40n, 0x9e3779b97f4a7c15n, -(1n << 63n)]) {
    const high = run(() => i32.wrap_i64(i64.shr_u(i64.const(value), i64.const(32n))));
    equal(high, Number(BigInt.asIntN(32, value >> 32n)));
    equal(run(() => i32.wrap_i64(i64.const(value))), Number(BigInt.asIntN(32, value)));
  }
});

Deno.test("assemble finds the blocks that branches lead to, and declares locals behind parameters", () => {
  /** Collatz steps, until 1 is reached or a limit. */
  const steps: FunctionSource = ({ param, local }) => {
    const [n, limit] = [param(), param()];
    const count = local("i32");
    return [
      block((done) =>
        loop((again) => [
          branch(done, i32.eq(n.get, i32.const(1))),
          when(i32.eq(count.get, limit.get), leaveWith(i32.const(-1))),
          count.set(i32.add(count.get, i32.const(1))),
          when(
            i32.and(n.get, i32.const(1)),
            [n.set(i32.add(i32.mul(n.get, i32.const(3)), i32.const(1))), branch(again)],
            n.set(i32.shr_u(n.get, i32.const(1))),
          ),
          branch(again),
        ])
      ),
      count.get,
    ];
  };
  equal(run(steps, 27, 1000), 111);
  equal(run(steps, 27, 10), -1);
});

Deno.test("assemble reaches memory, vectors and imports", () => {
  const told: number[][] = [];
  const module = assemble({ tell: 2 }, ({ tell }) => ({
    /** Tells where spaces are in sixteen bytes. */
    spaces({ param, local }) {
      const mask = local("i32");
      return [
        mask.set(i8x16.bitmask(i8x16.eq(v128.load(param().get, 3), i8x16.const(0x20)))),
        tell(mask.get, i32.const(7)),
        i32.wrap_i64(i64.popcnt(i64.extend_i32_u(mask.get))),
      ];
    },
  }));
  const env = { tell: (a: number, b: number) => void told.push([a, b]) };
  const { memory, spaces } = new WebAssembly.Instance(module, { env }).exports as {
    memory: WebAssembly.Memory;
    spaces(from: number): number;
  };
  new Uint8Array(memory.buffer).set(new TextEncoder().encode("a bc de"), 8);
  equal(spaces(5), 2);
  deepEqual(told, [[0b10010, 7]]);
});

Deno.test("assemble makes no module of code that leaves nothing", () => {
  throws(() => run(() => []), WebAssembly.CompileError);
});

Deno.test("assemble lets functions call one another, and share a memory that is given", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = assemble({}, (_, own) => ({
    /** The sum of the bytes from a place on, up to a zero. */
    sum({ param, local }) {
      const [at, byte] = [param(), local("i32")];
      return [
        byte.set(i32.load8_u(at.get)),
        when(i32.eqz(byte.get), leaveWith(i32.const(0))),
        i32.add(byte.get, own("sum")(i32.add(at.get, i32.const(1)))),
      ];
    },
    put({ param }) {
      const [at, byte] = [param(), param()];
      return [drop(own("sum")(at.get)), i32.store8(at.get, byte.get, 2), own("sum")(at.get)];
    },
  }), { memory: "import" });
  const { put } = new WebAssembly.Instance(module, { env: { memory } }).exports as {
    put(at: number, byte: number): number;
  };
  new Uint8Array(memory.buffer).set([1, 2], 100);
  equal(put(100, 300), 47);
  equal(new Uint8Array(memory.buffer)[102], 44);
});
