import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { readContinuations } from "@/evaluation/continuations.ts";
import { cutPieces } from "@/evaluation/style/pieces.ts";
import { voice } from "@/steps/gaea/voice.ts";
import { readAnswer } from "@/steps/gaea/voice_ask.ts";
import { newestVoices } from "@/steps/gaea/voice_files.ts";
import { voicePrompts } from "@/steps/gaea/voice_prompts.ts";
import { openRows, RejectedAnswer } from "@/steps/gaea/voice_rows.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";
import { realContext, tinyModel, whyNoLlama } from "../../fakes/llama.ts";
import { fakeVllmProgram } from "../../fakes/vllm.ts";
import { type Continued, fakeVoiceServer, type SeenCompletion, storyOf } from "../../fakes/voice_server.ts";

const MANUSCRIPT = Deno.readTextFileSync(join(WORKSPACE, "data-samples", "manuscript", "one_over.md"));

/** Held-out examples as gaea:prepare writes them. */
async function heldOut(folder: string, examples = 2): Promise<string> {
  const path = join(folder, "gaea", "processed", "validation.jsonl");
  await Deno.mkdir(join(folder, "gaea", "processed"), { recursive: true });
  const rows = cutPieces(MANUSCRIPT, 1500).slice(0, examples).map((text) => {
    const cut = text.indexOf(". ", 600) + 2;
    return {
      messages: [{ role: "user", content: text.slice(0, cut) }, { role: "assistant", content: text.slice(cut) }],
    };
  });
  await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
  return path;
}

type Answer = (request: SeenCompletion, index: number) => Continued | Promise<Continued>;

/** Runs `gaea:voice --baseline` on a server with these answers. */
async function ask(folder: string, given: object, answer?: Answer, context = fakeContext({ fetch })) {
  await using server = fakeVoiceServer(answer ? { answer } : {});
  const options = voice.options.parse({ baseline: true, words: 300, dataDir: folder, port: server.port, ...given });
  return { result: await voice.run(options, context), seen: server.seen, context };
}

Deno.test("gaea:voice sends every sampling parameter with every request, and keeps all that it takes to repeat it", async () => {
  await withFolder(async (folder) => {
    await heldOut(folder);
    const { result, seen } = await ask(folder, { temperature: 0.7, topK: 40, repetitionPenalty: 1.05 });
    ok(result.words >= 300);
    for (const { path, body } of seen) {
      equal(path, "/v1/chat/completions");
      const { messages: _, seed, ...rest } = body;
      ok(Number.isInteger(seed));
      deepEqual(rest, {
        model: "base",
        temperature: 0.7,
        top_p: 0.95,
        min_p: 0,
        presence_penalty: 0,
        frequency_penalty: 0,
        max_tokens: 600,
        top_k: 40,
        repetition_penalty: 1.05,
        repeat_penalty: 1.05,
        n: 1,
        stream: false,
      });
    }
    equal(new Set(seen.map(({ body }) => body.seed)).size, seen.length);
    const rows = await readContinuations(result.output, fakeContext());
    equal(rows.length, result.continuations);
    ok(rows.every(({ prompt, text, author }) => prompt !== "" && text !== "" && typeof author === "string"));
    const settings = JSON.parse(await Deno.readTextFile(result.output.replace(/l$/, "")));
    deepEqual(settings.sampling.temperature, 0.7);
    equal(settings.prompts.sha256.length, 64);
    deepEqual(settings.result.words, result.words);
    const files = [...Deno.readDirSync(join(folder, "gaea", "benchmarks"))].map(({ name }) => name).sort();
    deepEqual(files, ["voice_baseline_19690720_000000.json", "voice_baseline_19690720_000000.jsonl"]);
  });
});

Deno.test("both sides get the same openings, raw or by chat, and the newest of each are found", async () => {
  await withFolder(async (folder) => {
    await heldOut(folder);
    const first = await ask(folder, { mode: "raw" });
    await using tunedServer = fakeVoiceServer({ models: ["base", "tuned"] });
    const options = { finetuned: true, words: 300, dataDir: folder, url: tunedServer.url, mode: "raw" };
    const second = await voice.run(voice.options.parse(options), fakeContext({ fetch }));
    equal(first.seen[0]?.path, "/v1/completions");
    ok(tunedServer.seen.every(({ body }) => body.model === "tuned"));
    const prompts = (seen: readonly SeenCompletion[]) => new Set(seen.map(({ prompt }) => prompt));
    deepEqual(prompts(first.seen), prompts(tunedServer.seen));
    deepEqual(await newestVoices(join(folder, "gaea", "benchmarks")), {
      base: first.result.output,
      tuned: second.output,
    });
  });
});

