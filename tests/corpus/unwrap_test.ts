import { equal } from "node:assert/strict";
import { cleanBook } from "@/corpus/clean.ts";
import { buildLexicon, joinLines, settingOf } from "@/corpus/unwrap.ts";
import { bytes, file, PROSE } from "../fakes/gutenberg.ts";

const clean = (body: string) =>
  cleanBook(bytes(file(`CHAPTER I\n\n${PROSE}\n\n${body}`))).text.split("\n\n").slice(2).join("\n\n");
const join = (text: string) => joinLines(text.split("\n"), buildLexicon(text), {});

Deno.test("joinLines keeps the hyphen of a compound that the book has elsewhere", () => {
  equal(join("a looking-glass; the looking-\nglass"), "a looking-glass; the looking-glass");
});

Deno.test("joinLines undoes the hyphen of a word that the book has in one piece", () => {
  equal(join("the understanding was an under-\nstanding of old"), "the understanding was an understanding of old");
});

Deno.test("joinLines prefers the hyphenated form where the book has both", () => {
  equal(join("to-day and today, or to-\nday"), "to-day and today, or to-day");
});

Deno.test("joinLines undoes a hyphen between halves that are no words", () => {
  equal(join("by imagi-\nnation and con-\nsequence, dis-\ncovered"), "by imagination and consequence, discovered");
});

Deno.test("joinLines keeps a hyphen where one half is a word of the book", () => {
  equal(join("the iris-\nlooking flower looking out"), "the iris-looking flower looking out");
});

Deno.test("joinLines keeps hyphens before capitals, digits and single letters, and in longer compounds", () => {
  equal(join("the Franco-\nPrussian war"), "the Franco-Prussian war");
  equal(join("1914-\n18"), "1914-18");
  equal(join("an X-\nray"), "an X-ray");
  equal(join("the fleur-\nde-lys and the all-in-\nall"), "the fleur-de-lys and the all-in-all");
});

Deno.test("joinLines sets a space after a hyphen that waits for its second half", () => {
  equal(join("two-\nand three-year terms"), "two- and three-year terms");
});

Deno.test("joinLines sets no space at dashes", () => {
  equal(join("she went--\nat last--home\n--or nearly"), "she went--at last--home--or nearly");
  equal(join("she went—\nat last"), "she went—at last");
});

Deno.test("cleanBook makes one line of each paragraph, indented quotations included", () => {
  equal(
    clean(`   The undersigned will see to the rope before the first of the
   month, and will send the bill to the miller, who has agreed
   to bear one half of it.`),
    "The undersigned will see to the rope before the first of the month, and will send the bill to the miller, who has agreed to bear one half of it.",
  );
});

Deno.test("cleanBook writes dashes as dashes", () => {
  equal(
    clean("She said--and he believed her--that Mr. B---- was dead."),
    "She said—and he believed her—that Mr. B—— was dead.",
  );
});

Deno.test("cleanBook keeps the lines of verse without their indentation", () => {
  equal(
    clean(`     The ferry lies below the mill,
       The rope is worn and thin,
     And nobody has paid the bill
       To draw the ferry in.`),
    "The ferry lies below the mill,\n  The rope is worn and thin,\nAnd nobody has paid the bill\n  To draw the ferry in."
      .replaceAll("\n  ", "\n"),
  );
});

Deno.test("cleanBook does not take short speeches for verse", () => {
  equal(clean("“No,” said\nhe."), "“No,” said he.");
  equal(clean("“Where?”\n\n“There.”"), "“Where?”\n\n“There.”");
});

Deno.test("cleanBook drops tables", () => {
  equal(
    clean(`     Year      Boats     Tolls
     1890         12       340
     1891         15       410

It was a good year.`),
    "It was a good year.",
  );
});

Deno.test("cleanBook drops drawings", () => {
  equal(
    clean("     /\\       /\\\n    /  \\_____/  \\\n   /_____________\\\n\nSuch was the roof."),
    "Such was the roof.",
  );
});

Deno.test("cleanBook drops thought breaks of every kind", () => {
  equal(
    clean("She went.\n\n* * * * *\n\nHe stayed.\n\n-----\n\nIt rained.\n\n. . . . .\n\nIt cleared."),
    "She went.\n\nHe stayed.\n\nIt rained.\n\nIt cleared.",
  );
});

Deno.test("settingOf tells prose, verse, table and list apart", () => {
  const set = (text: string) => settingOf({ lines: text.split("\n"), before: 1 }, 70);
  equal(set(PROSE.split("\n\n")[0] ?? ""), "prose");
  equal(set("  Come down, come down,\n  The lamp is lit,"), "verse");
  equal(set("a     1\nb     2"), "table");
  equal(set("| a | b |\n| c | d |"), "table");
  equal(set("  to the rope,\n  to the oars,\n  to the nails"), "lines");
});
