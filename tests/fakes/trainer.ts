/** Trainings for tests: a plan without a real base, a trainer that is a few lines of Python, and the real one with a fault put in. */
import { join } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { resolveBase } from "@/training/base.ts";
import type { TrainingPlan } from "@/training/plan.ts";
import { effectiveRecipe, type GivenRecipe } from "@/training/recipe.ts";
import { realContext } from "./llama.ts";

/** Short conversations, all different: a step on them takes no time. */
export function conversations(count: number, words = 6): { messages: { role: string; content: string }[] }[] {
  return Array.from({ length: count }, (_, i) => ({
    messages: [
      { role: "system", content: "You keep the plan." },
      { role: "user", content: `What is number ${i}?` },
      {
        role: "assistant",
        content: Array.from({ length: words }, (_, w) => `part ${(i * 7 + w) % 97}`).join(" ") + ".",
      },
    ],
  }));
}

export async function writeRowsFile(path: string, rows: readonly unknown[]): Promise<string> {
  await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
  return path;
}

/** A plan whose base is an empty folder: for trainers that load none. */
export async function fakePlan(folder: string, recipe: GivenRecipe = {}): Promise<TrainingPlan> {
  const base = join(folder, "base");
  await Deno.mkdir(base, { recursive: true });
  const dataset = await writeRowsFile(join(folder, "rows.jsonl"), conversations(10));
  return {
    recipe: effectiveRecipe(undefined, recipe),
    recipeName: undefined,
    base: { kind: "folder", name: "base", path: base },
    data: { dataset, split: undefined },
    noSplit: undefined,
    outputDir: join(folder, "run"),
    resumeFrom: undefined,
    before: undefined,
    replaces: false,
    launch: undefined,
    env: {},
  };
}

/** What the recipes of the tests with real torch have in common: seconds, not minutes. */
export const QUICK = {
  baseModel: "tiny",
  maxSteps: 8,
  batchSize: 2,
  gradientAccumulationSteps: 2,
  learningRate: 1e-2,
  loraR: 4,
  loraAlpha: 8,
  precision: "fp32",
  gradientCheckpointing: false,
  maxSeqLength: 128,
  evalSteps: 4,
  saveSteps: 4,
  loggingSteps: 1,
} as const satisfies GivenRecipe;

/** A plan on the real tiny base. */
export async function tinyPlan(folder: string, recipe: GivenRecipe = {}, rows = 24): Promise<TrainingPlan> {
  const plan = await fakePlan(folder);
  return {
    ...plan,
    recipe: effectiveRecipe(QUICK, recipe),
    base: await resolveBase("tiny", folder, realContext()),
    data: { dataset: await writeRowsFile(join(folder, "rows.jsonl"), conversations(rows)), split: undefined },
  };
}

/** A script that is called as the trainer is; `body` finds `config` and `emit`. */
export async function fakeTrainer(folder: string, body: string): Promise<string> {
  const path = join(folder, "trainer.py");
  await Deno.writeTextFile(
    path,
    `import json, os, signal, sys, time
config = json.load(open(sys.argv[sys.argv.index("--config") + 1], encoding="utf-8"))
def emit(**event):
    with open(os.environ["VOICEWORKS_EVENTS"], "a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\\n")
def outcome(**fields):
    with open(os.path.join(config["output"], "outcome.json"), "w", encoding="utf-8") as file:
        json.dump(fields, file)
${body}
`,
  );
  return path;
}

/** The real trainer, after `patch`: Python that finds \`training_loop\` loaded and the class \`LoraTrainer\` in it. */
export async function faultyTrainer(folder: string, patch: string): Promise<string> {
  const path = join(folder, "faulty_trainer.py");
  await Deno.writeTextFile(
    path,
    `import os, signal, sys
sys.path.insert(0, ${JSON.stringify(join(WORKSPACE, "lib", "python"))})
import train_lora
import torch
import training_loop
from training_loop import LoraTrainer
${patch}
train_lora.main()
`,
  );
  return path;
}
