import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { readTextFile } from "@/core/files.ts";
import { readJsonl } from "@/core/jsonl.ts";
import { presetPath } from "@/core/paths.ts";
import { parseThemes } from "@/corpus/themes.ts";
import { loadPersonas } from "@/dialogue/personas.ts";
import { loadPrompts } from "@/dialogue/prompt.ts";
import type { ChatEngine } from "@/llm/chat.ts";
import { rehearsalEngine } from "@/llm/rehearsal.ts";
import { FilteredChunk } from "@/records.ts";
import { chunk } from "@/steps/chunk.ts";
import { loadPipeline } from "@/steps/pipelines.ts";
import { askEach, optionsFor, pickPersonas, requestsFor, rowAt, upTo, whoAnswers } from "@/steps/walkthrough.ts";
import { fakeContext } from "../fakes/context.ts";

Deno.test("optionsFor takes the preset's options, then the cell's, and names a fault", async () => {
  const pipeline = await loadPipeline("rehearsal", "data", {});
  const options = optionsFor(pipeline, chunk, { chunkSize: 800 });
  equal(options.chunkSize, 800);
  equal(options.dataDir, join("data", "rehearsal"));
  throws(() => optionsFor(pipeline, chunk, { chunkSize: -1 }), /Cannot use --chunk-size -1/);
});

Deno.test("upTo runs what is missing and keeps what is there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const env = { VOICEWORKS_CACHE: join(folder, "cache") };
    const pipeline = await loadPipeline("rehearsal", folder, env);
    const first = fakeContext({ env });
    await upTo(pipeline, "filter", first);
    const path = join(pipeline.dataDir, "theme_chunks", "filtered.jsonl");
    ok((await Array.fromAsync(readJsonl(path, FilteredChunk))).length > 10);
    ok(first.events.length > 0);
    const again = fakeContext({ env });
    await upTo(pipeline, "filter", again);
    deepEqual(again.events, [], "nothing to do");
    await Deno.remove(path);
    const partly = fakeContext({ env });
    await upTo(pipeline, "filter", partly);
    deepEqual(
      [...new Set(partly.events.flatMap((event) => event.type === "progress" ? [event.label] : []))],
      ["filter"],
    );
    await rejects(upTo(pipeline, "filtre", again), /filtre/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const passage: FilteredChunk = {
  id: "chunk_1",
  text: "The workers of the commune calculated the orbit of the comet and played chess until the engine was warm.",
  source_id: 1,
  source_title: "A Book",
  keyword_counts: { collectivism: 2, science: 3, total: 5 },
};

Deno.test("askEach asks each persona in turn, stops by the signal, and tells an answer that would be left out", async () => {
  const { personas } = await loadPersonas(presetPath("deepred/personas.jsonc"));
  const prompts = await loadPrompts(presetPath("deepred/prompts.jsonc"));
  const path = presetPath("deepred/themes.jsonc");
  const themes = parseThemes(await readTextFile(path), path);
  const chosen = pickPersonas(personas, ["primary", "dostoevsky"]);
  throws(() => pickPersonas(personas, ["nobody"]), /Unknown persona "nobody": there are primary/);
  const requests = requestsFor(passage, chosen, prompts);
  deepEqual(requests.map(({ persona }) => persona.id), ["primary", "dostoevsky"]);
  match(requests[0]?.request.messages.at(-1)?.content ?? "", /<passage>/);

  const context = fakeContext();
  const answered = await askEach(requests, rehearsalEngine(), themes, context);
  ok(answered.every(({ exchange }) => exchange && exchange.assistant.length > 50));
  deepEqual(context.events.at(-1), { type: "progress", label: "answers", done: 2, total: 2 });

  const says = (content: string): ChatEngine => ({
    ...rehearsalEngine(),
    chat: async (request, signal) => ({ ...await rehearsalEngine().chat(request, signal), content }),
  });
  const [nonsense] = await askEach(requests.slice(0, 1), says("no JSON"), themes, context);
  match(nonsense?.fault ?? "", /^invalid_json/);
  const [short] = await askEach(requests.slice(0, 1), says('{"user":"Why?","assistant":"Because."}'), themes, context);
  match(short?.fault ?? "", /^too_short/);
  await rejects(askEach(requests, rehearsalEngine(), themes, fakeContext({ signal: AbortSignal.abort() })), /abort/i);
});

Deno.test("whoAnswers falls back to the rehearsal and says so", async () => {
  const context = fakeContext();
  equal((await whoAnswers(context)).name, "rehearsal");
  const [event] = context.events;
  ok(event?.type === "log" && event.level === "warn" && /rehearsal/.test(event.message));
});

Deno.test("rowAt answers a row, or how many there are", () => {
  equal(rowAt(["a", "b"], 1, "row"), "b");
  throws(() => rowAt(["a"], 1, "row"), /Cannot take row 1: there are 1/);
});
