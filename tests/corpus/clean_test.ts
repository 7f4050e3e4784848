import { equal, match, ok, throws } from "node:assert/strict";
import { cleanBook, RefusedBook } from "@/corpus/clean.ts";
import { UserError } from "@/core/errors.ts";
import { bytes, CLEAN_PROSE, file, PROSE } from "../fakes/gutenberg.ts";

function refusal(text: string): RefusedBook {
  try {
    cleanBook(bytes(text));
  } catch (error) {
    if (error instanceof RefusedBook) return error;
    throw error;
  }
  throw new Error("the book was not refused");
}

/** A small generator of numbers that is the same everywhere. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A book of many chapters with warts put in at random. */
function wartyBook(seed: number): { text: string; chapters: number; sentences: number } {
  const next = random(seed);
  const warts = [
    "[Illustration: The mill\nby night]",
    "* * * * *",
    "{12}",
    "[Footnote 1: A kind of boat.]",
    "     *       *       *",
    "    1. P-K4      P-K4\n    2. Kt-KB3    Kt-QB3",
    "[Transcriber's note: the page is torn.]",
  ];
  const parts: string[] = [];
  let sentences = 0;
  const chapters = 2 + next(9);
  for (let chapter = 1; chapter <= chapters; chapter++) {
    parts.push(`\n\nCHAPTER ${chapter}\n`);
    for (let paragraph = 0; paragraph <= next(5); paragraph++) {
      const number = 1 + next(6);
      const words = Array.from(
        { length: number },
        () => `Boat number ${sentences++} was _moored_ below the mill, and somebody came down to look at the rope.`,
      ).join(" ").split(" ");
      let line = "";
      const lines: string[] = [];
      for (const word of words) {
        if (line.length + word.length > 70) {
          lines.push(line);
          line = "";
        }
        line += line === "" ? word : ` ${word}`;
      }
      parts.push([...lines, line].join("\n"));
      if (next(3) === 0) parts.push(warts[next(warts.length)] ?? "");
    }
  }
  return { text: file(parts.join("\n\n")), chapters, sentences };
}

Deno.test("cleanBook keeps every sentence of a book, whatever stands between them", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const { text, chapters, sentences } = wartyBook(seed);
    const book = cleanBook(bytes(text));
    const found = [
      ...book.text.matchAll(
        /Boat number (\d+) was moored below the mill, and somebody came down to look at the rope\./g,
      ),
    ];
    equal(
      found.map((hit) => Number(hit[1])).join(),
      Array.from({ length: sentences }, (_, i) => i).join(),
      `seed ${seed}`,
    );
    equal(book.chapters.length, chapters, `seed ${seed}`);
    equal(book.kept, 1, `seed ${seed}`);
  }
});

Deno.test("cleanBook gives chapters that lie in order, in range, and cover the text", () => {
  for (let seed = 100; seed < 130; seed++) {
    const { text, chapters } = wartyBook(seed);
    const book = cleanBook(bytes(text));
    let at = 0;
    for (const [index, chapter] of book.chapters.entries()) {
      equal(chapter.start, at, `seed ${seed}`);
      ok(chapter.end > chapter.start && chapter.end <= book.text.length);
      equal(chapter.title, `CHAPTER ${index + 1}`);
      ok(text.includes(chapter.title));
      equal(book.text.slice(chapter.start, chapter.end).trim(), book.text.slice(chapter.start, chapter.end));
      at = chapter.end + 2;
    }
    equal(book.chapters.at(-1)?.end, book.text.length);
    equal(book.chapters.length, chapters);
  }
});

Deno.test("cleanBook changes nothing in a text that is clean", () => {
  for (let seed = 200; seed < 230; seed++) {
    const once = cleanBook(bytes(wartyBook(seed).text)).text;
    equal(cleanBook(bytes(file(once))).text, once, `seed ${seed}`);
  }
});

Deno.test("cleanBook gives the same for LF, CR LF and CR, and for UTF-8 and Windows-1252", () => {
  const text = file(`CHAPTER I\n\n${PROSE}\n\n“Café,” she said.`);
  const expected = cleanBook(bytes(text)).text;
  equal(cleanBook(bytes(text.replaceAll("\n", "\r\n"))).text, expected);
  equal(cleanBook(bytes(text.replaceAll("\n", "\r"))).text, expected);
  const ansi = Uint8Array.from(text, (char) => char === "“" ? 0x93 : char === "”" ? 0x94 : char.charCodeAt(0));
  const book = cleanBook(ansi);
  equal(book.text, expected);
  equal(book.encoding, "windows-1252");
});

