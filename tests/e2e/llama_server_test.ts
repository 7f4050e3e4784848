/** A real llama-server with a tiny model. Where llama.cpp is missing it is built if VOICEWORKS_BUILD_LLAMA is set. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { runProcess } from "@/core/python_process.ts";
import { ChatError } from "@/llm/errors.ts";
import { engineOptions, llamaServerEngine, startLlamaServer } from "@/llm/llama_server.ts";
import { listModels } from "@/llm/models.ts";
import { openaiEngine } from "@/llm/openai.ts";
import { serverAddress } from "@/llm/server.ts";
import { withFolder } from "../fakes/folder.ts";
import { realContext, realProgram, tinyModel, whyNoLlama } from "../fakes/llama.ts";

const reason = await whyNoLlama();
if (reason) console.warn(`skipping tests with a real llama-server: ${reason}`);
const ignore = reason !== undefined;

const text = { type: "string", minLength: 1, maxLength: 60 };
const SCHEMA = {
  type: "object",
  properties: { question: text, answer: text, marks: { type: "array", items: { enum: [1, 2, 3] }, maxItems: 3 } },
  required: ["question", "answer", "marks"],
  additionalProperties: false,
};

function messages(content: string) {
  return [{ role: "system" as const, content: "You are brief." }, { role: "user" as const, content }];
}

Deno.test({
  name: "llama-server lists, chats, follows a schema and tells an overflow",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      await realProgram("llama-server");
      const context = realContext();
      const { signal } = context;
      const model = await tinyModel(join(folder, "tiny.gguf"));
      let url: string;
      {
        await using server = await startLlamaServer({ model, contextSize: 512, parallel: 2, threads: 1 }, context);
        url = server.url;
        const { api, models } = await listModels(serverAddress(url), { fetch, signal });
        equal(api, "openai");
        deepEqual(models.map(({ id }) => id), ["tiny"]);

        const engine = openaiEngine(engineOptions(server, context));
        const schema = { name: "dialogue", schema: SCHEMA };
        const ask = { messages: messages("Write a dialogue."), temperature: 0.8, maxTokens: 400, schema };
        const replies = await Promise.all([1, 2, 3].map((seed) => engine.chat({ ...ask, seed }, signal)));
        for (const reply of replies) {
          const value: unknown = JSON.parse(reply.content);
          ok(typeof value === "object" && value !== null);
          deepEqual(Object.keys(value), ["question", "answer", "marks"]);
          equal(reply.finishReason, "stop");
          equal(reply.model, "tiny");
          ok((reply.usage.promptTokens ?? 0) > 10);
          ok((reply.usage.completionTokens ?? 0) > 10);
          ok(reply.timing.firstTokenMs > 0 && reply.timing.firstTokenMs < reply.timing.totalMs);
        }
        equal(new Set(replies.map(({ content }) => content)).size, 3, "three seeds, three answers");

        const plain = await engine.chat({ messages: messages("Good day."), temperature: 1, seed: 7 }, signal);
        match(plain.content, /[a-z]+ [a-z]+/);

        const long = messages("wheat ".repeat(200));
        await rejects(engine.chat({ messages: long, temperature: 0 }, signal), (error: ChatError) => {
          equal(error.kind, "context_overflow");
          return true;
        });
      }
      await rejects(listModels(serverAddress(url), { fetch, signal }), (error: ChatError) => {
        equal(error.kind, "unreachable");
        return true;
      });
    }),
});

Deno.test({
  name: "llama-quantize and llama-perplexity work on the tiny model, and llamaServerEngine serves the result",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const context = realContext();
      const { signal } = context;
      const model = await tinyModel(join(folder, "tiny.gguf"));
      const small = join(folder, "tiny-q4_k_m.gguf");
      const run = async (name: "llama-quantize" | "llama-perplexity", ...args: string[]) => {
        const lines: string[] = [];
        for await (const { line } of runProcess(await realProgram(name), args, { signal })) lines.push(line);
        return lines.join("\n");
      };
      await run("llama-quantize", model, small, "Q4_K_M");
      ok((await Deno.stat(small)).size < (await Deno.stat(model)).size * 0.6);
      const book = join(folder, "book.txt");
      await Deno.writeTextFile(book, "The tower of the new city stands in the light of day. ".repeat(40));
      match(await run("llama-perplexity", "-m", small, "-f", book, "-c", "256", "-t", "1"), /Final estimate: PPL = \d/);
      await using engine = await llamaServerEngine(
        { model: small, contextSize: 512, parallel: 1, threads: 1 },
        context,
      );
      const reply = await engine.chat({ messages: messages("Good day."), temperature: 1, seed: 3 }, signal);
      ok(reply.content.length > 0);
      equal(engine.model, "tiny-q4_k_m");
    }),
});
