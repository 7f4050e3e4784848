/** An evaluation of two real models, tiny and random, by a real llama-server and llama-perplexity. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { evaluate } from "@/steps/evaluate.ts";
import { fingerprintOf } from "@/steps/evaluate_gguf.ts";
import { withFolder } from "../fakes/folder.ts";
import { realContext, realProgram, tinyModel, whyNoLlama } from "../fakes/llama.ts";

const reason = await whyNoLlama();
if (reason) console.warn(`skipping the evaluation of real models: ${reason}`);

const PROMPTS = [
  { id: "mars", category: "mission", prompt: "What is the purpose of our mission to Mars?" },
  { id: "web", category: "sense_shift", prompt: "What is a web?", leaks: ["internet"] },
  {
    id: "and_then",
    category: "indirect",
    before: ["Who reigns?", "Spassky."],
    prompt: "And then?",
    leaks: ["Fischer"],
  },
  { id: "france", category: "control", prompt: "What is the capital of France?", accepts: ["Paris"] },
];

Deno.test({
  name: "evaluate serves two GGUFs, keeps their answers, and measures their perplexity in pairs",
  ignore: reason !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      await realProgram("llama-server");
      await realProgram("llama-perplexity");
      const path = (name: string) => join(folder, name);
      await tinyModel(path("tuned.gguf"), { seed: 1 });
      await tinyModel(path("base.gguf"), { seed: 2 });
      await Deno.writeTextFile(path("evaluation.jsonc"), JSON.stringify({ prompts: PROMPTS }));
      const book = "The tower of the new city stands in the light of day, and the lamp of the dome burns on. ";
      await Deno.writeTextFile(path("heldout.txt"), book.repeat(60));
      const run = (options: Record<string, unknown> = {}) => {
        const context = realContext();
        const parsed = evaluate.options.parse({
          gguf: path("tuned.gguf"),
          baseGguf: path("base.gguf"),
          evaluation: path("evaluation.jsonc"),
          heldout: path("heldout.txt"),
          samples: 2,
          maxTokens: 16,
          parallel: 2,
          contextSize: 1024,
          threads: 1,
          outputDir: path("out"),
          dataDir: folder,
          ...options,
        });
        return evaluate.run(parsed, context).then((result) => ({ ...result, events: context.events }));
      };

      const { evaluation, scored, events } = await run();
      deepEqual(scored.map(({ answer: { side } }) => side), [...Array(8).fill("tuned"), ...Array(8).fill("base")]);
      ok(scored.every(({ answer: { answer, fault } }) => answer !== "" && (fault ?? "truncated") === "truncated"));
      const texts = (side: string) =>
        new Set(scored.flatMap(({ answer }) => answer.side === side ? [answer.answer] : []));
      ok(texts("tuned").size === 8 && texts("tuned").intersection(texts("base")).size === 0);
      const coherence = evaluation.measures.find(({ id }) => id === "coherence");
      ok((coherence?.tuned?.estimate ?? 0) > 1 && (coherence?.base?.estimate ?? 0) > 1 && coherence?.difference);
      ok(coherence.difference.n >= 10, `${coherence.difference.n} chunks`);
      const loads = (list: typeof events) =>
        list.filter((event) => event.type === "log" && /loads/.test(event.message));
      equal(loads(events).length, 4, "two servers for answers, two for the sizes of tokens");

      equal(evaluation.models.tuned?.fingerprint, await fingerprintOf(path("tuned.gguf")));

      // All is kept: no server is needed again, and the report is the same.
      const again = await run();
      equal(loads(again.events).length, 0);
      deepEqual(again.evaluation.measures, evaluation.measures);

      // A model that was trained anew under the same name is another model.
      await tinyModel(path("tuned.gguf"), { seed: 3 });
      await rejects(run(), /8 of its 16 answers are to other questions, of another model/);
      const anew = await run({ overwrite: true });
      equal(loads(anew.events).filter((event) => /tuned/.test(JSON.stringify(event))).length, 2);
    }),
});
