import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "@/core/errors.ts";
import { flagsOf } from "@/core/options.ts";
import { presetPath, WORKSPACE } from "@/core/paths.ts";
import { openPlan } from "@/steps/generate_plan.ts";
import { planOptions, planPaths } from "@/steps/generate_plan_options.ts";
import { fakeContext } from "../fakes/context.ts";

const SAMPLES = join(WORKSPACE, "data-samples", "sources");

const paths = (options: object, env = {}) => planPaths(planOptions.parse(options), env);

/** Opens a plan, follows it to its end with every example accepted that is not to be rejected, and closes it. */
async function planned(options: object, limit?: number, isBad: (n: number) => boolean = () => false) {
  const context = fakeContext();
  await using plan = await openPlan(planOptions.parse(options), context);
  const mix = plan.account();
  const all = [];
  for await (const assignment of plan.assignments({ mix, limit })) {
    if (isBad(all.push(assignment))) mix?.reject(assignment.component);
    else mix?.accept(assignment.component);
  }
  return { all, mix, size: plan.size, events: context.events };
}

async function corpus(folder: string, count = 20): Promise<string> {
  const path = join(folder, "filtered.jsonl");
  const rows = Array.from({ length: count }, (_, n) => ({
    ...{ id: `b-${n}`, text: `Passage ${n}.`, source_id: n % 3, source_title: "A Book", category: "utopian_fiction" },
    keyword_counts: { [["utopia", "science", "strategy"][n % 3] ?? ""]: 3, total: 3 },
  }));
  await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
  return path;
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("planOptions are flags, and all say what they do", () => {
  for (const { name, description } of flagsOf(planOptions)) ok(description.length > 10, name);
});

Deno.test("planPaths takes the corpus unless told otherwise, and a file after --personas as before", () => {
  const usual = paths({}, { GUTENBERG_DATA: "/books" });
  deepEqual(usual.sources, [{ kind: "gutenberg", path: join("/books", "theme_chunks", "filtered.jsonl") }]);
  equal(usual.mix, undefined);
  equal(paths({ personas: ["own/voices.jsonc"] }).personas, "own/voices.jsonc");
  equal(paths({ personas: ["primary"] }).personas, presetPath("deepred/personas.jsonc"));
  equal(paths({ targetMix: "deepred" }).mix, presetPath("deepred/mix.jsonc"));
  equal(paths({ targetMix: "own/mix.jsonc" }).mix, "own/mix.jsonc");
  deepEqual(paths({ sourceKind: "gap" }).sources, [{ kind: "gap", path: presetPath("deepred/topics.jsonc") }]);
  deepEqual(paths({ sources: ["script=C:\\films", "chess = b"] }).sources.slice(1), [
    { kind: "script", path: "C:\\films" },
    { kind: "chess", path: "b" },
  ]);
});

Deno.test("planPaths tells all faults at once", () => {
  throws(
    () => paths({ sourceKind: "script", sources: ["film=x", "speech"], personas: ["a.jsonc", "primary"] }),
    (error: Error) => {
      ok(error instanceof UsageError);
      equal(error.faults.length, 4);
      return true;
    },
  );
});

Deno.test("openPlan plans one kind of source, for the personas that are asked for", async () => {
  const { all, size } = await planned({
    ...{ sourceKind: "script", input: join(SAMPLES, "script"), personas: ["core"], personaWeights: ["primary=0"] },
  });
  deepEqual(size, { chunks: 4, examples: 8 });
  equal(all.length, 8);
  deepEqual(new Set(all.map(({ persona }) => persona.id)), new Set(["mission_control", "philosophical"]));
  deepEqual(new Set(all.map(({ chunk }) => chunk.kind)), new Set(["script"]));
});

Deno.test("openPlan fills a scaled mix out of all sources, gaps included, and stops there", () =>
  withFolder(async (folder) => {
    const { all, mix, size } = await planned({
      input: await corpus(folder),
      sources: ["script", "speech", "chess"].map((kind) => `${kind}=${join(SAMPLES, kind)}`),
      targetMix: "deepred",
      maxExamples: 100,
    });
    deepEqual(size, { chunks: 50, examples: 100 });
    deepEqual(mix?.missing(), []);
    equal(all.length, 100);
    const chess = all.filter(({ component }) => component === "chess");
    equal(chess.length, 10);
    ok(chess.every(({ theme }) => theme === "strategy"));
    deepEqual(
      new Set(all.map(({ chunk }) => chunk.kind ?? "gutenberg")),
      new Set(["gutenberg", "script", "speech", "chess", "gap"]),
    );
  }));

Deno.test("openPlan stops at --max-examples and at the budget's limit", () =>
  withFolder(async (folder) => {
    const input = await corpus(folder);
    equal((await planned({ input, maxExamples: 7 })).all.length, 7);
    equal((await planned({ input }, 9)).all.length, 9);
    deepEqual((await planned({ input, maxChunks: 3 })).size, { chunks: 3, examples: 6 });
  }));

Deno.test("openPlan fills what a dataset covers least", () =>
  withFolder(async (folder) => {
    const covered = join(folder, "theme_dataset_sources.jsonl");
    const row = (n: number, theme: string) => ({
      ...{ id: `x/${n}`, persona: "primary", chunk_id: "x", source_id: 1, source_title: "A Book", themes: [theme] },
      ...{ model: "m", prompt_hash: "p", request_hash: "r", tries: 1 },
    });
    const themes = ["utopia", "science", "strategy", "collectivism"];
    const rows = themes.flatMap((theme) => Array.from({ length: 30 }, (_, n) => row(n, theme)));
    await Deno.writeTextFile(covered, rows.map((row) => JSON.stringify(row) + "\n").join(""));
    const { all } = await planned({ sourceKind: "gap", covered, maxExamples: 20 });
    equal(all.length, 20);
    deepEqual(new Set(all.map(({ theme }) => theme)), new Set(["exploration"]));
    // Half are rejected, and made up for, with topics that would not have been needed.
    const again = await planned({ sourceKind: "gap", covered, maxExamples: 20 }, undefined, (n) => n % 2 === 0);
    deepEqual(again.mix?.missing(), []);
    deepEqual(new Set(again.all.slice(0, 30).map(({ theme }) => theme)), new Set(["exploration"]));
    // Passages of the corpus come in the same order of need: science has 30, utopia and strategy have none here.
    await Deno.writeTextFile(
      covered,
      rows.filter(({ themes: [theme] }) => theme === "science").map((row) => JSON.stringify(row) + "\n").join(""),
    );
    const corpusOnly = await planned({ input: await corpus(folder), covered });
    deepEqual(new Set(corpusOnly.all.slice(0, 26).map(({ theme }) => theme)), new Set(["utopia", "strategy"]));
    equal(corpusOnly.all.length, 40);
  }));

Deno.test("openPlan names what is wrong, and closes what it opened", () =>
  withFolder(async (folder) => {
    const input = await corpus(folder);
    await rejects(planned({ input, personas: ["nobody"] }), /Unknown persona "nobody"/);
    const few = planOptions.parse({ input, personas: ["primary"] });
    // Before anything is followed: the ledger is not made yet.
    await rejects(openPlan(few, fakeContext()), /2 examples per chunk: there is 1 persona,/);
    await rejects(planned({ input, targetMix: "nonesuch" }), /nonesuch.mix\.jsonc/);
    await rejects(planned({ input, targetMix: "deepred", maxExamples: 3 }), /it has 4 components/);
    await rejects(planned({ input, minAlignment: 0.1 }), /run align|has none/i);
    await rejects(planned({ input, sources: [`script=${join(folder, "none")}`] }), /no such file/);
    await Deno.writeTextFile(input, "");
    await rejects(planned({ input }), /holds no passages/);
    await Deno.writeTextFile(join(folder, "odd.docx"), "x");
    await Deno.writeTextFile(join(folder, "talk.txt"), "One.\n\n" + "A long word of thanks to all. ".repeat(20));
    const { events } = await planned({ sourceKind: "speech", input: folder });
    match(JSON.stringify(events.filter(({ type }) => type === "drop")), /unknown_file_type.*odd\.docx/);
  }));
