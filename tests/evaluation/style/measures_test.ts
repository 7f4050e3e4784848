import { deepEqual, equal, ok } from "node:assert/strict";
import { makeBackground, sharesOf, withText } from "@/evaluation/style/background.ts";
import { distort, trigramCounter, trigramsOf } from "@/evaluation/style/distort.ts";
import {
  argamonDelta,
  burrowsDelta,
  cosineDistance,
  ederDelta,
  jensenShannon,
  kolmogorovSmirnov,
  wasserstein,
} from "@/evaluation/style/distances.ts";
import { mattr, mtld } from "@/evaluation/style/diversity.ts";
import { chooseMarkers, logOdds, markersMet, vocabularyOf } from "@/evaluation/style/markers.ts";
import { countMarks, MARKS } from "@/evaluation/style/marks.ts";
import { cutPieces } from "@/evaluation/style/pieces.ts";
import { OPENERS, readPassage } from "@/evaluation/style/reading.ts";
import { loadTagger } from "@/evaluation/style/tagger.ts";
import { namesIn, wordsOf } from "@/evaluation/style/words.ts";

const near = (actual: number, expected: number, digits = 9) => equal(actual.toFixed(digits), expected.toFixed(digits));

Deno.test("distances have the values that can be reckoned by hand", () => {
  near(wasserstein([1, 0, 0], [0, 0, 1]), 2); // All mass moves by two.
  near(wasserstein([1, 1], [0, 2, 2]), 1);
  near(kolmogorovSmirnov([1, 1, 0], [0, 1, 1]), 0.5);
  near(jensenShannon([1, 0], [0, 1]), 1);
  near(jensenShannon([2, 2], [30, 30]), 0);
  near(jensenShannon([1, 1], [1, 0]), Math.sqrt(0.3112781244591328)); // Endres and Schindelin's D² for (½,½) and (1,0).
  near(cosineDistance([1, 0], [0, 3]), 1);
  near(cosineDistance([1, 2], [-2, -4]), 2);
  near(burrowsDelta([1, -1], [0, 1]), 1.5);
  near(argamonDelta([3, 0], [0, 4]), 2.5);
});

Deno.test("ederDelta weighs by rank as stylo does, and is not divided by n", () => {
  near(ederDelta([1, 0, 0], [0, 0, 0]), 4 / 3); // (n + 1) / n for the first rank.
  near(ederDelta([0, 0, 1], [0, 0, 0]), 2 / 3);
});

Deno.test("distances on the frequencies of stylo's manual follow the definitions", () => {
  // "et", "non", "in", "est", "nec" in Juvenal and Tibullus, as printed in the manual of stylo's dist.delta.
  const juvenal = [[3.939, 0.635, 1.143, 0.762, 0.423], [3.733, 0.822, 1.066, 0.933, 0.511]];
  const tibullus = [[2.835, 1.302, 0.804, 0.862, 0.881], [2.911, 0.436, 0.4, 0.946, 0.618], [
    1.893,
    1.082,
    0.991,
    0.879,
    1.487,
  ]];
  const all = [...juvenal, ...tibullus];
  const mean = [0, 1, 2, 3, 4].map((at) => all.reduce((sum, row) => sum + row[at]!, 0) / 5);
  const spread = mean.map((m, at) => Math.sqrt(all.reduce((sum, row) => sum + (row[at]! - m) ** 2, 0) / 4));
  const z = all.map((row) => row.map((value, at) => (value - mean[at]!) / spread[at]!));
  for (const distance of [cosineDistance, burrowsDelta, ederDelta, argamonDelta]) {
    const [same, other] = [distance(z[0]!, z[1]!), distance(z[0]!, z[4]!)];
    ok(same < other, `${distance.name}: Juvenal is nearer to himself (${same}) than to Tibullus (${other})`);
  }
});

Deno.test("empty samples have no distance", () => {
  ok(Number.isNaN(wasserstein([0, 0], [1, 1])));
  ok(Number.isNaN(jensenShannon([], [1])));
  ok(Number.isNaN(cosineDistance([0, 0], [1, 1])));
});

Deno.test("mtld and mattr give the values that lexicalrichness publishes in its README", () => {
  const text =
    "Measure of textual lexical diversity, computed as the mean length of sequential words in a text that maintains " +
    "a minimum threshold TTR score. Iterates over words until TTR scores falls below a threshold, then increase factor " +
    "counter by 1 and start over. McCarthy and Jarvis (2010, pg. 385) recommends a factor threshold in the range of " +
    "[0.660, 0.750]. (McCarthy 2005, McCarthy and Jarvis 2010)";
  // Its tokens: lower-cased, without punctuation and digits.
  const words = text.toLowerCase().replace(/[^\p{L}\s]/gu, "").split(/\s+/).filter(Boolean);
  equal(words.length, 57);
  near(mtld(words), 46.79226361031519);
  near(mattr(words, 25), 0.8351515151515151);
});

Deno.test("mattr needs a window of words; mtld of words that never come twice has no end", () => {
  ok(Number.isNaN(mattr(["a", "b"])));
  equal(mtld("one two three four".split(" ")), Infinity);
  ok(Number.isNaN(mtld([])));
});

Deno.test("wordsOf joins apostrophes, parts hyphens, and keeps accents and numbers", () => {
  deepEqual(wordsOf("‘Tis the sentinels’ half-door, née Žižka’s 3rd.").map(({ text }) => text), [
    "tis",
    "the",
    "sentinels",
    "half",
    "door",
    "née",
    "žižka's",
    "3rd",
  ]);
  deepEqual(wordsOf("It's I").map(({ text, capital }) => [text, capital]), [["it's", true], ["i", true]]);
});

