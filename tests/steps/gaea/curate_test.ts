import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "@/core/errors.ts";
import { restoreManuscript } from "@/manuscript/curation.ts";
import { curateStep } from "@/steps/gaea/curate.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";

const STORY = "data-samples/manuscript/one_over.md";
const run = (folder: string, options: Record<string, unknown> = {}, context = fakeContext()) =>
  curateStep.run(curateStep.options.parse({ dataDir: folder, manuscript: [STORY], ...options }), context);
const warnings = ({ events }: ReturnType<typeof fakeContext>) =>
  events.flatMap((event) => event.type === "log" && event.level === "warn" ? [event.message] : []);

Deno.test("gaea:curate writes chunks, originals, curation and report; the chunks are the manuscript", () =>
  withFolder(async (folder) => {
    const result = await run(folder);
    const output = join(folder, "gaea", "curated");
    const names = [...Deno.readDirSync(output)].map(({ name }) => name).sort();
    deepEqual(names, [
      "CURATION_REPORT.md",
      "backup",
      ...["001", "002", "003a", "003b", "004", "005", "006", "007"].map((id) => `chunk_${id}.txt`),
      "curation.json",
    ]);
    equal(
      restoreManuscript(result.curation, (file) => Deno.readTextFileSync(join(output, file))),
      await Deno.readTextFile(STORY),
    );
    match(await Deno.readTextFile(join(output, "backup", "chunk_003.txt")), /^Supper in the Long Room/);
    const report = curateStep.report?.(result) ?? "";
    match(report, /88 % in the optimal range of 900–2100 words/);
    match(report, /chunk_003\.txt has 2,562 words: cut, the original is in backup\//);
  }));

Deno.test("gaea:curate overwrites only when told, and keeps what was edited by hand", () =>
  withFolder(async (folder) => {
    await run(folder);
    await rejects(run(folder), (error) => error instanceof UsageError && /holds 8 chunks already/.test(error.message));
    const output = join(folder, "gaea", "curated");
    await Deno.writeTextFile(join(output, "chunk_002.txt"), "Mine.");
    await Deno.writeTextFile(join(output, "chunk_099.txt"), "Mine too.");
    const context = fakeContext();
    await run(folder, { overwrite: true, minWords: 3000, maxWords: 12000 }, context);
    equal(await Deno.readTextFile(join(output, "backup", "chunk_002_edited.txt")), "Mine.");
    equal(await Deno.readTextFile(join(output, "backup", "chunk_099_edited.txt")), "Mine too.");
    match(warnings(context).join("\n"), /"chunk_002\.txt" was edited by hand/);
    // What was not edited and is not written anew is gone, with the originals of cuts that are no more.
    ok(![...Deno.readDirSync(output)].some(({ name }) => name === "chunk_003a.txt"));
    ok(![...Deno.readDirSync(join(output, "backup"))].some(({ name }) => name === "chunk_003.txt"));
  }));

Deno.test("gaea:curate reads a folder of manuscripts in the order of their numbers", () =>
  withFolder(async (folder) => {
    const manuscripts = join(folder, "gaea", "manuscript");
    await Deno.mkdir(manuscripts, { recursive: true });
    for (const number of [10, 9, 1]) {
      await Deno.writeTextFile(join(manuscripts, `part ${number}.txt`), `You wait ${number}.`);
    }
    await Deno.writeTextFile(join(manuscripts, "cover.png"), "x");
    const { curation } = await run(folder, { manuscript: undefined });
    deepEqual(curation.manuscripts.map(({ name }) => name), ["part 1.txt", "part 9.txt", "part 10.txt"]);
  }));

Deno.test("gaea:curate says when boundaries are guesses, and when a conversation stays too long", () =>
  withFolder(async (folder) => {
    const plain = join(folder, "plain.txt");
    const bare = (await Deno.readTextFile(STORY)).replace(/^#.*$|^\* \* \*$/gm, "").replace(/\n{3,}/g, "\n\n");
    await Deno.writeTextFile(plain, bare);
    const context = fakeContext();
    await run(folder, { manuscript: [plain] }, context);
    match(warnings(context).join("\n"), /neither chapters nor scene breaks/);
    const talk = join(folder, "talk.txt");
    await Deno.writeTextFile(talk, "“Not yet, and not for a long time,” you say to the other one.\n\n".repeat(300));
    const other = fakeContext();
    await run(folder, { manuscript: [talk], output: join(folder, "talk") }, other);
    match(warnings(other).join("\n"), /"chunk_001\.txt" has 4,200 words and stays whole/);
  }));

Deno.test("gaea:curate names what is wrong with its input and its options, and writes nothing", () =>
  withFolder(async (folder) => {
    const file = async (name: string, content: string) => {
      const path = join(folder, name);
      await Deno.writeTextFile(path, content);
      return [path];
    };
    const empty = join(folder, "empty");
    await Deno.mkdir(empty);
    await rejects(run(folder, { manuscript: ["/nowhere.txt"] }), /Cannot read "\/nowhere\.txt": there is no such file/);
    await rejects(run(folder, { manuscript: undefined }), /gaea.manuscript": there is no such file/);
    await rejects(run(folder, { manuscript: [empty] }), /holds no \.txt or \.md file/);
    await rejects(run(folder, { manuscript: await file("a.txt", "") }), /"[^"]*a\.txt": it is empty/);
    await rejects(run(folder, { manuscript: await file("b.txt", "PK\x03\x04") }), /Word, LibreOffice or zip/);
    await rejects(run(folder, { manuscript: await file("c.md", "# One\n\n## Two\n") }), /headings and no prose/);
    await rejects(run(folder, { minWords: 900, maxWords: 900 }), /--min-words 900: it must be below --max-words 900/);
    await rejects(run(folder, { manuscript: await file("d.txt", "You."), output: folder }), /lies in it/);
    equal(await Deno.stat(join(folder, "gaea")).then(() => true, () => false), false);
  }));
