import { deepEqual, equal, throws } from "node:assert/strict";
import { DEFAULT_MIRRORS, digitFolder, layouts, parseMirror, pathInFolder } from "@/corpus/layout.ts";
import { UsageError } from "@/core/errors.ts";

Deno.test("digitFolder spreads the digits but the last", () => {
  equal(digitFolder(12345), "1/2/3/4/12345");
  equal(digitFolder(61), "6/61");
  equal(digitFolder(9), "0/9");
});

Deno.test("digitFolder refuses what is no book number", () => {
  for (const id of [0, -1, 1.5, NaN, Infinity, 2 ** 60]) throws(() => digitFolder(id), RangeError);
});

Deno.test("layouts tries the generated file, then better before worse encodings, then old", () => {
  deepEqual(layouts(84), [
    "cache/epub/84/pg84.txt",
    "8/84/84-0.txt",
    "8/84/84-8.txt",
    "8/84/84.txt",
    "8/84/old/84-0.txt",
    "8/84/old/84-8.txt",
    "8/84/old/84.txt",
  ]);
});

Deno.test("parseMirror keeps a relative folder relative and reads absolute file URLs", () => {
  deepEqual(parseMirror("file:../shared/corpus/"), {
    kind: "file",
    name: "file:../shared/corpus",
    folder: "../shared/corpus",
  });
  if (Deno.build.os !== "windows") {
    const mirror = parseMirror("file:///data/my%20mirror");
    equal(mirror.kind === "file" && mirror.folder, "/data/my mirror");
  }
});

Deno.test("parseMirror takes every default mirror", () => {
  for (const mirror of DEFAULT_MIRRORS) equal(parseMirror(mirror).kind, "http");
});

Deno.test("parseMirror refuses the main site, other schemes and hidden parts", () => {
  const wrong = [
    "https://www.gutenberg.org/",
    "http://gutenberg.org/dirs",
    "https://WWW.GUTENBERG.ORG./",
    "ftp://example.org/",
    "../shared/corpus",
    "file:",
    "https://user:secret@example.org/",
    "https://example.org/?a=b",
    "",
  ];
  for (const mirror of wrong) throws(() => parseMirror(mirror), UsageError, mirror);
});

Deno.test("pathInFolder refuses paths that lead out of the mirror", () => {
  for (const path of ["../secret", "a/../../b", "/etc/passwd", "a//b", "C:/x", "a\\..\\b", ".", ""]) {
    throws(() => pathInFolder("mirror", path), RangeError, path);
  }
});