Deno.test("namesIn finds what is capitalised within sentences, and no word that merely begins them", () => {
  const names = namesIn(["Then you see Haji. Haji waits. Rain falls. You call to Haji in the rain, and rain it is."]);
  deepEqual([...names], ["haji"]);
});

Deno.test("distort keeps function words and signs, and folds their shapes", () => {
  equal(
    distort("“You’re late,” she hisses -- and  turns . . . *now*."),
    '"you\'re ~~~~," she ~~~~~~—and ~~~~~… *now*.',
  );
});

Deno.test("trigramCounter counts as a map of strings would", () => {
  const text = distort("You turn, and you wait; the Gate is shut, and you are not through it.");
  const all = trigramsOf(text);
  const list = [...new Set(all)].slice(0, 20);
  const counts = new Float64Array(list.length);
  trigramCounter(list)(text, counts);
  deepEqual([...counts], list.map((trigram) => all.filter((other) => other === trigram).length));
});

Deno.test("countMarks counts folded signs, italics and the lengths of paragraphs", () => {
  const counts = countMarks("“No,” you say… *never*—(ever).", [{
    start: 0,
    end: 1,
    text: "",
    words: 1,
    kind: "emphasis",
  }], [5, 300]);
  const of = (mark: string) => counts[MARKS.indexOf(mark)];
  deepEqual(['"', ",", "…", "—", "(", ")", ".", "*italic*"].map(of), [2, 1, 1, 1, 1, 1, 1, 1]);
  equal(of("paragraph of 1 to 10 words"), 1);
  equal(of("paragraph of 201 words or more"), 1);
});

Deno.test("readPassage tells sentences, their commas, openers and fragments", async () => {
  const tag = await loadTagger();
  const { sentences, paragraphs, words } = readPassage(
    "You open the door, slowly. Nothing at all.\n\n* * *\n\nBeyond it, a field. She waits there.",
    tag,
  );
  deepEqual(paragraphs, [2, 2]);
  deepEqual(sentences.map(({ words, commas, fragment }) => [words, commas, fragment]), [
    [5, 1, false],
    [3, 0, true],
    [4, 1, true],
    [3, 0, false],
  ]);
  equal(OPENERS[sentences[0]!.opener], "PRON");
  equal(OPENERS[sentences[2]!.opener], "ADP");
  equal(words.length, 15);
});

Deno.test("cutPieces keeps all words, and cuts long paragraphs at sentences", () => {
  const text = `${"You wait at the gate and count. ".repeat(40)}\n\nShort one.\n\nAnother short one here.`;
  const pieces = cutPieces(text, 50);
  equal(wordsOf(pieces.join(" ")).length, wordsOf(text).length);
  ok(
    pieces.every((piece) => wordsOf(piece).length >= 50 && wordsOf(piece).length < 100),
    pieces.map((p) => wordsOf(p).length).join(),
  );
  deepEqual(cutPieces("", 10), []);
});

Deno.test("withText gives the moments that all texts together have", () => {
  const texts = [
    "you and you and the gate",
    "the sea and the sky",
    "it is not you, it is the sea of you",
    "of the and of",
  ];
  const features = { words: ["the", "you", "and", "of"], trigrams: ["the", "and"] };
  const whole = makeBackground(texts, features, "");
  const grown = withText(makeBackground(texts.slice(0, 3), features, ""), sharesOf(texts[3]!, features));
  whole.wordShares.mean.forEach((value, at) => near(grown.wordShares.mean[at]!, value));
  whole.wordShares.deviation.forEach((value, at) => near(grown.wordShares.deviation[at]!, value));
  whole.trigramShares.deviation.forEach((value, at) => near(grown.trigramShares.deviation[at]!, value));
  equal(grown.texts, 4);
});

Deno.test("logOdds is symmetric, and zero for equal rates", () => {
  const first = { counts: new Map([["you", 40], ["sea", 10]]), words: 1000 };
  const second = { counts: new Map([["you", 20], ["sea", 20]]), words: 2000 };
  const there = logOdds(first, second), back = logOdds(second, first);
  near(there.get("sea")!, 0);
  ok(there.get("you")! > 1.96);
  near(there.get("you")!, -back.get("you")!);
});

Deno.test("chooseMarkers takes words and marks that stand in three chapters, and no names", async () => {
  const tag = await loadTagger();
  const author = [1, 2, 3, 4].map(() =>
    readPassage("You look; you wait; you count. Haji waits, and you wait with Haji; you do. ".repeat(40), tag)
  );
  const base = [
    readPassage("He looked, and he waited. They counted all of them. He was not there. It was late. ".repeat(80), tag),
  ];
  const items = chooseMarkers(author, base, { names: new Set(["haji"]) }).map(({ item }) => item);
  ok(items.includes("you") && items.includes(";"), items.join());
  ok(!items.includes("haji"));
  deepEqual(chooseMarkers(author.slice(0, 2), base, { names: new Set() }), []);
});

Deno.test("markersMet compares logarithms of rates, and a text like the base meets none", () => {
  const author = { counts: [50, 20], words: 1000 }, base = { counts: [5, 2], words: 1000 };
  deepEqual(markersMet({ counts: [40, 3], words: 1000 }, author, base), [true, false]);
  deepEqual(markersMet(base, author, base), [false, false]);
});

Deno.test("vocabularyOf holds content words that come twice", async () => {
  const tag = await loadTagger();
  const reading = readPassage(
    "The lantern, the lantern and the gate. You saw Oster; Oster saw the gate 19 times, 19 times.",
    tag,
  );
  deepEqual([...vocabularyOf([reading], new Set(["oster"]))].sort(), ["gate", "lantern", "saw", "times"]);
});
