import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { generate } from "@/steps/generate.ts";
import { withRun } from "../fakes/generating.ts";
import { answerDistinctly, type Behaviour, fakeLmStudio, type SeenRequest } from "../fakes/lmstudio.ts";

const REHEARSAL = { engine: "rehearsal" };

Deno.test("generate writes ChatML lines, both sides of the split, statistics, card and checkpoint", () =>
  withRun(async ({ run, read, examples, sources, context }) => {
    const result = await run({ ...REHEARSAL, stats: true });
    const { stats, split } = result;
    match(generate.report?.(result) ?? "", /^\d+ of 12 examples from 6 passages.*\n[^]*personas[^]*REHEARSAL/);
    const all = await examples();
    equal(all.length, stats?.examples_generated);
    ok(all.length >= 8, JSON.stringify(stats));
    for (const { messages } of all) deepEqual(messages.map(({ role }) => role), ["system", "user", "assistant"]);
    const origins = await sources();
    equal(origins.length, all.length);
    const [first] = origins;
    deepEqual([first?.source_title, first?.author], ["Annals of the Red Canal", "A. Test"]);
    match(`${first?.prompt_hash} ${first?.request_hash}`, /^[0-9a-f]{64} [0-9a-f]{64}$/);
    equal((split?.train.rows ?? 0) + (split?.val.rows ?? 0), all.length);
    const chunkOf = new Map(all.map(({ messages }, at) => [messages[2]?.content, origins[at]?.chunk_id]));
    const sides = [await examples("_train.jsonl"), await examples("_val.jsonl")].map((rows) =>
      new Set(rows.map(({ messages }) => chunkOf.get(messages[2]?.content)))
    );
    ok(sides[0]?.isDisjointFrom(sides[1] ?? new Set()));

    const told = JSON.parse(await read("_stats.json"));
    equal(told.chunks_processed, 6);
    equal(told.examples_generated + told.examples_failed, 12);
    equal(told.examples_failed, Object.values<number>(told.rejects).reduce((sum, n) => sum + n, 0));
    equal(told.rehearsal, true);
    for (const key of ["start_time", "end_time", "system_prompt_distribution", "average_response_length"]) {
      ok(key in told, key);
    }
    const met = Object.values<Record<string, number>>(told.coverage).flatMap((row) => Object.values(row));
    equal(met.reduce((sum, n) => sum + n, 0), all.length);
    deepEqual([told.models.rehearsal.answers, told.models.rehearsal.accepted], [12, all.length]);
    match(await read("_card.md"), /REHEARSAL: no model was asked/);
    equal(JSON.parse(await read("_checkpoint.json")).chunks_processed, 6);
    ok(
      context.events.some((event) => event.type === "log" && event.level === "warn" && /REHEARSAL/.test(event.message)),
    );
  }));

Deno.test("generate gives a passage different personas and says them in the system message", () =>
  withRun(async ({ run, examples, sources }) => {
    await run({ ...REHEARSAL, examplesPerChunk: 5 });
    const [all, origins] = [await examples(), await sources()];
    const byChunk = Map.groupBy(origins.keys(), (at) => origins[at]?.chunk_id);
    for (const [, places] of byChunk) {
      equal(new Set(places.map((at) => origins[at]?.persona)).size, places.length);
      equal(new Set(places.map((at) => all[at]?.messages[0]?.content)).size, places.length);
    }
  }));

Deno.test("generate writes the same bytes whatever the concurrency and the order of arrival", async () => {
  const outputs: string[] = [];
  for (const concurrency of [1, 7]) {
    await withRun(async ({ run, read }) => {
      const behave = (request: SeenRequest): Behaviour => ({
        ...answerDistinctly(request),
        ...(concurrency > 1 ? { firstTokenMs: (request.index * 7) % 20 } : {}),
      } as Behaviour);
      await using fake = fakeLmStudio({ behave });
      await run({ lmstudioUrl: [fake.url], concurrency });
      equal(fake.requests.length, 12);
      ok(fake.busiest <= concurrency);
      outputs.push(await read(".jsonl") + await read("_train.jsonl") + await read("_card.md"));
    });
  }
  equal(outputs[0], outputs[1]);
});

