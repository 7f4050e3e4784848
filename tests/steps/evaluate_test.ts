import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "@/core/errors.ts";
import { WORKSPACE } from "@/core/paths.ts";
import type { Context } from "@/core/step.ts";
import { evaluate } from "@/steps/evaluate.ts";
import { heldOut } from "@/steps/evaluate_coherence.ts";
import { evaluatePaths } from "@/steps/evaluate_options.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";
import { type Behaviour, type FakeLmStudio, fakeLmStudio, type SeenRequest } from "../fakes/lmstudio.ts";

const EVIL = "<script>alert(1)</script> | **bold** [x](javascript:1) `code`";

/** Two models and a judge: the tuned one is good, the base an assistant with a modern memory. */
function behave({ body }: SeenRequest): Behaviour {
  const said = body.messages?.at(-1)?.content ?? "";
  const answer = (content: string): Behaviour => ({ kind: "answer", content });
  if (body.model === "judge") {
    if (/"violation"/.test(said)) {
      return answer(JSON.stringify({ violation: /AI assistant I say/.test(said), evidence: EVIL }));
    }
    return answer(JSON.stringify({ score: /AI assistant I say/.test(said) ? 1 : 5, evidence: "calm" }));
  }
  if (body.model === "base") {
    if (said.length % 5 === 0) return { kind: "answer", content: "Cut off", finish: "length" };
    if (said.length % 7 === 0) return { kind: "empty" };
    return answer(`As an AI assistant I say: Bobby Fischer won in 1972. ${EVIL}`);
  }
  return answer("Comrade, the collective weighs a sacrifice as chess players do. What 1972 brings I do not know.");
}

const MODELS = ["tuned", "base", "judge"].map((key) => ({ key }));

interface Setting {
  server: FakeLmStudio;
  folder: string;
  context: ReturnType<typeof fakeContext>;
  run(options?: Record<string, unknown>, context?: Context): ReturnType<typeof evaluate.run>;
  read(name: string): Promise<string>;
}

async function withServer(test: (setting: Setting) => Promise<void>): Promise<void> {
  await using server = fakeLmStudio({ api: "openai", models: MODELS, behave });
  await withFolder(async (folder) => {
    const context = fakeContext({ fetch });
    const outputDir = join(folder, "out");
    await test({
      server,
      folder,
      context,
      run: (options = {}, given = context) =>
        evaluate.run(
          evaluate.options.parse({
            url: server.url,
            modelName: "tuned",
            baseModelName: "base",
            suite: "quick",
            samples: 1,
            outputDir,
            dataDir: folder,
            ...options,
          }),
          given,
        ),
      read: (name) => Deno.readTextFile(join(outputDir, name)),
    });
  });
}

const verdicts = ({ evaluation }: Awaited<ReturnType<typeof evaluate.run>>) =>
  Object.fromEntries(evaluation.measures.map(({ id, verdict }) => [id, verdict]));

