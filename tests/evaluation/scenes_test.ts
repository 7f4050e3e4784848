import { deepEqual, equal, ok } from "node:assert/strict";
import { wordsIn } from "@/corpus/white_space.ts";
import { type Scene, sceneMeasures, sceneOf, sceneProfile, SCENES } from "@/evaluation/scenes.ts";
import { MOTION_WORDS, verbForms } from "@/evaluation/scenes_lexicon.ts";
import { labelledPassages } from "./passages.ts";

/** Cohen's kappa: agreement of label and answer beyond chance. */
function kappaOf(pairs: readonly (readonly [Scene, Scene])[]): number {
  const share = (side: 0 | 1, kind: Scene) => pairs.filter((pair) => pair[side] === kind).length / pairs.length;
  const observed = pairs.filter(([label, answer]) => label === answer).length / pairs.length;
  const expected = SCENES.reduce((sum, kind) => sum + share(0, kind) * share(1, kind), 0);
  return (observed - expected) / (1 - expected);
}

/** By number of the passage of about 150 words, those left out that are of two kinds at once. */
const STORY: Readonly<Record<Scene, string>> = {
  action: "3 39 40 41 46 47",
  dialogue: "4 8 9 10 11 14 16 17 18 19 21 24 25 26 28 37 42 43 44 45 48 49 50",
  introspection: "6 29 34 35 52 53",
  exposition: "0 2 5 15 30 31 32 36",
};

/** The passages of a story between its headings and breaks, short ones left out. */
function passagesOf(text: string): string[] {
  const passages: string[] = [];
  for (const part of text.split(/^(?:#.*|\* \* \*)$/m)) {
    let held = "";
    for (const paragraph of part.trim().split(/\n\n/)) {
      held += (held ? "\n\n" : "") + paragraph;
      if (wordsIn(held) < 150) continue;
      passages.push(held);
      held = "";
    }
    if (wordsIn(held) > 40) passages.push(held);
  }
  return passages;
}

Deno.test("sceneOf agrees with labels by hand on short passages: Cohen's kappa above 0.9", async () => {
  const pairs = (await labelledPassages()).map(({ scene, text }) => [scene, sceneOf(text).scene] as const);
  ok(kappaOf(pairs) > 0.9, `kappa ${kappaOf(pairs)}`);
});

Deno.test("sceneOf agrees with labels by hand on the passages of a story: kappa above 0.8", async () => {
  const passages = passagesOf(await Deno.readTextFile("data-samples/manuscript/one_over.md"));
  const pairs = SCENES.flatMap((label) =>
    STORY[label].split(" ").map((at) => [label, sceneOf(passages[Number(at)] ?? "").scene] as const)
  );
  ok(kappaOf(pairs) > 0.8, `kappa ${kappaOf(pairs)}`);
});

Deno.test("sceneProfile weighs passages by their words, and says nothing of an empty text", async () => {
  const story = await Deno.readTextFile("data-samples/manuscript/one_over.md");
  const { shares, scene } = sceneProfile(story);
  equal(scene, "dialogue");
  ok(Math.abs(SCENES.reduce((sum, kind) => sum + shares[kind], 0) - 1) < 1e-9);
  ok(SCENES.every((kind) => shares[kind] > 0.05), JSON.stringify(shares));
  deepEqual(sceneProfile("").shares, { action: 0, dialogue: 0, introspection: 0, exposition: 0 });
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
