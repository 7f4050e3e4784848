import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { parseThemes } from "@/corpus/themes.ts";
import { presetPath } from "@/core/paths.ts";
import { createMixPlan, loadRecipe, missingLines, Recipe, scaleRecipe, wholeRecipe } from "@/dialogue/mix.ts";
import { loadPersonas } from "@/dialogue/personas.ts";

const RECIPE = Recipe.parse({ components: [{ name: "core", target: 3 }, { name: "chess", target: 1 }] });

Deno.test("createMixPlan starts no more than can be accepted, and makes up for what is rejected", () => {
  const mix = createMixPlan(RECIPE);
  for (const _ of [1, 2, 3]) {
    ok(mix.wanted("core"));
    mix.begin("core");
  }
  equal(mix.wanted("core"), false);
  mix.accept("core");
  equal(mix.wanted("core"), false);
  mix.reject("core");
  ok(mix.wanted("core"));
  mix.begin("core");
  mix.accept("core");
  mix.accept("core");
  equal(mix.pending(), 0);
  equal(mix.wanted("core"), false);
  deepEqual(mix.progress(), [
    { component: "core", target: 3, accepted: 3, rejected: 1, pending: 0, missing: 0 },
    { component: "chess", target: 1, accepted: 0, rejected: 0, pending: 0, missing: 1 },
  ]);
  deepEqual(missingLines(mix.progress()), ["chess: 0 of 1 examples, 1 missing"]);
});

Deno.test("createMixPlan wants more where a surplus is asked for, without changing the recipe", () => {
  const mix = createMixPlan(RECIPE, new Map([["chess", 2]]));
  for (const _ of [1, 2, 3]) mix.begin("chess");
  equal(mix.wanted("chess"), false);
  equal(mix.recipe.components[1]?.target, 1);
});

Deno.test("createMixPlan tells of a verdict, and refuses one that nobody waits for", async () => {
  const mix = createMixPlan(RECIPE);
  mix.begin("core");
  const changed = mix.changed();
  mix.reject("core");
  await changed;
  throws(() => mix.accept("core"), /nothing is pending/);
  throws(() => mix.wanted("style"), /no component "style"/);
});

Deno.test("scaleRecipe keeps the proportions and the sum, and leaves nobody without", () => {
  const targets = (sum: number, ...given: number[]) =>
    scaleRecipe(
      Recipe.parse({ components: given.map((target, at) => ({ name: `c${at}`, target })) }),
      sum,
    ).components.map(({ target }) => target);
  deepEqual(targets(1000, 5000, 2000, 1000, 2000), [500, 200, 100, 200]);
  deepEqual(targets(7, 5000, 2000, 1000, 2000), [4, 1, 1, 1]);
  deepEqual(targets(20000, 5000, 2000, 1000, 2000), [10000, 4000, 2000, 4000]);
  for (const sum of [4, 5, 11, 99, 1234]) {
    const parts = targets(sum, 5000, 2000, 1, 2000);
    equal(parts.reduce((a, b) => a + b, 0), sum);
    ok(Math.min(...parts) >= 1);
  }
  throws(() => targets(3, 1, 1, 1, 1), /Cannot part 3 examples among 4/);
});

Deno.test("loadRecipe names every fault with its line", async () => {
  const path = await Deno.makeTempFile({ suffix: ".jsonc" });
  await Deno.writeTextFile(
    path,
    '{"components":[\n{"name":"a","target":0},\n{"name":"Bad name","target":5,"sources":["film"]}]}',
  );
  await rejects(loadRecipe(path), (error: Error) => {
    for (const part of [`${path}:2`, `${path}:3`, "lower-case", "sources"]) ok(error.message.includes(part), part);
    return true;
  });
  await Deno.writeTextFile(path, '{"components":[\n{"name":"a","target":1},\n{"name":"a","target":5}]}');
  await rejects(loadRecipe(path), /:3".*"a" is there twice/);
  await Deno.remove(path);
});

Deno.test("the preset's mix reaches the plan's table with themes, personas and shelves that there are", async () => {
  const { components } = await loadRecipe(presetPath("deepred/mix.jsonc"));
  deepEqual(components.map(({ name, target }) => [name, target]), [
    ["core", 5000],
    ["style", 2000],
    ["chess", 1000],
    ["mission", 2000],
  ]);
  const themesPath = presetPath("deepred/themes.jsonc");
  const { categories } = parseThemes(await Deno.readTextFile(themesPath), themesPath);
  const { personas } = await loadPersonas(presetPath("deepred/personas.jsonc"));
  for (const component of components) {
    for (const theme of component.themes) ok(categories.includes(theme), theme);
    for (const name of component.personas) ok(personas.some(({ category }) => category === name), name);
    ok(component.purpose.length > 0);
  }
  equal(wholeRecipe(12).components[0]?.target, 12);
});
