import { equal } from "node:assert/strict";
import { faultOf } from "@/corpus/inspect.ts";
import { bookFile } from "../fakes/books.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("faultOf lets a whole book pass", () => {
  equal(faultOf(bytes(bookFile(35, "The Time Machine")), 35, "text/plain"), undefined);
});

Deno.test("faultOf tells what came instead of a book", () => {
  const cases: [string, Uint8Array, string, string][] = [
    ["empty", bytes(""), "text/plain", "empty"],
    ["an error page", bytes("\n<!DOCTYPE html><title>Not here</title>"), "text/plain", "html"],
    ["an error page with a BOM", bytes("\ufeff<html>sorry</html>"), "text/plain", "html"],
    ["a zip", bytes("PK\x03\x04\x00\x00"), "application/octet-stream", "not_text"],
    ["a zip by its type", bytes("PK"), "application/zip", "not_text"],
    ["half a book", bytes(bookFile(35, "Tea", { end: false })), "text/plain", "truncated"],
    ["another book", bytes(bookFile(36, "Tea")), "text/plain", "wrong_book"],
  ];
  for (const [name, content, type, reason] of cases) equal(faultOf(content, 35, type)?.reason, reason, name);
});

Deno.test("faultOf does not take numbers of the body for the book's", () => {
  const text = bookFile(35, "Tea").replace("The council", "See eBook #99. The council");
  equal(faultOf(bytes(text), 35), undefined);
});

Deno.test("faultOf believes a header without a number, and the old end line", () => {
  const old =
    "*** START OF THIS PROJECT GUTENBERG EBOOK TEA ***\n\nTea.\n\nEnd of Project Gutenberg's Tea, by A. N. Author\n";
  equal(faultOf(bytes(old), 7), undefined);
});
