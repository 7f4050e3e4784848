/** The whole preflight on a small model and dataset: everything at once, also on broken input. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { baseMark } from "@/training/base.ts";
import { rowsHash } from "@/training/dataset.ts";
import { examine, preflight, stopping } from "@/training/preflight/mod.ts";
import { surveyRows } from "@/training/preflight/check_dataset.ts";
import type { TrainingPlan } from "@/training/plan.ts";
import { loadRecipe, Recipe, RECIPE_NAMES } from "@/training/recipe.ts";
import { effectiveRecipe } from "@/training/recipe.ts";
import type { RunRecord } from "@/training/run_file.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";
import { CHATML, CHATML_MARKED, SPECIALS, writeChatModel } from "../chat_model.ts";

const NOTHING = {
  os: "linux",
  ask: () => Promise.resolve(undefined),
  read: () => Promise.resolve(undefined),
  list: () => Promise.resolve([]),
} as const;
/** No torch here: a test of its own imports it. */
const QUICK = { packages: "skip", probe: NOTHING } as const;

const CONFIG = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 256,
  num_hidden_layers: 2,
  vocab_size: 256 + SPECIALS.length,
  num_attention_heads: 4,
  intermediate_size: 512,
  max_position_embeddings: 2048,
};

async function writeBase(folder: string, template: string | undefined = CHATML_MARKED) {
  await writeChatModel(folder, template);
  await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify(CONFIG));
  const header = new TextEncoder().encode('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}');
  const file = new Uint8Array(8 + header.length + 8);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  await Deno.writeFile(join(folder, "model.safetensors"), file);
}

const example = (i: number) => ({
  messages: [
    { role: "system", content: "You are Deep Red." },
    { role: "user", content: `What of plan ${i}, and of its ${i * 7} parts?` },
    { role: "assistant", content: `Plan ${i} has ${i * 3} towers, ${i * 5} bridges and ${i * 11} gardens for all.` },
  ],
});

async function writeRows(path: string, from: number, count: number) {
  const lines = Array.from({ length: count }, (_, i) => JSON.stringify(example(from + i)));
  await Deno.writeTextFile(path, lines.join("\n") + "\n");
}

/** A plan on a good base and dataset; each test breaks a part. */
async function plan(folder: string, change: Partial<Recipe> = {}): Promise<TrainingPlan> {
  const base = join(folder, "base");
  await writeBase(base);
  const split = { train: join(folder, "d_train.jsonl"), val: join(folder, "d_val.jsonl") };
  await writeRows(split.train, 0, 200);
  await writeRows(split.val, 1000, 40);
  const recipe = Recipe.parse({ learningRate: 2e-3, loraR: 8, loraAlpha: 16, saveSteps: 10, evalSteps: 10, ...change });
  return {
    recipe,
    recipeName: undefined,
    base: { kind: "folder", name: "base", path: base },
    data: { dataset: join(folder, "d.jsonl"), split },
    noSplit: undefined,
    outputDir: join(folder, "run"),
    resumeFrom: undefined,
    before: undefined,
    replaces: false,
    launch: undefined,
    env: {},
  };
}

const levels = (findings: readonly { check: string; level: string }[]) =>
  findings.filter(({ level }) => level !== "ok").map(({ check, level }) => `${check} ${level}`);

Deno.test("a good plan has nothing but good findings, one at least of every check", () =>
  withFolder(async (folder) => {
    const found = await examine(await plan(folder), fakeContext(), QUICK);
    deepEqual(levels(found.findings), []);
    deepEqual(
      [...new Set(found.findings.map(({ check }) => check))].sort(),
      ["base", "dataset", "disk", "leak", "learning", "memory", "schedule", "template", "tokens"],
    );
    equal(found.labels.length, 20);
    equal(found.schedule?.totalSteps, 39);
    equal(found.tokens?.rows, 200);
    ok((found.memory?.total ?? 0) > 1e9);
  }));