Deno.test("generate refuses to overwrite, resumes without asking again, and starts anew when told", () =>
  withRun(async ({ run, read, output }) => {
    await using fake = fakeLmStudio();
    const server = { lmstudioUrl: [fake.url] };
    await run(server);
    const first = await read(".jsonl");
    await rejects(run(server), (error) => error instanceof UsageError && /exists already/.test(error.message));
    const { stats } = await run({ ...server, resume: true });
    equal(fake.requests.length, 12);
    equal(stats?.answers_reused, 12);
    equal(await read(".jsonl"), first);
    await Deno.remove(output);
    await rejects(run(server), (error) => error instanceof UsageError && /12 answers/.test(error.message));
    await run({ ...server, overwrite: true });
    equal(fake.requests.length, 24);
    equal(await read(".jsonl"), first);
    ok((await Deno.stat(output.replace(".jsonl", "_ledger_previous.sqlite"))).isFile);
  }));

Deno.test("generate resumed with other options tells what that changes, above all a smaller dataset", () =>
  withRun(async ({ run, examples, context }) => {
    const warnings = () =>
      context.events.splice(0).flatMap((event) =>
        event.type === "log" && event.level === "warn" && /differs/.test(event.message) ? event.message : []
      );
    await run({ ...REHEARSAL, maxChunks: 4 });
    const before = await examples();
    await run({ ...REHEARSAL, resume: true, maxChunks: 2 });
    match(warnings().join(), /plans 4 examples where that one planned 8; --max-chunks was 4, is 2\. .* answers stay/);
    ok((await examples()).length < before.length);
    // More is what one resumes for; another seed is told.
    const { stats } = await run({ ...REHEARSAL, resume: true });
    deepEqual(warnings(), []);
    equal(stats?.answers_reused, 8, "nothing was lost");
    await run({ ...REHEARSAL, resume: true, seed: 5 });
    match(warnings().join(), /differs from the one that it goes on with: --seed was 1969, is 5/);
  }));

Deno.test("generate stopped in the middle leaves no half dataset, and a resumed run equals an undisturbed one", async () => {
  let undisturbed = "";
  await withRun(async ({ run, read }) => {
    await using fake = fakeLmStudio();
    await run({ lmstudioUrl: [fake.url] });
    undisturbed = await read(".jsonl");
  });
  await withRun(async ({ run, read, output, context }) => {
    const stop = new AbortController();
    await using fake = fakeLmStudio({
      behave: (request) => {
        if (request.index === 7) stop.abort(new DOMException("stopped by the user", "AbortError"));
        return request.index >= 7 ? { kind: "hang" } : answerDistinctly(request);
      },
    });
    const options = { lmstudioUrl: [fake.url], concurrency: 2 };
    await rejects(run(options, { ...context, signal: stop.signal }), { name: "AbortError" });
    const names = (await Array.fromAsync(Deno.readDir(join(output, "..")))).map(({ name }) => name).toSorted();
    deepEqual(names, ["set_checkpoint.json", "set_ledger.sqlite"]);
    const asked = fake.requests.length;
    fake.behave(answerDistinctly);
    const { stats } = await run({ ...options, resume: true });
    // Only what was in flight is sent again.
    ok(fake.requests.length - asked <= 12 - asked + 2, `${asked} then ${fake.requests.length}`);
    equal((stats?.answers_reused ?? 0) + (stats?.requests_sent ?? 0), 12);
    equal(await read(".jsonl"), undisturbed);
  });
});

Deno.test("generate accounts for every example under every fault", () =>
  withRun(async ({ run, read, context }) => {
    const good = (request: SeenRequest) => answerDistinctly(request);
    const faults: ((request: SeenRequest) => Behaviour)[] = [
      good,
      () => ({ kind: "empty" }),
      () => ({ kind: "answer", content: "I would rather talk." }),
      () => ({ kind: "error", error: { message: "busy" }, status: 503, retryAfter: "1" }),
      (request) => ({ ...good(request), finish: "length" } as Behaviour),
      () => ({ kind: "error", error: "Model unloaded." }),
      (request) => ({ ...good(request), reasoning: "hm", reasoningIn: "think" } as Behaviour),
      () => ({
        kind: "answer",
        content: '{"user":"Why?","assistant":"**No.** That is all that I shall say about this matter."}',
      }),
      () => ({ kind: "frame-error", error: "crash", after: "{" }),
      () => ({ kind: "drop", after: "{" }),
    ];
    await using fake = fakeLmStudio({ behave: (request) => (faults[request.index % faults.length] ?? good)(request) });
    const { stats } = await run({ lmstudioUrl: [fake.url], retries: 2, maxErrorRate: 0.9 });
    ok(stats);
    equal(stats.examples_requested, 40);
    equal(stats.examples_generated + stats.examples_failed, 40);
    equal(Object.values(stats.rejects).reduce((sum, n) => sum + n, 0), stats.examples_failed);
    ok(stats.examples_generated >= 20, JSON.stringify(stats));
    const rejected = (await read("_rejects.jsonl")).trimEnd().split("\n");
    equal(rejected.length, stats.examples_failed);
    const dropped = context.events.flatMap((event) => event.type === "drop" ? [event.count] : []);
    equal(dropped.reduce((sum, n) => sum + n, 0), stats.examples_failed);
  }, 20));

