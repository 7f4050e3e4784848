import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { presetPath } from "@/core/paths.ts";
import type { Context } from "@/core/step.ts";
import { modelOf } from "@/steps/generate_engine.ts";
import { generateOptions } from "@/steps/generate_options.ts";
import { benchmark, benchmarkPoints, benchmarkReport, recommendedModel, runBenchmark } from "@/steps/benchmark.ts";
import { BenchmarkResults } from "@/steps/benchmark_file.ts";
import { loadBenchmarkPreset, readForm } from "@/steps/benchmark_prompt.ts";
import { ranked, recommend, resultsText } from "@/steps/benchmark_report.ts";
import { fakeContext } from "../fakes/context.ts";
import type { Loading } from "../fakes/lmstudio_models.ts";
import { fakeLms, type FakeLmsOptions } from "../fakes/lms.ts";
import {
  type Behaviour,
  type FakeLmStudio,
  fakeLmStudio,
  type FakeOptions,
  type SeenRequest,
} from "../fakes/lmstudio.ts";

const JUDGE = "openai/gpt-oss-20b";
const FAST = "ibm/granite-4-h-tiny";
const GOOD = "qwen/qwen2.5-7b-instruct";
const MODELS = [{ key: GOOD }, { key: FAST }, { key: JUDGE }, { key: "nomic-embed", type: "embedding" as const }];
const PRESET = await loadBenchmarkPreset(presetPath("deepred/benchmark.jsonc"));

const exchanges = (count = 2) =>
  JSON.stringify(
    Array.from(
      { length: count },
      (_, n) => ({ user: `What do we owe to dome ${n}?`, assistant: `Citizen, work ${n}.` }),
    ),
  );
const isMark = ({ body }: SeenRequest) => body.messages?.[0]?.content === PRESET.rubric.system;
const shown = ({ body }: SeenRequest) => body.messages?.[1]?.content ?? "";
const criterionOf = (request: SeenRequest) =>
  PRESET.rubric.criteria.find(({ id }) => shown(request).includes(`"criterion" is "${id}"`))?.id ?? "";
const mark = (request: SeenRequest, score: number) =>
  JSON.stringify({ criterion: criterionOf(request), score, evidence: `${criterionOf(request)} has merit` });

/** FAST is quick and says nothing of use, GOOD is slower and good; the judge tells them apart by their words. */
function behave(request: SeenRequest): Behaviour {
  if (isMark(request)) return { kind: "answer", content: mark(request, shown(request).includes("I am quick") ? 2 : 4) };
  if (request.body.model === FAST) return { kind: "answer", content: `I am quick. ${exchanges(1)}`, tokenMs: 1 };
  return { kind: "answer", content: exchanges(), tokenMs: 8 };
}

interface Setting {
  fake: FakeLmStudio;
  folder: string;
  context: ReturnType<typeof fakeContext>;
  run(options?: object, context?: Context): ReturnType<typeof runBenchmark>;
}

