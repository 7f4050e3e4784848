import { deepEqual, equal, ok } from "node:assert/strict";
import { type Scene, sceneMeasures, sceneOf, SCENES } from "@/evaluation/scenes.ts";
import { MOTION_WORDS, verbForms } from "@/evaluation/scenes_lexicon.ts";
import { labelledPassages } from "./passages.ts";

Deno.test("sceneOf agrees with labels by hand: Cohen's kappa above 0.9", async () => {
  const passages = await labelledPassages();
  const pairs = passages.map(({ scene, text }) => [scene, sceneOf(text).scene] as const);
  const share = (side: 0 | 1, kind: Scene) => pairs.filter((pair) => pair[side] === kind).length / pairs.length;
  const observed = pairs.filter(([label, answer]) => label === answer).length / pairs.length;
  const expected = SCENES.reduce((sum, kind) => sum + share(0, kind) * share(1, kind), 0);
  const kappa = (observed - expected) / (1 - expected);
  ok(kappa > 0.9, `kappa ${kappa}`);
});

Deno.test("sceneOf calls a passage that is mostly spoken a dialogue, whatever is told between", () => {
  equal(sceneOf('"Run," she says, "run, and do not stop for anything at all." You run and jump.').scene, "dialogue");
});

Deno.test("sceneOf answers for texts without words, too", () => {
  equal(sceneOf("").scene, "exposition");
  equal(sceneOf("* * *").scene, "exposition");
  deepEqual(sceneMeasures("").dialogue, 0);
});

Deno.test("verbForms bends regular verbs and knows the others", () => {
  deepEqual(verbForms("grab"), ["grab", "grabs", "grabbed", "grabbing"]);
  deepEqual(verbForms("race"), ["race", "races", "raced", "racing"]);
  deepEqual(verbForms("carry"), ["carry", "carries", "carried", "carrying"]);
  deepEqual(verbForms("crash"), ["crash", "crashes", "crashed", "crashing"]);
  ok(["ran", "flung", "hauled"].every((form) => MOTION_WORDS.has(form)));
});
