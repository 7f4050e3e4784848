import { ok } from "node:assert/strict";
import { join } from "node:path";
import { presetPath } from "@/core/paths.ts";
import { makeBackground, scaleOf, sharesOf } from "@/evaluation/style/background.ts";
import {
  argamonDelta,
  burrowsDelta,
  cosineDistance,
  jensenShannon,
  kolmogorovSmirnov,
  wasserstein,
} from "@/evaluation/style/distances.ts";
import { mattr, mtld } from "@/evaluation/style/diversity.ts";
import { logOdds } from "@/evaluation/style/markers.ts";
import { wordsOf } from "@/evaluation/style/words.ts";
import { seededRandom } from "@/dialogue/random.ts";
import { askPeers, peersPython } from "./peers.ts";

const read = async (name: string) => await Deno.readTextFile(join(presetPath("gaea/imposters"), name));
const tokens = (text: string) => wordsOf(text).map(({ text }) => text);

function near(ours: number, theirs: number, what: string): void {
  ok(Math.abs(ours - theirs) <= 1e-9 * Math.max(1, Math.abs(theirs)), `${what}: ours ${ours}, theirs ${theirs}`);
}

function histogram(values: readonly number[]): number[] {
  const counts = Array.from({ length: Math.max(...values) + 1 }, () => 0);
  for (const value of values) counts[value]! += 1;
  return counts;
}

Deno.test("every measure agrees with a Python package, to nine digits, on texts and on random numbers", async (t) => {
  const python = await peersPython();
  if ("why" in python) return console.log(`skipped: no Python packages to compare with (${python.why})`);
  const train = {
    terse: tokens(await read("01_you_terse.txt")),
    ornate: tokens(await read("02_you_ornate.txt")),
    plain: tokens(await read("06_he_plain.txt")),
    log: tokens(await read("09_i_log.txt")),
  };
  const test = tokens(await read("03_you_confiding.txt"));
  const random = seededRandom("peers");
  const whole = (length: number, below: number) => Array.from({ length }, () => Math.floor(random() * below));
  const lengths = [whole(300, 40), whole(217, 55)] as const;
  const marks = [whole(18, 50), whole(18, 50)] as const;
  const scores = [whole(150, 1000).map((v) => v / 250 - 2), whole(150, 1000).map((v) => v / 250 - 2)] as const;
  const items = ["a", "b", "c", "d", "e"];
  const tally = (words: number) => ({
    counts: new Map(items.map((item) => [item, 1 + Math.floor(random() * 90)])),
    words,
  });
  const tallies = [tally(4000), tally(5500)] as const;
  const theirs = await askPeers(python.path, {
    lengths,
    marks,
    scores,
    words: test,
    train,
    test,
    top: 60,
    tallies: tallies.map(({ counts, words }) => ({ counts: [...counts.values()], words })),
    prior: 1000,
    columns: [scores[0], scores[1], whole(150, 9)],
  });

  await t.step("distances by scipy", () => {
    const [x, y] = lengths.map(histogram) as [number[], number[]];
    near(wasserstein(x, y), theirs.wasserstein, "Wasserstein-1");
    near(kolmogorovSmirnov(x, y), theirs.kolmogorovSmirnov, "Kolmogorov-Smirnov");
    near(jensenShannon(...marks), theirs.jensenShannon, "Jensen-Shannon");
    near(cosineDistance(...scores), theirs.cosine, "cosine");
    near(burrowsDelta(...scores), theirs.burrows, "Burrows");
    near(argamonDelta(...scores), theirs.argamon, "Argamon");
  });
  await t.step("diversity by lexicalrichness", () => {
    near(mtld(test), theirs.mtld, "MTLD");
    near(mattr(test), theirs.mattr, "MATTR");
  });
  await t.step("log-odds by numpy", () => {
    const ours = logOdds(...tallies);
    items.forEach((item, at) => near(ours.get(item) ?? NaN, theirs.logOdds[at] ?? NaN, `log-odds of ${item}`));
  });
  await t.step("Burrows' Delta of whole texts by faststylometry", () => {
    const features = { words: theirs.topTokens, trigrams: ["~~~", "you"] };
    const texts = Object.values(train).map((words) => words.join(" "));
    const { mean, inverse } = scaleOf(makeBackground(texts, features, "test").wordShares);
    const z = (text: string) => sharesOf(text, features).words.map((share, at) => (share - mean[at]!) * inverse[at]!);
    for (const [author, words] of Object.entries(train)) {
      near(burrowsDelta(z(words.join(" ")), z(test.join(" "))), theirs.deltas[author] ?? NaN, `Delta to ${author}`);
    }
  });
});
