import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { readJsonl } from "@/core/jsonl.ts";
import { parseOptions } from "@/core/options.ts";
import { WORKSPACE } from "@/core/paths.ts";
import type { Context } from "@/core/step.ts";
import { Reject, Work } from "@/records.ts";
import { retrieve } from "@/steps/retrieve.ts";
import { bookFile, fakeFetch, statusResponse, textResponse } from "../fakes/books.ts";
import { fakeContext } from "../fakes/context.ts";

const LIST = {
  books: [
    { id: 35, title: "The Time Machine", author: "H. G. Wells", year: 1895, category: "science_fiction" },
    { id: 61, title: "The Manifesto", author: "K. Marx", year: 1848, category: "political_philosophy" },
    { id: 7, title: "Too Late", author: "N. N.", year: 1950, translation_year: 1970 },
  ],
};
const MIRROR = "https://mirror.example";
const address = (id: number) => `${MIRROR}/cache/epub/${id}/pg${id}.txt`;

interface Desk {
  folder: string;
  /** Runs with flags, as the terminal does; the data and cache folders are the desk's. */
  run(flags: string[], context?: Partial<Context>): ReturnType<typeof retrieve.run>;
  works(name?: string): Promise<Work[]>;
  rejects(name?: string): Promise<Reject[]>;
}

