/** Generation by the tasks themselves, with a real llama-server and a model that answers in random words. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { readTextFile } from "@/core/files.ts";
import { withFolder } from "../fakes/folder.ts";
import { passages } from "../fakes/generating.ts";
import { realProgram, tinyModel, whyNoLlama } from "../fakes/llama.ts";

const reason = await whyNoLlama();
if (reason) console.warn(`skipping generation with a real llama-server: ${reason}`);

async function task(name: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", name, ...args],
    cwd: WORKSPACE,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: "generate asks a llama-server of its own for JSON by a schema, and gate makes the same of its answers",
  ignore: reason !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      await realProgram("llama-server");
      const model = await tinyModel(join(folder, "tiny.gguf"));
      const input = await passages(folder, 3);
      const output = join(folder, "out", "set.jsonl"), gates = join(folder, "gates.jsonc");
      // Random words are no prose: what is asked here is whether they come as exchanges.
      const off = ["no_theme_word", "wrong_language", "repetition", "too_short", "near_duplicate_question", "slop"];
      await Deno.writeTextFile(gates, JSON.stringify({ off }));
      const run = ["--input", input, "--output", output, "--gates", gates];
      const ask = [...run, "--engine", "llama-server", "--model", model, "--max-tokens", "400", "--concurrency", "2"];

      const first = await task("generate", ...ask, "--stats");
      equal(first.code, 0, first.err);
      const stats = JSON.parse(await readTextFile(join(folder, "out", "set_stats.json")));
      equal(stats.examples_requested, 6);
      equal(stats.structured_output.form, "schema");
      // The grammar holds it to JSON; it may still talk until its tokens are spent.
      equal(stats.rejects.invalid_json, undefined);
      ok(stats.examples_generated >= 3, first.out);
      match(first.out, /answered by tiny \(llama-server\)/);
      const text = await readTextFile(output);

      const again = await task("generate", ...ask, "--resume");
      equal(again.code, 0, again.err);
      equal(JSON.parse(await readTextFile(join(folder, "out", "set_stats.json"))).requests_sent, 0);
      equal(await readTextFile(output), text);

      const gated = await task("gate", ...run, "--overwrite");
      equal(gated.code, 0, gated.err);
      deepEqual(await readTextFile(output), text);
    }),
});
