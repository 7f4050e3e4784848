/** The types are the tests here: this file fails to compile where one of them changes. */

import { type Args, parseArgs, type ParseOptions } from "@std/cli/parse-args";
import { deepStrictEqual } from "node:assert/strict";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
type Positional = Array<string | number>;

/** Compiles only where the value's type, as written, is exactly `Expected`. */
function typed<Expected>() {
  return <Value>(_: Value, ..._same: Same<Value, Expected> extends true ? [] : [never]) => {};
}

Deno.test("parseArgs types every flag any where no option says more", () => {
  const args = parseArgs(["--a"]);
  // deno-lint-ignore no-explicit-any
  typed<any>()(args.anything);
  typed<Positional>()(args._);
  deepStrictEqual(args, { a: true, _: [] });
});

Deno.test("parseArgs types booleans required, strings optional and the rest unknown", () => {
  const args = parseArgs([], { boolean: ["dry"], string: ["out"] });
  typed<{ [key: string]: unknown; dry: boolean; out?: string; _: Positional }>()(args);
  // @ts-expect-error the check can fail: out is optional
  typed<{ [key: string]: unknown; dry: boolean; out: string; _: Positional }>()(args);
  deepStrictEqual(args, { dry: false, _: [] });
});

Deno.test("parseArgs types collected flags as lists of what they are", () => {
  const args = parseArgs([], {
    boolean: ["v"],
    string: ["id", "tag"],
    collect: ["v", "id", "x"],
    negatable: ["id", "tag"],
  });
  typed<boolean[]>()(args.v);
  typed<string[] | false>()(args.id);
  typed<string | false | undefined>()(args.tag);
  typed<unknown[]>()(args.x);
  deepStrictEqual(args, { v: [], id: [], _: [] });
});

Deno.test("parseArgs types defaults into their flags and makes these required", () => {
  const args = parseArgs([], { string: ["out", "seed"], boolean: ["dry"], default: { seed: 7, dry: null, more: 1 } });
  typed<{
    [key: string]: unknown;
    out?: string;
    seed: string | number;
    dry: boolean | null;
    more: unknown;
    _: Positional;
  }>()(args);
  deepStrictEqual(args, { seed: 7, dry: null, more: 1, _: [] });
});

Deno.test("parseArgs types dotted names and dotted defaults as nested objects", () => {
  const options = { string: ["llm.url", "llm.key"], boolean: ["llm.log.on"], default: { "llm.url": new URL("x:y") } };
  const args = parseArgs([], { string: ["llm.url", "llm.key"], boolean: ["llm.log.on"], default: options.default });
  typed<{ key?: string; url: string | URL; log: { on: boolean } }>()(args.llm);
  deepStrictEqual(args.llm, { url: options.default["llm.url"], log: { on: false } });
});

Deno.test("parseArgs types aliases as the flags they name", () => {
  const args = parseArgs(["-o", "x"], { string: ["out"], boolean: ["dry"], alias: { out: ["o", "to"], dry: "n" } });
  typed<string | undefined>()(args.to);
  typed<boolean>()(args.n);
  deepStrictEqual(args, { out: "x", o: "x", to: "x", dry: false, n: false, _: [] });
});

Deno.test("parseArgs types the double dash by its option", () => {
  typed<string[]>()(parseArgs([], { "--": true, string: ["a"] })["--"]);
  typed<unknown>()(parseArgs([], { string: ["a"] })["--"]);
  const options: ParseOptions = { boolean: true };
  typed<string[] | undefined>()(parseArgs([], options)["--"]);
});

Deno.test("parseArgs takes the result type as its first type argument", () => {
  const args = parseArgs<{ out: string; size?: number }, true>(["--out", "x"], { "--": true });
  typed<{ out: string; size?: number; _: Positional; "--": string[] }>()(args);
  typed<Args<{ out: string; size?: number }, true>>()(args);
  deepStrictEqual(args, { out: "x", _: [], "--": [] });
});