Deno.test("generate falls back to asking in words when the server takes no schema, for good", () =>
  withRun(async ({ run, context }) => {
    await using fake = fakeLmStudio({ schema: "refuses" });
    const { stats } = await run({ lmstudioUrl: [fake.url], concurrency: 1 });
    equal(stats?.examples_generated, 12);
    equal(fake.requests.filter(({ body }) => body.response_format).length, 1);
    ok(context.events.some((event) => event.type === "log" && /takes no JSON schema/.test(event.message)));
    await run({ lmstudioUrl: [fake.url], resume: true });
    equal(fake.requests.length, 13);
  }));

Deno.test("generate ends at once, in words, when the server is not there or has not the model", () =>
  withRun(async ({ run, output }) => {
    await using fake = fakeLmStudio({
      models: [{ key: "qwen2.5-7b-instruct", loaded: true }, { key: "e5", type: "embedding" }],
    });
    await rejects(run({ lmstudioUrl: [fake.url] }), (error) => {
      ok(error instanceof UserError);
      match(error.message, /openai\/gpt-oss-20b.*does not have it/);
      match(error.hint ?? "", /It has qwen2\.5-7b-instruct\. Load it/);
      return true;
    });
    await rejects(run({ lmstudioUrl: [fake.url], lmstudioModel: "e5" }), /makes embeddings/);
    await fake[Symbol.asyncDispose]();
    await rejects(run({ lmstudioUrl: [fake.url] }), /Cannot reach the server at .*: connection refused/);
    await rejects(Deno.stat(join(output, "..")), Deno.errors.NotFound);
  }));

Deno.test("generate ends when the server goes away in the middle, and keeps what it has", () =>
  withRun(async ({ run, context }) => {
    const fake = fakeLmStudio();
    let shutdown: PromiseLike<void> | undefined;
    fake.behave((request) => {
      if (request.index < 4) return answerDistinctly(request);
      shutdown = fake[Symbol.asyncDispose]();
      return { kind: "drop" };
    });
    await rejects(run({ lmstudioUrl: [fake.url], concurrency: 1, giveUpAfter: "20m" }), (error) => {
      ok(error instanceof UserError);
      match(error.message, /^Gave up after 2\d min.*Cannot reach the server.*refused/);
      match(error.hint ?? "", /Start it there.*\n4 answers are kept; --resume/);
      return true;
    });
    const said = context.events.map((event) => event.type === "log" ? event.message : "").join("\n");
    match(said, /is set aside[^]*No server answers; waiting for one, for up to 20 min/);
    ok(context.slept.length > 20 && Math.max(...context.slept) <= 60_000, `${context.slept}`);
    await shutdown;
    await using again = fakeLmStudio();
    const { stats } = await run({ lmstudioUrl: [again.url], resume: true });
    deepEqual([stats?.examples_generated, stats?.answers_reused], [12, 4]);
  }));

Deno.test("generate ends when every request fails, with the commonest error", () =>
  withRun(async ({ run }) => {
    await using fake = fakeLmStudio({ behave: () => ({ kind: "error", error: "GPU on fire", status: 500 }) });
    await rejects(
      run({ lmstudioUrl: [fake.url], retries: 0, concurrency: 2 }),
      /10 of the last 10 requests failed, 10 of them with: .*GPU on fire/,
    );
    ok(fake.requests.length <= 12);
  }, 30));

