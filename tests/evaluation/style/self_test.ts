/** What any measure of style must answer before it is believed: the same texts, and answers that are known. */
import { equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { cleanBook } from "@/corpus/clean.ts";
import type { Comparison } from "@/evaluation/style/compare.ts";
import { cutPieces } from "@/evaluation/style/pieces.ts";
import type { TargetId } from "@/evaluation/style/targets.ts";
import { compare, continuations, sampleAuthor, secondPerson, shuffled } from "./fixtures.ts";

const gate = ({ gates }: Comparison, id: string) => gates.find((gate) => gate.id === id)!;
const target = ({ targets }: Comparison, id: TargetId) => targets.find((target) => target.id === id)!;

Deno.test("a tuned model that writes what the base writes scores 0, and not NaN", async () => {
  const sample = await sampleAuthor();
  const same = await compare(sample, sample.base);
  equal(same.transfer.score?.estimate, 0);
  equal(same.transfer.score?.lower, 0);
  equal(same.structure.score?.estimate, 0);
  equal(same.markers.tuned.estimate, 0);
  equal(same.vocabulary.gain.estimate, 0);
  ok(same.targets.every(({ status }) => status !== "met"));
});

Deno.test("the author's held-out text scores 0.9 or more and passes every gate", async () => {
  const sample = await sampleAuthor();
  const own = await compare(sample, continuations(sample.author.hold));
  ok(own.transfer.score!.estimate >= 0.9, `${own.transfer.score?.estimate}`);
  equal(target(own, "transfer").status, "met");
  equal(target(own, "structure").status, "met");
  equal(target(own, "vocabulary").status, "met");
  for (const { id, status, why } of own.gates) equal(status, "passed", `${id}: ${why}`);
});

Deno.test("the training text recited fails memorisation, and nothing that is left of it counts", async () => {
  const sample = await sampleAuthor();
  const recited = await compare(sample, continuations(sample.author.train));
  equal(gate(recited, "memorisation").status, "failed");
  equal(target(recited, "transfer").status, "not met");
  equal(target(recited, "transfer").estimate, 0);
  ok(recited.copying.removed > 0.9);
});

Deno.test("the author's held-out text shuffled fails coherence, which counts of words cannot see", async () => {
  const sample = await sampleAuthor();
  const mixed = await compare(sample, continuations(shuffled(sample.author.hold)));
  equal(gate(mixed, "coherence").status, "failed");
  ok(mixed.vocabulary.share.estimate > 0.95); // The same words, after all.
  ok(mixed.targets.every(({ status }) => status !== "met"));
});

for (const name of ["01_you_terse", "02_you_ornate", "03_you_confiding", "04_you_manual", "05_you_comic"]) {
  Deno.test(`another hand in the second person, ${name}, fails the imposters`, async () => {
    const sample = await sampleAuthor();
    const other = continuations(cutPieces(await secondPerson(name), 80));
    const result = await compare(sample, other, { without: name, leastWords: 500 });
    equal(gate(result, "imposters").status, "failed", gate(result, "imposters").why);
    ok(result.targets.every(({ status }) => status !== "met"));
  });
}

const corpus = Deno.env.get("VOICEWORKS_CORPUS") ?? join(WORKSPACE, "..", "shared", "corpus");

Deno.test("on novels the five answers hold at full size, and half author half base lies in the middle", async (t) => {
  const book = async (id: number, words: number) => {
    const bytes = await Deno.readFile(join(corpus, "cache", "epub", String(id), `pg${id}.txt`)).catch(() => undefined);
    return bytes && cutPieces(cleanBook(bytes).text, words);
  };
  const whole = await book(61963, 1500); // Zamyatin, in translation.
  const other = await book(36, 400); // Wells.
  const third = await book(2554, 400); // Dostoevsky, in translation.
  if (!whole || !other || !third) return console.log(`skipped: no novels at "${corpus}"`);
  const chapters = whole.slice(1);
  const deal = (part: number) => chapters.filter((_, at) => at % 3 === part);
  const author = { train: deal(0), ref: deal(1).slice(0, 8), hold: deal(2).slice(0, 8) };
  const base = continuations(other.slice(5, 30));
  const held = author.hold.flatMap((text) => cutPieces(text, 400)).slice(0, 25);
  const run = (texts: readonly string[]) => compare({ author, base }, continuations(texts), { leastWords: 5000 });

  await t.step("base", async () => {
    equal((await run(base.map(({ text }) => text))).transfer.score?.estimate, 0);
  });
  await t.step("held-out text", async () => {
    const own = await run(held);
    ok(own.transfer.score!.estimate >= 0.9);
    for (const { status, why, title } of own.targets) equal(status, "met", `${title}: ${why}`);
    for (const { status, why, title } of own.gates) equal(status, "passed", `${title}: ${why}`);
  });
  await t.step("half of each", async () => {
    const { estimate } = (await run(held.map((text, at) => at % 2 === 0 ? text : other[40 + at]!))).transfer.score!;
    ok(estimate > 0.3 && estimate < 0.75, `${estimate}`);
  });
  await t.step("training text", async () => {
    equal(
      gate(await run(author.train.flatMap((text) => cutPieces(text, 400)).slice(0, 25)), "memorisation").status,
      "failed",
    );
  });
  await t.step("shuffled", async () => {
    equal(gate(await run(shuffled(held)), "coherence").status, "failed");
  });
  await t.step("another author", async () => {
    const result = await run(third.slice(20, 45));
    equal(gate(result, "imposters").status, "failed");
    equal(target(result, "transfer").status, "not met");
  });
});
