import { parseArgs } from "@std/cli/parse-args";
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";

/** Flags and positionals of a line as a shell would split it at spaces. */
function parse(line: string, options?: Parameters<typeof parseArgs>[1]): Record<string, unknown> {
  return parseArgs(line === "" ? [] : line.split(" "), options);
}

Deno.test("parseArgs reads long flags with and without values", () => {
  deepStrictEqual(parse("--dry-run --out a.jsonl --size=800 --flag --other"), {
    "dry-run": true,
    out: "a.jsonl",
    size: 800,
    flag: true,
    other: true,
    _: [],
  });
});

Deno.test("parseArgs reads short flags alone, grouped and with values attached", () => {
  deepStrictEqual(parse("-a -bc x -n12 -p-3 -k=v -I/usr -q5."), {
    a: true,
    b: true,
    c: "x",
    n: 12,
    p: -3,
    k: "v",
    I: "/usr",
    q: 5,
    _: [],
  });
});

Deno.test("parseArgs gives a value in a group of letters to the first of them", () => {
  deepStrictEqual(parse("-abc=x"), { a: "x", _: [] });
  deepStrictEqual(parse("-abc="), { a: true, b: true, c: "", _: [] });
});

Deno.test("parseArgs keeps everything after the first equals sign of a long flag", () => {
  deepStrictEqual(parseArgs(["--re=a=b\nc", "--=x"]), { re: "a=b\nc", "=x": true, _: [] });
});

Deno.test("parseArgs turns numbers into numbers unless string names the flag", () => {
  deepStrictEqual(parse("--id 0036 --hex 0xff --e 1e3 --v 1.2.3 7 x"), {
    id: 36,
    hex: 255,
    e: 1000,
    v: "1.2.3",
    _: [7, "x"],
  });
  deepStrictEqual(parse("--id 0036 7", { string: ["id", "_"] }), { id: "0036", _: ["7"] });
});

Deno.test("parseArgs gives an empty string to a string flag without a value", () => {
  deepStrictEqual(parse("--out -s", { string: ["out", "s"] }), { out: "", s: "", _: [] });
});

Deno.test("parseArgs leaves an empty argument after a flag where it stands", () => {
  deepStrictEqual(parseArgs(["--out", "", "x"]), { out: true, _: ["", "x"] });
});

Deno.test("parseArgs takes only true and false as the next argument of a boolean", () => {
  deepStrictEqual(parse("--a x --b false -c true y", { boolean: ["a", "b", "c", "d"] }), {
    a: true,
    b: false,
    c: true,
    d: false,
    _: ["x", "y"],
  });
});

Deno.test("parseArgs reads any value but false after a boolean's equals sign as true", () => {
  deepStrictEqual(parse("--a=no --b=false --c=", { boolean: ["a", "b", "c"] }), { a: true, b: false, c: true, _: [] });
});

Deno.test("parseArgs with boolean true lets no long flag take the next argument", () => {
  deepStrictEqual(parse("--a x --b=1 -c y", { boolean: true }), { a: true, b: 1, c: "y", _: ["x"] });
});

Deno.test("parseArgs takes the last of repeated flags and collects those that collect names", () => {
  deepStrictEqual(parse("--id 1 --id 2 --tag a --tag b", { collect: ["tag"] }), { id: 2, tag: ["a", "b"], _: [] });
  deepStrictEqual(parse("", { collect: ["tag", "flag"], string: ["tag"], boolean: ["flag"] }), {
    tag: [],
    flag: [],
    _: [],
  });
});

Deno.test("parseArgs sets false for --no- only where negatable names the flag", () => {
  deepStrictEqual(parse("--no-cache --no-log", { boolean: ["cache"], negatable: ["cache"] }), {
    cache: false,
    "no-log": true,
    _: [],
  });
  deepStrictEqual(parse("--tag a --no-tag", { collect: "tag", negatable: "tag" }), { tag: false, _: [] });
  deepStrictEqual(parse("--no-cache --cache", { boolean: ["cache"], negatable: ["cache"] }).cache, true);
});

Deno.test("parseArgs sets a flag under all its names, whichever was written", () => {
  const options = { alias: { out: ["o", "to"] }, string: "o" } as const;
  for (const name of ["-o", "--out", "--to"]) {
    deepStrictEqual(parseArgs([name, "007"], options), { out: "007", o: "007", to: "007", _: [] });
  }
});

