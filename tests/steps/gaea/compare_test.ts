import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { cutPieces } from "@/evaluation/style/pieces.ts";
import { compare, comparisonText } from "@/steps/gaea/compare.ts";
import { readAuthor } from "@/steps/gaea/compare_author.ts";
import { askLanguageModel } from "@/steps/gaea/compare_coherence.ts";
import { readComparison } from "@/steps/gaea/compare_file.ts";
import { voicePath } from "@/steps/gaea/voice_files.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";
import { type Behaviour, fakeLmStudio, type SeenRequest } from "../../fakes/lmstudio.ts";
import { realContext, tinyModel, whyNoLlama } from "../../fakes/llama.ts";

const sample = (...path: string[]) => Deno.readTextFileSync(join(WORKSPACE, "data-samples", ...path));
const MANUSCRIPT = sample("manuscript", "one_over.md");
const CONTRAST = sample("contrast", "the_clock_at_dunning.txt");

/** An author's folder dealt in three, and continuations of both sides of the same prompts. */
async function prepare(folder: string): Promise<{ author: string; base: string; tuned: string; output: string }> {
  const author = join(folder, "author");
  for (const [at, piece] of cutPieces(MANUSCRIPT, 250).entries()) {
    const part = join(author, ["train", "ref", "hold"][at % 3] ?? "");
    await Deno.mkdir(part, { recursive: true });
    await Deno.writeTextFile(join(part, `${String(at).padStart(3, "0")}.txt`), piece);
  }
  const rows = (texts: readonly string[]) =>
    texts.map((text, at) => JSON.stringify({ prompt_id: `p${at}`, prompt: "You wait.", text }) + "\n").join("");
  const [base, tuned] = [join(folder, "base.jsonl"), join(folder, "tuned.jsonl")];
  await Deno.writeTextFile(base, rows(cutPieces(CONTRAST, 250).slice(0, 10)));
  await Deno.writeTextFile(tuned, rows(cutPieces(MANUSCRIPT, 250).filter((_, at) => at % 3 === 2).slice(0, 10)));
  return { author, base, tuned, output: join(folder, "out", "comparison.json") };
}

const run = (given: object, context = fakeContext()) =>
  compare.run(compare.options.parse({ resamples: 100, minWords: 500, page: false, ...given }), context);

Deno.test("gaea:compare writes figures, verdicts and a page that shows texts as text", async () => {
  await withFolder(async (folder) => {
    const given = await prepare(folder);
    const evil = (await Deno.readTextFile(given.tuned)).replaceAll("the winch", "<img src=x onerror=alert(1)> winch");
    await Deno.writeTextFile(given.tuned, evil);
    const { comparison, output, page } = await run({ ...given, page: true });
    equal(comparison.targets.length, 5);
    const kept = await readComparison(output);
    deepEqual(
      kept.targets.map(({ id, status }) => [id, status]),
      comparison.targets.map(({ id, status }) => [id, status]),
    );
    ok(comparison.sources.base.sha256?.length === 64);
    equal(comparison.parted, `dealt by the folders of ${given.author}`);
    const html = await Deno.readTextFile(page ?? "");
    ok(html.includes("<svg") && html.includes("Vocabulary overlap") && !html.includes("<img"));
    const text = comparisonText(comparison, comparison);
    for (
      const part of ["Transfer score", "Naive figure", "Memorisation", "Cosine", "MTLD", "Background and imposters"]
    ) {
      ok(text.includes(part) || comparison.transfer.channels.some(({ definition }) => definition.includes(part)), part);
    }
  });
});

Deno.test("a plain text is compared passage by passage, and two equal files score 0", async () => {
  await withFolder(async (folder) => {
    const { author, output } = await prepare(folder);
    const path = join(folder, "same.txt");
    await Deno.writeTextFile(path, CONTRAST);
    const { comparison } = await run({ author, base: path, tuned: path, output });
    equal(comparison.transfer.score?.estimate, 0);
    equal(comparison.units.tuned, cutPieces(CONTRAST, 300).length);
    ok(comparison.targets.every(({ status }) => status !== "met"));
  });
});

