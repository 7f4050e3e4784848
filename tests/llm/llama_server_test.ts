import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UserError } from "@/core/errors.ts";
import { delay } from "@/core/python_process.ts";
import type { Context } from "@/core/step.ts";
import { ChatError } from "@/llm/errors.ts";
import { engineOptions, llamaServerEngine, serverArgs, startLlamaServer } from "@/llm/llama_server.ts";
import { loadHint } from "@/llm/llama_server_process.ts";
import { fakeContext } from "../fakes/context.ts";

const ignore = Deno.build.os === "windows"; // The pretended server is a shell script.

/** Pretends to be llama-server: loads for some polls, then answers. What it does is in the model's name. */
const PRETEND = `
const flag = (name) => Deno.args[Deno.args.indexOf(name) + 1];
const mode = flag("--model");
Deno.writeTextFileSync(Deno.env.get("PIDS"), Deno.pid + "\\n", { append: true });
if (mode.includes("broken")) {
  console.error("llama_model_load: error loading model: unknown model architecture: 'mystery'");
  Deno.exit(1);
}
if (mode.includes("deaf")) Deno.addSignalListener("SIGTERM", () => {});
let polls = 0;
Deno.serve({ hostname: flag("--host"), port: Number(flag("--port")), onListen() {} }, (request) => {
  if (new URL(request.url).pathname === "/health") {
    return ++polls < 3 || mode.includes("slow")
      ? Response.json({ error: { code: 503, message: "Loading model" } }, { status: 503 })
      : Response.json({ status: "ok" });
  }
  console.error("slot 0 | something terrible");
  Deno.exit(3);
});
`;

async function setUp(overrides: Partial<Context> = {}) {
  const folder = await Deno.makeTempDir();
  const program = join(folder, "llama-server");
  const pids = join(folder, "pids");
  await Deno.writeTextFile(`${program}.js`, PRETEND);
  await Deno.writeTextFile(program, `#!/bin/sh\nPIDS="${pids}" exec "${Deno.execPath()}" run -A "$0".js "$@"\n`);
  await Deno.chmod(program, 0o755);
  const model = async (name: string, head = "GGUF") => {
    await Deno.writeTextFile(join(folder, name), head);
    return join(folder, name);
  };
  return {
    folder,
    model,
    context: fakeContext({ fetch, env: { LLAMA_CPP_BIN: folder }, ...overrides }),
    pid: async () => Number((await Deno.readTextFile(pids).catch(() => "")).trim().split("\n").at(-1)),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function isAlive(pid: number): boolean {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] }).outputSync();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
}

/** Waits for what happens in other processes. */
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (await condition()) return;
    await delay(20);
  }
  throw new Error(`never came: ${what}`);
}

Deno.test("serverArgs gives every slot the context that was asked for, and always a port", () => {
  deepEqual(serverArgs("m.gguf", "voice", 4711, { model: "m.gguf", contextSize: 1000, parallel: 3, gpuLayers: 0 }), [
    ...["--model", "m.gguf", "--alias", "voice", "--host", "127.0.0.1", "--port", "4711"],
    ...["--ctx-size", "3000", "--parallel", "3", "--n-gpu-layers", "0"],
  ]);
});

Deno.test("loadHint tells lack of memory, a foreign processor and an unknown model apart", () => {
  match(loadHint("ggml_backend_cpu_buffer: failed to allocate buffer", 1), /Memory/);
  match(loadHint("", 137), /Memory/);
  match(loadHint("", 132), /another processor/);
  match(loadHint("unknown model architecture: 'x'", 1), /newer/);
});

Deno.test({
  name: "startLlamaServer waits until the model is loaded, and leaves nothing behind",
  ignore,
  fn: async () => {
    await using test = await setUp();
    let pid = NaN;
    {
      await using server = await startLlamaServer({ model: await test.model("voice-q4.gguf") }, test.context);
      pid = await test.pid();
      ok(isAlive(pid));
      const options = engineOptions(server, test.context);
      equal(options.model, "voice-q4");
      equal(options.address.openai, `${server.url}/v1`);
    }
    equal(isAlive(pid), false);
  },
});

Deno.test({
  name: "startLlamaServer quotes a server that ends while it loads, and says what it means",
  ignore,
  fn: async () => {
    await using test = await setUp();
    await rejects(startLlamaServer({ model: await test.model("broken.gguf") }, test.context), (error: UserError) => {
      match(error.message, /broken\.gguf.*exit code 1[\s\S]*unknown model architecture/);
      match(error.hint ?? "", /does not know the model/);
      return true;
    });
  },
});

Deno.test({
  name: "startLlamaServer ends the server when the signal fires while it loads",
  ignore,
  fn: async () => {
    const controller = new AbortController();
    await using test = await setUp({ signal: controller.signal });
    const starting = startLlamaServer({ model: await test.model("slow.gguf") }, test.context);
    const refused = rejects(starting, { name: "AbortError" });
    await until("the server", async () => isAlive(await test.pid()));
    controller.abort();
    await refused;
    equal(isAlive(await test.pid()), false);
  },
});

Deno.test({
  name: "startLlamaServer has its server end with a process that is killed",
  ignore,
  fn: async () => {
    await using test = await setUp();
    const script = join(test.folder, "parent.ts");
    const library = new URL("../../lib/llm/llama_server.ts", import.meta.url).href;
    await Deno.writeTextFile(
      script,
      `import { startLlamaServer } from "${library}";
const context = { signal: new AbortController().signal, fetch, env: ${JSON.stringify(test.context.env)}, emit() {} };
await startLlamaServer({ model: ${JSON.stringify(await test.model("deaf.gguf"))} }, context);
console.log("ready");
`,
    );
    const parent = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", "deno.json", script],
      stdout: "piped",
    }).spawn();
    for await (const chunk of parent.stdout) if (new TextDecoder().decode(chunk).includes("ready")) break;
    const pid = await test.pid();
    ok(isAlive(pid));
    parent.kill("SIGKILL");
    await parent.status;
    await until("the server's end", () => !isAlive(pid));
  },
});

Deno.test({
  name: "llamaServerEngine ends a run with the reason of a server that died",
  ignore,
  fn: async () => {
    await using test = await setUp();
    await using engine = await llamaServerEngine({ model: await test.model("voice.gguf") }, test.context);
    const request = { messages: [{ role: "user" as const, content: "Good day." }], temperature: 0 };
    await rejects(engine.chat(request, test.context.signal), (error: ChatError) => {
      match(error.message, /voice\.gguf.*exit code 3[\s\S]*something terrible/);
      ok(error.fatal);
      return true;
    });
  },
});

Deno.test("startLlamaServer refuses what is no GGUF, and a port that is taken", async () => {
  await using test = await setUp();
  const { context } = test;
  await rejects(startLlamaServer({ model: await test.model("model.gguf", "PK") }, context), /not a GGUF/);
  await rejects(startLlamaServer({ model: join(test.folder, "none.gguf") }, context), /no such file/);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await rejects(
    startLlamaServer({ model: await test.model("m.gguf"), port }, context),
    /another program listens there/,
  );
});
