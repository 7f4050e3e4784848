import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "@/core/errors.ts";
import { readJsonl } from "@/core/jsonl.ts";
import type { Context } from "@/core/step.ts";
import { AlignedChunk } from "@/corpus/alignment.ts";
import { align } from "@/steps/align.ts";
import { z } from "zod";
import { fakeContext } from "../fakes/context.ts";
import { type Behave, fakeEmbeddings } from "../fakes/embeddings.ts";
import { writeToyModel } from "../fakes/embeddings_model.ts";
import { withFolder } from "../fakes/folder.ts";

const THEMES = {
  categories: {
    strategy: { description: "Chess and the gambit.", examples: ["A pawn for a rook."], patterns: ["chess", "pawns?"] },
    science: { description: "The laboratory.", examples: ["An equation, an experiment."], patterns: ["equations?"] },
  },
};
const row = (id: string, text: string, keyword_counts?: Record<string, number>) => ({
  ...{ id, text, source_id: 7, source_title: "A book", extra: { kept: "as it is" } },
  ...(keyword_counts ? { keyword_counts } : {}),
});
const FILTERED = [
  row("c1", "Chess: the bishop and the pawn.", { strategy: 2, total: 2 }),
  row("c2", "An equation on the wall of the laboratory.", { science: 1, total: 1 }),
  row("c3", "They had chess pieces made of sugar, and ate them, and it rained.", { strategy: 1, total: 1 }),
  row("c4", "The pawn stood alone.", { strategy: 1, total: 1 }),
];
const DROPPED = [row("d1", "It rained."), row("d2", "A gambit with bishop and rook."), row("d3", "The dog slept.")];

const lines = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row) + "\n").join("");

/** A data root with filtered passages, all passages and themes, and a server. */
async function inRoot(
  body: (root: {
    folder: string;
    fake: ReturnType<typeof fakeEmbeddings>;
    context: ReturnType<typeof fakeContext>;
    run(options?: Record<string, unknown>, context?: Partial<Context>): ReturnType<typeof align.run>;
    read(name: string): Promise<string>;
  }) => Promise<void>,
  behave?: Behave,
): Promise<void> {
  await withFolder(async (folder) => {
    const at = (name: string) => join(folder, "theme_chunks", name);
    await Deno.mkdir(at(""));
    await Deno.writeTextFile(at("filtered.jsonl"), lines(FILTERED));
    await Deno.writeTextFile(at("chunks.jsonl"), lines([...DROPPED, ...FILTERED]));
    await Deno.writeTextFile(join(folder, "themes.jsonc"), JSON.stringify(THEMES));
    const fake = fakeEmbeddings(behave ? { behave } : {});
    const context = fakeContext({ fetch: fake.fetch });
    const common = { dataDir: folder, themes: join(folder, "themes.jsonc"), cacheDir: join(folder, "cache") };
    await body({
      folder,
      fake,
      context,
      run: (options = {}, other = {}) =>
        align.run(align.options.parse({ embedder: "server", ...common, ...options }), { ...context, ...other }),
      read: (name) => Deno.readTextFile(at(name)),
    });
  });
}

const asked = (fake: ReturnType<typeof fakeEmbeddings>) => fake.requests.flatMap(({ input }) => input);

Deno.test("align adds scores to every row and leaves the rest of it as it was", () =>
  inRoot(async ({ folder, run, context }) => {
    const result = await run();
    const path = join(folder, "theme_chunks", "aligned.jsonl");
    const rows = await Array.fromAsync(readJsonl(path, AlignedChunk.loose()));
    deepEqual(rows.map(({ alignment: _, ...rest }) => rest), FILTERED);
    deepEqual(rows.map(({ alignment }) => alignment.best), ["strategy", "science", "strategy", "strategy"]);
    for (const { alignment: { best, max, ...scores } } of rows) {
      deepEqual(Object.keys(scores), ["strategy", "science"]);
      equal(scores[best], max);
    }
    deepEqual(result.byBest, { strategy: 3, science: 1 });
    deepEqual([result.chunks, result.kept, result.dropped], [4, 4, {}]);
    deepEqual(align.files(align.options.parse({ dataDir: folder }), { env: {} }).writes.map((file) => file.length), [
      path.length,
      path.length + "_rejects".length,
      path.length + "_stats".length - 1,
    ]);
    ok(context.events.some((event) => event.type === "artifact" && event.path === path && event.rows === 4));
    ok(context.events.some((event) => event.type === "progress" && event.done === 4 && event.total === 4));
  }));

