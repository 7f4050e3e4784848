import { type JsonValue, parse } from "@std/jsonc";
import { parse as parseBySubpath } from "@std/jsonc/parse";
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";

function fails(text: string, fault: string): void {
  throws(() => parse(text), { name: "SyntaxError", message: `Cannot parse JSONC: ${fault}` }, JSON.stringify(text));
}

Deno.test("parse takes comments wherever blanks may stand", () => {
  const text = `// first
    { /* a */ "a" /**/ : // b
      [1, /* , 2 */ 3] /* "c": */ , "//": "/* no comment */" }\r// last`;
  deepStrictEqual(parse(text), { a: [1, 3], "//": "/* no comment */" });
  deepStrictEqual(parse("1//"), 1);
  deepStrictEqual(parse("[1//x\r,2]"), [1, 2]);
});

Deno.test("parse takes one comma after the last item", () => {
  deepStrictEqual(parse('{ "a": [1, 2,], }'), { a: [1, 2] });
  fails("[,]", 'unexpected token "," in JSONC at position 1');
  fails("[1,,]", 'unexpected token "," in JSONC at position 3');
  fails('{"a":1,,}', 'unexpected token "," in JSONC at position 7');
  fails("1,", 'unexpected token "," in JSONC at position 1');
});

Deno.test("parse tells the first token that does not belong and its position", () => {
  fails('{"a" 1}', 'unexpected token "1" in JSONC at position 5');
  fails('{"a": 1 "b": 2}', 'unexpected token ""b"" in JSONC at position 8');
  fails("{a: 1}", 'unexpected token "a" in JSONC at position 1');
  fails("[}", 'unexpected token "}" in JSONC at position 1');
  fails("[1] [", 'unexpected token "[" in JSONC at position 4');
  fails("// é👪\nx", 'unexpected token "x" in JSONC at position 7');
  fails("[1 / 2]", 'unexpected token "" in JSONC at position 3');
});

Deno.test("parse tells a text that ends too early", () => {
  for (const text of ["", " ", "// x", "[", "[1", "[1,", '{"a"', '{"a":', "[/*", "1 /*/"]) {
    fails(text, "unexpected end of JSONC input");
  }
});

Deno.test("parse shows no more than 30 characters of a long token", () => {
  fails("y".repeat(30), `unexpected token "${"y".repeat(30)}" in JSONC at position 0`);
  fails("y".repeat(31), `unexpected token "${"y".repeat(30)}..." in JSONC at position 0`);
});

Deno.test("parse takes the numbers and words of JSON and no others", () => {
  for (const text of ["0", "-0", "10", "-1.5", "1e5", "1E+5", "2.5e-3", "1e999", "null", "true", "false"]) {
    deepStrictEqual(parse(text), JSON.parse(text), text);
  }
  for (const text of ["01", "+1", ".5", "1.", "1e", "0x1", "NaN", "Infinity", "-", "nul", "True", "undefined", "1_0"]) {
    fails(text, `unexpected token "${text}" in JSONC at position 0`);
  }
});

Deno.test("parse takes the strings of JSON and no others", () => {
  for (const text of ['""', '"\\" \\\\ \\/ \\b\\f\\n\\r\\t"', '"\\u0416\\ud83d"', '"Ж 👪 \u2028"']) {
    strictEqual(parse(text), JSON.parse(text), text);
  }
  for (const text of ['"a', '"a\\"', '"\\x41"', '"\\u12"', '"a\nb"', '"\t"', "'a'", '"\\']) {
    fails(text, `unexpected token "${text}" in JSONC at position 0`);
  }
});

Deno.test("parse takes only the blanks of JSON between tokens", () => {
  deepStrictEqual(parse(" \t\r\n1 \t\r\n"), 1);
  for (const blank of ["\u00a0", "\ufeff", "\f", "\u2028"]) {
    fails(`${blank}1`, `unexpected token "${blank}1" in JSONC at position 0`);
  }
});

Deno.test("parse lets the last of equal keys hold, in the place of the first", () => {
  deepStrictEqual(Object.entries(parse('{"a": 1, "b": 2, "a": 3}') ?? {}), [["a", 3], ["b", 2]]);
});

Deno.test("parse keeps __proto__ as a key like any other", () => {
  const value = parse('{"__proto__": {"polluted": true}, "constructor": 1}') ?? {};
  strictEqual(Object.getPrototypeOf(value), Object.prototype);
  deepStrictEqual(Object.keys(value), ["__proto__", "constructor"]);
  strictEqual(Reflect.get(Object(value), "polluted"), undefined);
});

Deno.test("parse is a function and no constructor", () => {
  throws(() => Reflect.construct(parse, ["1"]), { name: "TypeError", message: /parse is not a constructor/ });
});

Deno.test("parse agrees with JSON.parse on JSON", () => {
  const value: JsonValue = { a: [1, -2.5, 'x\n"\\', null, true, { "": {} }], "日本": [[]], "e": 1e-7 };
  for (const indent of [0, 2]) deepStrictEqual(parse(JSON.stringify(value, null, indent)), value);
});

Deno.test("parse reads a string and a comment of 20 million characters", () => {
  const long = "x".repeat(20_000_000);
  strictEqual(String(parse(`/*${long}*/ "${long}" //${long}`)).length, long.length);
});

Deno.test("@std/jsonc exports parse from its root and its subpath", () => strictEqual(parse, parseBySubpath));
