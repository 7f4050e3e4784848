import { deepEqual, rejects } from "node:assert/strict";
import { join } from "node:path";
import { gguf } from "@/steps/gguf.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

Deno.test("gguf --base-of is due again when the merge is another, and says where there is none", () =>
  withFolder(async (folder) => {
    const options = gguf.options.parse({ baseOf: folder, outputPath: join(folder, "base.gguf") });
    deepEqual(gguf.files?.(options, fakeContext()).reads, [join(folder, "merge.json")]);
    await rejects(gguf.run(options, fakeContext()), /there is no merge.json/);
    await rejects(gguf.run({ ...options, modelPath: "tiny" }, fakeContext()), /Cannot use --base-of with --model-path/);
  }));
