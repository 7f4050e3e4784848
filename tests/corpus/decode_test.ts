import { equal, throws } from "node:assert/strict";
import { decodeText } from "@/corpus/decode.ts";
import { RefusedBook } from "@/corpus/refused_book.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("decodeText strips a byte order mark and says so", () => {
  const decoded = decodeText(Uint8Array.from([0xef, 0xbb, 0xbf, ...utf8("Дом")]));
  equal(decoded.text, "Дом");
  equal(decoded.bom, true);
  equal(decoded.encoding, "utf-8");
});

Deno.test("decodeText takes Windows-1252 where UTF-8 does not fit, whatever the header claims", () => {
  const head = utf8("Character set encoding: UTF-8\n\n");
  const decoded = decodeText(Uint8Array.from([...head, 0x93, 0x49, 0x92, 0x6d, 0x94, 0x20, 0x97, 0xe9]));
  equal(decoded.text.slice(head.length), "“I’m” —é");
  equal(decoded.encoding, "windows-1252");
});

Deno.test("decodeText takes Windows-1252 after a byte order mark that lies", () => {
  const decoded = decodeText(Uint8Array.from([0xef, 0xbb, 0xbf, 0x6e, 0x92, 0x6e]));
  equal(decoded.text, "n’n");
  equal(decoded.encoding, "windows-1252");
});

Deno.test("decodeText makes one line end of CR LF, CR and form feed", () => {
  equal(decodeText(utf8("a\r\nb\rc\n\rd\fe")).text, "a\nb\nc\n\nd\ne");
});

Deno.test("decodeText composes to NFC and widens tabs and no-break spaces", () => {
  equal(decodeText(utf8("cafe\u0301\u00a0x\ty")).text, "café x    y");
});

Deno.test("decodeText takes out control and zero-width characters and counts the former", () => {
  const decoded = decodeText(utf8("end\u200b of\ufeff it\u001a"));
  equal(decoded.text, "end of it");
  equal(decoded.controls, 1);
});

Deno.test("decodeText refuses NUL bytes and names the place", () => {
  throws(() => decodeText(Uint8Array.from([0x61, 0x62, 0x00, 0x63])), (error) => {
    return error instanceof RefusedBook && error.reason === "binary" && error.message.includes("byte 2");
  });
});

Deno.test("decodeText refuses UTF-16 and a file of control characters as binary", () => {
  const binary = (error: unknown) => error instanceof RefusedBook && error.reason === "binary";
  throws(() => decodeText(Uint8Array.from([0xff, 0xfe, 0x61, 0x00, 0x62, 0x00])), binary);
  throws(() => decodeText(Uint8Array.from({ length: 4000 }, (_, i) => 1 + (i % 8))), binary);
});

Deno.test("decodeText refuses an empty file", () => {
  throws(() => decodeText(new Uint8Array()), (error) => error instanceof RefusedBook && error.reason === "empty");
});
