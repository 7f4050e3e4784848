import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { UsageError } from "@/core/errors.ts";
import { flagsOf, parseOptions } from "@/core/options.ts";
import { presetPath } from "@/core/paths.ts";
import { effectiveRecipe, loadRecipe, Recipe, RECIPE_NAMES, recipeFlags } from "@/training/recipe.ts";
import { withFolder } from "../fakes/folder.ts";

/** Parameters and defaults of the document that describes Phase 4. */
const DOCUMENTED: readonly (readonly [name: string, value: unknown])[] = [
  ["base-model", "Qwen/Qwen2.5-1.5B-Instruct"],
  ["dataset", undefined],
  ["output-dir", undefined],
  ["epochs", 3],
  ["batch-size", 4],
  ["learning-rate", 5e-5],
  ["max-seq-length", 1024],
  ["gradient-accumulation-steps", 4],
  ["save-steps", 500],
  ["eval-steps", 100],
  ["val-split", 0.1],
  ["lora-r", 32],
  ["lora-alpha", 64],
  ["lora-dropout", 0.05],
  ["use-4bit", false],
  ["use-8bit", false],
  ["wandb", false],
];

Deno.test("the flags have the documented names and defaults, and what is not said stays unset", () => {
  const flags = new Map(flagsOf(z.object(recipeFlags)).map((flag) => [flag.name, flag.default]));
  for (const [name, value] of DOCUMENTED) {
    ok(flags.has(name), name);
    equal(flags.get(name), value, name);
  }
  deepEqual(parseOptions(z.object(recipeFlags), []), {});
  deepEqual(parseOptions(z.object(recipeFlags), ["--use_4bit", "--lora_r", "8"]), { use4bit: true, loraR: 8 });
});

Deno.test("a flag overrides the recipe, the recipe overrides the default", () => {
  const recipe = effectiveRecipe({ batchSize: 2, loraR: 16 }, { loraR: 8, learningRate: "1e-4", epochs: undefined });
  deepEqual([recipe.batchSize, recipe.loraR, recipe.learningRate, recipe.epochs], [2, 8, 1e-4, 3]);
  equal(effectiveRecipe({ learningRate: "auto" }, {}).learningRate, "auto");
});

Deno.test("all faults of a recipe are told at once, also values that cannot stand together", () => {
  throws(() => effectiveRecipe({ loraTargets: ["lm_head"] }, { epochs: -1, learningRate: "fast" }), (error) => {
    ok(error instanceof UsageError);
    equal(error.faults.length, 3);
    return true;
  });
  throws(() => effectiveRecipe({}, { learningRate: 2 }), /--learning-rate 2: valid is a number above 0, 1 at most/);
  throws(() => effectiveRecipe({ use4bit: true }, { use8bit: true }), /--use-4bit with --use-8bit/);
});

Deno.test("every recipe that comes along is valid and begins with the command that runs it", async () => {
  const files = (await Array.fromAsync(Deno.readDir(presetPath("deepred/recipes")))).map(({ name }) => name).sort();
  deepEqual(files, RECIPE_NAMES.map((name) => `${name}.jsonc`).sort());
  for (const name of RECIPE_NAMES) {
    const { summary, env, ...values } = await loadRecipe(name);
    ok(Recipe.safeParse(effectiveRecipe(values, {})).success, name);
    ok(summary && env, name);
    match(
      await Deno.readTextFile(presetPath(`deepred/recipes/${name}.jsonc`)),
      new RegExp(`^// deno task train --recipe ${name}\n`),
    );
  }
});

Deno.test("the recipes hold what the document asks for", async () => {
  const of = async (name: string) => effectiveRecipe(await loadRecipe(name), {});
  const amd = await of("amd-stable");
  deepEqual([amd.batchSize, amd.gradientAccumulationSteps, amd.maxSeqLength, amd.saveSteps], [2, 8, 768, 100]);
  deepEqual((await loadRecipe("amd-stable")).env, { AMD_SERIALIZE_KERNEL: "3", AMD_SERIALIZE_COPY: "3" });
  const large = await of("14b");
  deepEqual(
    [large.epochs, large.batchSize, large.gradientAccumulationSteps, large.loraR, large.loraAlpha, large.learningRate],
    [2, 1, 16, 16, 32, 3e-5],
  );
  equal((await of("temporal")).baseModel, "output/merged-temporal-qwen");
});

Deno.test("a recipe file may use the spellings of the command line; its faults name the line", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "mine.jsonc");
    await Deno.writeTextFile(path, `{ "summary": "mine", "base_model": "tiny", "lora-r": 4, "use_4bit": true }`);
    const { baseModel, loraR, use4bit } = await loadRecipe(path);
    deepEqual([baseModel, loraR, use4bit], ["tiny", 4, true]);
    await Deno.writeTextFile(
      path,
      `{\n"summary": "x",\n"epochs": "three",\n"learningrate": 1,\n"env": {"HSA_OVERRIDE_GFX_VERSION": "11.0.0"} }`,
    );
    await rejects(loadRecipe(path), (error) => {
      ok(error instanceof UsageError);
      equal(error.faults.length, 3);
      match(error.message, /mine\.jsonc:3": "epochs"/);
      match(error.message, /HSA_OVERRIDE_GFX_VERSION/);
      match(error.message, /learningrate/);
      return true;
    });
  });
  await rejects(loadRecipe("hf-1.5"), /did you mean "hf-1.5b"/);
  await rejects(loadRecipe("nowhere/mine.jsonc"), /nowhere/);
});
