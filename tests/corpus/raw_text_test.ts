import { deepEqual, equal, ok } from "node:assert/strict";
import { type Range, splitParagraphs } from "@/corpus/paragraphs.ts";
import { findStringMember, type RawText, readRawText } from "@/corpus/raw_text.ts";
import { openTextMemory } from "@/corpus/raw_text_memory.ts";
import { splitSentences } from "@/corpus/sentences.ts";

const encoder = new TextEncoder();
const memory = openTextMemory();

/** Reads the string whose content begins at an offset. */
function readBytes(line: Uint8Array, at = 0): RawText | undefined {
  ok(memory.load(line));
  return readRawText(memory, at);
}

/** Reads the JSON of a string, and `behind`, which stands after it in the line. */
function read(json: string, behind = ',"n":1}'): RawText | undefined {
  return readBytes(encoder.encode(`{"text":${json}${behind}`), 9);
}

function paragraphsOf(raw: RawText): Range[] {
  const found: Range[] = [];
  raw.eachParagraph(0, raw.length, (start, end) => found.push({ start, end }));
  return found;
}

Deno.test("readRawText reads what JSON.parse reads", () => {
  for (
    const text of [
      "",
      " ",
      "plain",
      'a "quoted" word \\ and / more',
      "two\nlines\n\ntwo paragraphs  \n \n\n  three \n",
      "\n\n  lead and trail \n\n",
      "\u043f\u0440\u043e\u0437\u0430, \u201cquotes\u201d \u2014 \u68cb \ud83d\ude00!\n\n\u00e9t\u00e9",
      "no\u00a0break",
    ]
  ) {
    const raw = read(JSON.stringify(text));
    ok(raw, text);
    equal(raw.length, text.length);
    equal(raw.slice(0, text.length), text);
    deepEqual(paragraphsOf(raw), splitParagraphs(text), JSON.stringify(text));
  }
});

Deno.test("readRawText reads escapes that JSON.stringify does not write", () => {
  const raw = read('"caf\\u00e9 \\ud83d\\ude00 \\/ x\\n\\ny"');
  ok(raw);
  equal(raw.slice(0, raw.length), "caf\u00e9 \ud83d\ude00 / x\n\ny");
  deepEqual(paragraphsOf(raw), [{ start: 0, end: 11 }, { start: 13, end: 14 }]);
});

Deno.test("readRawText leaves broken and unusual strings to JSON.parse", () => {
  const bytes = (...content: number[]) => readBytes(Uint8Array.from([...content, 0x22]));
  ok(bytes(0x61));
  equal(readBytes(encoder.encode("no end")), undefined);
  for (
    const json of [
      '"\\x"',
      '"\\u12g4"',
      '"\\u12',
      '"tab\\t"',
      '"\\r\\n"',
      '"thin\u2009space"',
      '"\\u2009"',
      '"\n"',
      '"\\',
    ]
  ) {
    equal(read(json, ""), undefined, json);
  }
  const broken = [[0xff], [0x80], [0xc2], [0xc0, 0x80], [0xe2, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80]];
  for (const sequence of [...broken, [0xf0, 0x80, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf0, 0x9f, 0x98]]) {
    equal(bytes(0x61, ...sequence), undefined, String(sequence));
  }
});

Deno.test("readRawText tells whether an offset splits a paragraph", () => {
  const raw = read(JSON.stringify("One.\n\nTwo."));
  deepEqual([0, 1, 3, 4, 5, 6, 7, 10].map((offset) => raw?.splits(offset)), [
    false,
    true,
    true,
    false,
    false,
    false,
    true,
    false,
  ]);
});

/** Numbers below a limit that are the same in every run (mulberry32). */
function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

const PARTS = [
  "a",
  "word ",
  "\n",
  "\n\n",
  " ",
  '"',
  "\\",
  "\u00e9",
  "\u201c",
  "\ud83d\ude00",
  "x".repeat(70),
  "\u68cb".repeat(40),
];

