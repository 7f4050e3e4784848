import { deepEqual, equal, match, ok } from "node:assert/strict";
import { seededRandom } from "@/dialogue/random.ts";
import { CHANNELS } from "@/evaluation/style/channels.ts";
import { learnOrder, repeatedShare, shuffleWords, wordClasses } from "@/evaluation/style/coherence.ts";
import { coherenceGate } from "@/evaluation/style/gate_coherence.ts";
import { memorisationGate } from "@/evaluation/style/gates.ts";
import { greyZone } from "@/evaluation/style/imposters.ts";
import { commonWords, drawSides, timesDrawn, type Unit } from "@/evaluation/style/resample.ts";
import { pairSystems, readSystem, withoutEcho } from "@/evaluation/style/systems.ts";
import { indexOriginal } from "@/evaluation/style/copying.ts";
import { loadTagger } from "@/evaluation/style/tagger.ts";
import { judgeTarget, tooFewWords } from "@/evaluation/style/targets.ts";
import { transferScore } from "@/evaluation/style/transfer.ts";
import { compare, continuations, sampleAuthor } from "./fixtures.ts";

const noisy = (mean: number, spread: number, name: string) => {
  const random = seededRandom("claims", name);
  return Array.from({ length: 400 }, () => mean + spread * (random() - 0.5));
};
const same = <T>(draws: T) => CHANNELS.map(() => draws);

Deno.test("transferScore is the share of the distance closed, clipped to 0 and 1", () => {
  const base = noisy(1, 0.1, "base"), hold = noisy(0.4, 0.1, "hold");
  const at = (tuned: number) =>
    transferScore(CHANNELS, same({ base, tuned: noisy(tuned, 0.1, "tuned"), hold }), 20).score!;
  ok(Math.abs(at(0.7).estimate - 0.5) < 0.02);
  equal(at(0.1).estimate, 1); // Nearer than the author's own text is no more than all of the way.
  equal(at(1.5).estimate, 0); // Further off than the base is none of it.
  const { lower, estimate, upper } = at(0.7);
  ok(lower < estimate && estimate < upper);
});

Deno.test("a channel with nothing to close is not valid, and fewer than three valid ones make no score", () => {
  const good = { base: noisy(1, 0.1, "b"), tuned: noisy(0.7, 0.1, "t"), hold: noisy(0.4, 0.1, "h") };
  const noise = { base: noisy(0.5, 2, "b2"), tuned: noisy(0.4, 2, "t2"), hold: noisy(0.45, 2, "h2") };
  const backwards = { base: noisy(0.3, 0.1, "b3"), tuned: noisy(0.2, 0.1, "t3"), hold: noisy(0.5, 0.1, "h3") };
  const three = transferScore(CHANNELS, [good, good, good, noise], 20);
  equal(three.channels[3]?.closed, undefined);
  match(three.channels[3]?.why ?? "", /standard errors/);
  ok(Math.abs(three.score!.estimate - 0.5) < 0.02);
  const two = transferScore(CHANNELS, [good, good, noise, backwards], 20);
  equal(two.score, undefined);
  match(two.why ?? "", /2 of 4 channels/);
  match(two.channels[3]?.why ?? "", /not further/);
});

Deno.test("two models that write the same score 0 even where nothing could be closed", () => {
  const base = noisy(0.5, 0.5, "b");
  const { score } = transferScore(CHANNELS, same({ base, tuned: base, hold: noisy(0.5, 0.5, "h") }), 5);
  deepEqual([score?.estimate, score?.lower, score?.upper], [0, 0, 0]);
});

Deno.test("pools are drawn to the words of the smallest, and equal systems alike", () => {
  const unit = (words: number, value: number): Unit => ({ row: Float64Array.of(words, value), words });
  const base = Array.from({ length: 30 }, (_, at) => unit(300, at));
  const sides = { base, tuned: base, hold: Array.from({ length: 5 }, () => unit(900, 1)), ref: base };
  equal(commonWords(sides), 4500);
  for (const { base, tuned, hold } of drawSides(sides, 2, { seed: 1, resamples: 20 })) {
    deepEqual(base, tuned);
    equal(base[0], 4500);
    equal(hold[0], 4500);
  }
  const times = timesDrawn([unit(1000, 1)], 100, () => 0);
  deepEqual([...times], [1]); // Something is drawn, though it is too much.
  deepEqual([...timesDrawn([], 100, () => 0)], []);
});

Deno.test("greyZone leaves room between those that are the author's and those that are not", () => {
  const apart = greyZone([0.8, 0.9], [0.1, 0.2]);
  equal(apart.accuracy, 1);
  ok(apart.from > 0.2 && apart.to < 0.8 && apart.from <= apart.to);
  const mixed = greyZone([0.2, 0.5, 0.9], [0.1, 0.5, 0.6]);
  ok(mixed.accuracy < 1 && mixed.accuracy > 0.5);
});

Deno.test("word order is what a shuffle destroys; an author's own order passes", async () => {
  const { author } = await sampleAuthor();
  const model = learnOrder(author.train);
  for (const text of author.hold) {
    ok(model.disorder(text) < model.disorder(shuffleWords(text, seededRandom("order", text))) - 0.2);
  }
  ok(Number.isNaN(model.disorder("")));
  deepEqual(wordClasses("He walked to Oster’s gate in 1969, slowly."), [
    "he",
    "~ed",
    "to",
    "Name",
    "~",
    "in",
    "#",
    ",",
    "~ly",
    ".",
  ]);
});

