import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { parseJsonc } from "@/core/jsonc.ts";
import { presetPath, WORKSPACE } from "@/core/paths.ts";
import { GateSettings } from "@/dialogue/gates_settings.ts";
import { openVerdicts, verdictKey } from "@/dialogue/verdicts.ts";
import { Example, ExampleSource } from "@/records.ts";
import { gate } from "@/steps/gate.ts";
import { generate } from "@/steps/generate.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";
import { answerDistinctly, fakeLmStudio } from "../fakes/lmstudio.ts";

const THINGS = "harvest bridge furnace library orchard signal canal lamp archive workshop ferry kitchen".split(" ");

function passage(n: number, things = THINGS) {
  const [a, b] = [n, n + 5].map((at) => things[at % things.length]);
  return {
    id: `book-${n}`,
    text: `The workers of district ${n} built the ${a} in common, and the plan for the ${b} was read to all comrades.`,
    source_id: n % 3,
    source_title: `Annals ${n % 3}`,
    keyword_counts: { collectivism: 3, total: 3 },
  };
}

const COMPANIONS = [".jsonl", "_sources.jsonl", "_rejects.jsonl", "_card.md", "_train.jsonl", "_val.jsonl"];

interface Setting {
  folder: string;
  context: ReturnType<typeof fakeContext>;
  /** Generates with the rehearsal from twenty passages; the dataset is `out/set.jsonl`. */
  generated(): Promise<void>;
  gated(options?: object): ReturnType<typeof gate.run>;
  /** Writes passages. */
  input(rows: readonly unknown[]): Promise<string>;
  read(ending: string, name?: string): Promise<string>;
}

function withAnswers(test: (setting: Setting) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const context = fakeContext({ fetch });
    const path = join(folder, "filtered.jsonl");
    const output = join(folder, "out", "set.jsonl");
    const input = async (rows: readonly unknown[]) => {
      await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
      return path;
    };
    await input(Array.from({ length: 20 }, (_, n) => passage(n)));
    await test({
      folder,
      context,
      input,
      generated: async () => {
        await generate.run(generate.options.parse({ input: path, output, engine: "rehearsal" }), context);
      },
      gated: (options = {}) =>
        gate.run(gate.options.parse({ input: path, output, overwrite: true, ...options }), context),
      read: (ending, name = "set") => Deno.readTextFile(join(folder, "out", name + ending)),
    });
  });
}

const lines = (text: string) => text.trimEnd().split("\n").filter(Boolean);

Deno.test("gate with the run's settings makes the run's files, byte for byte", () =>
  withAnswers(async ({ generated, gated, read }) => {
    await generated();
    const before = await Promise.all(COMPANIONS.map((ending) => read(ending)));
    const result = await gated();
    deepEqual(await Promise.all(COMPANIONS.map((ending) => read(ending))), before);
    deepEqual(result.unused, {});
    match(gate.report?.(result) ?? "", /^\d+ of 40 examples from 20 passages/);
    const stats = JSON.parse(await read("_stats.json"));
    equal(stats.examples_generated + stats.examples_failed, 40);
    deepEqual([stats.requests_sent, stats.answers_reused], [0, 40]);
  }));

Deno.test("gate takes other thresholds, and leaves the answers as they are", () =>
  withAnswers(async ({ folder, generated, gated, read }) => {
    await generated();
    const { stats: before } = await gated();
    const strict = join(folder, "strict.jsonc");
    await Deno.writeTextFile(strict, '{ "shortest": 100000 /* nothing is that long */ }');
    const elsewhere = { output: join(folder, "out", "none.jsonl"), ledger: join(folder, "out", "set_ledger.sqlite") };
    await rejects(gated({ gates: strict, ...elsewhere }), /none of 40 examples passed/);
    equal(lines(await read("_rejects.jsonl", "none")).filter((line) => line.includes('"too_short"')).length, 40);
    const loose = join(folder, "loose.jsonc");
    const file = parseJsonc(await Deno.readTextFile(presetPath("deepred/gates.jsonc")), "gates", GateSettings);
    await Deno.writeTextFile(loose, JSON.stringify({ ...file, off: ["no_theme_word", "near_duplicate_question"] }));
    const { stats } = await gated({ gates: loose });
    ok(stats.examples_generated >= before.examples_generated);
    ok(!("no_theme_word" in stats.rejects));
    deepEqual((await gated()).stats.rejects, before.rejects);
  }));

