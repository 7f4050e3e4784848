import { deepEqual, doesNotMatch, equal } from "node:assert/strict";
import { headingOf, isEnding, isTitleCase } from "@/corpus/chapters.ts";
import { cleanBook } from "@/corpus/clean.ts";
import { bytes, CLEAN_PROSE, file, PROSE } from "../fakes/gutenberg.ts";

const clean = (body: string) => cleanBook(bytes(file(body)));
const titles = (body: string) => clean(body).chapters.map(({ title }) => title);
const level = (text: string, before = 2) => headingOf({ lines: text.split("\n"), before }, undefined)?.level;

Deno.test("headingOf knows the forms of headings and their levels", () => {
  const forms: [string, number][] = [
    ["VOLUME II", 0],
    ["BOOK ONE: 1805", 1],
    ["PART TWO", 1],
    ["THE FIRST PART", 1],
    ["FIRST EPILOGUE: 1813 - 20", 1],
    ["PREFACE TO THE SECOND EDITION", 1],
    ["Translator's Preface", 1],
    ["CHAPTER XXIV", 2],
    ["Chapter 3", 2],
    ["CHAPTER 1. A Not Very Long Journey", 2],
    ["CHAPTER IX.--In which the rope is found", 2],
    ["CHAP. IV.", 2],
    ["STAVE ONE", 2],
    ["RECORD THIRTY-FOUR", 2],
    ["ACT III", 2],
    ["Kapitel 12", 2],
    ["Section 4. Of the Ropes of the Country", 3],
    ["XIV.", 3],
    ["XIV", 3],
    ["I. THE EVE OF THE CROSSING", 3],
    ["2. PAWN PROMOTION", 4],
  ];
  for (const [text, expected] of forms) equal(level(text), expected, text);
});

Deno.test("headingOf leaves sentences alone that begin like headings", () => {
  for (
    const text of [
      "Part of the rope had been cut away, and nobody knew by whom.",
      "Book VII is a recapitulation of all that was said before it.",
      "BOOK I. The dialogue opens with a feast in the harbour--a spectacle that\nis new to all of them--and with a torch race.",
      "I. The ferry is already acknowledged by everybody to be a power.",
      "I went down yesterday to the harbour.",
      "I.  A straight line.",
      "“Chapter One,” he read aloud.",
      "Day after day the water rose.",
      "Letter by letter she spelt it out.",
      "1. To see to the rope.",
      "C. is the third of them.",
      "Example 3.--Suppose that the rope had held",
    ]
  ) equal(level(text), undefined, text);
});

Deno.test("isEnding and isTitleCase tell closing lines and titles", () => {
  equal(isEnding("THE END"), true);
  equal(isEnding("FINIS."), true);
  equal(isEnding("END OF PART ONE"), true);
  equal(isEnding("The end of it was that he went home."), false);
  equal(isTitleCase("The House by the River"), true);
  equal(isTitleCase("The house stood by the river"), false);
});

Deno.test("cleanBook keeps chapters as metadata with offsets, and not in the text", () => {
  const book = clean(`CHAPTER I\n\n${PROSE}\n\n\n\nCHAPTER II\n\n${PROSE}`);
  equal(book.text, `${CLEAN_PROSE}\n\n${CLEAN_PROSE}`);
  deepEqual(book.chapters.map(({ title }) => title), ["CHAPTER I", "CHAPTER II"]);
  for (const { start, end } of book.chapters) equal(book.text.slice(start, end), CLEAN_PROSE);
});

Deno.test("cleanBook joins a number and the title below it", () => {
  deepEqual(titles(`CHAPTER I\n\nTHE ROPE\n\n${PROSE}\n\n\nII.\n\n\nThe Lantern\n\n${PROSE}`), [
    "CHAPTER I: THE ROPE",
  ]);
  deepEqual(titles(`I\n\nThe Rope\n\n${PROSE}\n\n\nII\n\nThe Lantern\n\n${PROSE}`), ["I: The Rope", "II: The Lantern"]);
});

Deno.test("cleanBook joins a synopsis of several lines to its number", () => {
  deepEqual(titles(`RECORD ONE\n\n  A Rope\n  The wisest of knots\n\n${PROSE}`), [
    "RECORD ONE: A Rope; The wisest of knots",
  ]);
});

Deno.test("cleanBook puts the part before the chapter", () => {
  const chapter = (n: string) => `CHAPTER ${n}\n\n${PROSE}\n\n\n`;
  deepEqual(
    titles(`PART I\n\n\n${chapter("I")}${chapter("II")}PART II\n\n\n${chapter("I")}EPILOGUE\n\n\nI\n\n${PROSE}`),
    [
      "PART I — CHAPTER I",
      "PART I — CHAPTER II",
      "PART II — CHAPTER I",
      "EPILOGUE — I",
    ],
  );
});

Deno.test("cleanBook makes parts the chapters where a book has nothing else", () => {
  deepEqual(titles(`PART ONE\n\n${PROSE}\n\n\nPART TWO\n\n${PROSE}`), ["PART ONE", "PART TWO"]);
});

