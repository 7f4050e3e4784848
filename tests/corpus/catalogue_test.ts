import { deepEqual, equal, rejects } from "node:assert/strict";
import { type CatalogueEntry, parsePerson, readCatalogue } from "@/corpus/catalogue.ts";
import { UserError } from "@/core/errors.ts";

const HEADER = "Text#,Type,Issued,Title,Language,Authors,Subjects,LoCC,Bookshelves";

async function read(
  text: string | Uint8Array<ArrayBuffer>,
): Promise<{ entries: CatalogueEntry[]; bad: [number, string][] }> {
  const bad: [number, string][] = [];
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const entries = await Array.fromAsync(
    readCatalogue(bytes, "catalogue.csv", (line, cause) => bad.push([line, cause])),
  );
  return { entries, bad };
}

const ROWS = [
  HEADER,
  '101,Text,2001-01-01,"The Glass Canal\nA Tale of Tomorrow",en,"Orlov, Vera, 1850-1911; Hill, Ann, 1861-1930 [Translator]","Utopias -- Fiction; Canals -- Fiction",PG; HX,',
  '102,Sound,2001-01-02,"""Echo"", or the Tower",en; fr,,,,',
  "",
].join("\n");

Deno.test("readCatalogue reads newlines and quotes inside of quotes", async () => {
  const { entries, bad } = await read(ROWS);
  deepEqual(bad, []);
  deepEqual(entries, [
    {
      id: 101,
      type: "Text",
      title: "The Glass Canal: A Tale of Tomorrow",
      languages: ["en"],
      people: [
        { name: "Orlov, Vera", born: 1850, died: 1911 },
        { name: "Hill, Ann", born: 1861, died: 1930, role: "Translator" },
      ],
      subjects: ["Utopias -- Fiction", "Canals -- Fiction"],
      classes: ["PG", "HX"],
    },
    {
      id: 102,
      type: "Sound",
      title: '"Echo", or the Tower',
      languages: ["en", "fr"],
      people: [],
      subjects: [],
      classes: [],
    },
  ]);
});

Deno.test("readCatalogue reads gzip, CRLF and a byte order mark alike", async () => {
  const plain = (await read(ROWS)).entries;
  const packed = new Blob([ROWS]).stream().pipeThrough(new CompressionStream("gzip"));
  deepEqual((await read(await new Response(packed).bytes())).entries, plain);
  deepEqual((await read("\ufeff" + ROWS)).entries, plain);
  const crlf = (await read(ROWS.replaceAll(/\n(?=\d|$)/g, "\r\n"))).entries;
  deepEqual(crlf.map(({ id }) => id), [101, 102]);
});

Deno.test("readCatalogue skips a row cut off or without a number and tells of it", async () => {
  const { entries, bad } = await read(`${ROWS}x7,Text,,No number,en,,,,\n103,Text\n104,Text,,"cut off`);
  deepEqual(entries.map(({ id }) => id), [101, 102]);
  equal(bad.length >= 2, true);
});

Deno.test("readCatalogue refuses what is no catalogue", async () => {
  const wrong: [string | Uint8Array<ArrayBuffer>, RegExp][] = [
    ["", /empty/],
    ["name,age\nx,1\n", /no column Text#/],
    ["<!doctype html>\n<p>sorry</p>\n", /no column/],
    [new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3]), /Cannot read "catalogue\.csv"/],
  ];
  for (const [text, message] of wrong) {
    await rejects(read(text), (error) => error instanceof UserError && message.test(error.message));
  }
});

Deno.test("parsePerson reads every form of dates that the catalogue has", () => {
  const cases: [string, object][] = [
    ["Jefferson, Thomas, 1743-1826", { name: "Jefferson, Thomas", born: 1743, died: 1826 }],
    ["Raymond, Eric S., 1957- [Editor]", { name: "Raymond, Eric S.", born: 1957, role: "Editor" }],
    ["Brown, William Wells, 1814?-1884", { name: "Brown, William Wells", born: 1814, died: 1884 }],
    ["Bierce, Ambrose, 1842-1914?", { name: "Bierce, Ambrose", born: 1842, died: 1914 }],
    ["Martorell, Joanot, -1468", { name: "Martorell, Joanot", died: 1468 }],
    ["Aesop, 621? BCE-565? BCE", { name: "Aesop", born: -621, died: -565 }],
    ["Guan, Zhong, -646 BCE", { name: "Guan, Zhong", died: -646 }],
    ["Seneca, Lucius Annaeus, 5? BCE-65", { name: "Seneca, Lucius Annaeus", born: -5, died: 65 }],
    ["Adlington, William, active 1566 [Translator]", { name: "Adlington, William", born: 1566, role: "Translator" }],
    ["Gan, Bao, active 317-322", { name: "Gan, Bao", born: 322 }],
    ["Chrétien, de Troyes, active 12th century", { name: "Chrétien, de Troyes", born: 1200 }],
    ["Sunzi, active 6th century B.C.", { name: "Sunzi", born: -500 }],
    ["Tolstoy, Leo, graf, 1828-1910", { name: "Tolstoy, Leo, graf", born: 1828, died: 1910 }],
    ["Young, Franklin K.\u200f (Franklin Knowles), 1857-1931", {
      name: "Young, Franklin K. (Franklin Knowles)",
      born: 1857,
      died: 1931,
    }],
    ["Follett, Mary-Parker", { name: "Follett, Mary-Parker" }],
    ["United States", { name: "United States" }],
  ];
  for (const [text, person] of cases) deepEqual(parsePerson(text), person, text);
});
