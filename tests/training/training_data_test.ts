import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { WORKSPACE } from "@/core/paths.ts";
import { runPython } from "@/core/python.ts";
import { findPython } from "@/core/python_venv.ts";
import { makeTinyBase } from "@/training/tiny_base.ts";
import { withFolder } from "../fakes/folder.ts";
import { realContext } from "../fakes/llama.ts";

const ignore = !await findPython().then(() => true, () => false);
const Found = z.looseObject({
  drops: z.array(z.array(z.string())),
  lengths: z.array(z.int()),
  packed: z.array(z.int()),
});

Deno.test({
  name: "what is learnt are the answers up to their ends, whatever the template; what is cut is told",
  ignore,
  async fn() {
    await withFolder(async (folder) => {
      const context = realContext();
      const base = await makeTinyBase(context);
      const script = join(WORKSPACE, "tests", "training", "testdata", "masks.py");
      const lines: string[] = [];
      for await (const event of runPython("train", script, [join(WORKSPACE, "lib", "python"), base, folder], context)) {
        if (event.type === "log" && event.message.startsWith("{")) lines.push(event.message);
      }
      const found = Found.parse(JSON.parse(lines[0] ?? ""));

      const answers = ["It grows.\nSlowly.", "Then we — eat it."];
      deepEqual(found.marked, answers.map((answer) => `${answer}<|im_end|>`));
      deepEqual(found.plain, answers.map((answer) => `${answer}<|im_end|>\n`));
      deepEqual(found.qwen, found.plain);
      deepEqual(found["qwen of TRL"], answers.map((answer) => `\n${answer}<|im_end|>\n`));
      deepEqual(found.llama, answers.map((answer) => `${answer}<|eot_id|>`));
      equal((found.all as string[]).length, 1);
      match((found.all as string[])[0] ?? "", /^<\|im_start\|>system\n.*eat it\.<\|im_end\|>\n$/s);
      match(String(found.rewriting), /writes a prompt otherwise/);

      deepEqual(found.drops, [["truncated", "d:2"], ["truncated", "d:3"], ["no_trained_tokens", "d:3"]]);
      equal(found.lengths.length, 3);
      ok(found.lengths.every((length) => length <= 90) && found.lengths.includes(90));
      deepEqual(found.packed, [...found.lengths].sort((a, b) => a - b));
      equal(found["learnt after packing"], found["learnt before packing"]);
    });
  },
});
