/** Where the files of the pipeline gaea lie, unless an option says otherwise. */
import { join } from "node:path";
import { dataDir } from "../../core/paths.ts";

/** Default places below the data root. */
export function gaeaPaths(option: string | undefined, env: Readonly<Record<string, string>>) {
  const root = join(dataDir(option, env), "gaea");
  return {
    root,
    manuscript: join(root, "manuscript"),
    curated: join(root, "curated"),
    training: join(root, "processed", "visions_training.jsonl"),
    validation: join(root, "processed", "validation.jsonl"),
    config: join(root, "qlora_style_transfer.yaml"),
    /** Folder of the training run, and of the model that is merged from it. */
    run: join(root, "checkpoints", "qlora-visions-style"),
    merged: join(root, "merged_models", "llama-3.1-8b-visions-style"),
  };
}