Deno.test("gate takes other passages: fewer, in another order, with other text, and counted anew", () =>
  withAnswers(async ({ generated, gated, input, read }) => {
    await generated();
    const changed = { ...passage(4), text: "Another text, of workers, under an old name." };
    await input([passage(9), changed, passage(2), passage(77), { ...passage(3), text: passage(3).text }]);
    const { stats, unused } = await gated();
    deepEqual([stats.chunks_processed, stats.examples_requested], [3, 6]);
    deepEqual(unused, { no_passage: 32, other_passage: 2 });
    const chunks = lines(await read("_sources.jsonl")).map((line) => ExampleSource.parse(JSON.parse(line)).chunk_id);
    // In the order of the run.
    deepEqual(chunks, chunks.toSorted());
    await rejects(gated({ minMatches: 1000 }), (error) => {
      ok(error instanceof UserError);
      match(error.hint ?? "", /No answer in .*_ledger\.sqlite" belongs to a passage/);
      return true;
    });
    equal((await gated({ minMatches: 1 })).stats.examples_requested, 6);
  }));

Deno.test("gate does what people said of an exchange, whatever the gates say", () =>
  withAnswers(async ({ folder, generated, gated, read }) => {
    await generated();
    const said = (line: string) => {
      const [, user, assistant] = Example.parse(JSON.parse(line)).messages;
      return { user: user?.content ?? "", assistant: assistant?.content ?? "" };
    };
    const [first = "", second = ""] = lines(await read(".jsonl"));
    const strict = join(folder, "strict.jsonc");
    await Deno.writeTextFile(strict, '{ "shortest": 100000 }');
    {
      using verdicts = openVerdicts(join(folder, "out", "set_verdicts.sqlite"));
      verdicts.set(verdictKey(said(first)), "reject", "first");
      verdicts.set(verdictKey(said(second)), "accept", "second");
    }
    const { stats } = await gated({ gates: strict });
    deepEqual([stats.examples_generated, stats.rejects.rejected_by_hand, stats.rejects.too_short], [1, 1, 38]);
    deepEqual(lines(await read(".jsonl")), [second]);
    equal(ExampleSource.parse(JSON.parse(await read("_sources.jsonl"))).accepted_despite, "too_short");
    // They hold for another dataset of the same answers, too.
    equal(
      (await gated({ output: join(folder, "out", "other.jsonl"), ledger: join(folder, "out", "set_ledger.sqlite") }))
        .stats.rejects.rejected_by_hand,
      1,
    );
  }));

Deno.test("gate makes a dataset of a run that was stopped before it had one", () =>
  withAnswers(async ({ folder, context, gated }) => {
    const stop = new AbortController();
    await using fake = fakeLmStudio({
      behave: (request) => {
        if (request.index === 15) stop.abort(new DOMException("stopped", "AbortError"));
        return request.index >= 15 ? { kind: "hang" } : answerDistinctly(request);
      },
    });
    const options = generate.options.parse({
      input: join(folder, "filtered.jsonl"),
      output: join(folder, "out", "set.jsonl"),
      lmstudioUrl: [fake.url],
      concurrency: 1,
    });
    await rejects(generate.run(options, { ...context, signal: stop.signal }), { name: "AbortError" });
    const asked = fake.requests.length;
    const { stats, split } = await gated();
    deepEqual([stats.examples_generated, fake.requests.length], [15, asked]);
    equal((split?.train.rows ?? 0) + (split?.val.rows ?? 0), 15);
  }));

Deno.test("gate makes the same of a run on several kinds of source, with passages that have no theme and gaps", () =>
  withAnswers(async ({ folder, context, gated, read, input }) => {
    const path = await input(Array.from({ length: 20 }, (_, n) => passage(n)));
    const samples = join(WORKSPACE, "data-samples", "sources");
    const bare = join(folder, "bare.txt");
    await Deno.writeTextFile(
      bare,
      "Thanks\n\n" + "It is late, and the rain has not stopped since the morning. ".repeat(8),
    );
    const output = join(folder, "out", "set.jsonl");
    const plan = {
      ...{ input: path, output, engine: "rehearsal", maxExamples: 100, targetMix: "deepred" },
      sources: [...["script", "speech", "chess"].map((kind) => `${kind}=${join(samples, kind)}`), `speech=${bare}`],
    };
    await generate.run(generate.options.parse(plan), context);
    const before = await Promise.all(COMPANIONS.map((ending) => read(ending)));
    ok(before[1]?.includes('"chunk_id":"gap-'));
    const { unused } = await gated();
    deepEqual(unused, {});
    deepEqual(await Promise.all(COMPANIONS.map((ending) => read(ending))), before);
    // The run's own input, without being told; and a run that had nothing but speeches.
    await gate.run(gate.options.parse({ output, overwrite: true }), context);
    equal(await read(".jsonl"), before[0]);
    const speeches = join(folder, "out", "speech.jsonl");
    const spoken = { sourceKind: "speech", input: join(samples, "speech"), output: speeches, engine: "rehearsal" };
    await generate.run(generate.options.parse(spoken), context);
    const said = await read(".jsonl", "speech");
    await gate.run(gate.options.parse({ output: speeches, overwrite: true }), context);
    equal(await read(".jsonl", "speech"), said);
  }));

Deno.test("gate takes the personas and themes of the run, unless told otherwise or they are gone", () =>
  withAnswers(async ({ folder, context, gated, read, input }) => {
    const own = join(folder, "personas.jsonc"), themes = join(folder, "themes.jsonc");
    const text = await Deno.readTextFile(presetPath("deepred/personas.jsonc"));
    await Deno.writeTextFile(own, text.replaceAll("Deep Red", "Old Red"));
    await Deno.writeTextFile(
      themes,
      JSON.stringify({ categories: { collectivism: { patterns: ["comrade*", "the"] } } }),
    );
    const asked = {
      ...{ input: await input([passage(1), passage(2)]), output: join(folder, "out", "set.jsonl") },
      ...{ engine: "rehearsal", personaFile: own, themes },
    };
    await generate.run(generate.options.parse(asked), context);
    const before = await read(".jsonl");
    match(before, /Old Red/);
    await gated();
    equal(await read(".jsonl"), before);
    await gated({ personas: presetPath("deepred/personas.jsonc") });
    ok(!/Old Red/.test(await read(".jsonl")));
    await Deno.remove(own);
    await Deno.remove(themes);
    context.events.length = 0;
    await gated();
    match(JSON.stringify(context.events), /themes\.jsonc.*is gone.*personas\.jsonc.*is gone/);
    ok(!/Old Red/.test(await read(".jsonl")));
  }));

Deno.test("gate leaves the dataset that stands there where nothing would be left of it", () =>
  withAnswers(async ({ generated, gated, input, read }) => {
    await generated();
    const endings = [".jsonl", "_sources.jsonl", "_stats.json", "_card.md", "_train.jsonl"];
    const before = await Promise.all(endings.map((ending) => read(ending)));
    await input([{ ...passage(0), id: "another" }]);
    await rejects(gated(), /none of 0 examples passed/);
    deepEqual(await Promise.all(endings.map((ending) => read(ending))), before);
  }));

Deno.test("gate refuses to overwrite, and names what is missing", () =>
  withAnswers(async ({ folder, generated, gated }) => {
    await rejects(gated(), /there are no answers in ".*set_ledger\.sqlite"/);
    await rejects(gated({ ledger: folder }), /: it is a folder, not a file/);
    const empty = join(folder, "empty.sqlite");
    await Deno.writeTextFile(empty, "");
    await rejects(gated({ ledger: empty }), /empty\.sqlite": it is not a ledger of answers/);
    equal((await Deno.stat(empty)).size, 0);
    await generated();
    await rejects(
      gated({ overwrite: false }),
      (error) => error instanceof UsageError && /exists already/.test(error.message),
    );
    await rejects(gated({ gates: join(folder, "nowhere.jsonc") }), /no such file/);
    const bad = join(folder, "bad.jsonc");
    await Deno.writeTextFile(bad, '{ "shortest": "long",\n "slop": { "most": -1 } }');
    await rejects(gated({ gates: bad }), (error) => error instanceof UsageError && error.faults.length === 2);
  }));
