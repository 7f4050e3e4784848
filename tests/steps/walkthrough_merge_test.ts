/** Merging in a notebook: what lies there is shown, and what it is not is told. */
import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { loadPipeline } from "@/steps/pipelines.ts";
import { ggufAtHand, mergedAtHand } from "@/steps/walkthrough_merge.ts";
import { ggufRecordPath } from "@/training/gguf_record.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

Deno.test("a merged model or a GGUF of an earlier training is shown with a word about it", () =>
  withFolder(async (folder) => {
    const recorded = join(WORKSPACE, "data-samples", "recorded", "voice_run", "merge.json");
    const merge = JSON.parse(await Deno.readTextFile(recorded));
    const write = async (value: unknown, ...path: string[]) => {
      await Deno.mkdir(join(folder, ...path, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, ...path), JSON.stringify(value));
    };
    const recipe = { version: 1, created: "2026-01-01T00:00:00.000Z" };
    const [model, own, later] = [join(folder, "merged"), join(folder, "run-1"), join(folder, "run-2")];
    await write({ ...merge, run: { folder: "/moved/run-1", recipe } }, "merged", "merge.json");
    await write(recipe, "run-1", "recipe.json");
    await write({ ...recipe, created: "2026-01-02T00:00:00.000Z" }, "run-2", "recipe.json");
    const gguf = (files: unknown) => ({
      version: 1,
      time: "",
      model: { folder: model, merge: { ...merge, model: { ...merge.model, files } } },
      gguf: { file: "x.gguf", bytes: 1, sha256: "", quantType: "q4_k_m", architecture: "llama", tensorTypes: {} },
      f16: null,
      tools: { llamaCpp: "", converter: "" },
      divergence: null,
      answers: [],
      findings: [],
    });
    const context = fakeContext();
    const pipeline = await loadPipeline("rehearsal", folder, {});
    const told = () => context.events.splice(0).map((event) => event.type === "log" ? event.message : event.type);

    const merged = await mergedAtHand(pipeline, own, context, { outputPath: model });
    equal(merged.output, model);
    deepEqual(told(), []);
    await mergedAtHand(pipeline, later, context, { outputPath: model });
    match(told().join(), /was merged out of .*, and not out of ".*run-2": \{ again: true \}/);

    const outputPath = join(folder, "x.gguf");
    await write(gguf(merge.model.files), ggufRecordPath("x.gguf"));
    await ggufAtHand(pipeline, merged, context, { outputPath });
    deepEqual(told(), []);
    await write(gguf([{ name: "model.safetensors", bytes: 1, sha256: "other" }]), ggufRecordPath("x.gguf"));
    await ggufAtHand(pipeline, merged, context, { outputPath });
    match(told().join(), /x\.gguf" was made of another model than the one that lies in/);
  }));