Deno.test("gaea:compare --latest takes the newest continuations and the training text", async () => {
  await withFolder(async (folder) => {
    const { base, tuned } = await prepare(folder);
    const benchmarks = join(folder, "gaea", "benchmarks"), processed = join(folder, "gaea", "processed");
    await Deno.mkdir(benchmarks, { recursive: true });
    await Deno.mkdir(processed, { recursive: true });
    await rejects(run({ dataDir: folder, latest: true }), (error: UserError) => {
      match(error.message, /Cannot find baseline continuations/);
      match(error.hint ?? "", /gaea:voice --baseline/);
      return true;
    });
    await Deno.writeTextFile(voicePath(benchmarks, "baseline", "20260101_000000"), "");
    await Deno.copyFile(base, voicePath(benchmarks, "baseline", "20260202_000000"));
    await Deno.copyFile(tuned, voicePath(benchmarks, "finetuned", "20260202_000000"));
    const example = (text: string) => {
      const cut = text.indexOf(" ", 80);
      const messages = [{ role: "user", content: text.slice(0, cut) }, { role: "assistant", content: text.slice(cut) }];
      return JSON.stringify({ messages }) + "\n";
    };
    const pieces = cutPieces(MANUSCRIPT, 250);
    await Deno.writeTextFile(join(processed, "visions_training.jsonl"), pieces.slice(0, 20).map(example).join(""));
    // The last line was torn by a crash.
    await Deno.writeTextFile(
      join(processed, "validation.jsonl"),
      pieces.slice(20).map(example).join("") + '{"messages":[{"ro',
    );
    const context = fakeContext();
    const { comparison, output } = await run({ dataDir: folder }, context);
    equal(output, join(benchmarks, "comparison.json"));
    ok(comparison.sources.base.path.endsWith("20260202_000000.jsonl"));
    match(comparison.parted, /13 held-out chunks, half of them as the reference/);
    ok(context.events.some((event) => event.type === "drop" && event.reason === "torn_line"));
  });
});

Deno.test("held-out text that is too short for both stays held out, and the reference is the training text", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "t.jsonl");
    const row = JSON.stringify({
      messages: [{ role: "user", content: "You " }, { role: "assistant", content: "wait. ".repeat(300) }],
    });
    await Deno.writeTextFile(path, `${row}\n${row}\n`);
    const author = await readAuthor({ author: path, validation: path, leastWords: 5000, seed: 1 }, fakeContext());
    equal(author.ref, author.train);
    equal(author.train[0]?.startsWith("You wait."), true); // Prefix and completion are the chunk again.
    match(author.parted, /the reference is the training text/);
  });
});

