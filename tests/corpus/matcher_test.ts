import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import { compileThemes, matchThemes, parseThemes, ThemeFile, type Themes } from "@/corpus/themes.ts";
import { presetPath, WORKSPACE } from "@/core/paths.ts";
import { wordStart } from "@/corpus/matcher_scan.ts";
import { inOrder, reference, referenceMatches } from "./matcher_reference.ts";

function themesOf(categories: Record<string, readonly string[]>) {
  return compileThemes(ThemeFile.parse({
    categories: Object.fromEntries(Object.entries(categories).map(([name, patterns]) => [name, { patterns }])),
  }));
}

/** The matched texts. */
function found(patterns: string | string[], text: string): string[] {
  return matchThemes(themesOf({ theme: [patterns].flat() }), text).map(({ start, end }) => text.slice(start, end));
}

Deno.test("matcher finds whole words in any case", () => {
  deepEqual(found("comrades?", "Comrade COMRADES comradeship uncomrade comrade's (comrade) comrade_x"), [
    "Comrade",
    "COMRADES",
    "comrade",
    "comrade",
  ]);
});

Deno.test("matcher takes a word at either end of the text", () => {
  deepEqual(found("a", "a"), ["a"]);
  deepEqual(found("ab", "ab ab"), ["ab", "ab"]);
  deepEqual(found("ab", ""), []);
});

Deno.test("matcher knows letters, cases and word borders of every script", () => {
  deepEqual(found("ölberg", "Ölberg ÖLBERG Ölbergs xölberg"), ["Ölberg", "ÖLBERG"]);
  deepEqual(found("товарищи?", "Товарищ, ТОВАРИЩИ! товарищество"), ["Товарищ", "ТОВАРИЩИ"]);
  deepEqual(found("plan", "plané éplan plan\u0301 “plan” —plan— 𝐚plan plan😀"), ["plan", "plan", "plan"]);
  deepEqual(found("\u{10428}+", "\u{10400}\u{10428} x"), ["\u{10400}\u{10428}"]); // Deseret, above U+FFFF.
  deepEqual(found("ask", "a\u017f\u212a"), ["a\u017f\u212a"]); // Long s and the Kelvin sign.
});

Deno.test("matcher takes a space for any white space, and typeset signs for typed ones", () => {
  deepEqual(found("five year plan", "five  year\n plan, five-year plan"), ["five  year\n plan"]);
  deepEqual(found("co-?op", "co-op co\u2010op coop co op"), ["co-op", "co\u2010op", "coop"]);
  deepEqual(found("fellow[ -]?men", "fellow-men fellow\n  men fellowmen"), [
    "fellow-men",
    "fellow\n  men",
    "fellowmen",
  ]);
  deepEqual(found("o'clock", "o’clock o'clock"), ["o’clock", "o'clock"]);
});

Deno.test("matcher takes the leftmost, then the longest, then the pattern listed first", () => {
  const themes = themesOf({ one: ["the people", "the people of mars", "people", "pe.ple"], two: ["people", "mars"] });
  const text = "the people of Mars, people";
  deepEqual(matchThemes(themes, text).map(({ category, pattern, start, end }) => [category, pattern, start, end]), [
    ["one", "the people of mars", 0, 18],
    ["two", "people", 4, 10],
    ["two", "mars", 14, 18],
    ["one", "people", 20, 26],
    ["two", "people", 20, 26],
  ]);
});

Deno.test("matcher falls back to a shorter match, and to the words inside a phrase that fails", () => {
  deepEqual(found(["five year plan", "five", "year"], "five year plans"), ["five", "year"]);
  deepEqual(found(["a b c d", "b c"], "a b c x"), ["b c"]);
  deepEqual(found(["u\\.s\\.s\\.r\\."], "U.S.S.R. u.s.s.r.x"), ["U.S.S.R."]);
});

Deno.test("matcher comes to an end with hostile patterns on hostile texts", () => {
  const themes = themesOf({ theme: ["(a+)+", "(a|a)*b", "(a|aa)+c", "\\w*ly", "x{0,200}y"] });
  // A backtracking engine would not be done with the first of them this year.
  const counts = ["a".repeat(1_000_000), "a ".repeat(500_000), "x".repeat(1_000_000)]
    .map((text) => matchThemes(themes, text).length);
  deepEqual(counts, [1, 500_000, 0]);
});