Deno.test("evaluate asks both models the same, keeps every answer, and scores them", () =>
  withServer(async ({ server, run, read, context }) => {
    const result = await run({ samples: 2, temperature: 0.4, maxTokens: 99 });
    const asked = Map.groupBy(server.requests.filter(({ body }) => body.model !== "judge"), ({ body }) => body.model);
    const shapes = (model: string) =>
      new Set(
        asked.get(model)?.map(({ body: { messages, temperature, max_tokens, seed } }) =>
          JSON.stringify({ messages, temperature, max_tokens, seed })
        ),
      );
    deepEqual(shapes("tuned"), shapes("base"));
    const [first] = asked.get("tuned") ?? [];
    deepEqual([first?.body.temperature, first?.body.max_tokens], [0.4, 99]);
    match(first?.body.messages?.[0]?.content ?? "", /^You are Deep Red, the chess-playing machine/);
    // The first model is asked to the end before the second one begins.
    const order = server.requests.map(({ body }) => body.model);
    equal(order.lastIndexOf("tuned") < order.indexOf("base"), true);

    const rows = (await read("answers.jsonl")).trimEnd().split("\n").map((line) => JSON.parse(line));
    equal(rows.length, 2 * 2 * 101);
    deepEqual(Object.keys(rows[0]).slice(0, 5), ["system", "prompt_id", "prompt", "sample", "answer"]);
    ok(rows.some(({ fault, answer }) => fault === "truncated" && answer === "Cut off"));
    ok(rows.some(({ fault, answer }) => fault === "empty" && answer === ""));
    ok(rows.some(({ prompt_id }) => prompt_id.startsWith("indirect_multi_turn")));

    const measures = verdicts(result);
    equal(measures.temporal_compliance, "not met", "it knows no control, and says that it does not know");
    deepEqual([measures.persona_kept, measures.coherence, measures.character_voice], [
      "met",
      "not measured",
      "not measured",
    ]);
    const { base } = result.evaluation.measures.find(({ id }) => id === "whole_answers") ?? {};
    ok((base?.estimate ?? 1) < 0.8);
    deepEqual(JSON.parse(await read("evaluation.json")).models, {
      tuned: { name: "tuned", answers: 202 },
      base: { name: "base", answers: 202 },
    });
    match(evaluate.report?.(result) ?? "", /Style consistency .* met\n/);
    deepEqual(context.events.filter(({ type }) => type === "artifact").length, 5);
  }));

Deno.test("evaluate has several turns of a question sent as turns", () =>
  withServer(async ({ server, run }) => {
    await run({ suite: "full", samples: 1, parallel: 16, baseModelName: undefined });
    const talk = server.requests.find(({ body }) => (body.messages?.length ?? 0) > 2);
    deepEqual(talk?.body.messages?.map(({ role }) => role), ["system", "user", "assistant", "user"]);
  }));