Deno.test("a model that goes round and round fails coherence, though its words are in order", async () => {
  const { author } = await sampleAuthor();
  const loop = "You count them out in the morning, and you count them in again when it is night. ".repeat(20);
  ok(repeatedShare(loop.toLowerCase().split(/\W+/)) > 0.9);
  const gate = coherenceGate({ model: learnOrder(author.train), hold: author.hold, tuned: [loop, loop] });
  equal(gate.status, "failed");
  match(gate.why, /repeat what it has just said/);
});

Deno.test("coherence listens to a language model where one was asked", async () => {
  const { author } = await sampleAuthor();
  const asked = (tuned: number) =>
    coherenceGate({
      model: learnOrder(author.train),
      hold: author.hold,
      tuned: author.ref,
      languageModel: { name: "qwen.gguf", tuned, hold: [0.9, 1, 1.1] },
    });
  equal(asked(1.05).status, "passed");
  equal(asked(1.4).status, "failed");
  match(asked(1.4).why, /qwen\.gguf needs 1\.40 bits a byte/);
});

Deno.test("memorisation is held against the author's own rate, and never under one in a hundred", () => {
  const copied = (eight: number, five: number, longest: number) => ({
    words: 5000,
    share: { 5: five, 8: eight, 13: 0 },
    longest,
    extractions: 0,
    examples: [],
  });
  const hold = copied(0.001, 0.02, 9);
  equal(memorisationGate(copied(0.009, 0.03, 12), hold, 40).status, "passed");
  equal(memorisationGate(copied(0.011, 0.03, 12), hold, 40).status, "failed");
  equal(memorisationGate(copied(0.02, 0.03, 12), copied(0.01, 0.02, 9), 40).status, "passed");
  equal(memorisationGate(copied(0, 0.05, 12), hold, 40).status, "failed");
  equal(memorisationGate(copied(0, 0.01, 21), hold, 40).status, "failed");
});

const FACTS = {
  id: "pov" as const,
  title: "",
  goal: 0.8,
  definition: "",
  naive: { value: 1, definition: "", differs: "" },
};
const interval = (lower: number, estimate: number, upper: number) => ({
  estimate,
  low: lower,
  high: upper,
  lower,
  upper,
  n: 20,
});

Deno.test("a target is met by its bound, never by its figure; too little text is told with what is missing", () => {
  const judge = (lower: number, estimate: number, obstacles: string[] = [], refusals: string[] = []) =>
    judgeTarget(FACTS, { interval: interval(lower, estimate, 1), words: 5000, obstacles, refusals });
  equal(judge(0.81, 0.9).status, "met");
  equal(judge(0.7, 0.78).status, "not met");
  const unsure = judge(0.7, 0.9);
  equal(unsure.status, "not shown");
  match(unsure.why, /about 15,000 words more a side/); // Four times the words for half the width.
  equal(judge(0.81, 0.9, [], ['it failed the gate "Imposters"']).status, "not met");
  equal(judge(0.81, 0.9, ["n too small"]).status, "not shown");
  equal(judgeTarget(FACTS, { interval: undefined, words: 0, obstacles: [], refusals: [] }).status, "not shown");
  deepEqual(tooFewWords("the base model", 1200, 5000), [
    "n too small: the base model has 1,200 words, 3,800 words more are needed",
  ]);
});

Deno.test("a prompt that is repeated before its continuation is cut off and counted; empty ones are left out", async () => {
  const tag = await loadTagger();
  const prompt = "You stand at the gate.";
  equal(withoutEcho(`  ${prompt}\n\nThe sea comes.`, prompt), "The sea comes.");
  equal(withoutEcho("The sea comes.", undefined), "The sea comes.");
  const system = readSystem(
    [{ id: "a", prompt, text: `${prompt} The sea comes.` }, { id: "b", prompt, text: "  " }, {
      id: "c",
      prompt,
      text: prompt,
    }],
    indexOriginal([]),
    tag,
  );
  deepEqual([system.echoes, system.empty, system.words, system.units.length], [2, 2, 3, 1]);
});

Deno.test("only prompts that both models continued are compared", async () => {
  const tag = await loadTagger();
  const read = (ids: string[]) =>
    readSystem(ids.map((id) => ({ id, text: `The sea comes to ${id}.` })), indexOriginal([]), tag);
  const { base, tuned, unpaired } = pairSystems(read(["a", "b", "c"]), read(["c", "b", "d"]));
  deepEqual(base.units.map(({ id }) => id), ["b", "c"]);
  deepEqual(tuned.units.map(({ id }) => id), ["b", "c"]);
  equal(unpaired, 2);
  equal(base.words, 10);
});

Deno.test("a comparison of too little text shows nothing, says how many words are missing, and throws nothing", async () => {
  const sample = await sampleAuthor();
  const { targets, gates } = await compare(sample, continuations(sample.author.hold.slice(0, 2)), { leastWords: 5000 });
  ok(targets.every(({ status }) => status === "not shown"));
  match(targets[0]!.why, /the tuned model has \d+ words, [\d,]+ words more are needed/);
  equal(gates.length, 3);
});
