import { deepEqual, equal, match, ok } from "node:assert/strict";
import { seededRandom } from "@/dialogue/random.ts";
import { measureCoherence, measureGeneral, unseen } from "@/evaluation/coherence.ts";
import type { Perplexity } from "@/llm/perplexity.ts";

/** Scores whose chunks differ much among each other, and `gain` from another model's. */
function scores(gain: number, chunks = 40, bytes = 1000): Perplexity {
  const random = seededRandom("chunks"), noise = seededRandom("noise", gain);
  const perChunk = Array.from({ length: chunks }, () => ({
    nll: 3 + 2 * random() - gain + 0.05 * noise(),
    tokens: 256,
    bytes,
  }));
  const mean = perChunk.reduce((sum, { nll }) => sum + nll, 0) / chunks;
  const all = { tokens: 256 * chunks, bytes: bytes * chunks };
  return {
    ...all,
    ppl: Math.exp(mean),
    uncertainty: 0,
    bitsPerByte: mean * all.tokens / (Math.LN2 * all.bytes),
    contextSize: 512,
    perChunk,
  };
}

const measure = (tuned: Perplexity, base: Perplexity) =>
  measureCoherence({ tuned, base, text: "40 answers", seed: 1 }, "");

Deno.test("measureCoherence sees a small gain through large differences between the chunks", () => {
  const better = measure(scores(0.1), scores(0));
  equal(better.verdict, "met");
  ok((better.difference?.upper ?? 1) < 0 && better.tuned && better.base && better.tuned.high > better.base.low);
  match(better.why, /40 chunks; 40 answers/);
  equal(measure(scores(0), scores(0.1)).verdict, "not met");
  equal(measure(scores(0.1, 5), scores(0, 5)).verdict, "not shown", "five chunks are too few, however alike");
});

Deno.test("measureCoherence compares no models with different tokenizers", () => {
  const other = measure(scores(0.1), scores(0, 40, 900));
  deepEqual([other.verdict, other.difference], ["not measured", undefined]);
  match(other.why, /tokenizers/);
  equal(measure(scores(0, 40), scores(0, 39)).verdict, "not measured");
});

Deno.test("measureCoherence without scores says why", () => {
  deepEqual([measureCoherence(undefined, "no GGUF").verdict, measureCoherence(undefined, "no GGUF").why], [
    "not measured",
    "no GGUF",
  ]);
});

Deno.test("measureGeneral tolerates five per cent", () => {
  const general = (loss: number) =>
    measureGeneral({ tuned: scores(-loss), base: scores(0), text: "of a.txt", seed: 1 });
  equal(general(0.02).verdict, "met");
  equal(general(0.6).verdict, "not met");
});

Deno.test("unseen leaves out what shares eight words in a row with the training data", () => {
  const trained = ["We gave up a pawn when we halved the tobacco gardens of the city."];
  const texts = ["A pawn when we halved the tobacco gardens!", "A pawn when we halved the wheat.", "Short."];
  deepEqual(unseen(texts, trained), { kept: texts.slice(1), seen: 1 });
  deepEqual(unseen(texts, []), { kept: texts, seen: 0 });
});
