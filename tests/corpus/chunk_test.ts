import { deepEqual, equal, ok } from "node:assert/strict";
import type { Chapter } from "@/records.ts";
import { CHARS, type ChunkOptions, chunkText, tokenUnit, WORDS } from "@/corpus/chunk.ts";
import { splitParagraphs } from "@/corpus/paragraphs.ts";
import { textSource } from "@/corpus/text_source.ts";
import { loadTokenizer } from "@/corpus/tokens.ts";

const o200k = await loadTokenizer("o200k");
const TOKENS = tokenUnit(o200k);
const OPTIONS: ChunkOptions = { method: "paragraph", unit: CHARS, size: 40, minSize: 1, overlap: 0 };

function cut(text: string, options: Partial<ChunkOptions> = {}, chapters: Chapter[] = []): string[] {
  return chunkText(text, chapters, { ...OPTIONS, ...options }).passages.map(({ start, end }) => text.slice(start, end));
}

Deno.test("chunkText joins paragraphs as long as they fit", () => {
  deepEqual(cut("One two.\n\nThree four.\n\nFive six seven eight.\n\nNine."), [
    "One two.\n\nThree four.",
    "Five six seven eight.\n\nNine.",
  ]);
});

Deno.test("chunkText fills a passage to its very limit", () => {
  const text = "abcd efgh.\n\nijkl mnop.";
  deepEqual(cut(text, { size: text.length }), [text]);
  deepEqual(cut(text, { size: text.length - 1 }), ["abcd efgh.", "ijkl mnop."]);
});

Deno.test("chunkText splits a paragraph that is too long at the ends of sentences", () => {
  deepEqual(cut("Short one.\n\nMr. T. E. Lawrence met Mme. de Stael. He saw No. 5. St. Petersburg froze."), [
    "Short one.",
    "Mr. T. E. Lawrence met Mme. de Stael.",
    "He saw No. 5. St. Petersburg froze.",
  ]);
});

Deno.test("chunkText keeps a paragraph whole that fits alone, though it does not fit behind another", () => {
  const second = "This one has two sentences. Both stay.";
  deepEqual(cut(`A paragraph.\n\n${second}`), ["A paragraph.", second]);
});

Deno.test("chunkText cuts a sentence that is too long at clauses, else between words, and counts it", () => {
  const text = "He came at last, when nobody hoped for it; and he stayed. Word " + "word ".repeat(11) + "end.";
  const { passages, cutSentences } = chunkText(text, [], OPTIONS);
  deepEqual(passages.map(({ start, end }) => text.slice(start, end)), [
    "He came at last,",
    "when nobody hoped for it; and he stayed.",
    "Word word word word word word word word",
    "word word word word end.",
  ]);
  equal(cutSentences, 2);
});

Deno.test("chunkText leaves out a word that is longer than a passage", () => {
  const text = `Before it. ${"x".repeat(50)} after it.`;
  for (const method of ["paragraph", "window"] as const) {
    const { leftOut, passages } = chunkText(text, [], { ...OPTIONS, method });
    deepEqual(leftOut, [{ start: 11, end: 61, reason: "word_too_long" }]);
    deepEqual(passages.map(({ start, end }) => text.slice(start, end)), ["Before it.", "after it."]);
  }
});

Deno.test("chunkText never crosses a chapter and names it", () => {
  const text = "Front.\n\nOne one.\n\nTwo two.\n\nBack.";
  const chapters = [{ title: "I", start: 8, end: 18 }, { title: "II", start: 18, end: 28 }];
  for (const method of ["paragraph", "window"] as const) {
    const { passages } = chunkText(text, chapters, { ...OPTIONS, method });
    deepEqual(passages.map(({ start, end, chapter }) => [text.slice(start, end), chapter]), [
      ["Front.", undefined],
      ["One one.", "I"],
      ["Two two.", "II"],
      ["Back.", undefined],
    ]);
  }
});

