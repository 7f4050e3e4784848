import { deepEqual, equal, match, ok } from "node:assert/strict";
import { dirname, join } from "node:path";
import type { BaseModel } from "@/training/base.ts";
import { surveyBase } from "@/training/preflight/base_survey.ts";
import { checkBase } from "@/training/preflight/check_base.ts";
import { Recipe } from "@/training/recipe.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";
import { LLAMA_8B, QWEN_1_5B } from "../shapes.ts";

const CONFIG = {
  architectures: ["Qwen2ForCausalLM"],
  model_type: "qwen2",
  hidden_size: 8,
  num_hidden_layers: 1,
  vocab_size: 16,
  num_attention_heads: 2,
  intermediate_size: 16,
  max_position_embeddings: 2048,
};

function safetensors(names: string[]): Uint8Array {
  const header = Object.fromEntries(
    names.map((name, i) => [name, { dtype: "F32", shape: [2], data_offsets: [8 * i, 8 * i + 8] }]),
  );
  const json = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + 8 * names.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

async function put(path: string, content: string | Uint8Array) {
  await Deno.mkdir(dirname(path), { recursive: true });
  if (typeof content === "string") await Deno.writeTextFile(path, content);
  else await Deno.writeFile(path, content);
}

const folderBase = (path: string): BaseModel => ({ kind: "folder", name: "my model", path });
const hubBase: BaseModel = { kind: "hub", name: "Org/Model", path: "Org/Model" };
const recipe = (change: Partial<Recipe> = {}) => ({ ...Recipe.parse({}), ...change });
const machine = { os: "linux", gpus: [] } as const;

Deno.test("surveyBase reads a folder's config and weights", () =>
  withFolder(async (folder) => {
    await put(join(folder, "config.json"), JSON.stringify(CONFIG));
    await put(join(folder, "model.safetensors"), safetensors(["model.layers.0.self_attn.q_proj.weight"]));
    const { shape, tensors, findings } = await surveyBase(folderBase(folder), fakeContext());
    equal(shape?.hiddenSize, 8);
    deepEqual(tensors, ["model.layers.0.self_attn.q_proj.weight"]);
    deepEqual(findings.map(({ level }) => level), ["ok"]);
  }));

const BROKEN: [string, Record<string, string | Uint8Array>, RegExp[]][] = [
  ["an empty folder", {}, [/config.json": there is no such file/, /no model.safetensors/]],
  ["a config that is no JSON", { "config.json": "{" }, [/is no JSON object/, /no model.safetensors/]],
  ["a model of another kind", { "config.json": '{"model_type":"vit"}' }, [/does not describe a language model/, /./]],
  ["weights cut short", {
    "config.json": JSON.stringify(CONFIG),
    "model.safetensors": safetensors(["a", "b"]).subarray(0, -4),
  }, [/it has \d+ bytes and should have/]],
  ["a pointer of Git LFS", {
    "config.json": JSON.stringify(CONFIG),
    "model.safetensors": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3",
  }, [/a pointer of Git LFS/]],
  ["a missing part", {
    "config.json": JSON.stringify(CONFIG),
    "model.safetensors.index.json": '{"weight_map":{"a":"model-1.safetensors"}}',
  }, [/model-1.safetensors": there is no such file/]],
  ["pickled weights", { "config.json": JSON.stringify(CONFIG), "pytorch_model.bin": "x" }, [/no model.safetensors/]],
];

for (const [what, files, messages] of BROKEN) {
  Deno.test(`surveyBase tells of ${what}`, () =>
    withFolder(async (folder) => {
      for (const [name, content] of Object.entries(files)) await put(join(folder, name), content);
      const { findings } = await surveyBase(folderBase(folder), fakeContext());
      equal(findings.length, messages.length, findings.map(({ message }) => message).join("\n"));
      messages.forEach((message, i) => match(findings[i]?.message ?? "", message));
      ok(findings.every(({ level, remedy }) => level === "error" && remedy));
    }));
}

Deno.test("surveyBase takes what transformers has fetched before it asks the hub", () =>
  withFolder(async (folder) => {
    const model = join(folder, "hub", "models--Org--Model");
    await put(join(model, "refs", "main"), "abc\n");
    await put(join(model, "snapshots", "abc", "config.json"), JSON.stringify(CONFIG));
    await put(join(model, "snapshots", "abc", "model.safetensors"), safetensors(["a"]));
    const survey = await surveyBase(hubBase, fakeContext({ env: { HF_HOME: folder } }));
    equal(survey.folder, join(model, "snapshots", "abc"));
    equal(survey.toFetch, undefined);
  }));

Deno.test("surveyBase asks the hub with the token that hf auth login left, as transformers does", () =>
  withFolder(async (folder) => {
    const seen: (string | null)[] = [];
    const survey = (env: Record<string, string>) =>
      surveyBase(
        hubBase,
        fakeContext({
          env: { VOICEWORKS_CACHE: join(folder, "cache"), ...env },
          fetch: (_, init) => {
            seen.push(new Headers(init?.headers).get("authorization"));
            return Promise.resolve(new Response("", { status: 403 }));
          },
        }),
      );
    await put(join(folder, "home", "token"), "hf_kept\n");
    await put(join(folder, "elsewhere"), "hf_other");
    await survey({ HF_HOME: join(folder, "home") });
    await survey({ HF_HOME: join(folder, "home"), HF_TOKEN: "hf_given" });
    await survey({ HF_TOKEN_PATH: join(folder, "elsewhere") });
    await survey({ HF_HOME: folder });
    deepEqual(seen, ["Bearer hf_kept", "Bearer hf_given", "Bearer hf_other", null]);
  }));

function hub(answer: (url: string) => Response | Promise<Response>, folder: string, env: Record<string, string> = {}) {
  const asked: string[] = [];
  const context = fakeContext({
    env: { VOICEWORKS_CACHE: folder, ...env },
    fetch: (url) => {
      asked.push(String(url));
      return Promise.resolve(answer(String(url)));
    },
  });
  return { asked, context };
}

Deno.test("surveyBase fetches a hub model's small files once, and tells what loading will fetch", () =>
  withFolder(async (folder) => {
    const { asked, context } = hub(
      (url) => url.endsWith("/config.json") ? Response.json(CONFIG) : new Response("no", { status: 404 }),
      folder,
    );
    const survey = await surveyBase(hubBase, context);
    equal(survey.shape?.hiddenSize, 8);
    ok((survey.toFetch ?? 0) > 0);
    match(asked[0] ?? "", /^https:\/\/huggingface\.co\/Org\/Model\/resolve\/main\/config\.json$/);
    const count = asked.length;
    await surveyBase(hubBase, context);
    equal(asked.length, count);
  }));

for (
  const [what, answer, env, message, remedy] of [
    ["a model that is not there", () => new Response("", { status: 401 }), {}, /no model Org\/Model/, /HF_TOKEN/],
    ["a model without config.json", () => new Response("", { status: 404 }), {}, /no config\.json/, /transformers/],
    ["a hub out of order", () => new Response("", { status: 503 }), {}, /answered 503/, /folder/],
    ["no network", () => Promise.reject(new TypeError("dns error")), {}, /cannot be reached \(dns error\)/, /folder/],
    ["a hub that may not be asked", () => new Response(""), { HF_HUB_OFFLINE: "1" }, /HF_HUB_OFFLINE/, /folder/],
  ] as const
) {
  Deno.test(`surveyBase tells of ${what}`, () =>
    withFolder(async (folder) => {
      const { context } = hub(answer, folder, env);
      const { findings: [finding, ...more], shape } = await surveyBase(hubBase, context);
      deepEqual([more.length, shape, finding?.level], [0, undefined, "error"]);
      match(finding?.message ?? "", message);
      match(finding?.remedy ?? "", remedy);
    }));
}

Deno.test("checkBase is content with Qwen2.5 and Llama 3.1 as they are", () => {
  for (const shape of [QWEN_1_5B, LLAMA_8B]) {
    const findings = checkBase(
      { shape, findings: [], config: { architectures: ["X2ForCausalLM"] } },
      recipe(),
      machine,
    );
    deepEqual(findings.map(({ level }) => level), ["ok"]);
    match(findings[0]?.message ?? "", /^X2ForCausalLM, about [\d,]+ million parameters; the LoRA has [\d.]+ million$/);
  }
});

const REFUSED: [string, Record<string, unknown>, Partial<Recipe>, RegExp, RegExp][] = [
  ["an encoder", { architectures: ["BertForMaskedLM"] }, {}, /does not write text/, /ForCausalLM/],
  ["a quantised base", { quantization_config: { quant_method: "gptq" } }, {}, /quantised already/, /--use-4bit/],
  ["rows beyond the positions", {}, { maxSeqLength: 65536 }, /beyond the 32,768 positions/, /--max-seq-length 32768/],
  ["a LoRA on a tied head", {}, { loraTargets: ["model.embed_tokens"] }, /both are one matrix/, /all-linear/],
];

for (const [what, config, change, message, remedy] of REFUSED) {
  Deno.test(`checkBase refuses ${what}`, () => {
    const findings = checkBase({ shape: QWEN_1_5B, findings: [], config }, recipe(change), machine);
    deepEqual(findings.map(({ level }) => level), ["error"]);
    match(findings[0]?.message ?? "", message);
    match(findings[0]?.remedy ?? "", remedy);
  });
}

Deno.test("checkBase holds targets against the weights, else against the names that most models have", () => {
  const tensors = ["model.layers.0.self_attn.qkv_proj.weight"];
  const levels = (loraTargets: string[], names?: string[]) =>
    checkBase({ shape: LLAMA_8B, findings: [], ...(names ? { tensors: names } : {}) }, recipe({ loraTargets }), machine)
      .map(({ level }) => level);
  deepEqual(levels(["qkv_proj"], tensors), ["ok"]);
  deepEqual(levels(["q_proj"], tensors), ["error"]);
  deepEqual(levels(["q_proj", "self_attn.v_proj"]), ["ok"]);
  deepEqual(levels(["c_attn"]), ["warning", "ok"]);
});

Deno.test("checkBase refuses 4 bit on macOS and doubts it on AMD", () => {
  const check = (os: typeof Deno.build.os, kind?: "amd" | "nvidia") =>
    checkBase({ shape: QWEN_1_5B, findings: [] }, recipe({ use4bit: true }), {
      os,
      gpus: kind ? [{ name: "", kind, memory: 1, free: 1, architecture: "gfx1151" }] : [],
    }).map(({ level }) => level);
  deepEqual(check("darwin"), ["error"]);
  deepEqual(check("linux", "amd"), ["warning", "ok"]);
  deepEqual(check("linux", "nvidia"), ["ok"]);
});