async function withDesk(work: (desk: Desk) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const list = join(folder, "list.jsonc");
  await Deno.writeTextFile(list, `// a list\n${JSON.stringify(LIST)}`);
  const common = ["--books", list, "--cache-dir", join(folder, "cache"), "--data-dir", join(folder, "data")];
  const corpus = (name: string) => join(folder, "data", "corpus", name);
  try {
    await work({
      folder,
      run: (flags, context = {}) =>
        retrieve.run(
          parseOptions(retrieve.options, [...common, "--contact", "me@example.org", "--mirror", MIRROR, ...flags]),
          fakeContext(context),
        ),
      works: (name = "priority_works.jsonl") => Array.fromAsync(readJsonl(corpus(name), Work)),
      rejects: (name = "priority_works_rejects.jsonl") => Array.fromAsync(readJsonl(corpus(name), Reject)),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("retrieve writes works in the order of the list, and what is left out with its reason", () =>
  withDesk(async ({ run, works, rejects }) => {
    const context = fakeContext();
    const { fetch } = fakeFetch({ [address(35)]: textResponse(bookFile(35, "The Time Machine")) });
    const result = await run([], { ...context, fetch });
    const [work, ...more] = await works();
    equal(more.length, 0);
    equal(work?.title, "The Time Machine");
    equal(work?.author, "H. G. Wells");
    equal(work?.year, 1895);
    equal(work?.category, "science_fiction");
    equal(work?.language, "en");
    equal(work?.source_url, address(35));
    equal(work?.sha256.length, 64);
    equal(/gutenberg/i.test(work?.text ?? ""), false);
    deepEqual((await rejects()).map(({ id, reason }) => [id, reason]), [["61", "not_found"], [
      "7",
      "published_too_late",
    ]]);
    equal(result.works, 1);
    equal(result.words, work?.words);
    deepEqual(result.byCategory, { science_fiction: 1 });
    deepEqual(result.missing.map(({ id }) => id), [61]);
    deepEqual(result.refused.map(({ id }) => id), [7]);
    const drops = context.events.filter((event) => event.type === "drop");
    deepEqual(drops.map(({ reason, id }) => [reason, id]), [["not_found", "61"], ["published_too_late", "7"]]);
    const done = context.events.filter((event) => event.type === "progress");
    deepEqual(done.at(-1), { type: "progress", label: "retrieve", done: 3, total: 3, unit: "books" });
    equal(context.events.filter((event) => event.type === "artifact").length, 2);
  }));

Deno.test("retrieve gives the same bytes again, without network", () =>
  withDesk(async ({ folder, run }) => {
    const { fetch, asked } = fakeFetch({
      [address(35)]: textResponse(bookFile(35, "The Time Machine")),
      [address(61)]: textResponse(bookFile(61, "The Manifesto")),
    });
    const path = join(folder, "data", "corpus", "priority_works.jsonl");
    await run([], { fetch });
    const first = await Deno.readFile(path);
    await Deno.remove(path);
    await run([]);
    deepEqual(await Deno.readFile(path), first);
    equal(asked.length, 2);
  }));

Deno.test("retrieve refuses a text that cleaning will not vouch for, and goes on", () =>
  withDesk(async ({ run, rejects }) => {
    const { fetch } = fakeFetch({
      [address(35)]: textResponse("A page of text without any marker.\n".repeat(40)),
      [address(61)]: textResponse(bookFile(61, "The Manifesto")),
    });
    const result = await run([], { fetch });
    equal(result.works, 1);
    equal((await rejects())[0]?.reason, "no_markers");
  }));

Deno.test("retrieve stops on 403 and keeps the cache and the earlier output", () =>
  withDesk(async ({ folder, run, works }) => {
    const first = fakeFetch({ [address(35)]: textResponse(bookFile(35, "The Time Machine")) });
    await run([], { fetch: first.fetch });
    const { fetch, asked } = fakeFetch({ [`${MIRROR}/*`]: statusResponse(403) });
    await rejects(run([], { fetch }), (error) => error instanceof UserError && error.exitCode === 1);
    equal(asked.length, 1);
    equal((await works()).length, 1);
    const left = Array.from(Deno.readDirSync(join(folder, "data", "corpus")), ({ name }) => name).sort();
    deepEqual(left, ["priority_works.jsonl", "priority_works_rejects.jsonl"]);
  }));

Deno.test("retrieve says in one sentence that there is no network", () =>
  withDesk(async ({ folder, run }) => {
    await rejects(run([]), (error) => error instanceof UserError && /no mirror can be reached/.test(error.message));
    equal(await Deno.stat(join(folder, "data", "corpus", "priority_works.jsonl")).catch(() => "none"), "none");
  }));

Deno.test("retrieve is not finished where no mirror answered for a book, but where all answered that it is not there", () =>
  withDesk(async ({ run }) => {
    const came = textResponse(bookFile(35, "The Time Machine"));
    const gone = () => new TypeError("connection refused");
    const result = await run([], { fetch: fakeFetch({ [address(35)]: came, [`${MIRROR}/*`]: gone }).fetch });
    deepEqual([result.works, result.missing.map(({ id }) => id)], [1, [61]]);
    equal(retrieve.unfinished?.(result), "no mirror answered for 1 of 3 books");
    equal(retrieve.unfinished?.(await run([], { fetch: fakeFetch({}).fetch })), undefined);
    // One that is gone for good says nothing of a book that another one answered for.
    const two = ["--mirror", "https://other.example"];
    const other = fakeFetch({ [`${MIRROR}/*`]: gone });
    equal(retrieve.unfinished?.(await run(two, { fetch: other.fetch })), undefined);
  }));

Deno.test("retrieve refuses a mirror that is a folder which is not there", () =>
  withDesk(async ({ folder, run }) => {
    const mirror = ["--mirror", `file:${join(folder, "nowhere")}`];
    await rejects(run(mirror), (error) => error instanceof UsageError && /there is no such folder/.test(error.message));
  }));

Deno.test("retrieve stops between books when the signal fires, and leaves nothing half-written", () =>
  withDesk(async ({ folder, run }) => {
    const stop = new AbortController();
    const { fetch, asked } = fakeFetch({
      [address(35)]: () => {
        stop.abort();
        return new Response(bookFile(35, "The Time Machine"));
      },
    });
    await rejects(run([], { fetch, signal: stop.signal }), { name: "AbortError" });
    equal(asked.length, 1);
    deepEqual(Array.from(Deno.readDirSync(join(folder, "data", "corpus"))), []);
  }));

Deno.test("retrieve fetches the books that --ids names, with what the list knows of them", () =>
  withDesk(async ({ run, works }) => {
    const { fetch } = fakeFetch({
      [address(35)]: textResponse(bookFile(35, "The Time Machine")),
      [address(99)]: textResponse(bookFile(99, "An Unknown Book")),
    });
    await run(["--ids", "99,35,99"], { fetch });
    deepEqual((await works()).map(({ id, title, author }) => [id, title, author]), [
      [99, "An Unknown Book", "A. N. Author"],
      [35, "The Time Machine", "H. G. Wells"],
    ]);
  }));

Deno.test("retrieve --ids leaves a corpus with other books alone, unless told to replace it", () =>
  withDesk(async ({ folder, run, works }) => {
    const { fetch, asked } = fakeFetch({
      [address(35)]: textResponse(bookFile(35, "The Time Machine")),
      [address(61)]: textResponse(bookFile(61, "The Manifesto")),
      [address(99)]: textResponse(bookFile(99, "An Unknown Book")),
    });
    const ids = async () => (await works()).map(({ id }) => id);
    await run([], { fetch });
    await rejects(run(["--ids", "35,99"], { fetch }), (error) => {
      match(String(error), /priority_works\.jsonl": it holds 1 book that --ids does not name/);
      return error instanceof UsageError && /another --output.*--overwrite/.test(error.hint ?? "");
    });
    equal(asked.some(({ url }) => url.includes("99")), false, "told before anything is fetched");
    deepEqual(await ids(), [35, 61]);
    await run(["--ids", "99", "--output", join(folder, "trial.jsonl")], { fetch });
    deepEqual(await ids(), [35, 61]);

    await run(["--ids", "35,99", "--overwrite"], { fetch });
    for (const again of ["35,99", "99,35,61"]) await run(["--ids", again], { fetch });
    deepEqual(await ids(), [99, 35, 61]);
    await run([], { fetch });
    deepEqual(await ids(), [35, 61], "a reading list is the corpus");

    const notes = join(folder, "notes.txt");
    await Deno.writeTextFile(notes, "my notes\n");
    await rejects(run(["--ids", "35", "--output", notes], { fetch }), /it holds something else than works/);
    equal(await Deno.readTextFile(notes), "my notes\n");
  }));

const CATALOGUE = [
  "Text#,Type,Issued,Title,Language,Authors,Subjects,LoCC,Bookshelves",
  '201,Text,2001-01-01,"The Glass Board\nA Story",en,"Orlov, Vera, 1850-1911",Chess,GV,',
  '202,Text,2001-01-01,The New Board,en,"Orlov, Max, 1950-",Chess,GV,',
  '203,Text,2001-01-01,Duchess Days,en,"Orlov, Vera, 1850-1911",Duchesses -- Fiction,PR,',
  "",
].join("\n");

Deno.test("retrieve --extended chooses from the catalogue and writes both corpora", () =>
  withDesk(async ({ folder, run, works, rejects }) => {
    const catalogue = join(folder, "pg_catalog.csv");
    await Deno.writeTextFile(catalogue, CATALOGUE);
    const { fetch } = fakeFetch({
      [address(35)]: textResponse(bookFile(35, "The Time Machine")),
      [address(201)]: textResponse(bookFile(201, "The Glass Board")),
    });
    const result = await run(["--extended", "--catalogue", catalogue], { fetch });
    deepEqual((await works("extended_works.jsonl")).map(({ id, title }) => [id, title]), [
      [201, "The Glass Board: A Story"],
    ]);
    const left = await rejects("extended_works_rejects.jsonl");
    deepEqual(left.map(({ id, reason }) => [id, reason]), [["202", "not_shown_to_be_early_enough"]]);
    equal(result.works, 2);
  }));

Deno.test("retrieve --dry-run lists books with reasons and fetches none", () =>
  withDesk(async ({ folder, run }) => {
    const catalogue = join(folder, "pg_catalog.csv");
    await Deno.writeTextFile(catalogue, CATALOGUE);
    const context = fakeContext();
    const { fetch, asked } = fakeFetch({});
    const result = await run(["--extended", "--catalogue", catalogue, "--dry-run"], { ...context, fetch });
    deepEqual(result.plan.map(({ id }) => id), [35, 61, 7, 201]);
    equal(result.plan.at(-1)?.why, 'subject "Chess"; Orlov, Vera: 1850–1911');
    equal(asked.length, 0);
    match(retrieve.report?.(result) ?? "", /^201 .*subject "Chess"/m);
    const plan = result.plan.map((book) => ({ ...book, title: "A Title, or: ".repeat(20), year: -375 }));
    const [, , , row = ""] = (retrieve.report?.({ ...result, plan }) ?? "").split("\n");
    match(row, /^35 +A Title, [^…]{40,50}… .* 375 BCE /);
    equal(await Deno.stat(join(folder, "data")).catch(() => "none"), "none");
  }));

Deno.test("retrieve refuses contradictory and unfit options", () =>
  withDesk(async ({ run }) => {
    await rejects(async () => await run(["--ids", "35", "--extended"]), UsageError);
    await rejects(async () => await run(["--mirror", "https://www.gutenberg.org"]), UsageError);
    await rejects(async () => await run(["--contact", "nobody"]), (error) => {
      return error instanceof UsageError && /mail address or a web address/.test(error.message);
    });
    await rejects(async () => await run(["--books", "no/such/list.jsonc"]), UserError);
  }));

Deno.test("retrieve.files names lists, local books and outputs", () =>
  withDesk(async ({ folder }) => {
    const book = join(folder, "mirror", "3", "35", "35.txt");
    await Deno.mkdir(join(folder, "mirror", "3", "35"), { recursive: true });
    await Deno.writeTextFile(book, "text");
    const list = join(folder, "list.jsonc");
    const options = retrieve.options.parse({
      books: list,
      mirror: [`file:${join(folder, "mirror")}`],
      dataDir: folder,
    });
    const { reads, writes } = retrieve.files(options, { env: {} });
    equal(reads[0], list);
    equal(reads.includes(book), true);
    equal(reads.includes(join(folder, "mirror", "cache", "epub", "61", "pg61.txt")), true);
    deepEqual(writes.map((path) => path.slice(folder.length + 1).replaceAll("\\", "/")), [
      "corpus/priority_works.jsonl",
      "corpus/priority_works_rejects.jsonl",
    ]);
  }));

const SHARED = join(WORKSPACE, "..", "shared", "corpus");
const sharedThere = await Deno.stat(SHARED).then(() => true, () => false);

Deno.test({
  name: `retrieve reads the sixteen real books${sharedThere ? "" : " (skipped: ../shared/corpus is not here)"}`,
  ignore: !sharedThere,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const options = retrieve.options.parse({ mirror: [`file:${SHARED}`], dataDir: folder });
      const result = await retrieve.run(options, fakeContext());
      equal(result.works, 16);
      deepEqual(result.refused, []);
      deepEqual(Object.keys(result.byCategory).length, 5);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("retrieve makes the same works from the samples wherever the workspace lies", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const options = retrieve.options.parse({
      books: join(WORKSPACE, "lib", "presets", "rehearsal", "books.jsonc"),
      mirror: [`file:${join(WORKSPACE, "data-samples", "mirror")}`],
      dataDir: folder,
    });
    const result = await retrieve.run(options, fakeContext());
    equal(result.works >= 8, true);
    const works = await Array.fromAsync(readJsonl(join(folder, "corpus", "priority_works.jsonl"), Work));
    equal(works.every(({ source_url }) => source_url.startsWith("file:data-samples/mirror/")), true);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
