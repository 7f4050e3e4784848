import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { AxolotlConfig, readAxolotlConfig, recipeOf } from "@/training/axolotl_recipe.ts";
import { effectiveRecipe } from "@/training/recipe.ts";
import { withFolder } from "../fakes/folder.ts";

const LEAST = { base_model: "meta-llama/Llama-3.1-8B-Instruct", datasets: [{ path: "train.jsonl" }] };

Deno.test("recipeOf takes the values of the configuration, and counts saves and evaluations in steps", () => {
  const config = AxolotlConfig.parse({ ...LEAST, load_in_4bit: true, sequence_len: 3072, save_total_limit: 8 });
  const recipe = effectiveRecipe(undefined, recipeOf(config, 36));
  deepEqual(
    [recipe.loraR, recipe.loraAlpha, recipe.maxSeqLength, recipe.use4bit, recipe.saveTotalLimit, recipe.learningRate],
    [16, 32, 3072, true, 8, 2e-4],
  );
  // 36 examples, eight to a step: five steps an epoch, so that half an epoch is three.
  deepEqual([recipe.batchSize, recipe.gradientAccumulationSteps, recipe.saveSteps, recipe.evalSteps], [1, 8, 3, 3]);
});

Deno.test("readAxolotlConfig says what is wrong and where", () =>
  withFolder(async (folder) => {
    const path = join(folder, "qlora.yaml");
    const cases: [string, RegExp][] = [
      ["base_model: [", /it is not YAML/],
      ["lora_r: 16\n", /"base_model"/],
      [`base_model: x\ndatasets: []\n`, /exactly one dataset is expected/],
      [`base_model: x\ndatasets: [{path: a}]\nlora_r: many\n`, /"lora_r"/],
    ];
    for (const [text, message] of cases) {
      await Deno.writeTextFile(path, text);
      await rejects(readAxolotlConfig(path), message);
    }
    await Deno.writeTextFile(path, "base_model: x\ndatasets: [{path: a}]\nlearning_rate: 2e-4\n");
    equal((await readAxolotlConfig(path)).learning_rate, 2e-4); // YAML 1.2 reads it as a number, 1.1 as a text.
    await rejects(readAxolotlConfig(join(folder, "none.yaml")), /there is no such file/);
  }));