async function withServer(
  { cli, ...options }: FakeOptions & { cli?: FakeLmsOptions },
  test: (setting: Setting) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using fake = fakeLmStudio({ models: MODELS, strict: true, behave, ...options });
    const context = fakeContext({ fetch, env: options.token ? { LM_API_TOKEN: options.token } : {} });
    const { ask } = fakeLms(fake.models, { ...cli, ...(cli ? {} : { command: "not installed" }) });
    const run = (options: object = {}, given: Context = context) =>
      runBenchmark(
        { autoBenchmark: true, dataDir: folder, lmstudioUrl: fake.url, runs: 2, judgeSamples: 1, ...options },
        given,
        ask,
      );
    await test({ fake, folder, context, run });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const warnings = ({ events }: ReturnType<typeof fakeContext>) =>
  events.flatMap((event) => event.type === "log" && event.level !== "info" ? [event.message] : []);

Deno.test("benchmark prints a sample prompt of about 3,500 characters, and asks nobody", async () => {
  const context = fakeContext();
  const result = await benchmark.run(benchmark.options.parse({}), context);
  const prompt = benchmark.report?.(result) ?? "";
  ok(prompt.length > 3300 && prompt.length < 3700, `${prompt.length} characters`);
  match(prompt, /JSON array of length 2/);
  ok(!/\{\{|undefined/.test(prompt));
  equal(context.events.length, 0);
  match((await runBenchmark({ benchmarkExamples: 5 }, context)).prompt, /JSON array of length 5/);
});

Deno.test("benchmark measures every model alone, rates them, and recommends the fastest good one", () =>
  withServer(
    { models: MODELS.map((m) => ({ ...m, loaded: m.key === FAST })) },
    async ({ fake, folder, context, run }) => {
      const output = join(folder, "deep", "results.json");
      const result = await run({ benchmarkOutput: output });
      const rows = result.results?.models ?? [];
      const of = (model: string) => rows.find((row) => row.model === model);
      equal(rows[0]?.model, FAST);
      equal(rows.length, 3);
      ok((of(FAST)?.tokensPerSecond ?? 0) > (of(GOOD)?.tokensPerSecond ?? 0));
      deepEqual([of(FAST)?.rating, of(GOOD)?.rating], [2, 4]);
      equal(of(JUDGE)?.kin, true);
      equal(of(GOOD)?.kin, undefined);
      for (const row of rows) {
        equal(row.runs.length, 2);
        ok((row.seconds ?? 0) > 0 && (row.ttftSeconds ?? 0) > 0);
      }
      // Hours are for exchanges that can be used: FAST writes one where two were asked for.
      const { seconds = 0, hoursPer1000 = 0 } = of(FAST) ?? {};
      ok(Math.abs(hoursPer1000 - seconds * 1000 / 3600) < 1e-9);
      ok(Math.abs((of(GOOD)?.hoursPer1000 ?? 0) - (of(GOOD)?.seconds ?? 0) * 500 / 3600) < 1e-9);
      ok([GOOD, JUDGE].includes(result.results?.recommended ?? ""));

      const loads = fake.models.calls.filter((call) => call.startsWith("load"));
      deepEqual(loads, [GOOD, FAST, JUDGE, JUDGE, FAST].map((key) => `load ${key}`));
      deepEqual(fake.models.instances, [{ id: FAST, key: FAST, config: { context_length: 8192 } }]);
      deepEqual(warnings(context), []);
      deepEqual(BenchmarkResults.parse(JSON.parse(await Deno.readTextFile(output))), result.results);
      equal(await recommendedModel(folder), result.results?.recommended);
      for (const named of [{ model: "auto" }, { lmstudioModel: "auto" }]) {
        const options = generateOptions.parse({ ...named, dataDir: folder });
        equal(await modelOf(options, {}), result.results?.recommended);
      }
      equal(await modelOf(generateOptions.parse({ model: "mine" }), {}), "mine");
    },
  ));

Deno.test("benchmark throws a warm-up away, and makes the server read every prompt anew", () =>
  withServer({}, async ({ fake, run }) => {
    await run({ modelsFilter: ["qwen*instruct"], judgeSamples: 0, runs: 3, benchmarkMaxTokens: 512 });
    equal(fake.requests.length, 4);
    deepEqual(fake.requests.map(({ body }) => body.max_tokens), [64, 512, 512, 512]);
    ok(fake.requests.every(({ body }) => body.stream && body.model === GOOD && body.response_format === undefined));
    equal(new Set(fake.requests.map(shown)).size, 4);
    equal(new Set(fake.requests.map(({ body }) => body.messages?.[0]?.content)).size, 1);
    equal(new Set(fake.requests.map(({ body }) => body.seed)).size, 4);
  }));

Deno.test("benchmark makes a row of a model that does not load, and goes on", () =>
  withServer({
    quirks: {
      loading: (key) =>
        key === FAST
          ? { error: { message: "(Exit code: 18446744072635812000)" } }
          : key === JUDGE
          ? { wrong: GOOD }
          : "loads",
    },
  }, async ({ fake, context, run }) => {
    const result = await run({ evaluatorModel: GOOD });
    const rows = result.results?.models ?? [];
    equal(rows[0]?.model, GOOD);
    deepEqual(rows.slice(1).map(({ error }) => error), [
      `Cannot load "${FAST}": (Exit code: 18446744072635812000)`,
      `Cannot load "${JUDGE}": LM Studio loaded "${GOOD}" instead`,
    ]);
    deepEqual(fake.models.instances, []);
    equal(warnings(context).length, 2);
    match(benchmarkReport(result), /^-\s+ibm\/granite-4-h-tiny\s+failed: Cannot load/m);
    equal(benchmarkPoints(result.results ?? never()).length, 1);
  }));

Deno.test("benchmark makes a row of a model whose requests fail or stay empty, and counts single failures", async () => {
  for (
    const [behaviour, said] of [
      [{ kind: "empty" }, /empty answer/],
      [{ kind: "error", error: "Error rendering prompt with jinja template: x" }, /cannot take these messages/],
      [{ kind: "frame-error", error: { message: "Model crashed" }, after: "[" }, /Model crashed/],
      [{ kind: "drop", after: "[" }, /broke the connection off/],
      [{ kind: "raw", body: "<html>" }, /failed|refuses/],
    ] as const
  ) {
    await withServer({
      behave: (request) => request.body.model === FAST ? behaviour : behave(request),
    }, async ({ fake, run }) => {
      const { results } = await run({ modelsFilter: ["granite", "qwen"] });
      match(results?.models.find(({ model }) => model === FAST)?.error ?? "", said);
      equal(results?.recommended, GOOD);
      deepEqual(fake.models.instances, []);
    });
  }
  let count = 0;
  await withServer({
    behave: (request) => request.body.model === FAST && ++count === 2 ? { kind: "empty" } : behave(request),
  }, async ({ run }) => {
    const row = (await run({ judgeSamples: 0 })).results?.models.find(({ model }) => model === FAST);
    equal(row?.error, undefined);
    deepEqual(row?.runs.map(({ error }) => error !== undefined), [true, false]);
  });
});

Deno.test("benchmark counts reasoning in the time to the first token, wherever it comes, and in the tokens", async () => {
  for (const reasoningIn of ["reasoning_content", "reasoning", "think"] as const) {
    await withServer({
      behave: () => ({ kind: "answer", content: exchanges(), reasoning: "Hmm. ".repeat(40), reasoningIn, tokenMs: 3 }),
    }, async ({ run }) => {
      const { results } = await run({ modelsFilter: ["qwen"], judgeSamples: 0, runs: 1 });
      const [measured] = results?.models[0]?.runs ?? [];
      equal(measured?.content, exchanges());
      ok((measured?.reasoning ?? 0) >= 199);
      ok((measured?.firstTokenMs ?? 0) <= (measured?.firstAnswerMs ?? 0));
      if (reasoningIn === "think") ok((measured?.firstTokenMs ?? 0) + 10 < (measured?.firstAnswerMs ?? 0));
      equal(measured?.completionTokens, Math.ceil((exchanges().length + 200) / 4));
      equal(measured?.counted, "usage");
    });
  }
});

Deno.test("benchmark measures an answer that ran out of tokens, and counts pieces where usage is not told", () =>
  withServer({
    behave: () => ({ kind: "answer", content: '[{"user": "Why', finish: "length", usage: false }),
  }, async ({ run }) => {
    const result = await run({ modelsFilter: ["qwen"], judgeSamples: 0, runs: 1 });
    const [row] = result.results?.models ?? [];
    equal(row?.error, undefined);
    equal(row?.estimated, true);
    equal(row?.hoursPer1000, undefined);
    match(benchmarkReport(result), /qwen\S+\s+~\d+\.\d\d\s+0\.\d{3}s\s+0\.\d\ds\s+none\s+not rated/);
  }));

Deno.test("benchmark notices another model that answers, and one that LM Studio loads beside", async () => {
  await withServer({
    behave: (request) => {
      const content = JSON.stringify({ model: "someone/else", choices: [{ message: { content: exchanges() } }] });
      return isMark(request) ? behave(request) : { kind: "raw", body: content, type: "application/json" };
    },
  }, async ({ run }) => {
    const { results } = await run({ judgeSamples: 0 });
    match(results?.models[0]?.error ?? "", /"someone\/else" answered in its place/);
  });
  await withServer({ quirks: { jit: (model) => model === GOOD ? FAST : undefined } }, async ({ fake, run }) => {
    const { results } = await run({ modelsFilter: ["qwen"], judgeSamples: 0 });
    equal(results?.models[0]?.error, undefined);
    ok(fake.models.calls.includes(`unload ${FAST}`));
    deepEqual(fake.models.instances, []);
  });
});

Deno.test("benchmark leaves out the rating where the evaluator's marks cannot be read, and says so", () =>
  withServer({
    behave: (request) => {
      if (!isMark(request)) return behave(request);
      const criterion = criterionOf(request);
      const answer = criterion === "temporal_accuracy" ? "It is 3, I think." : mark(request, 4);
      return { kind: "answer", content: criterion === "question_quality" ? mark(request, 9) : answer };
    },
  }, async ({ run }) => {
    const result = await run({ modelsFilter: ["qwen"] });
    const [row] = result.results?.models ?? [];
    equal(row?.rating, undefined);
    equal(row?.marksMissing, 0.4);
    equal(row?.criteria?.format_compliance?.score, 4);
    equal(row?.criteria?.question_quality?.score, undefined);
    equal(result.results?.recommended, undefined);
    const text = benchmarkReport(result);
    match(text, /Rating: none, since a criterion has no readable mark/);
    match(text, /Temporal Accuracy missing/);
    match(text, /40 % of the marks could not be read/);
    match(text, /No model is rated 3\.0 or better/);
  }));

Deno.test("benchmark keeps its measurements where the evaluator does not load", () =>
  withServer(
    { quirks: { loading: (key) => key === JUDGE ? { error: "out of memory" } : "loads" } },
    async (setting) => {
      const result = await setting.run();
      equal(result.results?.models.filter(({ error }) => !error).length, 2);
      equal(result.results?.unrated, `Cannot load "${JUDGE}": out of memory`);
      match(benchmarkReport(result), /Not rated: Cannot load .*So none is recommended/);
      await rejects(recommendedModel(setting.folder), /found none that is rated well enough/);
    },
  ));

Deno.test("benchmark refuses early what cannot end well", async () => {
  await withServer({}, async ({ fake, run }) => {
    await rejects(run({ evaluatorModel: "nobody/knows" }), (error: Error & { hint?: string }) => {
      match(error.message, /^Cannot rate with "nobody\/knows"/);
      match(error.hint ?? "", /qwen.*--judge-samples 0/);
      return true;
    });
    await rejects(run({ modelsFilter: ["mistral"] }), /--models-filter mistral matches no model/);
    await rejects(run({ lmsCliPath: "/nowhere/lms" }), { name: "UsageError" });
    await rejects(run({ benchmarkOutput: "." }), /Cannot write "\.": it is a folder/);
    deepEqual(fake.models.calls, []);
  });
  await withServer({ models: [{ key: "nomic-embed", type: "embedding" }] }, async ({ run }) => {
    await rejects(run(), /has no language model/);
  });
  await rejects(
    runBenchmark(
      { autoBenchmark: true, lmstudioUrl: "http://127.0.0.1:1" },
      fakeContext({ fetch }),
      () => Promise.resolve(undefined),
    ),
    { kind: "unreachable" },
  );
});

Deno.test("benchmark leaves memory as it was found at Ctrl-C, while loading, running and rating", async () => {
  const before = { id: FAST, key: FAST, config: { context_length: 8192 } };
  for (const moment of ["load", "run", "rate"] as const) {
    const stop = new AbortController();
    const press = () => stop.abort(new DOMException("stopped", "AbortError"));
    await withServer({
      models: MODELS.map((m) => ({ ...m, loaded: m.key === FAST })),
      quirks: {
        loading: async (key): Promise<Loading> => {
          if (moment === "load" && key === GOOD) {
            press();
            await new Promise((resolve) => setTimeout(resolve, 30));
          }
          return "loads";
        },
      },
      behave: (request) => {
        if (moment === "rate" ? isMark(request) : moment === "run") press();
        return moment === "run" ? { kind: "hang", after: "[" } : behave(request);
      },
    }, async ({ fake, folder, run }) => {
      await rejects(run({}, fakeContext({ fetch, signal: stop.signal })), { name: "AbortError" });
      deepEqual(fake.models.instances, [before], moment);
      await rejects(recommendedModel(folder), /no benchmark's results/);
    });
  }
});

Deno.test("benchmark that was stopped keeps what it measured, and goes on there by the same settings", async () => {
  let asked: string[] = [];
  let stop = (_: SeenRequest) => {};
  await withServer({
    behave: (request) => {
      asked.push(isMark(request) ? "mark" : request.body.model ?? "");
      stop(request);
      return behave(request);
    },
  }, async ({ folder, run }) => {
    const kept = join(folder, "benchmark_measured.jsonl");
    const earlier = (await run({ modelsFilter: ["granite"], judgeSamples: 0 })).results;
    await rejects(Deno.stat(kept), Deno.errors.NotFound);
    /** Runs until a request is of that kind; answers what was said. */
    const stopped = async (when: (request: SeenRequest) => boolean, options = {}) => {
      const controller = new AbortController();
      stop = (request) => when(request) && controller.abort(new DOMException("stopped", "AbortError"));
      const context = fakeContext({ fetch, signal: controller.signal });
      asked = [];
      await rejects(run(options, context), { name: "AbortError" });
      stop = () => {};
      return context.events.flatMap((event) => event.type === "log" ? [event.message] : []).join("\n");
    };
    const asks = (model: string) => asked.filter((name) => name === model).length;

    match(await stopped(({ body }) => body.model === FAST), /1 measured model kept in .*the same command goes on/);
    const said = await stopped(isMark);
    match(said, new RegExp(`^${GOOD} was measured at .* by a run that did not end; delete .*benchmark_measured`, "m"));
    match(said, /3 measured models kept/);
    deepEqual([asks(GOOD), asks(FAST)], [0, 3]);
    deepEqual(
      JSON.parse(await Deno.readTextFile(join(folder, "benchmark.json"))),
      earlier,
      "results stay until others come",
    );

    await stopped(({ body }) => body.model === FAST, { seed: 7 });
    equal(asks(GOOD), 3, "by other settings it is measured anew");

    asked = [];
    const { results } = await run();
    deepEqual([asks(GOOD), asks(FAST)], [0, 0]);
    ok(asks("mark") > 0);
    deepEqual(results?.models.map(({ runs, rating }) => [runs.length, rating !== undefined]), Array(3).fill([2, true]));
    const [other, ...more] = (await Deno.readTextFile(kept)).trimEnd().split("\n");
    equal(more.length, 0, "what stands in results is kept no longer, what was measured by other settings is");
    equal(JSON.parse(other ?? "").row.model, GOOD);
  });
});

Deno.test("benchmark works by lms on an older LM Studio, and with a token that it shows to nobody", async () => {
  await withServer({
    api: "v0",
    cli: { talkative: true },
    models: MODELS.map((m) => ({ ...m, loaded: m.key === GOOD })),
  }, async (
    { fake, run },
  ) => {
    const { results } = await run();
    equal(results?.settings.loadedBy, "lms");
    equal(results?.models.filter(({ error }) => error).length, 0);
    deepEqual(fake.models.instances.map(({ key }) => key), [GOOD]);
  });
  await withServer({
    token: "sk-lm-secret",
    quirks: { loading: (key) => key === FAST ? { error: "not with sk-lm-secret" } : "loads" },
    behave: (request) =>
      request.body.model === GOOD ? { kind: "error", error: "bad key sk-lm-secret", status: 401 } : behave(request),
  }, async ({ folder, context, run }) => {
    const result = await run();
    deepEqual(result.results?.models.map(({ error }) => error?.includes("***") ?? "measured"), [
      "measured",
      true,
      true,
    ]);
    const all = benchmarkReport(result) + JSON.stringify(context.events) +
      await Deno.readTextFile(join(folder, "benchmark.json"));
    ok(!all.includes("sk-lm-secret"));
  });
});

Deno.test("benchmark measures another server's models as they are", () =>
  withServer({ api: "openai", strict: false, models: [{ key: GOOD }, { key: JUDGE }] }, async ({ fake, run }) => {
    const { results } = await run();
    equal(results?.settings.loadedBy, "none");
    equal(results?.models.filter(({ rating }) => rating === 4).length, 2);
    deepEqual(fake.models.calls, []);
  }));

Deno.test("benchmark takes the options of generate, and the first of several servers", () =>
  withServer({}, async ({ fake, run }) => {
    const given = { lmstudioUrl: [fake.url, "http://other:1"], lmstudioModel: "x", concurrency: "auto", split: true };
    equal((await run({ ...given, judgeSamples: 0 })).results?.models.length, 3);
  }));

Deno.test("readForm takes exchanges out of whatever holds them, and knows the ordered form", () => {
  const good = exchanges();
  deepEqual([readForm(good, 2).exact, readForm(good, 2).exchanges.length], [true, 2]);
  for (
    const text of [
      `\`\`\`json\n${good}\n\`\`\``,
      `Here [two] of them: ${good}`,
      `{"exchanges": ${good}}`,
      good.slice(1, -1),
    ]
  ) {
    const form = readForm(text, 2);
    deepEqual([form.exact, form.exchanges.length], [false, 2], text);
  }
  equal(readForm(exchanges(3), 2).exact, false);
  equal(readForm(exchanges(3), 2).exchanges.length, 2);
  equal(readForm('[{"user":"a","assistant":"b","mood":"c"}]', 1).exact, false);
  for (const text of ["", "[", "I cannot do that.", '[{"user": "Why', "null", "[null]"]) {
    equal(readForm(text, 2).exchanges.length, 0, text);
  }
});

Deno.test("recommend takes the fastest of those rated 3.0 or better, and resultsText ranks as documented", () => {
  const row = (model: string, tokensPerSecond: number, rating?: number, hoursPer1000?: number) => ({
    model,
    tokensPerSecond,
    ttftSeconds: 0.5091,
    seconds: 3.689,
    ...(rating === undefined
      ? {}
      : { rating, criteria: { voice: { score: rating, evidence: "calm\n\x1b[2Jcommand" } } }),
    ...(hoursPer1000 === undefined ? {} : { hoursPer1000 }),
    runs: [],
  });
  const rows = [
    row("slow", 28.8, 5, 1.7),
    row("thinker", 52.95, 3, 3.9),
    row("tiny", 65.62, 2.9, 0.51),
    row("mute", 90, 4),
    { model: "broken", error: "Cannot load", runs: [] },
  ];
  deepEqual(ranked(rows).map(({ model }) => model), ["mute", "tiny", "thinker", "slow", "broken"]);
  equal(recommend(rows), "thinker");
  equal(recommend([row("tiny", 65, 2.9, 0.5)]), undefined);
  const results = {
    version: 1 as const,
    time: "1969-07-20T00:00:00.000Z",
    server: "http://localhost:1234",
    evaluator: JUDGE,
    settings: {},
    models: ranked(rows),
    skipped: [{ model: "nomic", reason: "embeddings" }],
    recommended: "thinker",
  };
  const text = resultsText(results, { voice: "Response Character" });
  match(text, /^Rank {2}Model {31}Tok\/s {6}TTFT {7}Time {7}1000 Resp {2}Rating\n-{98}\n/);
  match(text, /^2 {5}tiny {32}65\.62 {6}0\.509s {5}3\.69s {6}0\.5h {7}2\.9\/5$/m);
  match(text, /EVALUATION DETAILS:/);
  match(
    text,
    /^ {2}Rating: 3\.0\/5\.0\n {2}Marks: Response Character 3\.0\n {2}Reasoning: Response Character: calm .\[2Jcommand$/m,
  );
  match(text, /Recommended: thinker/);
  match(text, /slow writes fewer tokens a second, but needs less time .* 1\.7 h instead of 3\.9 h/);
  match(text, /left out: nomic \(embeddings\)/);
  // deno-lint-ignore no-control-regex
  ok(!/\x1b/.test(text));
});

Deno.test("recommendedModel says what to do where there is no benchmark, or its file is something else", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await rejects(recommendedModel(folder), (error: Error & { hint?: string }) => {
      match(error.message, /^Cannot choose a model/);
      match(error.hint ?? "", /--auto-benchmark/);
      return true;
    });
    await Deno.writeTextFile(join(folder, "benchmark.json"), "{");
    await rejects(recommendedModel(folder), /is no benchmark's results/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function never(): never {
  throw new Error("no results");
}
