import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { join } from "node:path";
import { BookList } from "@/corpus/books.ts";
import { cleanBook } from "@/corpus/clean.ts";
import { readJsonc } from "@/core/jsonc.ts";
import { presetPath, WORKSPACE } from "@/core/paths.ts";
import { CATEGORIES } from "@/records.ts";

const MIRROR = join(WORKSPACE, "data-samples", "mirror");
const { books } = await readJsonc(presetPath("rehearsal/books.jsonc"), BookList);

const REFUSED = 99011;
const MISSING = 99012;
const samples = new Map<number, Uint8Array>();
for (const { id } of books) {
  for (const path of placesOf(id)) {
    const bytes = await Deno.readFile(join(MIRROR, path)).catch(() => undefined);
    if (bytes) samples.set(id, bytes);
  }
}
const good = books.filter(({ id }) => id !== REFUSED && id !== MISSING);

/** The new layout, and the old one, where a file lies under the digits of its number but the last. */
function placesOf(id: number): string[] {
  const old = [...String(id).slice(0, -1), id].join("/");
  return [`cache/epub/${id}/pg${id}.txt`, `${old}/${id}-0.txt`, `${old}/${id}-8.txt`];
}

/** As Windows-1252, one character a byte: a byte order mark reads ï»¿. */
function raw(id: number): string {
  return new TextDecoder("windows-1252").decode(samples.get(id) ?? new Uint8Array());
}

const clean = new Map(good.map(({ id }) => [id, cleanBook(samples.get(id) ?? new Uint8Array())]));

Deno.test("rehearsal/books.jsonc names a file for every book but the one that is to be missing", () => {
  deepEqual(books.map(({ id }) => id).filter((id) => !samples.has(id)), [MISSING]);
});

Deno.test("samples cover all five shelves in 8,000 words and more", () => {
  deepEqual(new Set(good.map(({ category }) => category)), new Set(CATEGORIES));
  const words = [...clean.values()].reduce((sum, { words }) => sum + words, 0);
  ok(good.length >= 8 && words >= 8000, `${good.length} books, ${words} words`);
});

Deno.test("samples pretend to no year after 1969", () => {
  for (const { id, year, translation_year } of books) {
    for (const value of [year, translation_year]) ok(value === undefined || value < 1969, `${id}: ${value}`);
  }
  for (const [id, { text }] of clean) {
    const years = [...text.matchAll(/\b(?:19[7-9]|20\d)\d\b/g)].map(([found]) => found);
    deepEqual(years, [], `${id}`);
  }
});

Deno.test("samples say in their headers what they are", () => {
  for (const [id, bytes] of samples) {
    const text = new TextDecoder().decode(bytes).replace(/\s+/g, " ");
    ok(/written for (?:the )?Voiceworks/i.test(text) && /free for everybody/.test(text), `${id}`);
  }
});

Deno.test("samples hold the warts that their README tells of", () => {
  const warts: [number, RegExp][] = [
    [99001, /\r\n\*\*\* START OF THE PROJECT GUTENBERG EBOOK/],
    [99001, /_[^_\r]+\r\n[^_]+_/],
    [99001, /\[Illustration:[^\]]*\r\n[^\]]*\r\n[^\]]*\]/],
    [99001, /\r\n +\*( +\*){4}\r\n/],
    [99002, /\*\*\* START OF THIS PROJECT GUTENBERG/],
    [99002, /Produced by .+\r\n.*www\.pgdp\.net/s],
    [99002, /CONTENTS[^]*CHAPTER II\. THE TABLE +\d[^]*CHAPTER II\. THE TABLE\r\n/],
    [99002, /egg\.\[1\][^]*\[Footnote 1: /],
    [99002, /[a-z]-\r\n[a-z]/],
    [99003, /\*\*\*START OF THE PROJECT/],
    [99003, /\*\*\*(?:\r\n)+Mina Pell, Joost Adema, and/],
    [99003, /\{9\}/],
    [99003, /\+----\+----\+/],
    [99003, /1\. P-K4 +1\. P-K4/],
    [99004, /\*END\*THE SMALL PRINT![^]*\*END\*/],
    [99004, /End of the Project Gutenberg Etext of/],
    [99004, /[^\n]\r[^\n]/],
    [99004, /\n\r?\n?(?:\r\n?|\n)+II(?:\r\n?|\n)/],
    [99005, /^ï»¿/],
    [99005, /\+-{20,}\+\r\n\| Transcriber's Note:/],
    [99006, /[^\r]\n_The scene is/],
    [99006, /HTML version/],
    [99007, /ISO-8859-1[^]*’/],
    [99008, /^ï»¿[^]*\[Pg 12\]/],
    [99008, /com-\r\nmonly/],
    [99008, /END OF THIS PROJECT GUTENBERG EBOOK ON REASON AS A PUBLIC\r\nWORK/],
    [99009, /encoding: ASCII[^]*’/],
    [99009, /TRANSCRIBER’S NOTES/],
    [99010, /\*\*\* END OF[^]*\*\*\*START\*\*THE SMALL PRINT!/],
  ];
  for (const [id, wart] of warts) ok(wart.test(raw(id)), `${id} without ${wart}`);
  ok(!raw(99004).includes("*** START OF"));
});

Deno.test("cleanBook leaves nothing but prose of the samples", () => {
  for (const [id, { text, kept }] of clean) {
    ok(kept > 0.9, `${id}: ${kept}`);
    const residue =
      /gutenberg|voiceworks|proofread|transcrib|adema|pell\b|ansgar|\[|\]|[_{}|]|https?:|small print|\.txt/i;
    equal(residue.exec(text), null, `${id}`);
  }
  const chapters = (id: number) => clean.get(id)?.chapters.length;
  deepEqual([99001, 99002, 99003, 99004, 99005, 99009].map(chapters), [3, 4, 5, 4, 5, 3]);
  ok(clean.get(99008)?.text.includes("may be commonly cut off"));
  ok(clean.get(99009)?.text.includes("River’s wide and rope is long;\nHe that’s alone"));
});

Deno.test("cleanBook refuses the sample without markers", () => {
  throws(() => cleanBook(samples.get(REFUSED) ?? new Uint8Array()), /START and END markers/);
});