Deno.test("answers that are empty or only the prompt again are asked for anew with another seed, counted and kept", async () => {
  await withFolder(async (folder) => {
    await heldOut(folder);
    const answer: Answer = ({ prompt }, index) => {
      if (index === 1) return { text: "  \n" };
      if (index === 3) return { text: prompt };
      return { text: index % 2 === 0 ? `${prompt}\n\n${storyOf(prompt, index)}` : storyOf(prompt, index) };
    };
    const { result, context } = await ask(folder, { concurrency: 1 }, answer);
    deepEqual(result.refused, { empty: 1, echo: 1 });
    ok(result.echoes > 0);
    const rows = await readContinuations(result.output, fakeContext());
    ok(rows.every(({ text, prompt }) => !text.includes(prompt.trim().slice(0, 40))));
    const { before } = await openRows(result.output.replace(/jsonl$/, "rejects"), RejectedAnswer);
    deepEqual(before.map(({ reason }) => reason), ["empty", "echo"]);
    ok(context.events.some((event) => event.type === "drop" && event.reason === "echo"));
  });
});

Deno.test("a server that never says anything new is given up soon, with what to try", async () => {
  await withFolder(async (folder) => {
    await heldOut(folder);
    const cases: [Answer, RegExp, RegExp][] = [
      [({ prompt }) => ({ text: prompt }), /sends the prompt back/, /chat template/],
      [() => ({ text: "" }), /sends empty answers/, /--mode raw/],
    ];
    for (const [answer, message, hint] of cases) {
      await rejects(ask(folder, { restart: true }, answer), (error: UserError) => {
        match(error.message, message);
        match(error.hint ?? "", hint);
        return true;
      });
    }
  });
});

Deno.test("a run that was stopped goes on: no answer is lost, none is asked for twice, a torn row is cut off", async () => {
  await withFolder(async (folder) => {
    await heldOut(folder);
    const stopper = new AbortController();
    const stopping: Answer = ({ prompt }, index) => {
      if (index === 4) stopper.abort(new DOMException("stopped", "AbortError"));
      return { text: storyOf(prompt, index) };
    };
    const stopped = fakeContext({ fetch, signal: stopper.signal });
    await rejects(ask(folder, { concurrency: 1 }, stopping, stopped), { name: "AbortError" });
    const benchmarks = join(folder, "gaea", "benchmarks");
    const part = [...Deno.readDirSync(benchmarks)].map(({ name }) => name).find((name) => name.endsWith(".part"));
    await Deno.writeTextFile(join(benchmarks, part!), '{"prompt_id":"v01', { append: true });
    // Another seed is another run; the stopped one waits.
    const other = await ask(folder, { concurrency: 1, seed: 7 });
    equal(other.result.resumed, 0);
    const { result, seen } = await ask(folder, { concurrency: 1 });
    equal(result.resumed, 4);
    equal(seen.length, result.continuations - 4);
    const rows = await readContinuations(result.output, fakeContext());
    equal(new Set(rows.map(({ prompt_id, sample }) => `${prompt_id} ${sample}`)).size, rows.length);
  });
});

Deno.test("--output names a file, which is not replaced unasked", async () => {
  await withFolder(async (folder) => {
    await heldOut(folder);
    const output = join(folder, "rehearsal", "base.jsonl");
    equal((await ask(folder, { output })).result.output, output);
    await rejects(ask(folder, { output }), UsageError);
    await ask(folder, { output, overwrite: true });
    const { writes } = voice.files(voice.options.parse({ baseline: true, output }), { env: {} });
    deepEqual(writes, [output]);
  });
});

Deno.test("a server that fails now and then is asked again; one that is not there is told with how to start it", async () => {
  await withFolder(async (folder) => {
    await heldOut(folder);
    const flaky: Answer = ({ prompt }, index) =>
      index === 2 ? { status: 503, body: { error: { message: "overloaded" } } } : { text: storyOf(prompt, index) };
    const { result, context } = await ask(folder, { concurrency: 1 }, flaky);
    ok(result.words >= 300);
    ok(context.events.some((event) => event.type === "log" && /trying again/.test(event.message)));
    const options = voice.options.parse({ finetuned: true, port: 1, dataDir: folder });
    await rejects(voice.run(options, fakeContext({ fetch })), (error: UserError) => {
      match(error.message, /Cannot reach http:\/\/127\.0\.0\.1:1/);
      match(error.hint ?? "", /deno task gaea:serve tuned/);
      return true;
    });
  });
});

