import { deepEqual, equal, match, throws } from "node:assert/strict";
import { findBody, findResidue } from "@/corpus/boilerplate.ts";
import { cleanBook } from "@/corpus/clean.ts";
import { RefusedBook } from "@/corpus/refused_book.ts";
import { bytes, CLEAN_PROSE, file, PROSE } from "../fakes/gutenberg.ts";

const LICENCE = "Section 1. General Terms of Use of Project Gutenberg-tm works. See www.gutenberg.org/license.";

const ERAS: Record<string, string> = {
  "of 2022 and later": `The Project Gutenberg eBook of The Ferry

*** START OF THE PROJECT GUTENBERG EBOOK THE FERRY ***

${PROSE}

*** END OF THE PROJECT GUTENBERG EBOOK THE FERRY ***

${LICENCE}`,
  "of 2004 to 2021": file(PROSE),
  "without spaces": `***START OF THE PROJECT GUTENBERG EBOOK THE FERRY***

${PROSE}

***END OF THE PROJECT GUTENBERG EBOOK THE FERRY***

******* This file should be named 1.txt *******

${LICENCE}`,
  "with a title over three lines": `*** START OF THIS PROJECT GUTENBERG EBOOK THE FERRY, BEING A TRUE
ACCOUNT OF A BOAT THAT NOBODY OWNED, AND OF THE BROTHERS
WHO LOST IT ***

${PROSE}

End of the Project Gutenberg EBook of The Ferry, being a True
Account of a Boat that Nobody Owned

*** END OF THIS PROJECT GUTENBERG EBOOK THE FERRY, BEING A TRUE
ACCOUNT OF A BOAT ***

${LICENCE}`,
  "with a comma and mixed case": `*** Start of the Project Gutenberg eBook, THE FERRY ***

${PROSE}

*** End of the Project Gutenberg eBook, THE FERRY ***
${LICENCE}`,
  "with the small print after the end": `The "legal small print" is at the bottom of this file.

*** START OF THE PROJECT GUTENBERG EBOOK THE FERRY ***

${PROSE}

*** END OF THE PROJECT GUTENBERG EBOOK THE FERRY ***

***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN EBOOKS**START***
Why is this small print here? ${LICENCE}
*END THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.02/11/02*END*`,
  "with the small print before the text": `**The Project Gutenberg Etext of The Ferry, by Ada Holm**

***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***
Why is this small print here? ${LICENCE}
*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*

${PROSE}

End of the Project Gutenberg Etext of The Ferry`,
  "with small print in front and no end line": `The Project Gutenberg Etext of The Ferry

*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.10.04.91*END*

${PROSE}`,
  "with an end line that lacks of": `*** START OF THIS PROJECT GUTENBERG EBOOK THE FERRY ***

${PROSE}

End Project Gutenberg EBook of The Ferry`,
  "with an end line in two halves": `*** START OF THIS PROJECT GUTENBERG EBOOK THE FERRY ***

${PROSE}

End of the Project
Gutenberg EBook of The Ferry`,
  "in German": `*** START OF THIS PROJECT GUTENBERG EBOOK DIE FÄHRE ***

${PROSE}

Ende dieses Projekt Gutenberg Etextes "Die Fähre" von Ada Holm

*** END OF THIS PROJECT GUTENBERG EBOOK DIE FÄHRE ***`,
  "in German throughout": `*** BEGINN DIESES PROJEKT GUTENBERG EBOOKS DIE FÄHRE ***

${PROSE}

*** ENDE DIESES PROJEKT GUTENBERG EBOOKS DIE FÄHRE ***`,
  "in French": `*** DÉBUT DU PROJET GUTENBERG EBOOK LE BAC ***

${PROSE}

Fin du Projet Gutenberg "Le Bac", par Ada Holm`,
  "with a licence and no end line": `*** START OF THIS PROJECT GUTENBERG EBOOK THE FERRY ***

${PROSE}

*** START: FULL LICENSE ***

THE FULL PROJECT GUTENBERG LICENSE
${LICENCE}`,
};