Deno.test("readRawText finds every place of random texts", () => {
  const below = random(5);
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: below(30) }, () => PARTS[below(PARTS.length)]).join("");
    const raw = read(JSON.stringify(text));
    ok(raw);
    deepEqual(paragraphsOf(raw), splitParagraphs(text), JSON.stringify(text));
    for (let look = 0; look < 10; look++) {
      const start = below(text.length + 1);
      const end = start + below(text.length - start + 1);
      // Within a pair of surrogates there is no place in UTF-8.
      if ([start, end].some((at) => /[\udc00-\udfff]/.test(text.charAt(at)))) continue;
      equal(raw.slice(start, end), text.slice(start, end));
    }
  }
});

const SENTENCES = [
  "word",
  "Word",
  "away",
  "Mr",
  "St",
  "vol",
  "e.g",
  "U.S",
  "Lawrence",
  "\u00c9tienne",
  "\u00e9t\u00e9",
  "I",
  "J",
  "XIV",
  "No",
  "1905",
  "He said",
  "said he",
  "\ud83d\ude00",
  "\u68cb",
  ...["[12]", "[", "(", "_", "*", "\u2014", "-", "\u201c", "\u2018", "\u00ab", "'", '"', "/"],
  ...[")", "]", "\u201d", "\u2019", "\u00bb"],
];
const ENDS = [".", ".", ".", "?", "!", "\u2026", "...", ". . .", "?!", '."', ".\u201d", '?"', "!\u201d", ".)", ".[3]"];
const BETWEEN = [" ", " ", " ", " ", "  ", "\n", "", "\u00a0", "\u2014"];

Deno.test("eachSentence of a text in JSON tells what splitSentences finds in its paragraphs", () => {
  const below = random(7);
  const one = (list: readonly string[]) => list[below(list.length)]!;
  let sentences = 0;
  for (let round = 0; round < 4000; round++) {
    const part = () => one(SENTENCES) + (below(3) === 0 ? one(ENDS) : "") + one(BETWEEN);
    const text = Array.from({ length: 1 + below(40) }, () => below(30) === 0 ? "\n\n" : part()).join("");
    const raw = read(JSON.stringify(text));
    ok(raw);
    for (const { start, end } of splitParagraphs(text)) {
      const found: Range[] = [];
      raw.eachSentence(start, end, (start, end) => found.push({ start, end }));
      const part = text.slice(start, end);
      const expected = splitSentences(part).map((range) => ({ start: start + range.start, end: start + range.end }));
      deepEqual(found, expected, JSON.stringify(part));
      sentences += found.length;
    }
  }
  ok(sentences > 10_000);
});

Deno.test("eachSentence leaves long paragraphs and rare escapes to the rules", () => {
  const told = (json: string) => {
    const raw = read(json);
    const found: string[] = [];
    raw?.eachSentence(0, raw.length, (start, end) => found.push(raw.slice(start, end)));
    return found;
  };
  deepEqual(told('"One\\u002e Two. It was caf\\u00e9. A \\\\ slash. End."'), [
    "One.",
    "Two.",
    "It was caf\u00e9.",
    "A \\ slash.",
    "End.",
  ]);
  equal(told(JSON.stringify("It is so. ".repeat(10_000).trim())).length, 10_000);
});

Deno.test("readRawText finds places in a text in any order, whatever was read before", () => {
  const parts = Array.from({ length: 3000 }, (_, i) => `Part ${i} of the \u201ctext\u201d.\n\n`);
  const text = parts.join("");
  ok(read(JSON.stringify("x".repeat(100_000))));
  const raw = read(JSON.stringify(text));
  ok(raw);
  for (const [start, end] of [[70_000, 70_100], [0, 50], [40_000, 40_001], [text.length - 9, text.length], [5, 60]]) {
    equal(raw.slice(start!, end!), text.slice(start, end));
  }
});

Deno.test("findStringMember finds a member and nothing that only looks like one", () => {
  const find = (line: string) => {
    const at = findStringMember(encoder.encode(line), "text");
    return at === undefined ? undefined : line.slice(at);
  };
  equal(find('{"text":"a"}'), 'a"}');
  equal(find('{"id":1, "text" : "a"}'), 'a"}');
  equal(find('{"title":"\\"text\\":\\"no","text":"a"}'), 'a"}');
  equal(find('{"x":"text","text":"a"}'), 'a"}');
  for (const line of ['{"texts":"a"}', '{"text":1}', '{"text"', '{"text":', "", '{"x":"text"}']) {
    equal(find(line), undefined);
  }
});