Deno.test("align compares with passages that the keyword filter left out", () =>
  inRoot(async ({ run, read, context }) => {
    const { agreement } = await run();
    deepEqual([agreement.kept, agreement.dropped], [4, 3]);
    deepEqual(agreement.missed[0]?.id, "d2");
    ok((agreement.auc ?? 0) > 0.6 && (agreement.auc ?? 1) < 1);
    const stats = JSON.parse(await read("aligned_stats.json"));
    deepEqual(stats.agreement, JSON.parse(JSON.stringify(agreement)));
    equal(stats.chunks, 4);
    const none = await run({ compare: 0 });
    equal(none.agreement.dropped, 0);
    const missing = await run({ chunks: "nowhere.jsonl" });
    equal(missing.agreement.dropped, 0);
    ok(context.events.some((event) => event.type === "log" && /no "nowhere.jsonl"/.test(event.message)));
  }));

Deno.test("align reads passages that no filter has seen and judges them by their words", () =>
  inRoot(async ({ folder, run }) => {
    const input = join(folder, "theme_chunks", "raw.jsonl");
    await Deno.writeTextFile(input, lines([...DROPPED, ...FILTERED.map(({ keyword_counts: _, ...rest }) => rest)]));
    const { agreement, kept } = await run({ input, minMatches: 1 });
    deepEqual([kept, agreement.kept, agreement.dropped], [7, 4, 3]);
  }));

Deno.test("align leaves out weakly aligned passages, counted and kept with their reason", () =>
  inRoot(async ({ folder, run, read, context }) => {
    const input = join(folder, "theme_chunks", "mixed.jsonl");
    await Deno.writeTextFile(input, lines([...DROPPED, ...FILTERED]));
    const weak = ["d1", "d3"];
    const result = await run({ input, minAlignment: 0.5 });
    deepEqual(result.dropped, { weak_alignment: weak.length });
    equal(result.kept + weak.length, 7);
    const rejected = (await read("aligned_rejects.jsonl")).trim().split("\n").map((line) => JSON.parse(line));
    deepEqual(rejected.map(({ id, reason }) => [id, reason]), weak.map((id) => [id, "weak_alignment"]));
    match(rejected[0].detail, /^[\d.]+ to \w+, asked for 0\.5$/);
    equal(context.events.filter((event) => event.type === "drop").length, weak.length);
    ok(align.report?.(result).includes("AUC"));
  }));

Deno.test("align embeds nothing twice: not in a second run, not after an abort", () =>
  inRoot(async ({ run, read, fake }) => {
    const stop = new AbortController();
    let requests = 0;
    const stopping: typeof fetch = (input, init) => {
      // The probe, the themes and the background pass; the run is stopped between two batches of passages.
      if (String(input).endsWith("/embeddings") && ++requests === 31) {
        stop.abort(new DOMException("stop", "AbortError"));
      }
      return fake.fetch(input, init);
    };
    const one = { batchSize: 1, compare: 0 };
    await rejects(run(one, { fetch: stopping, signal: stop.signal }), { name: "AbortError" });
    await rejects(read("aligned.jsonl"), Deno.errors.NotFound);
    const before = new Set(asked(fake).slice(0, -1)); // The last answer came too late.
    ok(before.size > 20 && before.has("Chess and the gambit."), `${before.size}`);
    fake.requests.length = 0;
    const second = await run(one);
    const [probe, ...later] = asked(fake);
    ok(probe?.startsWith("At noon"));
    ok(later.length > 0 && later.every((text) => !before.has(text)), "nothing is asked for again");
    equal(second.cached + second.embedded, 4 + 4 + 24);
    const output = await read("aligned.jsonl");
    fake.requests.length = 0;
    const third = await run({ compare: 0, batchSize: 3 });
    deepEqual([third.embedded, asked(fake).length], [0, 1]);
    equal(await read("aligned.jsonl"), output);
  }));