Deno.test("chunkText names the innermost of nested chapters", () => {
  const text = "Book.\n\nChapter.\n\nRest.";
  const chapters = [{ title: "Chapter", start: 7, end: 17 }, { title: "Book", start: 0, end: 22 }];
  const { passages } = chunkText(text, chapters, OPTIONS);
  deepEqual(passages.map(({ chapter }) => chapter), ["Book", "Chapter", "Book"]);
});

Deno.test("chunkText gives a short tail paragraphs of its neighbour", () => {
  const text = "First one.\n\nSecond one.\n\nThird one 12.\n\nTail.";
  deepEqual(cut(text, { size: 38, minSize: 10 }), ["First one.\n\nSecond one.", "Third one 12.\n\nTail."]);
});

Deno.test("chunkText drops what stays too short", () => {
  const text = "A paragraph that cannot give anything.\n\nTail.";
  const { passages, leftOut } = chunkText(text, [], { ...OPTIONS, minSize: 10 });
  equal(passages.length, 1);
  deepEqual(leftOut, [{ start: 40, end: 45, reason: "too_short" }]);
});

Deno.test("chunkText counts words and tokens exactly", () => {
  const text = "One two three four five. Six seven eight.\n\nNine ten.";
  deepEqual(cut(text, { unit: WORDS, size: 8 }), ["One two three four five. Six seven eight.", "Nine ten."]);
  deepEqual(cut(text, { unit: WORDS, size: 5 }), ["One two three four five.", "Six seven eight.\n\nNine ten."]);
  const all = o200k.count(text);
  deepEqual(cut(text, { unit: TOKENS, size: all }), [text]);
  equal(cut(text, { unit: TOKENS, size: all - 1 }).length, 2);
});

Deno.test("chunkText slides windows that start and end with sentences", () => {
  const text = "Ab cd ef. Gh ij kl. Mn op qr. St uv wx. Yz.";
  deepEqual(cut(text, { method: "window", size: 22, overlap: 10 }), [
    "Ab cd ef. Gh ij kl.",
    "Gh ij kl. Mn op qr.",
    "Mn op qr. St uv wx.",
    "St uv wx. Yz.",
  ]);
});

Deno.test("chunkText slides windows at words where sentences are too long", () => {
  const text = "a1 a2 a3 a4 a5 a6 a7 a8 a9";
  deepEqual(cut(text, { method: "window", unit: WORDS, size: 4, overlap: 2 }), [
    "a1 a2 a3 a4",
    "a3 a4 a5 a6",
    "a5 a6 a7 a8",
    "a7 a8 a9",
  ]);
});

Deno.test("chunkText lets the last window start earlier where it is too short", () => {
  const text = "a1 a2 a3 a4 a5 a6 a7 a8 a9";
  const options = { method: "window", unit: WORDS, size: 4 } as const;
  deepEqual(cut(text, { ...options, minSize: 2 }), ["a1 a2 a3 a4", "a5 a6 a7", "a8 a9"]);
  deepEqual(cut(text, { ...options, minSize: 3 }), ["a1 a2 a3 a4", "a5 a6 a7 a8"]);
  deepEqual(cut(text, { ...options, minSize: 3, overlap: 1 }), ["a1 a2 a3 a4", "a4 a5 a6 a7", "a7 a8 a9"]);
});

Deno.test("chunkText takes an empty text", () => {
  for (const text of ["", "  \n\n "]) {
    for (const method of ["paragraph", "window"] as const) {
      deepEqual(chunkText(text, [], { ...OPTIONS, method }), { passages: [], leftOut: [], cutSentences: 0 });
    }
  }
});

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** A text of words, marks and blank lines, and chapters that cut it at random. */
function randomBook(below: (n: number) => number): { text: string; chapters: Chapter[] } {
  const ends = [" ", " ", " ", " ", ", ", "; ", ". ", "? ", ".\n\n", "\n\n", "\n", ".” ", " — "];
  let text = "";
  for (let words = below(120); words > 0; words--) {
    const length = below(40) === 0 ? 30 + below(60) : 1 + below(9);
    const letter = "abcXYZéж棋".charAt(below(9));
    text += letter.repeat(length) + (below(30) === 0 ? "😀" : "") + ends[below(ends.length)];
  }
  const spaces = Array.from(text.matchAll(/\s+/g), ({ index }) => index);
  const cuts = [...new Set([0, 1, 2].map(() => spaces[below(spaces.length || 1)] ?? 0))].sort((a, b) => a - b);
  const chapters = cuts.map((start, i) => ({ title: `Chapter ${i}`, start, end: cuts[i + 1] ?? text.length }));
  return { text, chapters: below(3) === 0 ? [] : chapters };
}

