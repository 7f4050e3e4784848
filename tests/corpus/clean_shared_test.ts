import { equal, ok } from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cleanBook } from "@/corpus/clean.ts";

// Sixteen real books, laid out as a mirror; no part of the project.
const corpus = Deno.env.get("VOICEWORKS_CORPUS") ??
  join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "shared", "corpus");

/** Chapters, encoding, words to the nearest hundred, share kept. */
interface Expected {
  chapters: number;
  encoding: "utf-8" | "windows-1252";
  words: number;
  kept: number;
  first: string;
  last: string;
}

const utf8 = "utf-8", ansi = "windows-1252";
const BOOKS: Record<string, Expected> = {
  "32": {
    chapters: 12,
    encoding: utf8,
    words: 52_100,
    kept: 0.999,
    first: "CHAPTER 1. A Not Unnatural Enterprise",
    last: "CHAPTER 12. Expelled",
  },
  "35": { chapters: 17, encoding: utf8, words: 32_300, kept: 0.999, first: "I: Introduction", last: "Epilogue" },
  "36": {
    chapters: 27,
    encoding: utf8,
    words: 59_700,
    kept: 0.999,
    first: "BOOK ONE: THE COMING OF THE MARTIANS — I: THE EVE OF THE WAR.",
    last: "BOOK TWO: THE EARTH UNDER THE MARTIANS. — X: THE EPILOGUE.",
  },
  "61": {
    chapters: 5,
    encoding: utf8,
    words: 11_400,
    kept: 0.999,
    first: "The Communist Manifesto",
    last: "IV. POSITION OF THE COMMUNISTS IN RELATION TO THE VARIOUS EXISTING OPPOSITION PARTIES",
  },
  // A dedication, the preface, mottoes of two parts, 22 sections.
  "201": {
    chapters: 26,
    encoding: utf8,
    words: 33_200,
    kept: 0.99,
    first: "Flatland: A Romance of Many Dimensions (Illustrated)",
    last:
      "PART II: OTHER WORLDS — Section 22. How I then tried to diffuse the Theory of Three Dimensions by other means, and of the result",
  },
  "624": { chapters: 29, encoding: utf8, words: 77_400, kept: 0.999, first: "AUTHOR'S PREFACE", last: "Chapter 28" },
  "1250": { chapters: 12, encoding: utf8, words: 19_100, kept: 0.999, first: "PART ONE", last: "PART TWELVE" },
  "1497": {
    chapters: 12,
    encoding: utf8,
    words: 216_100,
    kept: 0.999,
    first: "INTRODUCTION AND ANALYSIS.",
    last: "BOOK X.",
  },
  "1906": {
    chapters: 32,
    encoding: utf8,
    words: 83_600,
    kept: 0.999,
    first: "PREFACE TO THE FIRST EDITION",
    last: "CHAPTER XXIX: CONCLUSION",
  },
  // A preface, 39 chapters in six parts, an epilogue in two.
  "2554": {
    chapters: 42,
    encoding: utf8,
    words: 203_300,
    kept: 0.999,
    first: "TRANSLATOR’S PREFACE",
    last: "EPILOGUE — II",
  },
  // Its contents list 365 as well.
  "2600": {
    chapters: 365,
    encoding: utf8,
    words: 560_300,
    kept: 0.999,
    first: "BOOK ONE: 1805 — CHAPTER I",
    last: "SECOND EPILOGUE — CHAPTER XII",
  },
  "3261": {
    chapters: 32,
    encoding: utf8,
    words: 77_400,
    kept: 0.999,
    first: "CHAPTER I: DISCUSSION AND BED",
    last: "CHAPTER XXXII: THE FEAST'S BEGINNING—THE END",
  },
  // Two prefaces, six chapters, 48 games.
  "5614": {
    chapters: 56,
    encoding: utf8,
    words: 50_800,
    kept: 0.99,
    first: "TRANSLATOR'S PREFACE",
    last: "PART II: ILLUSTRATIVE GAMES FROM MASTER TOURNAMENTS — GAME No. 48",
  },
  "16377": {
    chapters: 8,
    encoding: ansi,
    words: 15_900,
    kept: 0.95,
    first: "PREFACE TO NEW REVISED EDITION.",
    last: "CHAPTER VII: ENDINGS OF GAMES",
  },
  // A preface, six chapters, 14 games.
  "33870": {
    chapters: 21,
    encoding: ansi,
    words: 32_100,
    kept: 0.99,
    first: "PREFACE",
    last: "PART II — GAME 14. QUEEN'S GAMBIT DECLINED",
  },
  // A foreword and forty records.
  "61963": {
    chapters: 41,
    encoding: ansi,
    words: 63_200,
    kept: 0.99,
    first: "FOREWORD",
    last: "RECORD FORTY: Facts; The Bell; I Am Certain",
  },
};

async function readBook(id: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(join(corpus, "cache", "epub", id, `pg${id}.txt`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Shows the place and not a whole book where something is left. */
function absent(text: string, pattern: RegExp): void {
  const at = text.search(pattern);
  ok(at < 0, `left: ${JSON.stringify(text.slice(Math.max(0, at - 60), at + 80))}`);
}

for (const [id, expected] of Object.entries(BOOKS)) {
  Deno.test(`cleanBook cleans book ${id} of the shared corpus`, async () => {
    const bytes = await readBook(id);
    if (bytes === undefined) {
      console.log(`skipped: no book ${id} under ${corpus} (set VOICEWORKS_CORPUS to look elsewhere)`);
      return;
    }
    const book = cleanBook(bytes);
    equal(book.encoding, expected.encoding);
    equal(book.chapters.length, expected.chapters);
    equal(book.chapters[0]?.title, expected.first);
    equal(book.chapters.at(-1)?.title, expected.last);
    ok(Math.abs(book.words - expected.words) <= 150, `${book.words} words`);
    ok(book.kept >= expected.kept, `kept ${book.kept}`);

    absent(book.text, /gutenberg|pgdp|proofread|transcriber|\be-?text\b|https?:/i);
    absent(book.text, /_|\[Illustration|\[Footnote|\[\d+\]|\{\d+\}|\{PGN|\[Event|\|/);
    absent(book.text, /^ *(?:CONTENTS|CHAPTER [IVXLC\d]+|THE END)\.?$/m);
    absent(book.text, /\r|\t| {2}|\n{3}|^\s|\s$/);
    absent(book.text, /(?:\d{1,2}\. ?[KQRBNP]t?-[KQRB]{1,2}t?\d,? [KQRBNP]t?-\S+[;,]? ?){4}/);
    equal(book.text, book.text.normalize("NFC"));
    let at = 0;
    for (const { start, end } of book.chapters) {
      equal(start, at);
      ok(end > start);
      at = end + 2;
    }
    equal(at - 2, book.text.length);
  });
}
