import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { findPython } from "@/core/python_venv.ts";
import { loadTokenizer } from "@/corpus/tokens.ts";
import { makeTinyBase } from "@/training/tiny_base.ts";
import { realContext } from "../fakes/llama.ts";

const ignore = !await findPython().then(() => true, () => false);

Deno.test({
  name: "the tiny base is a whole Hugging Face folder, made once, with its tokenizer in both forms",
  ignore,
  async fn() {
    const folder = await makeTinyBase(realContext());
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    for (
      const name of ["config.json", "model.safetensors", "tokenizer.model", "tokenizer.json", "chat_template.jinja"]
    ) {
      ok(names.includes(name), name);
    }
    const json = async (name: string) => JSON.parse(await Deno.readTextFile(join(folder, name)));
    const config = await json("config.json");
    equal(config.hidden_size, 256);
    equal(config.intermediate_size % 256, 0);
    ok(config.pad_token_id !== config.eos_token_id);
    const { added_tokens: added } = await json("tokenizer.json");
    const special = new Map(
      added.map((token: { content: string; special: boolean }) => [token.content, token.special]),
    );
    deepEqual([special.get("<|im_start|>"), special.get("<|im_end|>")], [true, true]);
    ok((await Deno.readTextFile(join(folder, "chat_template.jinja"))).includes("generation"));
    ok((await loadTokenizer(folder)).count("The plan is kept.") > 3);

    const context = realContext();
    equal(await makeTinyBase(context), folder);
    deepEqual(context.events, []);
  },
});