for (const unit of [CHARS, WORDS, TOKENS]) {
  for (const method of ["paragraph", "window"] as const) {
    Deno.test(`chunkText keeps its promises on random texts (${method}, ${unit.name})`, () => {
      const below = random(7);
      for (let round = 0; round < (unit === TOKENS ? 150 : 1500); round++) {
        const { text, chapters } = randomBook(below);
        const size = 1 + below(unit === CHARS ? 150 : 30);
        const minSize = below(3) === 0 ? 1 + below(size) : 1;
        const overlap = method === "window" ? below(size) : 0;
        const { passages, leftOut } = chunkText(text, chapters, { method, unit, size, minSize, overlap });
        const source = textSource(text);
        const told = `round ${round}`;
        const covered = new Uint8Array(text.length);
        let last = -1;
        for (const passage of passages) {
          const { start, end } = passage;
          const part = text.slice(start, end);
          ok(start > last && end > start, told);
          last = start;
          ok(unit.measure(source, start, end) <= size && passage.size === unit.measure(source, start, end), told);
          ok(passage.size >= minSize, told);
          equal(part, part.trim(), told);
          ok(start === 0 || /\s/.test(text.charAt(start - 1)) || chapters.some((c) => c.start === start), told);
          ok(end === text.length || /\s/.test(text.charAt(end)) || chapters.some((c) => c.start === end), told);
          ok(chapters.every((c) => !(start < c.start && end > c.start)), `${told}: crosses a chapter`);
          equal(passage.chapter, chapters.findLast((c) => c.start <= start && start < c.end)?.title, told);
          if (method === "paragraph") ok(!covered.subarray(start, end).includes(1), `${told}: overlaps`);
          covered.fill(1, start, end);
        }
        for (const { start, end } of leftOut) covered.fill(1, start, end);
        for (const { index } of text.matchAll(/\S/g)) equal(covered[index], 1, `${told}: a word is lost`);
        for (const [i, passage] of passages.entries()) {
          const before = passages[i - 1];
          if (unit === TOKENS || !before || before.end <= passage.start) continue;
          ok(unit.measure(source, passage.start, before.end) <= overlap, `${told}: the overlap is too large`);
        }
      }
    });
  }
}

Deno.test("chunkText splits no paragraph that fits alone, on random texts", () => {
  const below = random(3);
  for (let round = 0; round < 500; round++) {
    const { text } = randomBook(below);
    const { passages } = chunkText(text, [], { ...OPTIONS, size: 80 });
    for (const paragraph of splitParagraphs(text).filter(({ start, end }) => end - start <= 80)) {
      for (const { start, end } of passages) {
        const apart = end <= paragraph.start || start >= paragraph.end;
        ok(apart || (start <= paragraph.start && paragraph.end <= end), `round ${round}`);
      }
    }
  }
});

Deno.test("chunkText comes to an end on hostile texts, with passages in order", () => {
  for (const unit of [CHARS, WORDS]) {
    for (const method of ["paragraph", "window"] as const) {
      for (const part of ["a ", "a.\n\n", "\n\n", ".", "a, ", "x", "Mr. ", "“ "]) {
        const text = part.repeat(400_000 / part.length); // A quadratic way would need minutes.
        const { passages } = chunkText(text, [], { method, unit, size: 100, minSize: 50, overlap: 20 });
        ok(passages.every(({ start }, index) => index === 0 || start > (passages[index - 1]?.start ?? 0)), method);
      }
    }
  }
});