Deno.test("generate refuses a second run on the same output", () =>
  withRun(async ({ run }) => {
    const { promise: refused, resolve: goOn } = Promise.withResolvers<void>();
    const { promise: asked, resolve: begun } = Promise.withResolvers<void>();
    await using fake = fakeLmStudio({
      async behave(request) {
        begun();
        await refused;
        return answerDistinctly(request);
      },
    });
    const first = run({ lmstudioUrl: [fake.url] });
    await asked;
    await rejects(run({ lmstudioUrl: [fake.url], resume: true }), /another run is writing/);
    goOn();
    equal((await first).stats?.examples_generated, 12);
  }));

Deno.test("generate shows plan, prompts and a forecast in a dry run, and writes nothing", () =>
  withRun(async ({ run, context, output }) => {
    await using fake = fakeLmStudio();
    const options = { lmstudioUrl: [fake.url], dryRun: true, maxChunks: 4, examplesPerChunk: 3 };
    const result = await run(options);
    deepEqual([result.plan, result.stats], [{ chunks: 4, examples: 12 }, undefined]);
    const said = context.events.map((event) => event.type === "log" ? event.message : "").join("\n");
    match(said, /12 examples from 4 passages/);
    equal(said.match(/The workers of district \d/g)?.length, 3);
    const report = generate.report?.(result) ?? "";
    match(report, /^planned: 12 examples from 4 passages\nPersona +collectivism +science +strategy\n/);
    match(report, /\nforecast: 12 requests, 1,?200 tokens in, .* out, .*; from 8 measured$/);
    equal(fake.requests.length, 8);
    const cells = Object.values(result.preview?.coverage ?? {}).flatMap((row) => Object.values(row));
    equal(cells.reduce((sum, n) => sum + n, 0), 12);

    await fake[Symbol.asyncDispose]();
    match((await run(options)).preview?.forecast ?? "", /^no forecast: Cannot reach the server at .*refused/);
    await rejects(Deno.stat(join(output, "..")), Deno.errors.NotFound);
  }));

Deno.test("generate names what is wrong with its input", () =>
  withRun(async ({ run, folder }) => {
    const input = join(folder, "bad.jsonl");
    const bad = async (text: string, message: RegExp) => {
      await Deno.writeTextFile(input, text);
      await rejects(run({ ...REHEARSAL, input }), message);
    };
    await bad("", /holds no passages/);
    await bad("{}\n", /bad\.jsonl:1/);
    await bad("not json\n", /bad\.jsonl:1.*not JSON/);
    await rejects(run({ ...REHEARSAL, input: join(folder, "none.jsonl") }), /no such file/);
    await rejects(run({ ...REHEARSAL, input: folder }), /folder/);
    await rejects(run({ ...REHEARSAL, examplesPerChunk: 23 }), /22 personas/);
    await rejects(run({ ...REHEARSAL, output: folder }), (error) => {
      ok(error instanceof UserError);
      match(error.message, /it is a folder, not a file/);
      match(error.hint ?? "", /Name a file/);
      return true;
    });
    await rejects(run({ ...REHEARSAL, output: folder, overwrite: true }), /it is a folder/);
    deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort(), [
      "bad.jsonl",
      "filtered.jsonl",
    ]);
    await rejects(run({ lmstudioUrl: ["http://a"], lmstudioHost: "b" }), /together/);
  }));

Deno.test("generate sends the token from the environment and writes it nowhere", () =>
  withRun(async ({ run, context, folder }) => {
    const token = "sk-lm-secret-token";
    await using fake = fakeLmStudio({ token });
    await run({ lmstudioUrl: [fake.url], verbose: true, stats: true }, { ...context, env: { LM_API_TOKEN: token } });
    ok(!JSON.stringify(context.events).includes(token));
    for await (const { name } of Deno.readDir(join(folder, "out"))) {
      ok(!(await Deno.readTextFile(join(folder, "out", name))).includes(token), name);
    }
  }));

Deno.test("generate counts examples that a server never answered and asks for them when resumed", () =>
  withRun(async ({ run }) => {
    await using fake = fakeLmStudio({
      behave: (request) =>
        request.index % 3 === 1 ? { kind: "error", error: "out of memory", status: 500 } : answerDistinctly(request),
    });
    const options = { lmstudioUrl: [fake.url], retries: 0, concurrency: 1 };
    const { stats } = await run(options);
    deepEqual([stats?.examples_generated, stats?.rejects.not_answered], [8, 4]);
    fake.behave(answerDistinctly);
    equal((await run({ ...options, resume: true })).stats?.examples_generated, 12);
  }));