/** Small numbers that look random and are the same in every run (mulberry32). */
function dice(seed: number): (sides: number) => number {
  return (sides) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

const LETTERS = ["a", "b", "A", "é", "É", "ſ", "s", "K", "k", "ж", "Ж", "1", "_", "\u0301", "𐐀", "𐐨", "٣"];
const GAPS = [" ", " ", "\n", "  ", "-", "’", "'", ".", "—", "😀", "\u00a0", "\u2010"];
const ASCII = "aaabbkkksAABK1__ --.'@`[{^~\x7f|";

function randomText(roll: (sides: number) => number): string {
  return Array.from({ length: 4 + roll(30) }, () => {
    const from = roll(3) > 0 ? LETTERS : GAPS;
    return from[roll(from.length)] ?? "";
  }).join("");
}

function randomPattern(roll: (sides: number) => number, depth = 0): string {
  const parts = Array.from({ length: 1 + roll(3) }, () => {
    switch (roll(depth < 2 ? 12 : 8)) {
      case 0:
        return ["[ab]", "[^a]", "[a-kж]", "[a -]", "[^ab ]", "[é']"][roll(6)] ?? "";
      case 1:
        return ["\\w", "\\d", ".", "\\W"][roll(4)] ?? "";
      case 2:
        return [" ", "-", "'"][roll(3)] ?? "";
      case 8:
      case 9:
        return `(${randomPattern(roll, depth + 1)}|${randomPattern(roll, depth + 1)})`;
      case 10:
        return `(${randomPattern(roll, depth + 1)})${["?", "{0,2}", "{2}", "{1,3}", "+", "*"][roll(6)]}`;
      case 11:
        return `${["a", "\\w", "[ab]", " "][roll(4)]}${["?", "+", "*", "{1,2}", "{2,}"][roll(5)]}`;
      default:
        return LETTERS[roll(LETTERS.length)] ?? "";
    }
  });
  return parts.join("");
}

Deno.test("matcher agrees with the reference on random patterns and texts", () => {
  const roll = dice(1969);
  let patternSets = 0;
  let matches = 0;
  while (patternSets < 150) {
    const one = Array.from({ length: 1 + roll(3) }, () => randomPattern(roll));
    const two = Array.from({ length: 1 + roll(2) }, () => randomPattern(roll));
    let themes: ReturnType<typeof themesOf>;
    try {
      themes = themesOf({ one, two });
    } catch {
      continue; // Matches nothing, never matches or runs over words: refused by design.
    }
    patternSets++;
    const slow = reference({ one, two });
    for (let i = 0; i < 30; i++) {
      const text = randomText(roll);
      const expected = inOrder(referenceMatches(slow, text));
      matches += expected.length;
      deepEqual(inOrder(matchThemes(themes, text)), expected, ascii({ one, two, text }));
      deepEqual(inJson(themes, escaped(text, roll)), inText(themes, text), ascii({ one, two, text }));
      const long = Array.from({ length: 1 + roll(200) }, () => ASCII[roll(ASCII.length)]).join("") + text;
      deepEqual(inJson(themes, JSON.stringify(long)), inText(themes, long), ascii({ one, two, long }));
    }
  }
  equal(matches > 1000, true); // The dice did throw texts that match.
});

/** Pattern, start and end in the order in which the scanner for texts finds them. */
function inText({ scan, automaton }: Themes, text: string): number[][] {
  const { data, length } = scan(text);
  return Array.from({ length }, (_, i) => {
    const [pattern = -1, , firstEnd = -1, end = -1] = data.subarray(4 * i, 4 * i + 4);
    return [pattern, wordStart(automaton, text, firstEnd), end];
  });
}

/** The same by the scanner for JSON strings. */
function inJson({ json }: Themes, string: string): number[][] {
  const bytes = new TextEncoder().encode(`{"text":${string},"more":"a b"}`);
  json.load(bytes);
  equal(json.scan(9), 7 + new TextEncoder().encode(string).length);
  const { data, length } = json.hits;
  return Array.from({ length }, (_, i) => [data[4 * i] ?? -1, data[4 * i + 1] ?? -1, data[4 * i + 3] ?? -1]);
}

/** A JSON string in which some characters are escaped that need not be. */
function escaped(text: string, roll: (sides: number) => number): string {
  return JSON.stringify(text).replaceAll(/(?<!\\)[^"\\]/g, (unit) => {
    if (roll(4) > 0 && !/[\ud800-\udfff]/.test(unit)) return unit;
    const hex = unit.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${roll(2) === 0 ? hex : hex.toUpperCase()}`;
  });
}

Deno.test("matcher finds in a JSON string what it finds in the text", () => {
  const themes = themesOf({ theme: ["comrades?", "five year plan", "ölberg", "\u{10428}+"] });
  for (
    const text of [
      '"Comrade"\\n',
      "five\nyear\tplan",
      "x\u0001 Ölberg\u0007",
      "\u{10400} 😀comrade😀",
      "",
      "/comrades/",
    ]
  ) {
    deepEqual(inJson(themes, JSON.stringify(text)), inText(themes, text));
  }
  const text = '"\\u00D6lberg \\ud801\\udc28 \\ud801 comrade\\udc28"';
  deepEqual(inJson(themes, text), inText(themes, JSON.parse(text)));
});

Deno.test("matcher finds all of more matches in a JSON string than its kernel has room for", () => {
  const themes = themesOf({ one: ["a", "a b"], two: ["b"] });
  const text = "a b a ".repeat(40_000);
  const found = inJson(themes, JSON.stringify(text));
  equal(found.length, 120_000);
  deepEqual(found, inText(themes, text));
  deepEqual(inJson(themes, '"a b"'), inText(themes, "a b")); // And goes on as before.
});

Deno.test("matcher finds the same wherever in a block of bytes a word stands, and whatever stands near", () => {
  const themes = themesOf({ theme: ["enem(y|ies)", "to the war", "k", "ölberg", "é"] });
  const words = ["enemy", "to the\nwar", "to the “war", "\u212a", "K", "kk", "ölberg", "Él é"];
  const near = ["", " ", "x", "é", "’s", '"', "\n\n", "\\", "😀", "\u0001", "“", "_", "9", "\u{10428}"];
  for (let offset = 0; offset < 70; offset++) {
    for (const word of words) {
      for (const after of near) {
        const before = near[(offset + after.length + word.length) % near.length];
        const text = `${"- ".repeat(offset).slice(offset)}${before}${word}${after} enemies of ${word}`;
        deepEqual(inJson(themes, JSON.stringify(text)), inText(themes, text), JSON.stringify(text));
      }
    }
  }
});

Deno.test("matcher refuses bytes that are no JSON string in UTF-8", () => {
  const { json } = themesOf({ theme: ["comrade"] });
  const scan = (bytes: number[]) => {
    json.load(Uint8Array.from(bytes));
    return json.scan(0);
  };
  const text = (string: string) => Array.from(new TextEncoder().encode(string));
  const [quote, a] = [0x22, 0x61];
  equal(scan([a, quote]), 1);
  const broken = {
    "no quote": text("comrade"),
    "a line break": text('comrade\n"'),
    "an unknown escape": text('\\x"'),
    "half an escape": text('\\u12"'),
    "a lone continuation": [0x80, quote],
    "an overlong form": [0xc0, 0xaf, quote],
    "an overlong form of three": [0xe0, 0x80, 0xaf, quote],
    "a surrogate": [0xed, 0xa0, 0x80, quote],
    "a code above U+10FFFF": [0xf4, 0x90, 0x80, 0x80, quote],
    "a cut character": [0xe2, 0x80, quote],
    "a byte that UTF-8 lacks": [0xff, quote],
  };
  for (const [name, bytes] of Object.entries(broken)) {
    for (let offset = 0; offset < 70; offset++) equal(scan([...text("-".repeat(offset)), ...bytes]), -1, name);
  }
});

function ascii(value: unknown): string {
  return JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const BOOKS = join(WORKSPACE, "..", "shared", "corpus", "cache", "epub");

Deno.test({
  name: "matcher agrees with the reference on sixteen real books and the preset's themes",
  ignore: !exists(BOOKS),
  fn: async () => {
    const path = presetPath("deepred/themes.jsonc");
    const themes = parseThemes(await Deno.readTextFile(path), path);
    const sources = Object.fromEntries(themes.categories.map((name, category) => [
      name,
      themes.patterns.filter((pattern) => pattern.category === category).map(({ pattern }) => pattern),
    ]));
    const slow = reference(sources);
    for await (const { name } of Deno.readDir(BOOKS)) {
      const bytes = await Deno.readFile(join(BOOKS, name, `pg${name}.txt`));
      const text = new TextDecoder("utf-8").decode(bytes);
      deepEqual(inOrder(matchThemes(themes, text)), inOrder(referenceMatches(slow, text, 80)), name);
      deepEqual(inJson(themes, JSON.stringify(text)), inText(themes, text), name);
      const plain = text.replaceAll("\r", "");
      deepEqual(inJson(themes, JSON.stringify(plain)), inText(themes, plain), name);
    }
  },
});

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
