import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { parseMirror } from "@/corpus/layout.ts";
import { openMirrors } from "@/corpus/mirror.ts";
import type { Context } from "@/core/step.ts";
import { bookFile, fakeFetch, statusResponse, textResponse } from "../fakes/books.ts";
import { fakeContext } from "../fakes/context.ts";

const A = "https://a.example";
const B = "https://b.example";
const BOOK = bookFile(35, "The Time Machine");

/** Opens mirrors over a temporary cache. */
async function withCache<T>(work: (cache: string) => Promise<T>): Promise<T> {
  const cache = await Deno.makeTempDir();
  try {
    return await work(cache);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

function open(context: Context, cache: string, mirrors: string[] = [A, B]) {
  return openMirrors(context, {
    mirrors: mirrors.map(parseMirror),
    cacheFolder: () => cache,
    contact: "me@example.org",
  });
}

Deno.test("openMirrors tries the next layout, then the next mirror", () =>
  withCache(async (cache) => {
    const { fetch, asked } = fakeFetch({ [`${B}/3/35/35-0.txt`]: textResponse(BOOK) });
    const found = await open(fakeContext({ fetch }), cache).book(35);
    equal(found.found && found.file.url, `${B}/3/35/35-0.txt`);
    equal(asked.length, 7 + 2);
    match(asked[0]?.userAgent ?? "", /^Voiceworks\/\d.* \(\+me@example\.org\)$/);
  }));

Deno.test("openMirrors passes over a page, half a book, nothing and another book", () =>
  withCache(async (cache) => {
    const { fetch } = fakeFetch({
      [`${A}/cache/epub/35/pg35.txt`]: textResponse("<html>Sorry</html>"),
      [`${A}/3/35/35-0.txt`]: textResponse(bookFile(35, "The Time Machine", { end: false })),
      [`${A}/3/35/35-8.txt`]: textResponse(""),
      [`${A}/3/35/35.txt`]: textResponse(bookFile(36, "The War of the Worlds")),
      [`${A}/3/35/old/35-0.txt`]: textResponse(BOOK, { "content-length": String(BOOK.length + 1) }),
      [`${B}/cache/epub/35/pg35.txt`]: textResponse(BOOK),
    });
    const found = await open(fakeContext({ fetch }), cache).book(35);
    equal(found.found && found.file.url, `${B}/cache/epub/35/pg35.txt`);
  }));

Deno.test("openMirrors tells the reason that says most, and all attempts", () =>
  withCache(async (cache) => {
    const { fetch } = fakeFetch({ [`${A}/3/35/35.txt`]: textResponse(bookFile(36, "The War of the Worlds")) });
    const found = await open(fakeContext({ fetch }), cache).book(35);
    if (found.found) throw new Error("found");
    equal(found.reason, "wrong_book");
    equal(found.attempts.length, 14);
  }));

Deno.test("openMirrors fetches nothing twice, also in a later run without network", () =>
  withCache(async (cache) => {
    const { fetch, asked } = fakeFetch({ [`${A}/cache/epub/35/pg35.txt`]: textResponse(BOOK) });
    const first = await open(fakeContext({ fetch }), cache).book(35);
    const again = await open(fakeContext(), cache).book(35);
    equal(asked.length, 1);
    if (!first.found || !again.found) throw new Error("not found");
    deepEqual({ ...again.file, bytes: 0, cached: false }, { ...first.file, bytes: 0 });
    equal(again.file.cached, true);
    deepEqual(new Uint8Array(again.file.bytes), new Uint8Array(first.file.bytes));
  }));

Deno.test("openMirrors fetches a damaged cached file again and says so", () =>
  withCache(async (cache) => {
    const { fetch, asked } = fakeFetch({ [`${A}/cache/epub/35/pg35.txt`]: textResponse(BOOK) });
    await open(fakeContext({ fetch }), cache).book(35);
    await Deno.writeTextFile(join(cache, "a.example", "35.txt"), BOOK.slice(1));
    const context = fakeContext({ fetch });
    equal((await open(context, cache).book(35)).found, true);
    equal(asked.length, 2);
    equal(context.events.some((event) => event.type === "log" && /damaged/.test(event.message)), true);
  }));

Deno.test("openMirrors never takes one host's text for another's", () =>
  withCache(async (cache) => {
    const { fetch } = fakeFetch({ [`${A}/cache/epub/35/pg35.txt`]: textResponse(BOOK) });
    await open(fakeContext({ fetch }), cache, [A]).book(35);
    equal((await open(fakeContext({ fetch }), cache, [B]).book(35)).found, false);
  }));

Deno.test("openMirrors shares the cache among the public mirrors", () =>
  withCache(async (cache) => {
    const { fetch } = fakeFetch({ "https://aleph.gutenberg.org/cache/epub/35/pg35.txt": textResponse(BOOK) });
    await open(fakeContext({ fetch }), cache, ["https://aleph.gutenberg.org/"]).book(35);
    equal((await open(fakeContext(), cache, ["https://gutenberg.pglaf.org/"]).book(35)).found, true);
  }));

Deno.test("openMirrors reads a folder in place, without pause and cache", () =>
  withCache(async (folder) => {
    await Deno.mkdir(join(folder, "3", "35"), { recursive: true });
    await Deno.writeTextFile(join(folder, "3", "35", "35-8.txt"), BOOK);
    const context = fakeContext();
    const mirrors = openMirrors(context, {
      mirrors: [parseMirror(`file:${folder}`)],
      cacheFolder: () => {
        throw new Error("a folder needs no cache");
      },
    });
    const found = await mirrors.book(35);
    equal(found.found && found.file.url, `file:${folder}/3/35/35-8.txt`);
    equal((await mirrors.book(36)).found, false);
    deepEqual(context.slept, []);
    deepEqual(context.events, []);
  }));

Deno.test("openMirrors asks for a contact address once, and only before it goes to the network", () =>
  withCache(async (cache) => {
    const { fetch } = fakeFetch({ [`${A}/*`]: statusResponse(404) });
    const context = fakeContext({ fetch });
    const mirrors = openMirrors(context, { mirrors: [parseMirror(A)], cacheFolder: () => cache });
    equal(context.events.length, 0);
    await mirrors.book(35);
    await mirrors.book(36);
    equal(context.events.filter((event) => event.type === "log" && /--contact/.test(event.message)).length, 1);
  }));

Deno.test("openMirrors caches the catalogue", () =>
  withCache(async (cache) => {
    const url = "https://www.gutenberg.org/cache/epub/feeds/pg_catalog.csv.gz";
    const { fetch, asked } = fakeFetch({ [url]: textResponse("Text#,Type\n") });
    equal((await open(fakeContext({ fetch }), cache).catalogue()).found, true);
    const again = await open(fakeContext(), cache).catalogue();
    equal(again.found && again.file.cached, true);
    deepEqual(asked.map((request) => request.url), [url]);
  }));
