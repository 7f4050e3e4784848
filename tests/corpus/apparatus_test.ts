import { doesNotMatch, equal, match } from "node:assert/strict";
import { dropBrackets, dropMarks, dropNumbers, GAP } from "@/corpus/apparatus.ts";
import { cleanBook } from "@/corpus/clean.ts";
import { bytes, CLEAN_PROSE, file, PROSE } from "../fakes/gutenberg.ts";

const clean = (body: string) => cleanBook(bytes(file(`CHAPTER I\n\n${body}`)));

Deno.test("cleanBook strips italics, also across a line break, and counts them", () => {
  const book = clean("It was _not_ the ferry but _the other\nboat_ that they meant, _surely_, and _no one\nelse's_.");
  equal(book.text, "It was not the ferry but the other boat that they meant, surely, and no one else's.");
  equal(book.removed["italics"], 4);
});

Deno.test("cleanBook strips italics that run on over paragraphs", () => {
  const book = clean("_The rope is old and will not hold until spring.\n\nSomebody ought to see to it before then._");
  equal(book.text, "The rope is old and will not hold until spring.\n\nSomebody ought to see to it before then.");
});

Deno.test("cleanBook keeps no underscore, but a dash for a name left blank", () => {
  equal(clean("The village of ____ was the only one that K_2 could be seen from.").text.includes("_"), false);
  match(clean("The village of ____ was known to all of them.").text, /village of —— was/);
});

Deno.test("dropMarks strips bold, letter-spacing and tags, and leaves sums alone", () => {
  equal(
    dropMarks("a =bold= word, a ~wide~ one, a +spaced+ one and an <i>old</i> one", {}),
    "a bold word, a wide one, a spaced one and an old one",
  );
  equal(dropMarks("9 + 16 = 25, and x = y = z, and a < b", {}), "9 + 16 = 25, and x = y = z, and a < b");
});

Deno.test("cleanBook drops illustrations, also of several lines and paragraphs", () => {
  const book = clean(`The lamp was lit at four.

[Illustration]

[Illustration: THE FERRY
from a drawing [now lost] by the author,

in two parts]

${PROSE}

[Picture: The mill]`);
  equal(book.text, `The lamp was lit at four.\n\n${CLEAN_PROSE}`);
  equal(book.removed["illustrations"], 3);
});

Deno.test("cleanBook makes one paragraph of two that an illustration parted in a sentence", () => {
  equal(
    clean("She carried the lantern down to the\n\n[Illustration: The lantern]\n\nwater, and held it over the rope.")
      .text,
    "She carried the lantern down to the water, and held it over the rope.",
  );
});

Deno.test("cleanBook leaves two paragraphs as they are that an illustration parted between sentences", () => {
  equal(
    clean("The lamp went out.\n\n[Illustration]\n\nNobody spoke of it.").text,
    "The lamp went out.\n\nNobody spoke of it.",
  );
});

Deno.test("cleanBook drops footnotes in brackets with their marks", () => {
  const book = clean(`The ferry[1] was hers, she said, and the rope[2] too.

[Footnote 1: A flat boat.]

[Footnote 2: Hemp,

as it was then made at Bergen.]

${PROSE}`);
  equal(book.text, `The ferry was hers, she said, and the rope too.\n\n${CLEAN_PROSE}`);
  equal(book.removed["footnotes"], 2);
  equal(book.removed["footnote_marks"], 2);
});

Deno.test("cleanBook drops a footnote inside a sentence", () => {
  equal(
    clean("The ferry [Footnote: A flat boat\nwith a rail.] was hers, she said.").text,
    "The ferry was hers, she said.",
  );
});

Deno.test("cleanBook drops footnotes that open with their mark", () => {
  const book = clean(`The ferry [1] was hers, she said.

[1] A flat boat, such as was built there until the railway came.

${PROSE}`);
  equal(book.text, `The ferry was hers, she said.\n\n${CLEAN_PROSE}`);
});

Deno.test("cleanBook drops starred footnotes and their stars", () => {
  const book = clean(`“Cela va sans dire,”* she added, and took the lantern from him.

     * That goes without saying.

${PROSE}`);
  equal(book.text, `“Cela va sans dire,” she added, and took the lantern from him.\n\n${CLEAN_PROSE}`);
});

Deno.test("cleanBook drops a section of footnotes at the end", () => {
  const book = clean(`The ferry {1} was hers, she said, and so was the mill. {2}

${PROSE}



FOOTNOTES:


{1}  A flat boat.

{2}  It burned in the same winter.

Nobody was hurt.`);
  equal(book.text, `The ferry was hers, she said, and so was the mill.\n\n${CLEAN_PROSE}`);
  equal(book.removed["footnote_marks"], 2);
  equal(book.removed["page_numbers"], undefined);
});

Deno.test("cleanBook drops page numbers within a sentence and alone", () => {
  const book = clean(`{9} The lantern was brought, but {10} nobody lit it [Pg 11] before the
evening, when [Page 12] the {p13} water fell. {14}

{15}

- 16 -

${PROSE}`);
  equal(
    book.text,
    `The lantern was brought, but nobody lit it before the evening, when the water fell.\n\n${CLEAN_PROSE}`,
  );
  equal(book.removed["page_numbers"], 8);
});

Deno.test("cleanBook takes side notes and editor's marks out and keeps letters spelt in brackets", () => {
  equal(
    clean("The man[oe]uvre [sic] of the [Greek: hoplit[=e]s] failed [Sidenote: A failure] at Phoc[ae]a.").text,
    "The manoeuvre of the hoplites failed at Phocaea.",
  );
});

Deno.test("cleanBook keeps brackets that are the author's own", () => {
  const text = "“As you say [and in truth we did],” she wrote, “it was late.”";
  equal(clean(text).text, text);
});

Deno.test("dropBrackets ends a bracket that was never closed at its paragraph", () => {
  const { text } = dropBrackets("[Illustration: the ferry\nat night\n\nShe went home.", {});
  equal(text.replace(GAP, "").trim(), "She went home.");
});

Deno.test("dropNumbers leaves years and words in brackets alone", () => {
  equal(dropNumbers("in [1893–94] and {see above}", false, {}), "in [1893–94] and {see above}");
});

Deno.test("cleanBook keeps stars between words that mark no footnote", () => {
  match(clean("“... has been repeated * * * this is everything,” the page ran.").text, /repeated \* \* \* this/);
  doesNotMatch(clean(`${PROSE}\n\n*       *       *       *\n\n${PROSE}`).text, /\*/);
});
