import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import type { Gpu } from "@/core/gpu.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { memoryShare, vllmArgs, vllmHint } from "@/llm/vllm.ts";
import { serve, startServers } from "@/steps/gaea/serve.ts";
import { planServers, type ServeWish } from "@/steps/gaea/serve_plan.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";
import { tinyModel, whyNoLlama } from "../../fakes/llama.ts";
import { fakeVllmProgram } from "../../fakes/vllm.ts";

const GPU: Gpu = { name: "RTX 5090", kind: "nvidia", memory: 32e9, free: 31e9 };
const WISH: ServeWish = {
  side: "base",
  engine: "vllm",
  models: { base: "meta-llama/Llama-3.1-8B-Instruct", tuned: "/models/visions" },
  vllm: Deno.execPath(), // Any program that is there.
};
const plan = (wish: Partial<ServeWish> = {}, gpus: readonly Gpu[] = [GPU]) =>
  planServers({ ...WISH, ...wish }, { env: {}, gpus, os: "linux" });

/** A port that is free now. */
function somePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return listener.addr.port;
}

Deno.test("each side has the port of the document, and what is free of the GPU is shared", async () => {
  deepEqual((await plan()).servers.map(({ port, memory }) => [port, memory]), [[8000, 0.9]]);
  deepEqual((await plan({ side: "tuned" })).servers.map(({ port, model }) => [port, model]), [[
    8002,
    "/models/visions",
  ]]);
  deepEqual((await plan({ side: "both" })).servers.map(({ port, memory }) => [port, memory]), [[8000, 0.45], [
    8002,
    0.45,
  ]]);
  equal(memoryShare([{ ...GPU, free: 16e9 }], 1), 0.44); // A server runs beside it.
  equal(memoryShare([], 2), 0.45); // Nobody knows.
  await rejects(plan({}, [{ ...GPU, free: 2e9 }]), /less than a tenth of the GPU's memory is free/);
});

Deno.test("one server answers for both sides where an adapter is given", async () => {
  const { servers } = await plan({ side: "both", adapter: "/adapters/visions" });
  equal(servers.length, 1);
  deepEqual(servers[0]?.adapters, { tuned: "/adapters/visions" });
  const args = vllmArgs({ model: "m", name: "base", port: 0, memory: 0.9, adapters: { tuned: "/a" } }, 8000, 32);
  match(args.join(" "), /--enable-lora --lora-modules tuned=\/a --max-lora-rank 32/);
  // Without this the model's own file would change the sampling behind the back of requests.
  match(args.join(" "), /--generation-config vllm/);
});

Deno.test("wishes that cannot come true are refused before anything is loaded", async () => {
  await rejects(plan({ side: "both", port: 8000 }), UsageError);
  await rejects(plan({ side: "both", gpuMemory: 0.6 }), /together they must stay below 1/);
  await rejects(plan({ engine: "llama-server" }), /it takes a GGUF/);
  await rejects(
    plan({ engine: "llama-server", adapter: "/a", models: { base: "b.gguf", tuned: "t.gguf" } }),
    /--lora-modules/,
  );
  await rejects(plan({ vllm: "no-such-program-here" }), (error: UserError) => {
    match(error.message, /Cannot find vLLM/);
    match(error.hint ?? "", /pip install vllm.*--base-model base\.gguf/);
    return true;
  });
  equal(
    (await plan({ engine: "auto", vllm: "nothing", models: { base: "b.gguf", tuned: "t" } })).engine,
    "llama-server",
  );
});

Deno.test("weights that are larger than their share of the GPU are told before minutes of loading", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(join(folder, "model.safetensors"), new Uint8Array(600));
    const small: Gpu = { ...GPU, memory: 1000, free: 1000 };
    await rejects(plan({ side: "both", models: { base: folder, tuned: folder } }, [small]), (error: UserError) => {
      match(error.message, /its weights take 600 B, its share of the GPU is 450 B/);
      match(error.hint ?? "", /--lora-modules/);
      return true;
    });
    equal((await plan({ models: { base: folder, tuned: folder } }, [small])).servers.length, 1);
  });
});

