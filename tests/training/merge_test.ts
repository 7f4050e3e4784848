/** What is found out without torch; the real chain is in tests/e2e/merge_test.ts. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UserError } from "@/core/errors.ts";
import { readAdapter, targetOf, tiedTargets } from "@/training/adapter.ts";
import { companionsOf } from "@/training/merge_tokenizer.ts";
import { mergeAdapter } from "@/training/merge.ts";
import { findMergeBase } from "@/training/merge_base.ts";
import { compareModels } from "@/training/merge_compare.ts";
import { judgeMerge, type MergeFigures } from "@/training/merge_gate.ts";
import { needSpace, withPart } from "@/training/part.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";
import { type FakeTensor, floats, writeAdapter, writeSafetensors } from "../fakes/safetensors.ts";

const NAMES = {
  "model.embed_tokens.weight": [8, 4],
  "model.layers.0.self_attn.q_proj.weight": [4, 4],
  "model.layers.0.mlp.up_proj.weight": [6, 4],
  "lm_head.weight": [8, 4],
};

async function makeModel(
  folder: string,
  change: (tensors: Record<string, FakeTensor>) => void = () => {},
  config: Record<string, unknown> = {},
): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  const tensors = Object.fromEntries(
    Object.entries(NAMES).map(([name, shape]) => [name, floats(shape, (at) => Math.sin(at + name.length))]),
  );
  change(tensors);
  await writeSafetensors(join(folder, "model.safetensors"), tensors);
  await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify({ tie_word_embeddings: false, ...config }));
  await Deno.writeTextFile(join(folder, "tokenizer.json"), "{}");
  return folder;
}

const Q = "model.layers.0.self_attn.q_proj.weight";

async function findings(folder: string, change: (tensors: Record<string, FakeTensor>) => void, targets = [Q]) {
  const base = await makeModel(join(folder, "base"));
  const merged = await makeModel(join(folder, "merged"), change);
  const found = await compareModels({ base, merged, targets }, fakeContext());
  return Object.fromEntries(found.map(({ check, level, message }) => [check, `${level}: ${message}`]));
}

Deno.test("a merge changes what the adapter touches, and nothing else to the bit", () =>
  withFolder(async (folder) => {
    const found = await findings(folder, (tensors) => tensors[Q] = floats([4, 4], (at) => at));
    equal(found.untouched, "ok: 3 tensors are the base's own, to the bit");
    equal(found.changed, "ok: all 1 tensors of the adapter changed");
  }));

Deno.test("an unmerged copy of the base is caught by its files", () =>
  withFolder(async (folder) => {
    match((await findings(folder, () => {})).changed ?? "", /^error: none of the 1 tensors .* the adapter was lost/);
  }));

Deno.test("every way in which a merged model can differ from its base is named", () =>
  withFolder(async (folder) => {
    const cases: [string, (tensors: Record<string, FakeTensor>) => void, RegExp][] = [
      ["lora", (all) => all["model.layers.0.self_attn.q_proj.lora_A.weight"] = floats([1], () => 1), /LoRA are left/],
      ["lora", (all) => all["model.layers.0.self_attn.q_proj.base_layer.weight"] = floats([1], () => 1), /LoRA/],
      ["names", (all) => delete all["lm_head.weight"], /lacks "lm_head.weight"/],
      ["names", (all) => all["model.extra.weight"] = floats([1], () => 1), /has "model.extra.weight"/],
      ["shapes", (all) => all[Q] = floats([5, 4], () => 1), /F32 \[4,4\] became F32 \[5,4\]/],
      ["shapes", (all) => all[Q] = { dtype: "BF16", shape: [4, 4], data: new Uint8Array(32) }, /became BF16/],
      ["finite", (all) => all[Q] = floats([4, 4], (at) => at === 3 ? NaN : 1), /not finite in "model.layers.0/],
      ["untouched", (all) => all["lm_head.weight"] = floats([8, 4], () => 1), /"lm_head.weight" changed without/],
    ];
    for (const [check, change, message] of cases) {
      const found = await findings(folder, change);
      match(found[check] ?? "", /^error: /);
      match(found[check] ?? "", message);
    }
  }));

const GOOD: MergeFigures = {
  prompts: 32,
  positions: 1000,
  meanKl: 2e-4,
  maximumKl: 1e-2,
  baseKl: 0.3,
  adapterKl: 0.3,
  topAgreement: 0.995,
  largestDifference: 0.1,
  templateDiffers: 0,
  device: "cpu",
  computedIn: "bfloat16",
};
const levels = (figures: Partial<MergeFigures>, dtype = "BF16", adapter = true) =>
  Object.fromEntries(judgeMerge({ ...GOOD, ...figures }, dtype, adapter).map(({ check, level }) => [check, level]));

Deno.test("a merge is judged by the type of its weights", () => {
  deepEqual(levels({}), { equal: "ok", adapter: "ok" });
  deepEqual(levels({}, "F32"), { equal: "error", adapter: "ok" });
  deepEqual(levels({ meanKl: 1e-8, topAgreement: 1 }, "F32"), { equal: "ok", adapter: "ok" });
  deepEqual(levels({ topAgreement: 0.98 }), { equal: "error", adapter: "ok" });
  deepEqual(levels({ meanKl: NaN }), { equal: "error", adapter: "error" });
});

Deno.test("what a QLoRA was trained as is told beside the merge, and is no fault unless the merge knows the text worse", () => {
  const fourBit = { meanKl: 0.02, maximumKl: 1, topAgreement: 0.95, trainedLoss: 2, lossError: 0.01, positions: 500 };
  const judged = (figures: MergeFigures["fourBit"]) =>
    judgeMerge({ ...GOOD, ...(figures ? { fourBit: figures } : {}) }, "BF16").find(({ check }) => check === "4 bit");
  equal(judged(undefined), undefined);
  equal(judged({ ...fourBit, mergedLoss: 1.97 })?.level, "ok");
  equal(judged({ ...fourBit, mergedLoss: 2.01 })?.level, "ok");
  equal(judged({ ...fourBit, mergedLoss: 2.05 })?.level, "warning");
  equal(judged({ ...fourBit, mergedLoss: NaN })?.level, "warning");
  match(judged({ missing: "bitsandbytes cannot be loaded" })?.message ?? "", /not compared: bitsandbytes/);
});

Deno.test("a merge that lost its adapter fails, even where the adapter is so weak that the models nearly agree", () => {
  deepEqual(levels({ meanKl: 9e-4, baseKl: 0 }), { equal: "ok", adapter: "error" });
  deepEqual(levels({ meanKl: 0, baseKl: 0, adapterKl: 0 }), { equal: "ok", adapter: "error" });
  const [, lost] = judgeMerge({ ...GOOD, meanKl: 0.3, baseKl: 0 }, "BF16");
  match(lost?.remedy ?? "", /lost on the way/);
  const [, weak] = judgeMerge({ ...GOOD, meanKl: 0, baseKl: 1e-9, adapterKl: 1e-9 }, "BF16");
  match(weak?.remedy ?? "", /train longer/);
});

Deno.test("a zero adapter must change nothing, and another template is told", () => {
  deepEqual(levels({ meanKl: 0, topAgreement: 1, baseKl: 0, adapterKl: 0 }, "F32", false), {
    equal: "ok",
    adapter: "ok",
  });
  equal(levels({ meanKl: 0, topAgreement: 1, baseKl: 0.1 }, "F32", false).adapter, "error");
  equal(levels({ templateDiffers: 3 }).template, "warning");
});

Deno.test("names of an adapter's tensors lead to the parameters that they change", () => {
  equal(
    targetOf("base_model.model.model.layers.3.self_attn.q_proj.lora_B.weight"),
    "model.layers.3.self_attn.q_proj.weight",
  );
  equal(targetOf("base_model.model.model.embed_tokens.lora_embedding_A"), "model.embed_tokens.weight");
  equal(
    targetOf("base_model.model.model.layers.0.mlp.up_proj.lora_magnitude_vector"),
    "model.layers.0.mlp.up_proj.weight",
  );
  equal(targetOf("base_model.model.lm_head.weight"), "lm_head.weight");
  deepEqual(tiedTargets(["model.embed_tokens.weight", "lm_head.weight", "model.layers.0.mlp.up_proj.weight"]), [
    "model.embed_tokens.weight",
    "lm_head.weight",
  ]);
});

Deno.test("an adapter that cannot be merged is refused before anything is loaded", () =>
  withFolder(async (folder) => {
    const base = await makeModel(join(folder, "base"));
    const zero = await writeAdapter(join(folder, "zero"), base, { scale: 0, targets: ["q_proj"] });
    deepEqual((await readAdapter(zero)).pairs, { all: 1, zero: 1 });
    const other = await writeAdapter(join(folder, "other"), base, {
      config: { peft_type: "IA3" },
      targets: ["q_proj"],
    });
    await rejects(readAdapter(other), /its method is IA3/);
    const wild = await writeAdapter(join(folder, "wild"), base, { scale: Infinity, targets: ["q_proj"] });
    await rejects(readAdapter(wild), /not finite/);
    await rejects(readAdapter(base), /no adapter_config.json/);
    await Deno.writeTextFile(join(zero, "adapter_config.json"), "{");
    await rejects(readAdapter(zero), /no configuration of an adapter/);
  }));

Deno.test("zero updates, and embeddings of a model that ties them, are not merged", () =>
  withFolder(async (folder) => {
    const context = fakeContext({ env: { VOICEWORKS_PYTHON_TRAIN: "/no/python/is/asked" } });
    const tied = await makeModel(join(folder, "tied"), (all) => delete all["lm_head.weight"]);
    const base = await findMergeBase(tied, folder, context);
    ok(base.tied);
    const request = { base, prompts: [], output: join(folder, "merged"), overwrite: false, device: "cpu" } as const;
    const zero = await readAdapter(await writeAdapter(join(folder, "zero"), tied, { scale: 0, targets: ["q_proj"] }));
    await rejects(mergeAdapter({ ...request, adapter: zero }, context), /all 1 of its updates are zero/);
    const head = await readAdapter(await writeAdapter(join(folder, "head"), tied, { targets: ["embed_tokens"] }));
    await rejects(mergeAdapter({ ...request, adapter: head }, context), /both embedding and output head/);
    await rejects(Deno.stat(join(folder, "merged")), Deno.errors.NotFound);
  }));

Deno.test("nothing is merged into a quantised base", () =>
  withFolder(async (folder) => {
    const context = fakeContext();
    const quantised = { quantization_config: { quant_method: "bitsandbytes", load_in_4bit: true } };
    await rejects(
      findMergeBase(await makeModel(join(folder, "nf4"), undefined, quantised), folder, context),
      /held in 4-bit bitsandbytes/,
    );
    const gptq = { quantization_config: { quant_method: "gptq" } };
    await rejects(findMergeBase(await makeModel(join(folder, "g"), undefined, gptq), folder, context), /held in gptq/);
  }));

Deno.test("a base's companions are taken over as they are; weights in other forms and its card are not", () =>
  withFolder(async (folder) => {
    const base = await makeModel(join(folder, "base"));
    const others = ["LICENSE", "README.md", "pytorch_model.bin", "tokenizer_config.json", ".gitattributes", "x.gguf"];
    for (const name of others) await Deno.writeTextFile(join(base, name), "");
    const { companions, dtype, parameters } = await findMergeBase(base, folder, fakeContext());
    deepEqual(companions, ["LICENSE", "config.json", "tokenizer.json", "tokenizer_config.json"]);
    deepEqual([dtype, parameters], ["F32", 8 * 4 * 2 + 16 + 24]);
  }));

Deno.test("of two tokenizers a merged model gets one whole: none of the base's templates lies beside those of the run", () =>
  withFolder(async (folder) => {
    const model = await makeModel(join(folder, "base"));
    for (const name of ["tokenizer.model", "tokenizer_config.json", "chat_template.json"]) {
      await Deno.writeTextFile(join(model, name), "");
    }
    const base = await findMergeBase(model, folder, fakeContext());
    const path = await writeAdapter(join(folder, "run", "checkpoint-2"), model, { targets: ["q_proj"] });
    const adapter = await readAdapter(path);
    const own = await companionsOf(base, adapter, "base");
    deepEqual(Object.keys(own.files), [...base.companions]);
    await rejects(companionsOf(base, adapter, "run"), /no tokenizer_config.json beside/);
    // A checkpoint without one was trained as the whole run was.
    const final = await writeAdapter(join(folder, "run", "final"), model, { targets: ["q_proj"] });
    for (const name of ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]) {
      await Deno.writeTextFile(join(final, name), "");
    }
    const { files, tokenizer } = await companionsOf(base, adapter, "run");
    equal(tokenizer, final);
    deepEqual(files, {
      "config.json": model,
      "tokenizer.model": model,
      "tokenizer.json": final,
      "tokenizer_config.json": final,
      "chat_template.jinja": final,
    });
  }));

Deno.test("what is made in a hidden folder comes to its place whole, or not at all", () =>
  withFolder(async (folder) => {
    const context = fakeContext();
    const place = join(folder, "deep", "model");
    const make = (name: string, fail = false) =>
      withPart(place, { overwrite: name !== "one" }, context, async ({ folder: part, commit }) => {
        await Deno.mkdir(join(part, "made"));
        await Deno.writeTextFile(join(part, "made", name), name);
        if (fail) throw new UserError("no");
        await commit(join(part, "made"));
      });
    await rejects(make("one", true), /no/);
    await rejects(Deno.stat(place), Deno.errors.NotFound);
    await make("one");
    await rejects(make("one"), /exists already/);
    await rejects(make("two", true), /no/);
    equal(await Deno.readTextFile(join(place, "one")), "one");
    // As a killed run leaves it.
    await Deno.mkdir(join(folder, "deep", ".model.part", "made"), { recursive: true });
    await make("two");
    const names = async (path: string) => (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
    deepEqual(await names(place), ["two"]);
    deepEqual(await names(join(folder, "deep")), ["model"]);
    match(JSON.stringify(context.events), /interrupted run/);
  }));

Deno.test("two runs do not write to the same place, and a disk that is too small is told before", () =>
  withFolder(async (folder) => {
    const place = join(folder, "model");
    const context = fakeContext();
    await withPart(place, { overwrite: false }, context, async () => {
      await rejects(
        withPart(place, { overwrite: false }, context, () => Promise.resolve()),
        /another run is making it/,
      );
    });
    await needSpace(join(place, "not", "yet", "there"), 1);
    await rejects(needSpace(place, 1e18), /of the disk are free/);
  }));