Deno.test("align embeds long passages in parts, and says how many", () =>
  inRoot(
    async ({ run, fake }) => {
      const result = await run({ batchSize: 16 });
      equal(result.cut, 1);
      match(align.report?.(result) ?? "", /1 were too long for the model and cut in parts/);
      ok(asked(fake).some((text) => text.startsWith("They had chess pieces") && text.length < 60));
    },
    ({ input }) =>
      input.length > 4 || input.some((text) => text.startsWith("They had") && text.length > 50)
        ? Response.json({ error: "the input exceeds the context length" })
        : undefined,
  ));

Deno.test("align goes on after faults of the server, and speaks plainly when it cannot", async () => {
  await inRoot(
    async ({ run, context }) => {
      equal((await run()).kept, 4);
      ok(context.slept.length > 0);
    },
    (_, index) => index % 3 === 1 ? Response.json({ error: "out of memory" }, { status: 500 }) : undefined,
  );
  await inRoot(
    async ({ run }) => await rejects(run(), /makes no embeddings/),
    () => Response.json({ error: "This server does not support embeddings" }, { status: 501 }),
  );
});

Deno.test("align skips a torn last line, refuses a bad one and its input as output", () =>
  inRoot(async ({ folder, run, context }) => {
    const input = join(folder, "theme_chunks", "torn.jsonl");
    await Deno.writeTextFile(input, lines(FILTERED).slice(0, -20));
    equal((await run({ input })).kept, 3);
    ok(context.events.some((event) => event.type === "log" && /torn\.jsonl:4" was torn/.test(event.message)));
    await Deno.writeTextFile(input, '{"id":"x"}\n' + lines(FILTERED));
    await rejects(run({ input }), /torn\.jsonl:1"/);
    await rejects(run({ output: join(folder, "theme_chunks", "filtered.jsonl") }), UsageError);
    await rejects(run({ input: join(folder, "nowhere.jsonl") }), /there is no such file/);
  }));

Deno.test("align takes an empty input for what it is", () =>
  inRoot(async ({ folder, run }) => {
    const input = join(folder, "theme_chunks", "empty.jsonl");
    await Deno.writeTextFile(input, "");
    const result = await run({ input, compare: 0 });
    deepEqual([result.chunks, result.agreement.passages], [0, 0]);
    ok(align.report?.(result).startsWith("0 of 0 passages"));
  }));

Deno.test("align options can all be flags", () => {
  const { properties } = z.object({ properties: z.record(z.string(), z.object({ description: z.string() })) })
    .parse(z.toJSONSchema(align.options, { io: "input" }));
  ok(Object.keys(properties).length >= 14);
});

const transformers = await (async (name) => await import(name))("@xenova/transformers").then(() => true, () => false);
if (!transformers) console.log("transformers.js is not to be had: its test is skipped");

Deno.test({
  name: "align runs with a real model from a folder",
  ignore: !transformers,
  sanitizeResources: false, // The package keeps what it has loaded.
  sanitizeOps: false,
  fn: () =>
    inRoot(async ({ folder, run, read, fake }) => {
      const model = join(folder, "model");
      await writeToyModel(model);
      const result = await run({ embedder: model });
      equal(fake.requests.length, 0);
      deepEqual(result.byBest, { strategy: 3, science: 1 });
      equal(result.agreement.missed[0]?.id, "d2");
      const output = await read("aligned.jsonl");
      const again = await run({ embedder: model, batchSize: 1 });
      equal(again.embedded, 0);
      equal(await read("aligned.jsonl"), output);
    }),
});
