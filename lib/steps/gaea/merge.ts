/** The author's voice becomes part of its base: the step merge, at gaea's places. */
import { join } from "node:path";
import { defineStep } from "../../core/step.ts";
import { merge as mergeStep, type MergeResult } from "../merge.ts";
import { gaeaPaths } from "./paths.ts";

const options = mergeStep.options.extend({
  // Axolotl's llama3 writes no date into a prompt, Llama 3.1's own template does: what was trained is served.
  tokenizerFrom: mergeStep.options.shape.tokenizerFrom.unwrap().default("run").describe(
    mergeStep.options.shape.tokenizerFrom.description ?? "",
  ),
  loraPath: mergeStep.options.shape.loraPath.describe(
    "Folder of the adapter, or of a training run; default: <data-dir>/gaea/checkpoints/qlora-visions-style",
  ),
  outputPath: mergeStep.options.shape.outputPath.describe(
    "Folder of the merged model; default: <data-dir>/gaea/merged_models/llama-3.1-8b-visions-style",
  ),
  prompts: mergeStep.options.shape.prompts.describe(
    "Held-out rows to compare on; default: <data-dir>/gaea/processed/validation.jsonl",
  ),
});

/** Merges in full precision, whatever the adapter was trained on, and verifies as `merge` does. */
export const merge = defineStep({
  name: "gaea:merge",
  summary:
    "Merges the adapter of the author's voice into its base, in full precision, and measures that nothing was lost",
  options,
  files: (options, context) => mergeStep.files(placed(options, context.env), context),
  needs: (options) => mergeStep.needs?.(options) ?? [],
  run: async (options, context): Promise<MergeResult> => await mergeStep.run(placed(options, context.env), context),
  report: (result) => mergeStep.report?.(result) ?? "",
});

type Options = Parameters<typeof mergeStep.run>[0];

function placed(options: Options, env: Readonly<Record<string, string>>): Options {
  const { run, merged, validation } = gaeaPaths(options.dataDir, env);
  const there = (path: string) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  };
  return {
    ...options,
    loraPath: options.loraPath ?? (options.auto ? run : join(run, "final")),
    outputPath: options.outputPath ?? merged,
    prompts: options.prompts ?? (there(validation) ? validation : undefined),
  };
}