Deno.test("cleanBook reads the header and counts the words of its text", () => {
  const book = cleanBook(bytes(file(PROSE)));
  equal(book.header.title, "The Ferry");
  equal(book.header.author, "Ada Holm");
  equal(book.header.release, "May 4, 2011");
  equal(book.words, CLEAN_PROSE.split(/\s+/).length);
});

Deno.test("cleanBook refuses with an error for the user that has a reason", () => {
  const error = refusal("Not found: the page that you asked for is not here.\n");
  ok(error instanceof UserError);
  equal(error.reason, "no_markers");
  equal(error.exitCode, 1);
  match(error.message, /^Cannot clean this text: /);
});

Deno.test("cleanBook refuses a book of which only the head lies before the END marker", () => {
  const rest = `${PROSE}\n\n`.repeat(60);
  const error = refusal(`${file(PROSE)}\n\n${rest}`.replace("***** This file", `${rest}\n\n***** This file`));
  equal(error.reason, "too_much_lost");
  match(error.message, /\d+% of its body would be lost/);
});

Deno.test("cleanBook refuses a book that would be swallowed as a note", () => {
  const note = `${PROSE}\n\n`.repeat(26);
  equal(
    refusal(file(`CHAPTER I\n\n${`${PROSE}\n\n`.repeat(40)}\n\nTranscriber's note:\n\n${note}`)).reason,
    "too_much_lost",
  );
});

Deno.test("cleanBook refuses a book of footnotes", () => {
  const notes = Array.from({ length: 40 }, (_, i) => `[Footnote ${i}: ${PROSE.split("\n\n")[0]}]`).join("\n\n");
  equal(refusal(file(`CHAPTER I\n\n${PROSE}\n\n${PROSE}\n\n${PROSE}\n\n${notes}`)).reason, "too_much_lost");
});

Deno.test("cleanBook refuses a text in which the licence would be left", () => {
  const middle = `${`${PROSE}\n\n`.repeat(70)}This copy comes from Project Gutenberg, and may be sold.\n\n${
    `${PROSE}\n\n`.repeat(70)
  }`;
  const error = refusal(file(middle));
  equal(error.reason, "licence_left");
  match(error.message, /comes from Project Gutenberg/);
});

Deno.test("cleanBook refuses an empty body", () => {
  equal(refusal(file("")).reason, "empty");
  equal(refusal(file("[Illustration]\n\n* * *")).reason, "empty");
});

Deno.test("cleanBook takes a text all in capitals", () => {
  const book = cleanBook(
    bytes(file(`CHAPTER I\n\n${PROSE.toUpperCase()}\n\nIT RAINED.`)),
  );
  match(book.text, /SINCE THE AUTUMN, AND BY NOW NOBODY IN THE VILLAGE/);
});

Deno.test("cleanBook takes other scripts", () => {
  const book = cleanBook(
    bytes(file("Глава первая\n\nПаром стоял у мельницы с осени, и никто в\nдеревне не мог бы сказать, чей он.")),
  );
  match(book.text, /никто в деревне не мог/);
});

// What made a careless pattern take quadratic time; a megabyte of each is a matter of a second at most.
const NASTY: Record<string, string> = {
  "opening brackets": "[",
  "footnotes never closed": "[Footnote ",
  "notes and spaces": "[Note          ",
  "underscores": "_a ",
  "equals signs": "=a ",
  "hyphens at line ends": "ab-\ncd ",
  "starred notes": "word* word\n\n* Note\n\n",
  "contents": "CONTENTS\n\nCHAPTER I\n\n",
  "endings": "THE END\n\n",
  "interrupted sentences": "word\n\n{9}\n\n",
  "notes of transcribers": "Transcriber's note:\n\n",
  "pieces": "K. K. K. K's ",
  "positions": "8/",
  "full stops": ". ",
  "spaces": "          ",
  "indexes": "INDEX\n\nabc, 12\n\n",
  "start markers": "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n",
};

// A pattern that backtracks would hang here: half a megabyte of each.
for (const [name, piece] of Object.entries(NASTY)) {
  Deno.test(`cleanBook comes to an end on nothing but ${name}`, () => {
    const text = bytes(file(piece.repeat(Math.ceil(500_000 / piece.length))));
    try {
      equal(cleanBook(text).text.length > 0, true);
    } catch (error) {
      ok(error instanceof RefusedBook);
    }
  });
}

Deno.test("cleanBook takes one line of five megabytes", () => {
  const line = PROSE.replaceAll("\n", " ").repeat(15_000);
  equal(cleanBook(bytes(file(line))).text.length > 5_000_000, true);
});

Deno.test("cleanBook refuses NUL bytes", () => {
  throws(
    () => cleanBook(bytes(file("a\u0000b"))),
    (error) => error instanceof RefusedBook && error.reason === "binary",
  );
});