Deno.test("cleanBook lets no chapter belong to a preface", () => {
  deepEqual(titles(`PREFACE\n\n${PROSE}\n\n\nCHAPTER I\n\n${PROSE}`), ["PREFACE", "CHAPTER I"]);
});

Deno.test("cleanBook opens no chapter for headings inside a chapter", () => {
  const book = clean(`CHAPTER I\n\n${PROSE}\n\n\nON ROPES\n\n${PROSE}\n\n\nI\n\n${PROSE}\n\n\nCHAPTER II\n\n${PROSE}`);
  deepEqual(book.chapters.map(({ title }) => title), ["CHAPTER I", "CHAPTER II"]);
  doesNotMatch(book.text, /ON ROPES/);
});

Deno.test("cleanBook covers text before the first heading and books without headings", () => {
  deepEqual(titles(PROSE), ["The Ferry"]);
  deepEqual(titles(`${PROSE}\n\n\nCHAPTER I\n\n${PROSE}`), ["The Ferry", "CHAPTER I"]);
});

const CONTENTS: Record<string, string> = {
  "one entry a paragraph, as often repeated as there are books":
    "    CONTENTS\n\n\n    BOOK ONE\n\n    CHAPTER I\n\n    CHAPTER II\n\n\n    BOOK TWO\n\n    CHAPTER I\n\n    CHAPTER II",
  "with pages and dots":
    "CONTENTS\n\nCHAPTER                     PAGE\n\nBOOK ONE\n  CHAPTER I. . . . . . . . . 1\n  CHAPTER II . . . . . . . . 9\nBOOK TWO\n  CHAPTER I . . . . . . . . 17\n  CHAPTER II. . . . . . . . 25",
  "with titles that the text lacks":
    "Contents\n\n BOOK ONE.--THE RIVER\n\n I. THE ROPE\n II. THE LANTERN\n\n BOOK TWO.--THE SEA\n\n I. THE OARS\n II. THE LIGHT",
};

for (const [name, contents] of Object.entries(CONTENTS)) {
  Deno.test(`cleanBook drops contents ${name}, and makes no chapters of them`, () => {
    const chapter = (n: string) => `CHAPTER ${n}\n\n${PROSE}\n\n\n\n`;
    const book = clean(
      `${contents}\n\n\n\n\nBOOK ONE\n\n\n${chapter("I")}${chapter("II")}BOOK TWO\n\n\n${chapter("I")}${chapter("II")}`,
    );
    deepEqual(book.chapters.map(({ title }) => title), [
      "BOOK ONE — CHAPTER I",
      "BOOK ONE — CHAPTER II",
      "BOOK TWO — CHAPTER I",
      "BOOK TWO — CHAPTER II",
    ]);
    equal(book.text, Array.from({ length: 4 }, () => CLEAN_PROSE).join("\n\n"));
    equal((book.removed["contents"] ?? 0) >= 7, true);
  });
}

Deno.test("cleanBook takes titles without numbers from the contents", () => {
  const book = clean(
    `CONTENTS\n\nThe Rope\nThe Lantern\nThe Mill\n\n\n\nThe Rope\n\n${PROSE}\n\n\n\nThe Lantern\n\n${PROSE}\n\n\n\nThe Mill\n\n${PROSE}`,
  );
  deepEqual(book.chapters.map(({ title }) => title), ["The Rope", "The Lantern", "The Mill"]);
});

Deno.test("cleanBook drops a list of illustrations", () => {
  const book = clean(
    `LIST OF ILLUSTRATIONS\n\n  The ferry                 Frontispiece\n  The mill at night                  12\n\n\n\nCHAPTER I\n\n${PROSE}`,
  );
  equal(book.text, CLEAN_PROSE);
});

Deno.test("cleanBook keeps a word in capitals that ends a chapter", () => {
  equal(
    clean(`CHAPTER I\n\n${PROSE}\n\nThe word on the stone was:\n\nHOME`).text.endsWith(
      "The word on the stone was:\n\nHOME",
    ),
    true,
  );
});

Deno.test("cleanBook ends the contents at the book's half-title and keeps the first chapter", () => {
  const contents =
    "CONTENTS\n\n\nCHAPTER                PAGE\n\n  I. THE ROPE            11\n\n II. THE LANTERN         25";
  const body =
    `${contents}\n\n\n\n\n\nTHE FERRY\n\n(A Tale)\n\n\n\n\nCHAPTER I.\n\nTHE ROPE\n\n\n${PROSE}\n\n\n\nCHAPTER II.\n\nTHE LANTERN\n\n\n${PROSE}`;
  deepEqual(titles(body).slice(-2), ["CHAPTER I: THE ROPE", "CHAPTER II: THE LANTERN"]);
});

Deno.test("cleanBook makes no chapters of the letters of an alphabet, nor of initials", () => {
  const body = ["A", "B", "C", "D"].map((letter) => `${letter}\n\n\n${PROSE}`).join("\n\n\n");
  deepEqual(titles(`PREFACE\n\n${PROSE}\n\n\n${body}\n\nB. Percival Moe`), ["PREFACE"]);
});
