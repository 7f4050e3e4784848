import { deepEqual, equal, ok } from "node:assert/strict";
import { type Range, splitParagraphs } from "@/corpus/paragraphs.ts";
import { createRawTextReader, findStringMember, type RawText } from "@/corpus/raw_text.ts";

const encoder = new TextEncoder();
const readRawText = createRawTextReader();

/** Reads the JSON of a string, and `behind`, which stands after it in the line. */
function read(json: string, behind = ',"n":1}'): RawText | undefined {
  return readRawText(encoder.encode(`{"text":${json}${behind}`), 9);
}

function paragraphsOf(raw: RawText): Range[] {
  const found: Range[] = [];
  raw.eachParagraph(0, raw.length, (start, end) => found.push({ start, end }));
  return found;
}

Deno.test("createRawTextReader reads what JSON.parse reads", () => {
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

Deno.test("createRawTextReader reads escapes that JSON.stringify does not write", () => {
  const raw = read('"caf\\u00e9 \\ud83d\\ude00 \\/ x\\n\\ny"');
  ok(raw);
  equal(raw.slice(0, raw.length), "caf\u00e9 \ud83d\ude00 / x\n\ny");
  deepEqual(paragraphsOf(raw), [{ start: 0, end: 11 }, { start: 13, end: 14 }]);
});

Deno.test("createRawTextReader leaves broken and unusual strings to JSON.parse", () => {
  const bytes = (...content: number[]) => readRawText(Uint8Array.from([...content, 0x22]), 0);
  ok(bytes(0x61));
  equal(readRawText(encoder.encode("no end"), 0), undefined);
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

Deno.test("createRawTextReader tells whether an offset splits a paragraph", () => {
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

Deno.test("createRawTextReader finds every place of random texts", () => {
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
      equal(new TextDecoder().decode(raw.bytes(start, end)), JSON.stringify(text.slice(start, end)).slice(1, -1));
    }
  }
});

Deno.test("createRawTextReader finds the same wherever a long text is cut into pieces", () => {
  const below = random(6);
  for (let round = 0; round < 300; round++) {
    const around = (size: number) => {
      const parts = Array.from({ length: 12 }, () => PARTS[below(PARTS.length - 2)]).join("");
      return [" ", "y", "\n\nz"][round % 3]!.repeat(size / (round % 3 === 2 ? 4 : 1) - below(60)) + parts;
    };
    const text = `x${around(1 << 14)}x${around(1 << 14)}`;
    const raw = read(JSON.stringify(text));
    if (round % 3 === 0 && raw === undefined) continue; // Spaces that fill a piece need not be read.
    ok(raw);
    const paragraphs = splitParagraphs(text);
    deepEqual(paragraphsOf(raw), paragraphs);
    for (const { start, end } of [...paragraphs.slice(0, 20), ...paragraphs.slice(-20)]) {
      equal(raw.slice(start, end), text.slice(start, end));
    }
  }
  for (const tail of ["\ud800", "\\x", "\t", "\u2009"]) {
    for (let size = (1 << 14) - 12; size < (1 << 14) + 4; size++) {
      equal(
        readRawText(encoder.encode(`${"y".repeat(size)}\\u00e9\u00e9${tail}"`), 0)?.length,
        tail === "\ud800" ? size + 3 : undefined,
      );
    }
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