Deno.test("gaea:voice says in words what it cannot use", async () => {
  await withFolder(async (folder) => {
    await heldOut(folder);
    await using server = fakeVoiceServer({ models: ["qwen", "llama"] });
    const empty = join(folder, "empty.jsonl");
    await Deno.writeTextFile(empty, "");
    const cases: [object, RegExp][] = [
      [{ baseline: false }, /give --baseline or --finetuned/],
      [{ finetuned: true }, /give --baseline or --finetuned/],
      [{ port: 8000, url: "http://x" }, /more than one of --port, --url and --gguf/],
      [{ url: server.url }, /Cannot choose a model: .* has qwen, llama/],
      [{ url: server.url, model: "mistral" }, /Cannot ask "mistral"/],
      [{ url: server.url, validation: empty }, /holds no examples with an opening/],
      [{ url: server.url, validation: join(folder, "none.jsonl") }, /there is no such file/],
      [{ gguf: empty }, /it is not a GGUF file/],
    ];
    for (const [given, message] of cases) {
      const options = voice.options.parse({ baseline: true, dataDir: folder, ...given });
      await rejects(voice.run(options, fakeContext({ fetch })), (error: Error) => {
        ok(error instanceof UserError, `${message}: ${error.stack}`);
        match(error.message, message);
        return true;
      });
    }
  });
});

Deno.test("readAnswer cuts a prompt off whatever its spaces and quotation marks, and a sentence that was not finished", () => {
  const prompt = "“You wait,” he says.\n\nYou don’t.";
  const text = '"You wait," he says. You don\'t. The sea comes in at four. It comes in fast and';
  deepEqual(readAnswer({ text, finishReason: "length" }, prompt), {
    text: " The sea comes in at four.",
    cut: { echo: '"You wait," he says. You don\'t.', unfinished: " It comes in fast and" },
  });
  deepEqual(readAnswer({ text: prompt, finishReason: "stop" }, prompt), { reason: "echo" });
  deepEqual(readAnswer({ text: " \n", finishReason: "stop" }, prompt), { reason: "empty" });
  const single = "One sentence that goes on and on without any end to it";
  equal("text" in readAnswer({ text: single, finishReason: "length" }, prompt), true);
});

Deno.test("voicePrompts take no text twice, begin with paragraphs and leave an answer's length between", () => {
  const examples = cutPieces(MANUSCRIPT, 1800).map((text) => ({
    prefix: text.slice(0, 500),
    completion: text.slice(500),
  }));
  const prompts = voicePrompts(examples, { perExample: 4, answerWords: 250 });
  ok(prompts.length > examples.length);
  equal(new Set(prompts.map(({ id }) => id)).size, prompts.length);
  for (const [at, { prompt, author }] of prompts.entries()) {
    ok(MANUSCRIPT.includes(prompt) && MANUSCRIPT.includes(author));
    for (const other of prompts.slice(at + 1)) {
      ok(
        !author.includes(other.prompt) && !prompt.includes(other.prompt),
        `${prompts[at]?.id} and ${other.id} overlap`,
      );
    }
  }
});

Deno.test("a real llama-server, started for the time of asking, continues both ways", async () => {
  const missing = await whyNoLlama();
  if (missing) return console.log(`skipped: ${missing}`);
  await withFolder(async (folder) => {
    await heldOut(folder, 1);
    const gguf = await tinyModel(join(folder, "tiny.gguf"));
    for (const mode of ["raw", "chat"]) {
      const options = voice.options.parse({
        baseline: true,
        gguf,
        mode,
        words: 100,
        maxTokens: 64,
        promptsPerExample: 3,
        concurrency: 2,
        dataDir: folder,
      });
      const result = await voice.run(options, realContext());
      ok(result.words >= 100, `${mode}: ${result.words}`);
      const [row] = await readContinuations(result.output, fakeContext());
      equal(row?.model, "base");
    }
  });
});

Deno.test({
  name: "a model is served by vLLM while it is asked, or as a GGUF where there is no vLLM",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      await heldOut(folder, 1);
      const vllm = await fakeVllmProgram(folder);
      const given = { finetuned: true, vllmModel: "owner/model", gguf: join(folder, "none.gguf"), words: 100 };
      const optionsOf = (vllm: string) => voice.options.parse({ ...given, vllm, dataDir: folder });
      const result = await voice.run(optionsOf(vllm), realContext());
      const settings = JSON.parse(await Deno.readTextFile(result.output.replace(/l$/, "")));
      deepEqual([settings.engine, settings.model], ["vllm", "tuned"]);
      await rejects(voice.run(optionsOf("none"), realContext()), /none\.gguf/);
    }),
});

Deno.test("what a pipeline wrote counts among the newest by the time of its file", async () => {
  await withFolder(async (folder) => {
    const write = (name: string) => Deno.writeTextFile(join(folder, name), "");
    for (const side of ["baseline", "finetuned"]) {
      await write(`voice_${side}.jsonl`);
      await write(`voice_${side}_19690720_000000.jsonl`);
    }
    equal((await newestVoices(folder)).tuned, join(folder, "voice_finetuned.jsonl"));
    await Deno.utime(join(folder, "voice_finetuned.jsonl"), new Date(0), new Date("1969-07-01"));
    deepEqual(await newestVoices(folder), {
      base: join(folder, "voice_baseline.jsonl"),
      tuned: join(folder, "voice_finetuned_19690720_000000.jsonl"),
    });
  });
});