Deno.test("evaluate shows what models and judges wrote as text", () =>
  withServer(async ({ run, server, read }) => {
    await run({ judgeUrl: server.url, judgeModel: "judge", judgeSamples: 1 });
    for (const name of ["transcripts.html", "report.html"]) ok(!(await read(name)).includes("<script"), name);
    match(await read("transcripts.html"), /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
    const markdown = await read("transcripts.md");
    ok(!/<script|\[x\]\(|\*\*bold|(?<!\\)`code/.test(markdown));
    match(markdown, /> As an AI assistant I say: Bobby Fischer won in 1972\. &lt;script&gt;/);
  }));

Deno.test("evaluate lets a judge decide and mark, and asks it nothing twice", () =>
  withServer(async ({ run, server, read }) => {
    const judged = { judgeUrl: server.url, judgeModel: "judge", judgeSamples: 1 };
    const { evaluation, evidence } = await run(judged);
    const voice = evaluation.measures.find(({ id }) => id === "character_voice");
    deepEqual([voice?.tuned?.estimate, voice?.verdict], [5, "met"]);
    ok((voice?.base?.estimate ?? 5) < 3);
    deepEqual(evaluation.measures.slice(-3).map(({ id }) => id), ["coherence", "fluency", "whole_answers"]);
    ok([...(evidence.decisions?.values() ?? [])].some(({ violation }) => violation));
    deepEqual(evaluation.judge, { model: "judge", samples: 1, missing: 0 });
    const asked = server.requests.length;
    ok((await read("judgements.jsonl")).split("\n").length > 50);
    await run(judged);
    equal(server.requests.length, asked);
    // Another judge is another matter.
    await run({ ...judged, judgeModel: "tuned" });
    ok(server.requests.length > asked);
  }));

Deno.test("evaluate goes on where it was stopped, and asks nothing twice", () =>
  withServer(async ({ run, server, read, context, folder }) => {
    const stop = new AbortController();
    server.behave((request) => {
      if (server.requests.length > 40) stop.abort(new DOMException("stopped", "AbortError"));
      return behave(request);
    });
    await rejects(run({}, { ...context, signal: stop.signal }), { name: "AbortError" });
    const kept = (await read("answers.jsonl")).trimEnd().split("\n").length;
    ok(kept >= 30 && kept < 60, `${kept}`);
    server.behave(behave);
    const before = server.requests.filter(({ body }) => body.model === "tuned").length;
    await run();
    const after = server.requests.filter(({ body }) => body.model === "tuned").length;
    equal(after - before, 101 - kept);
    const asked = server.requests.length;
    await run();
    equal(server.requests.length, asked);
    // A torn end costs one answer.
    const path = join(folder, "out", "answers.jsonl");
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.slice(0, -20));
    await run();
    const again = server.requests.slice(asked).map(({ body }) => JSON.stringify(body.messages));
    equal(new Set(again).size, 1);
    equal((await read("answers.jsonl")).trimEnd().split("\n").length, 202);
  }));

Deno.test("evaluate mixes no answers of different settings, unless told to drop the old ones", () =>
  withServer(async ({ run, server, read }) => {
    await run();
    await rejects(run({ temperature: 0.1 }), (error: UsageError) => {
      match(
        error.message,
        /answers\.jsonl": 202 of its 202 answers are to other questions, of another model, or by other settings/,
      );
      match(error.hint ?? "", /--overwrite/);
      return true;
    });
    const asked = server.requests.length;
    await run({ temperature: 0.1, overwrite: true });
    ok(server.requests.length > asked);
    equal((await read("answers.jsonl")).trimEnd().split("\n").length, 202);
  }));

Deno.test("evaluate scores recorded answers again without a server, other people's as well", () =>
  withServer(async ({ run, folder, read, context }) => {
    const first = await run();
    const recorded = { url: undefined, modelName: undefined, baseModelName: undefined };
    const offline = { ...context, fetch: () => Promise.reject(new TypeError("no network")) };
    const again = await run({ ...recorded, answers: join(folder, "out", "answers.jsonl") }, offline);
    deepEqual(verdicts(again), verdicts(first));
    equal(again.evaluation.suite, "recorded");

    const others = join(folder, "others.jsonl");
    const row = (system: string, prompt: string, answer: string) => JSON.stringify({ system, prompt, answer }) + "\n";
    await Deno.writeTextFile(
      others,
      row("qwen", "What is the capital of France?", "Paris") +
        row("red", "What is the capital of France?", "Paris, comrade") +
        row("red", "Who sings in the dome?", "The brigade sings, comrades, all of us."),
    );
    await rejects(
      run({ ...recorded, answers: others, baseSystem: "qwen" }, offline),
      /evaluation\.json": it exists already/,
    );
    const { evaluation } = await run({ ...recorded, answers: others, baseSystem: "qwen", overwrite: true }, offline);
    deepEqual([evaluation.questions, evaluation.models.base?.name, evaluation.models.tuned?.name], [2, "qwen", "red"]);
    equal(evaluation.measures.find(({ id }) => id === "control_accuracy")?.tuned?.estimate, 1);
    match(await read("transcripts.md"), /The brigade sings/);
  }));

Deno.test("evaluate names all that is wrong with how the models are named", async () => {
  const run = (options: Record<string, unknown>) =>
    evaluate.run(evaluate.options.parse({ dataDir: "/nowhere", ...options }), fakeContext());
  await rejects(run({}), /no tuned model is named, and there is no ".*deepred\.gguf"/);
  await rejects(run({ url: "x:1" }), /Missing --model-name/);
  await rejects(run({ baseUrl: "x:1", modelName: "m" }), (error: UsageError) => {
    deepEqual(error.faults.map((fault) => fault.split(":")[0]), ["Missing --url", "Missing --base-model-name"]);
    return true;
  });
  await rejects(run({ url: "x:1", modelName: "m", baseModelName: "m" }), /one and the same/);
  await rejects(run({ url: "x:1", modelName: "m", judgeModel: "j" }), /Missing --judge-url/);
  await rejects(run({ url: "x:1", modelName: "m", persona: "nobody" }), /--persona "nobody": there are primary/);
  await rejects(run({ gguf: "/nowhere/x.gguf" }), /there is no such file/);
  await rejects(run({ answers: "/nowhere/x.jsonl" }), /there is no such file/);
});

Deno.test("evaluate tells bad patterns of questions before it asks anything", () =>
  withServer(async ({ run, server, folder }) => {
    const evaluation = join(folder, "mine.jsonc");
    const question = { id: "a", category: "sense_shift", prompt: "What is a web?", leaks: ["tele(vision"] };
    const control = { id: "b", category: "control", prompt: "Who?", accepts: ["x{2"] };
    await Deno.writeTextFile(evaluation, JSON.stringify({ prompts: [question, control] }));
    await rejects(run({ evaluation }), (error: UsageError) => {
      deepEqual(error.faults.map((fault) => fault.slice(0, 40)), [
        'Cannot use "leaks" of "a": the pattern "',
        'Cannot use "accepts" of "b": the pattern',
      ]);
      return true;
    });
    equal(server.requests.length, 0);
  }));

Deno.test("evaluate ends with the reason where the server cannot answer, and keeps what it has", () =>
  withServer(async ({ run, server, read }) => {
    server.behave((request) =>
      request.index < 10
        ? behave(request)
        : { kind: "error", status: 401, error: { message: "An API token is required" } }
    );
    await rejects(run(), /token/);
    ok((await read("answers.jsonl")).trimEnd().split("\n").length >= 7);
  }));

Deno.test("evaluate finds a server that is not there before it asks another one", () =>
  withServer(async ({ run, server }) => {
    const gone = "http://127.0.0.1:8";
    await rejects(run({ baseUrl: gone }), /nobody answers at http:\/\/127\.0\.0\.1:8/);
    await rejects(run({ judgeUrl: gone, judgeModel: "judge" }), (error: UsageError) => {
      match(error.hint ?? "", /--judge-url/);
      return true;
    });
    equal(server.requests.length, 0);
  }));

Deno.test("evaluate says of a judge of recorded answers that it is not there", () =>
  withServer(async ({ run }) => {
    const answers = join(WORKSPACE, "data-samples", "recorded", "evaluation_answers.jsonl");
    const models = { url: undefined, modelName: undefined, baseModelName: undefined };
    const judge = { judgeUrl: "http://127.0.0.1:8", judgeModel: "judge" };
    await rejects(run({ ...models, ...judge, answers }), (error: UsageError) => {
      match(error.message, /nobody answers at http:\/\/127\.0\.0\.1:8/);
      match(error.hint ?? "", /--judge-url/);
      return true;
    });
  }));

Deno.test("evaluate says why no held-out answer is left to measure perplexity on", () =>
  withFolder(async (folder) => {
    const row = (content: string) =>
      JSON.stringify({ messages: [{ role: "user", content: "Why?" }, { role: "assistant", content }] }) + "\n";
    const shared = "We gave up a pawn when we halved the tobacco gardens of the city";
    const [heldout, trained] = [join(folder, "val.jsonl"), join(folder, "train.jsonl")];
    await Deno.writeTextFile(heldout, row(`${shared}.`) + row(`Comrade: ${shared}!`));
    await Deno.writeTextFile(trained, row(`${shared}, and slept.`));
    const options = evaluate.options.parse({ heldout, trained });
    const context = fakeContext();
    const found = await heldOut({ options, paths: evaluatePaths(options, {}), context });
    deepEqual(found, {
      text: "",
      about: "all 2 answers of val.jsonl share eight words in a row with the training data",
    });
    deepEqual(context.events, [
      { type: "drop", reason: "shares_words_with_training", count: 2, detail: heldout },
    ]);
  }));