Deno.test("parseArgs applies what it knows of a flag to its aliases", () => {
  const options = { alias: { v: "verbose" }, boolean: ["v"], negatable: ["v"] } as const;
  deepStrictEqual(parseArgs(["--verbose", "x"], options), { v: true, verbose: true, _: ["x"] });
  deepStrictEqual(parseArgs(["--no-verbose"], options), { v: false, verbose: false, _: [] });
});

Deno.test("parseArgs throws where an alias has no value", () => {
  throws(() => parseArgs([], { alias: { h: undefined } as unknown as Record<string, string> }), TypeError);
});

Deno.test("parseArgs fills in defaults under every alias, but not over what was given", () => {
  const options = {
    default: { seed: 7, "llm.url": "x", cache: null },
    alias: { seed: "s" },
    boolean: ["cache"],
  } as const;
  deepStrictEqual(parseArgs([], options), { seed: 7, s: 7, llm: { url: "x" }, cache: null, _: [] });
  deepStrictEqual(parseArgs(["-s", "1", "--llm.url", "y", "--cache"], options), {
    seed: 1,
    s: 1,
    llm: { url: "y" },
    cache: true,
    _: [],
  });
});

Deno.test("parseArgs nests dotted flags", () => {
  deepStrictEqual(parse("--a.b 1 --a.c.d --a.c.e=x --f.g", { boolean: ["f.h"] }), {
    a: { b: 1, c: { d: true, e: "x" } },
    f: { g: true, h: false },
    _: [],
  });
});

Deno.test("parseArgs throws where a flag is both a value and an object", () => {
  throws(() => parse("--a 1 --a.b 2"), { name: "TypeError", message: /"a\.b".*"a" is already set to "1"/ });
});

Deno.test("parseArgs throws where a flag takes the place of the positional arguments", () => {
  throws(() => parse("x --_ y"), { name: "TypeError", message: /"_" is set to "y"/ });
});

Deno.test("parseArgs puts what follows a double dash among the positionals, or aside", () => {
  deepStrictEqual(parse("a -- --b 1"), { _: ["a", "--b", "1"] });
  deepStrictEqual(parse("a -- --b 1", { "--": true }), { _: ["a"], "--": ["--b", "1"] });
  deepStrictEqual(parse("--a --", { "--": true }), { a: true, _: [], "--": [] });
});

Deno.test("parseArgs with stopEarly leaves everything after the first positional as it is", () => {
  deepStrictEqual(parse("--a 1 run --b 2 3", { stopEarly: true }), { a: 1, _: ["run", "--b", "2", "3"] });
});

Deno.test("parseArgs asks unknown about what no option names and leaves out what it refuses", () => {
  const asked: unknown[][] = [];
  const unknown = (...argument: unknown[]) => {
    asked.push(argument);
    return false;
  };
  const args = parse("--a 1 --b=2 -cd x --e -- z", { string: ["a"], alias: { d: "e" }, unknown });
  deepStrictEqual(asked, [["--b=2", "b", "2"], ["-cd", "c", true]]);
  deepStrictEqual(args, { a: "1", d: true, e: true, _: ["z"] });

  asked.length = 0;
  deepStrictEqual(parse("--a --b=1 x", { boolean: true, unknown }), { a: true, _: [] });
  deepStrictEqual(asked, [["--b=1", "b", "1"], ["x"]]);
});

Deno.test("parseArgs reads a lone dash and a dash after a letter as values", () => {
  deepStrictEqual(parse("- -f - -g-"), { f: "-", g: "-", _: ["-"] });
});

Deno.test("parseArgs keeps flags named like methods of every object", () => {
  const args = parse("--toString --valueOf 1 --hasOwnProperty.x 2", { collect: ["valueOf"] });
  deepStrictEqual(Object.entries(args), [["_", []], ["toString", true], ["valueOf", [1]], ["hasOwnProperty", {
    x: 2,
  }]]);
});

Deno.test("parseArgs writes nothing to what objects share", () => {
  const paths = ["__proto__.polluted", "constructor.prototype.polluted", "a.__proto__.polluted", "toString.polluted"];
  for (const path of paths) {
    const args = parseArgs([`--${path}`, "x", "--__proto__=1", "--constructor", "y"]);
    strictEqual(Object.getPrototypeOf(args), Object.prototype, path);
    strictEqual(Reflect.get({}, "polluted"), undefined, path);
    strictEqual(Reflect.get(Object.prototype.toString, "polluted"), undefined, path);
    strictEqual(args.constructor, Object, path);
  }
});
