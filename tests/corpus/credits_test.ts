import { doesNotMatch, equal, match } from "node:assert/strict";
import { cleanBook } from "@/corpus/clean.ts";
import { bytes, CLEAN_PROSE, file, PROSE } from "../fakes/gutenberg.ts";

const HEADS: Record<string, string> = {
  "a credit with a verb": "Produced by Ivar Lund",
  "a credit of three lines": `Produced by Ivar Lund, Tove Moe and the Online
Distributed Proofreading Team at https://www.pgdp.net (This
file was produced from images made available by a library.)`,
  "a credit of names only": "Two Patient Volunteers, and Ivar Lund",
  "names only without the word volunteer": "Ivar Lund, and Tove Moe",
  "the edition it was transcribed from": `Transcribed from the 1911 Dahl and Sons edition by Ivar Lund, email
ivar@example.org`,
  "an e-text credit": "This etext was prepared by Ivar Lund <ivar@example.org>.",
  "a credit for the HTML": "Produced by Ivar Lund.  HTML version by Tove Moe.",
  "a note on the HTML edition": `Note: Project Gutenberg also has an HTML version of this
      file which includes the original illustrations.
      See 90001-h.htm or 90001-h.zip:
      (http://www.gutenberg.org/files/90001/90001-h.htm)


      Images of the original pages are available through
      Internet Archive. See https://archive.org/details/ferry`,
  "a transcriber's note": `Transcriber's Note:

Obvious errors of the printer have been corrected. The spelling
of names was left as it stood.`,
  "a transcriber's note in a box": `+------------------------------------------------------+
| Transcriber’s Notes                                  |
|                                                      |
| The map at the end is missing from our copy of this. |
+------------------------------------------------------+`,
  "a transcriber's note in brackets": `[Transcriber's note: the map is missing.

Two words could not be read.]`,
  "a block on the electronic edition": `INFORMATION ABOUT THIS E-TEXT EDITION



The following is an e-text of the second edition.

In the plans a # stands for a wall, and a ^ stands for a door, so that
the reader can tell at once which of them is which.`,
  "the number of another e-text": "Note: see also The Ferry in verse, etext #150",
};

for (const [name, head] of Object.entries(HEADS)) {
  Deno.test(`cleanBook drops ${name} at the head`, () => {
    const book = cleanBook(bytes(file(`${head}\n\n\n\n\n${PROSE}`)));
    equal(book.text, CLEAN_PROSE);
    equal((book.removed["credits"] ?? 0) + (book.removed["transcriber_notes"] ?? 0) > 0, true);
  });
}

Deno.test("cleanBook drops several credits, the second and third line among them", () => {
  const head = `${HEADS["a credit with a verb"]}\n\n${HEADS["a note on the HTML edition"]}\n\n${
    HEADS["a transcriber's note in a box"]
  }`;
  equal(cleanBook(bytes(file(`${head}\n\n\n\n${PROSE}`))).text, CLEAN_PROSE);
});

Deno.test("cleanBook keeps a first paragraph that tells of printing, scanning and volunteers", () => {
  const first = `By the time the paper was produced nobody was awake but the three
brothers, who had prepared the boat by themselves for the crossing.`;
  match(cleanBook(bytes(file(`CHAPTER I\n\n${first}\n\n${PROSE}`))).text, /^By the time the paper was produced/);
});

const TAILS: Record<string, string> = {
  "a transcriber's note of several paragraphs": `Transcriber's note:

Hyphens have been made uniform. A few commas were supplied.

The cover was made by the transcriber.`,
  "a boxed note": `+-----------------------------------+
| Transcriber's Note                |
|                                   |
| Page 9 was bound upside down.     |
+-----------------------------------+`,
  "a printer's colophon": "Printed by Moe and Dahl, Printers, Edinburgh",
  "a credit": "This ebook was produced by Ivar Lund and the Internet Archive.",
};

for (const [name, tail] of Object.entries(TAILS)) {
  Deno.test(`cleanBook drops ${name} at the tail`, () => {
    equal(cleanBook(bytes(file(`CHAPTER I\n\n${PROSE}\n\n\n\n${tail}`))).text, CLEAN_PROSE);
  });
}

Deno.test("cleanBook drops THE END and the advertisements behind it", () => {
  const filler = `${PROSE}\n\n`.repeat(12);
  const book = cleanBook(
    bytes(file(`${filler}THE END\n\n\nBOOKS FOR THE YOUNG\n\nA sound tale of the sea. Price 2s.`)),
  );
  equal(book.text.endsWith("he came back without it."), true);
  equal(book.removed["the_end"], 1);
  equal(book.removed["advertisements"], 2);
});

Deno.test("cleanBook keeps an appendix behind THE END", () => {
  const filler = `${PROSE}\n\n`.repeat(12);
  const book = cleanBook(bytes(file(`${filler}THE END\n\n\n\nAPPENDIX\n\nThe rope was found again in June.`)));
  match(book.text, /The rope was found again in June\.$/);
  equal(book.chapters.at(-1)?.title, "APPENDIX");
});

Deno.test("cleanBook drops an index", () => {
  const index = "INDEX\n\nBrothers, 3, 9\n  the oldest, 12\nFerry, 1\nLantern, 44-46\nMiller, 7\nRope, 45\nWater, 2, 3";
  const book = cleanBook(bytes(file(`${`${PROSE}\n\n`.repeat(8)}\n\n\n${index}`)));
  doesNotMatch(book.text, /Lantern, 44/);
  equal((book.removed["index"] ?? 0) > 0, true);
});

Deno.test("cleanBook drops title page and imprint and keeps the preface", () => {
  const front = `THE FERRY

BY
ADA HOLM

BERGEN
DAHL AND SONS
1911

Copyright, 1911, by Ada Holm

_All rights reserved. No part of this publication may be reproduced in
any form without permission in writing from the publisher._



PREFACE

This story was told to me by the miller's wife, and I have changed
nothing in it but the names.



CHAPTER I

${PROSE}`;
  const book = cleanBook(bytes(file(front)));
  match(book.text, /^This story was told to me/);
  equal(book.chapters.map(({ title }) => title).join(), "PREFACE,CHAPTER I");
});

Deno.test("cleanBook ends a transcriber's note at a rule, so that the contents stay contents", () => {
  const head = `Transcribers Note: Obvious errors have been corrected.

Words between _ and _ were in italics in the original.

---------------------------------

THE FERRY A Romance

CONTENTS.

CHAPTER I. The Rope        1
       II. The Lantern     9




CHAPTER I.

The Rope.

`;
  const book = cleanBook(bytes(file(`${head}${PROSE}`)));
  equal(book.text, CLEAN_PROSE);
  equal(book.chapters[0]?.title, "CHAPTER I: The Rope.");
  equal(book.removed["contents"], 3);
});

Deno.test("cleanBook drops lists of other works and their prices before the title", () => {
  const list = "_The Plays of Ada Holm_\n\n  Paper cover, 1s 6d\n\n" +
    Array.from({ length: 24 }, (_, i) => `    THE PLAY NUMBER ${i}`).join("\n");
  equal(cleanBook(bytes(file(`${list}\n\n\nTHE FERRY\n\n\nTHE FIRST ACT\n\n${PROSE}`))).text, CLEAN_PROSE);
});