for (const [era, text] of Object.entries(ERAS)) {
  Deno.test(`cleanBook finds the text between markers ${era}`, () => {
    equal(cleanBook(bytes(text)).text, CLEAN_PROSE);
    equal(cleanBook(bytes(text.replaceAll("\n", "\r\n"))).text, CLEAN_PROSE);
  });
}

Deno.test("findBody joins books that lie one after another, each with its markers", () => {
  const one = (line: string) => [
    "*** START OF THE PROJECT GUTENBERG EBOOK A ***",
    line,
    "*** END OF THE PROJECT GUTENBERG EBOOK A ***",
    LICENCE,
  ];
  const { lines } = findBody([...one("first"), ...one("second")], {});
  deepEqual(lines.filter((line) => line !== ""), ["first", "second"]);
});

Deno.test("findBody reads the header, with titles and translators on several lines", () => {
  const { header } = findBody(
    [
      "Title: News of a Ferry",
      "       A Story for Winter",
      "",
      "Author: Ada Holm",
      "",
      "Translators: Jon Berg and Liv",
      "       Dahl",
      "",
      "Release date: May 4, 2011 [eBook #90001]",
      "                Most recently updated: June 1, 2023",
      "",
      "Language: English",
      "",
      "Original publication: Bergen: Dahl, 1911",
      "",
      "*** START OF THE PROJECT GUTENBERG EBOOK NEWS OF A FERRY ***",
      "x",
      "*** END OF THE PROJECT GUTENBERG EBOOK NEWS OF A FERRY ***",
    ],
    {},
  );
  deepEqual(header, {
    title: "News of a Ferry: A Story for Winter",
    author: "Ada Holm",
    translator: "Jon Berg and Liv Dahl",
    release: "May 4, 2011",
    language: "English",
    originalPublication: "Bergen: Dahl, 1911",
  });
});

Deno.test("findBody reads title, author and translator of the oldest headers", () => {
  const end = ["*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*", "x"];
  const one = findBody(["**The Project Gutenberg Etext of The Ferry, by Ada Holm**", ...end], {}).header;
  deepEqual([one.title, one.author], ["The Ferry", "Ada Holm"]);
  const two = findBody(["*Project Gutenberg's Etext of The Ferry*", "by Ada Holm, translated by Liv Dahl", ...end], {});
  deepEqual(two.header, { title: "The Ferry", author: "Ada Holm", translator: "Liv Dahl" });
});

Deno.test("findBody counts the lines of header and licence", () => {
  const removed: Record<string, number> = {};
  findBody(file(PROSE).split("\n"), removed);
  equal(removed["header_lines"], 7);
  equal(removed["licence_lines"], 4);
});

Deno.test("findBody refuses a text without markers and says what was looked for", () => {
  throws(() => findBody(PROSE.split("\n"), {}), (error) => {
    if (!(error instanceof RefusedBook)) return false;
    match(error.message, /START and END markers/);
    return error.reason === "no_markers" && error.hint !== undefined;
  });
});

Deno.test("findBody refuses a text that was cut off before its end", () => {
  const half = file(PROSE).split("End of the Project")[0] ?? "";
  throws(() => findBody(half.split("\n"), {}), (error) => error instanceof RefusedBook && error.reason === "cut_off");
});

Deno.test("findResidue finds Project Gutenberg in any case and form, and leaves the printer of Mainz alone", () => {
  for (
    const text of [
      "from PROJECT GUTENBERG, free",
      "the project\ngutenberg licence",
      "a Gutenberg-tm work",
      "Gutenberg™ works",
      "see www.gutenberg.org",
      "a Gutenberg eText",
      "help@pglaf.org",
    ]
  ) {
    equal(typeof findResidue(text), "string", text);
  }
  equal(findResidue("Johann Gutenberg cut his letters in Mainz, and Gutenberg's press stood there."), undefined);
});