Deno.test("all that is wrong is told at once, each with its remedy", () =>
  withFolder(async (folder) => {
    const broken = await plan(folder, {
      learningRate: 1,
      saveSteps: 500,
      maxSeqLength: 4096,
      loraTargets: ["q_projj"],
    });
    await writeBase(broken.base.path, CHATML.replace("<|im_end|>", ""));
    const split = broken.data.split;
    ok(split);
    await Deno.writeTextFile(
      split.train,
      (await Deno.readTextFile(split.train)).replace('"user"', '"human"') + "{oops\n",
    );
    await Deno.copyFile(split.train, split.val);
    const context = fakeContext({ env: { HSA_OVERRIDE_GFX_VERSION: "11.0.0" } });
    const findings = await preflight(broken, context, QUICK);
    const told = new Set(levels(findings));
    for (
      const one of [
        "dataset error",
        "template error",
        "base error",
        "learning warning",
        "schedule error",
        "leak error",
        "gpu warning",
      ]
    ) ok(told.has(one), `${one} is missing in ${[...told].join(", ")}`);
    ok(findings.every(({ level, remedy }) => level === "ok" || remedy));
    equal(stopping(findings).length < stopping(findings, true).length, true);
  }));

Deno.test("without a split the rows for validation are drawn as the trainer draws them", () =>
  withFolder(async (folder) => {
    const drawn = await plan(folder, { valSplit: 0.25 });
    await writeRows(drawn.data.dataset, 0, 200);
    const alone = { ...drawn, data: { ...drawn.data, split: undefined }, noSplit: '"d_val.jsonl" is missing' };
    const found = await examine(alone, fakeContext(), QUICK);
    equal(found.tokens?.rows, 150);
    match(
      found.findings.find(({ level }) => level === "warning")?.message ?? "",
      /is not used: "d_val.jsonl" is missing/,
    );
    const none = await preflight(
      { ...alone, noSplit: undefined, recipe: { ...alone.recipe, valSplit: 0 } },
      fakeContext(),
      QUICK,
    );
    match(none.find(({ check }) => check === "leak")?.message ?? "", /no validation rows/);
  }));

Deno.test("a base that cannot be read leaves the other checks their say", () =>
  withFolder(async (folder) => {
    const gone = await plan(folder);
    for (const file of ["config.json", "tokenizer.json"]) {
      const before = await Deno.readTextFile(join(gone.base.path, file));
      await Deno.remove(join(gone.base.path, file));
      const findings = await preflight(gone, fakeContext(), QUICK);
      ok(stopping(findings).length === 1, levels(findings).join());
      match(
        stopping(findings)[0]?.message ?? "",
        new RegExp(file === "config.json" ? `${file}": there is no such file` : `has no ${file}`),
      );
      ok(findings.some(({ check, level }) => check === "schedule" && level === "ok"));
      await Deno.writeTextFile(join(gone.base.path, file), before);
    }
    await writeChatModel(gone.base.path, undefined);
    const [found] = stopping(await preflight(gone, fakeContext(), QUICK));
    match(found?.message ?? "", /has no chat template/);
    await Deno.writeTextFile(join(gone.base.path, "config.json"), JSON.stringify({ ...CONFIG, vocab_size: 100 }));
    await writeChatModel(gone.base.path, CHATML);
    match(
      stopping(await preflight(gone, fakeContext(), QUICK))[0]?.message ?? "",
      /tokens up to 260, the model only 100/,
    );
  }));

Deno.test("a missing dataset, a torn one and one without rows are findings and no exceptions", () =>
  withFolder(async (folder) => {
    const one = await plan(folder);
    const at = (dataset: string) => ({ ...one, data: { dataset, split: undefined } });
    const first = async (dataset: string) => stopping(await preflight(at(dataset), fakeContext(), QUICK))[0];
    match((await first(join(folder, "none.jsonl")))?.message ?? "", /Cannot read .*no such file/);
    match((await first(folder))?.message ?? "", /it is a folder/);
    const empty = join(folder, "empty.jsonl");
    await Deno.writeTextFile(empty, "");
    match((await first(empty))?.message ?? "", /holds no training examples/);
  }));