Deno.test("vLLM's last words get advice", () => {
  match(vllmHint("ValueError: No available memory for the cache blocks.", 1), /--context-size/);
  match(vllmHint("torch.OutOfMemoryError: CUDA out of memory.", 1), /--lora-modules/);
  match(vllmHint("[Errno 98] Address already in use", 1), /--port/);
  match(vllmHint("RuntimeError: Failed to infer device type", 1), /llama-server/);
});

Deno.test({
  name: "vLLM is started, waited for, asked and ended; both sides by two servers or by one",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withFolder(async (folder) => {
      const vllm = await fakeVllmProgram(folder);
      const adapter = join(folder, "adapter");
      await Deno.mkdir(adapter);
      await Deno.writeTextFile(join(adapter, "adapter_config.json"), JSON.stringify({ r: 24 }));
      const start = (given: object) =>
        startServers(
          serve.options.parse({ vllm, dataDir: folder, ...given }),
          fakeContext({ fetch }),
          () => Promise.resolve([GPU]),
        );
      const ask = async (url: string, model: string) => {
        const body = JSON.stringify({ model, prompt: "You wait.", max_tokens: 9 });
        const response = await fetch(`${url}/v1/completions`, { method: "POST", body });
        return (await response.json()).choices?.[0]?.text as string | undefined;
      };
      let url: string;
      {
        await using one = await start({ side: "both", loraModules: adapter, port: somePort() });
        deepEqual(one.servers.map(({ side }) => side), ["base", "tuned"]);
        url = one.servers[1]?.url ?? "";
        ok(await ask(url, "tuned"));
        equal(await ask(url, "other"), undefined);
      }
      await rejects(fetch(`${url}/health`)); // It is gone.
      await rejects(start({ side: "base", baseModel: "gated/model", port: somePort() }), (error: UserError) => {
        match(error.message, /Cannot serve "gated\/model" with vLLM: it ended with exit code 1/);
        match(error.hint ?? "", /HF_TOKEN/);
        return true;
      });
      await rejects(start({ side: "base", baseModel: "huge", port: somePort() }), (error: UserError) => {
        match(error.hint ?? "", /--gpu-memory/);
        return true;
      });
      using taken = Deno.listen({ port: 0, hostname: "127.0.0.1" });
      await rejects(start({ side: "base", port: taken.addr.port }), /another program listens there/);
      // A server that dies while it serves ends the step with the reason.
      const dying = serve.options.parse({ side: "base", baseModel: "crash", vllm, port: somePort(), gpuMemory: 0.5 });
      await rejects(serve.run(dying, fakeContext({ fetch })), /it ended with exit code 9/);
    });
  },
});

Deno.test({
  name: "deno task gaea:serve serves a GGUF until Ctrl-C, and leaves nothing running",
  ignore: Deno.build.os === "windows",
  async fn() {
    const missing = await whyNoLlama();
    if (missing) return console.log(`skipped: ${missing}`);
    await withFolder(async (folder) => {
      const gguf = await tinyModel(join(folder, "tiny.gguf"));
      const port = somePort();
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "-A", "--no-check", "tasks/step.ts", "gaea:serve", "tuned"],
          ...["--tuned-model", gguf, "--port", String(port)],
        ],
        cwd: WORKSPACE,
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const out = new Response(child.stdout).text();
      let err = "";
      for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
        if (!err.includes("Ctrl-C ends it") && (err + part).includes("Ctrl-C ends it")) {
          const response = await fetch(`http://127.0.0.1:${port}/health`);
          equal((await response.json()).status, "ok");
          child.kill("SIGINT");
        }
        err += part;
      }
      const { code } = await child.status;
      equal(code, 0, err);
      match(err, /deno task gaea:voice --finetuned --port/);
      match(await out, /llama-server ended: tuned at/);
      await rejects(fetch(`http://127.0.0.1:${port}/health`));
    });
  },
});