Deno.test("gaea:compare says in words what it cannot use", async () => {
  await withFolder(async (folder) => {
    const good = await prepare(folder);
    const file = async (name: string, text: string) => {
      await Deno.writeTextFile(join(folder, name), text);
      return join(folder, name);
    };
    const german = "Der Mann ging am Abend durch das Tor und sah niemanden, denn es war spät und kalt geworden. "
      .repeat(40);
    const cases: [object, RegExp][] = [
      [{ base: good.base }, /Cannot compare one side alone/],
      [{ ...good, latest: true }, /Cannot use --latest with/],
      [{ ...good, tuned: await file("empty.jsonl", "") }, /holds no continuations/],
      [{ ...good, tuned: await file("empty.txt", "  \n") }, /holds no continuations/],
      [{ ...good, tuned: join(folder, "none.jsonl") }, /there is no such file/],
      [{ ...good, tuned: folder }, /it is a folder, not a file/],
      [{ ...good, tuned: await file("rows.jsonl", '{"answer": 3}\n') }, /rows\.jsonl:1".*another shape/],
      [
        { ...good, tuned: await file("short.txt", "You wait at the gate, and you count.") },
        /the tuned model's text .* has 8 words/,
      ],
      [{ ...good, base: await file("german.txt", german) }, /does not look English/],
      [{ ...good, author: await file("tiny.txt", "You wait. You count.") }, /which cannot be parted/],
      [{ ...good, author: join(folder, "out2") }, /there is no such file/],
      [{ ...good, imposters: join(folder, "nobody") }, /Cannot read/],
    ];
    for (const [given, message] of cases) {
      await rejects(run(given), (error: Error) => {
        ok(error instanceof UserError, `${message}: ${error.stack}`);
        match(error.message, message);
        return true;
      });
    }
    await rejects(run({ ...good, tuned: await file("short.txt", "You wait.") }), (error: UserError) => {
      match(error.hint ?? "", /5,000 words are needed/);
      return true;
    });
  });
});

Deno.test("an outcome that is there is not replaced unasked, and a stop leaves nothing half written", async () => {
  await withFolder(async (folder) => {
    const good = await prepare(folder);
    await run(good);
    await rejects(run(good), UsageError);
    const before = await Deno.readTextFile(good.output);
    const stopped = fakeContext({ signal: AbortSignal.abort(new DOMException("stopped", "AbortError")) });
    await rejects(run({ ...good, overwrite: true, seed: 2 }, stopped), { name: "AbortError" });
    equal(await Deno.readTextFile(good.output), before);
    deepEqual([...Deno.readDirSync(join(folder, "out"))].map(({ name }) => name), ["comparison.json"]);
    await run({ ...good, overwrite: true });
  });
});

Deno.test("imposters of one's own are used, each file or folder a hand, and named in the outcome", async () => {
  await withFolder(async (folder) => {
    const good = await prepare(folder);
    const imposters = join(folder, "others");
    await Deno.mkdir(join(imposters, "wells"), { recursive: true });
    const pieces = cutPieces(CONTRAST, 150);
    for (const [at, piece] of pieces.slice(0, 3).entries()) {
      await Deno.writeTextFile(join(imposters, "wells", `${at}.txt`), piece);
    }
    await Deno.writeTextFile(join(imposters, "butler.txt"), pieces.slice(3).join("\n\n"));
    const { comparison } = await run({ ...good, imposters });
    match(comparison.background, /2 texts by other hands from .*others/);
    const gate = comparison.gates.find(({ id }) => id === "imposters");
    equal(gate?.status, "not shown");
    match(gate?.why ?? "", /there are 2 imposters of 400 words or more, and 10 are needed/);
    ok(comparison.targets.every(({ status }) => status !== "met"));
  });
});

Deno.test("a language model that is neither of the two is asked by llama-perplexity", async () => {
  const missing = await whyNoLlama();
  if (missing) return console.log(`skipped: ${missing}`);
  await withFolder(async (folder) => {
    const model = await tinyModel(join(folder, "judge.gguf"));
    const [hold = "", tuned = ""] = cutPieces(MANUSCRIPT, 150);
    const asked = await askLanguageModel(model, { hold: [hold], tuned: [tuned] }, realContext());
    equal(asked.name, "judge.gguf");
    ok(asked.tuned > 0 && Number.isFinite(asked.tuned));
    ok(asked.hold.length > 0 && asked.hold.every((bits) => bits > 0 && Number.isFinite(bits)));
  });
});

/** A judge that knows the manuscript by heart: what stands in it holds together, nothing else does. */
function markOf({ body }: SeenRequest): Behaviour {
  const plain = (text: string) => text.replace(/\s+/g, " ").trim();
  const said = body.messages?.at(-1)?.content ?? "";
  const text = plain(/<response>([^]*)<\/response>/.exec(said)?.[1] ?? "");
  const score = plain(MANUSCRIPT).includes(text) ? 5 : 1;
  return { kind: "answer", content: JSON.stringify({ criterion: "coherence", score, evidence: "as read" }) };
}

Deno.test("a judge marks coherence, its marks are kept, and text that does not hold together fails", async () => {
  await withFolder(async (folder) => {
    const given = { ...await prepare(folder), judgeModel: "judge", judgeSamples: 1, overwrite: true };
    await using server = fakeLmStudio({ models: [{ key: "judge", loaded: true }], behave: markOf });
    const asked = { ...given, judgeUrl: server.url };
    const { comparison } = await run(asked, fakeContext({ fetch }));
    const gate = (from: typeof comparison) => from.gates.find(({ id }) => id === "coherence");
    deepEqual([comparison.judge?.score, comparison.judge?.author, comparison.judge?.shuffled], [5, 5, 1]);
    match(gate(comparison)?.why ?? "", /judge gives 5\.0 of 5 to 10 continuations/);
    ok(gate(comparison)?.status !== "not shown");
    const questions = server.requests.length;
    equal(questions, 10 + 2 * 4);
    await run(asked, fakeContext({ fetch }));
    equal(server.requests.length, questions, "no mark is asked for twice");

    const rows = (await Deno.readTextFile(given.tuned)).trimEnd().split("\n").map((line) => JSON.parse(line));
    const broken = join(folder, "broken.jsonl");
    const mixed = rows.map((row) => ({ ...row, text: row.text.split(/(?<=[.!?])\s+/).reverse().join(" ") }));
    await Deno.writeTextFile(broken, mixed.map((row) => JSON.stringify(row) + "\n").join(""));
    const failed = await run({ ...asked, tuned: broken }, fakeContext({ fetch }));
    equal(gate(failed.comparison)?.status, "failed");
    match(gate(failed.comparison)?.why ?? "", /judge gives 1\.0 of 5 .*, and 3 are needed/);
    ok(failed.comparison.targets.every(({ status }) => status !== "met"));
  });
});

Deno.test("a judge that cannot tell text from shuffled words, or is not to be read, shows nothing", async () => {
  await withFolder(async (folder) => {
    const given = { ...await prepare(folder), judgeModel: "judge", judgeSamples: 1, overwrite: true };
    const outcome = async (behave: (request: SeenRequest) => Behaviour) => {
      await using server = fakeLmStudio({ models: [{ key: "judge", loaded: true }], behave });
      await Deno.remove(join(folder, "out"), { recursive: true }).catch(() => {});
      const { comparison } = await run({ ...given, judgeUrl: server.url }, fakeContext({ fetch }));
      return comparison.gates.find(({ id }) => id === "coherence");
    };
    const kind = await outcome(() => ({
      kind: "answer",
      content: '{"criterion": "coherence", "score": 4, "evidence": "fine"}',
    }));
    equal(kind?.status, "not shown");
    match(
      kind?.why ?? "",
      /judge is no judge: it gave 4\.0 to the author's own text and 4\.0 to the same words shuffled/,
    );
    const dumb = await outcome(() => ({ kind: "answer", content: "It is fine." }));
    equal(dumb?.status, "not shown");
    match(dumb?.why ?? "", /left 100\.0 % of its answers unreadable/);
    await rejects(
      run({ ...given, judgeUrl: "http://127.0.0.1:9" }, fakeContext({ fetch })),
      (error: Error) => error instanceof UserError && /127\.0\.0\.1:9/.test(error.message),
    );
  });
});