/** What a run of this plan would have kept of itself. */
async function recordOf(one: TrainingPlan): Promise<RunRecord> {
  const sides = await Promise.all([one.data.split?.train, one.data.split?.val].map((path) => surveyRows(path ?? "")));
  const [train, val] = sides.map(({ rows }) => ({ rows: rows.length, sha256: rowsHash(rows) }));
  if (!train || !val) throw new Error("no sides");
  return {
    version: 1,
    voiceworks: "0",
    created: "",
    recipe: one.recipe,
    base: one.base,
    dataset: { path: one.data.dataset, split: "book", train, val },
    processes: 1,
    env: {},
  };
}

async function writeCheckpoint(folder: string, step: number): Promise<string> {
  const path = join(folder, "run", `checkpoint-${step}`);
  await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(join(path, "x"), "abc");
  await Deno.writeTextFile(
    join(path, "checkpoint-is-complete.json"),
    JSON.stringify({ identity: "i", files: { x: 3 } }),
  );
  return path;
}

Deno.test("a resume is held against the run that it goes on with", () =>
  withFolder(async (folder) => {
    const one = await plan(folder);
    const before = await recordOf(one);
    const resumeFrom = await writeCheckpoint(folder, 20);
    const resume = async (change: Partial<TrainingPlan> = {}) =>
      (await preflight({ ...one, before, resumeFrom, ...change }, fakeContext(), QUICK))
        .filter(({ check }) => check === "resume");
    deepEqual((await resume()).map(({ level, message }) => [level, message]), [
      ["ok", "Goes on from step 20 of 39, with the same recipe, base and rows"],
    ]);
    const [batch] = await resume({ recipe: { ...one.recipe, batchSize: 2 } });
    deepEqual([batch?.level, /batch-size: 4 → 2/.test(batch?.message ?? "")], ["error", true]);
    deepEqual((await resume({ before: undefined })).map(({ level }) => level), ["warning"]);
    // The base was moved: it is the same. Trained anew it is not, though it lies where it lay.
    const marked = { ...before, base: { ...before.base, mark: await baseMark(one.base) } };
    const moved = join(folder, "moved");
    await writeBase(moved);
    deepEqual((await resume({ before: marked, base: { ...one.base, path: moved } })).map(({ level }) => level), ["ok"]);
    await Deno.writeTextFile(join(moved, "config.json"), JSON.stringify({ ...CONFIG, rope_theta: 1e6 }));
    const [other] = await resume({ before: marked, base: { ...one.base, path: moved } });
    deepEqual([other?.level, /base model: /.test(other?.message ?? "")], ["error", true]);
    const late = await writeCheckpoint(folder, 39);
    match((await resume({ resumeFrom: late }))[0]?.message ?? "", /at step 39 of 39: nothing is left/);
    await Deno.writeTextFile(join(late, "x"), "ab");
    match((await resume({ resumeFrom: late }))[0]?.message ?? "", /is not whole: x has 2 bytes, not 3/);
    await writeRows(one.data.split?.train ?? "", 1, 200);
    match((await resume())[0]?.message ?? "", /training examples \(SHA-256\)/);
  }));

for (const name of RECIPE_NAMES) {
  Deno.test(`the recipe ${name} on a good dataset has no error of its own`, () =>
    withFolder(async (folder) => {
      const file = await loadRecipe(name);
      const one = await plan(folder);
      const { split } = one.data;
      await writeRows(split?.train ?? "", 0, 3000);
      await writeRows(split?.val ?? "", 5000, 60);
      const recipe = effectiveRecipe(file, { loraR: 8, loraAlpha: 16 });
      const findings = await preflight({ ...one, recipe, env: file.env }, fakeContext(), { ...QUICK, budget: 20_000 });
      deepEqual(stopping(findings).map(({ message }) => message), []);
      // 5e-5 of the document is far below what fits, and is said to be.
      const low = findings.filter(({ check, level }) => check === "learning" && level === "warning");
      equal(low.length > 0, name !== "cpu-rehearsal", low.map(({ message }) => message).join());
    }));
}
