import { deepEqual, equal, match, throws } from "node:assert/strict";
import { UserError } from "@/core/errors.ts";
import { englishShare, topicWord } from "@/manuscript/common_words.ts";
import { decodeManuscript } from "@/manuscript/read.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("decodeManuscript takes off the byte order mark and makes line ends one, and changes nothing else", () => {
  const kept = "\tYou\u00a0wait … e\u0301\n\nStill.  \n";
  equal(decodeManuscript(bytes("\ufeff" + kept.replaceAll("\n", "\r\n")), "a.txt").text, kept);
  equal(decodeManuscript(bytes("a\rb\r\nc"), "a.txt").text, "a\nb\nc");
});

Deno.test("decodeManuscript reads UTF-16 and Windows-1252, and says what it guessed", () => {
  equal(decodeManuscript(Uint8Array.from([0xff, 0xfe, 0x59, 0, 0x1c, 0x20]), "a.txt").text, "Y\u201c");
  const { text, encoding, warnings } = decodeManuscript(Uint8Array.from([0x59, 0x92, 0x85]), "old.txt");
  equal(text, "Y’…");
  equal(encoding, "windows-1252");
  match(warnings[0] ?? "", /"old\.txt" is not UTF-8; it was read as Windows-1252/);
});

Deno.test("decodeManuscript names what is no text", () => {
  for (
    const [name, head, says] of [
      ["draft.docx", "PK\x03\x04rest", /"draft\.docx": it is a Word, LibreOffice or zip file/],
      ["draft.pdf", "%PDF-1.7", /it is a PDF/],
      ["draft.rtf", "{\\rtf1 You wait.}", /it is a rich-text file/],
      ["x.txt", "You\0wait", /NUL bytes/],
      ["x.txt", "\x01\x02\x03\x04".repeat(9), /control characters/],
      ["x.txt", " \n\t\n", /it is empty/],
      ["x.txt", "", /it is empty/],
    ] as const
  ) {
    throws(
      () => decodeManuscript(bytes(head), name),
      (error) => error instanceof UserError && says.test(error.message),
    );
  }
});

Deno.test("decodeManuscript warns of another language than English", () => {
  const german =
    "Du gehst über den Hof und hörst die Stimmen der anderen hinter dem Tor. Niemand hat auf dich gewartet. ";
  match(
    decodeManuscript(bytes(german.repeat(9)), "hof.txt").warnings[0] ?? "",
    /"hof\.txt" does not read like English/,
  );
  const english =
    "You walk across the yard and hear the voices of the others behind the gate. Nobody has waited for you. ";
  deepEqual(decodeManuscript(bytes(english.repeat(9)), "yard.txt").warnings, []);
  equal(englishShare("").share, 0);
});

Deno.test("topicWord leaves out what says nothing and takes off endings", () => {
  deepEqual(["the", "sleds", "sled's", "wanted", "running", "glass", "Iven".toLowerCase()].map(topicWord), [
    undefined,
    "sled",
    "sled",
    "want",
    "runn",
    "glass",
    "iven",
  ]);
});
