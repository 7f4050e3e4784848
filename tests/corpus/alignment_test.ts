import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { UsageError } from "@/core/errors.ts";
import { AlignedChunk, alignmentTexts, createAligner } from "@/corpus/alignment.ts";
import {
  agreementOf,
  agreementTables,
  areaUnderCurve,
  type JudgedPassage,
  ranks,
  spearman,
} from "@/corpus/alignment_agreement.ts";
import { BACKGROUND } from "@/corpus/alignment_background.ts";
import { ThemeFile } from "@/corpus/themes.ts";
import { toyVector } from "../fakes/embeddings.ts";

const FILE = ThemeFile.parse({
  categories: {
    strategy: {
      description: "Chess, and thinking like chess.",
      examples: ["A gambit with the rook.", "An equation of chess."],
      patterns: ["chess"],
    },
    science: { description: "Experiment and equation in the laboratory.", patterns: ["equation"] },
    collectivism: { examples: ["The workers of the commune, together."], patterns: ["commune"] },
  },
});
const toy = (text: string) => Float32Array.from(toyVector(text));
const vectors = new Map(alignmentTexts(FILE).map((text) => [text, toy(text)]));
const align = createAligner(FILE, vectors);

Deno.test("alignmentTexts lists every text once, the background with them", () => {
  const texts = alignmentTexts(FILE);
  equal(texts.length, 5 + BACKGROUND.length);
  equal(new Set(texts).size, texts.length);
});

Deno.test("alignmentTexts names every category that cannot be aligned with", () => {
  const file = ThemeFile.parse({
    categories: {
      best: { description: "x", patterns: ["x"] },
      mute: { examples: [" "], patterns: ["x"] },
      fine: { description: "x", patterns: ["x"] },
    },
  });
  throws(() => alignmentTexts(file), (error) => {
    ok(error instanceof UsageError);
    equal(error.faults.length, 2);
    match(error.message, /"best": rows use that name\n.*"mute": it has neither a description nor examples/);
    return true;
  });
});

Deno.test("createAligner finds the theme of a passage and scores between -1 and 1", () => {
  const passages = {
    strategy: "The pawn took the bishop, and that was checkmate.",
    science: "She read the telescope; physics had spoken, the dynamo hummed.",
    collectivism: "Brotherhood of all comrades in one collective.",
  };
  for (const [theme, text] of Object.entries(passages)) {
    const { best, max, ...scores } = align(toy(text));
    equal(best, theme);
    equal(max, Math.max(...Object.values(scores).map(Number)));
    ok(Object.values(scores).every((score) => Number(score) >= -1 && Number(score) <= 1));
    deepEqual(Object.keys(scores), Object.keys(FILE.categories));
  }
});

Deno.test("createAligner gives the mean of the description's and the best example's cosine, the background taken out", () => {
  const center = BACKGROUND.map(toy).map(unit).reduce((sum, vector) => sum.map((x, i) => x + (vector[i] ?? 0)))
    .map((x) => x / BACKGROUND.length);
  const placed = (text: string) => unit(unit(toy(text)).map((x, i) => x - (center[i] ?? 0)));
  const cosine = (a: string, b: string) => placed(a).reduce((sum, x, i) => sum + x * (placed(b)[i] ?? 0), 0);
  const passage = "chess chess equation";
  const [gambit, equation] = FILE.categories.strategy?.examples ?? [];
  const expected = (cosine(passage, "Chess, and thinking like chess.") +
    Math.max(cosine(passage, gambit ?? ""), cosine(passage, equation ?? ""))) / 2;
  const { strategy } = align(toy(passage));
  ok(Math.abs(Number(strategy) - expected) < 1e-4, `${strategy} is ${expected}`);
});

Deno.test("createAligner does not mind the length of vectors, nor a passage that is the background itself", () => {
  deepEqual(align(toy("chess").map((x) => 100 * x)), align(toy("chess")));
  const { best: _, ...scores } = align(toy("nothing of note"));
  deepEqual(scores, { strategy: 0, science: 0, collectivism: 0, max: 0 });
});

Deno.test("createAligner refuses other dimensions and missing anchors", () => {
  throws(() => align(Float32Array.of(1, 2)), /2 dimensions, others have 4/);
  throws(() => createAligner(FILE, new Map()), RangeError);
});

Deno.test("AlignedChunk takes a row with its alignment", () => {
  const alignment = { strategy: 0.5, science: -0.1, best: "strategy", max: 0.5 };
  const row = { id: "a", text: "b", source_id: 1, source_title: "c", keyword_counts: { total: 0 }, alignment };
  deepEqual(AlignedChunk.parse(row).alignment, alignment);
  equal(AlignedChunk.safeParse({ ...row, alignment: { best: "x" } }).success, false);
});

Deno.test("ranks share the mean of tied ranks", () => {
  deepEqual(ranks([3, 1, 3, 2]), [3.5, 1, 3.5, 2]);
  deepEqual(ranks([]), []);
});

Deno.test("spearman and areaUnderCurve agree with SciPy and with the definition", () => {
  const a = [0, 0, 1, 2, 2, 5, 3, 0, 1, 4];
  const b = [0.1, 0.2, 0.15, 0.3, 0.3, 0.5, 0.1, 0.05, 0.4, 0.45];
  // scipy.stats.spearmanr; the curve by counting all pairs.
  ok(Math.abs((spearman(a, b) ?? NaN) - 0.6708592172447173) < 1e-12);
  ok(Math.abs((areaUnderCurve(b, a.map((x) => x > 0)) ?? NaN) - 0.8809523809523809) < 1e-12);
  equal(spearman([1, 1], [1, 2]), undefined);
  equal(areaUnderCurve([1, 2], [true, true]), undefined);
});

const judged = (id: number, kept: boolean, max: number, density: number): JudgedPassage => ({
  id: `p${id}`,
  excerpt: `passage ${id}`,
  kept,
  density: [density, 0],
  scores: [max, 0],
  best: "strategy",
  max,
});

Deno.test("agreementOf counts every passage in the histogram and finds where the judges differ", () => {
  const passages = [
    judged(1, true, 0.42, 3),
    judged(2, true, 0.05, 2),
    judged(3, false, 0.39, 0),
    judged(4, false, -0.07, 0),
    judged(5, true, 0.31, 1),
  ];
  const agreement = agreementOf(["strategy", "science"], passages);
  deepEqual([agreement.passages, agreement.kept, agreement.dropped], [5, 3, 2]);
  equal(agreement.auc, 4 / 6);
  equal(agreement.histogram.reduce((sum, { kept, dropped }) => sum + kept + dropped, 0), 5);
  deepEqual(agreement.histogram[0], { from: -0.1, to: -0.05, kept: 0, dropped: 1 });
  deepEqual(agreement.histogram.find(({ from }) => from === 0.05), { from: 0.05, to: 0.1, kept: 1, dropped: 0 });
  deepEqual([agreement.doubtful[0]?.id, agreement.missed[0]?.id], ["p2", "p3"]);
  const [strategy, science] = agreement.categories;
  deepEqual([strategy?.with_keywords, strategy?.p50], [3, 0.31]);
  deepEqual([science?.spearman, science?.auc], [undefined, undefined]);
  equal(agreementTables(agreement).length, 4);
});

Deno.test("agreementOf says nothing of no passages", () => {
  const agreement = agreementOf(["strategy"], []);
  deepEqual([agreement.auc, agreement.histogram], [undefined, []]);
  equal(agreementTables(agreement).length, 1);
});

function unit(vector: Float32Array | number[]): number[] {
  const length = Math.hypot(...vector);
  return [...vector].map((x) => x / length);
}
