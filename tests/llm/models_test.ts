import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { listModels, serverStatus } from "@/llm/models.ts";
import { serverAddress } from "@/llm/server.ts";
import { fakeLmStudio } from "../fakes/lmstudio.ts";

const MODELS = [
  { key: "qwen2.5-7b-instruct", loaded: true, contextLength: 4096 },
  { key: "llama-3.1-8b-instruct" },
  { key: "text-embedding-nomic", type: "embedding" as const },
];

Deno.test("listModels tells the three listings apart by their shape", async () => {
  for (const [api, name] of [["v1", "lmstudio-v1"], ["v0", "lmstudio-v0"], ["openai", "openai"]] as const) {
    await using fake = fakeLmStudio({ models: MODELS, api });
    const list = await listModels(serverAddress(`${fake.url}/v1`), { fetch });
    equal(list.api, name);
    deepEqual(list.models.map(({ id }) => id), MODELS.map(({ key }) => key));
    const kinds = api === "openai" ? ["unknown", "unknown", "embedding"] : ["llm", "llm", "embedding"];
    deepEqual(list.models.map(({ kind }) => kind), kinds);
    equal(list.models[0]?.loaded, api === "openai" ? undefined : true);
    equal(list.models[1]?.loaded, api === "openai" ? undefined : false);
    if (api !== "openai") equal(list.models[0]?.contextLength, 4096);
  }
});

Deno.test("listModels says so when a server has no listing at all", async () => {
  const { port, ...server } = openServer(() => new Response("nothing here", { status: 404 }));
  await using _ = server;
  await rejects(listModels(serverAddress(`127.0.0.1:${port}`), { fetch }), { kind: "not_found" });
});

Deno.test("serverStatus tells models and which are loaded, without embeddings", async () => {
  await using fake = fakeLmStudio({ models: MODELS });
  const status = await serverStatus(fake.url, { fetch });
  deepEqual(status, {
    url: fake.url,
    reachable: true,
    lmstudio: true,
    models: ["qwen2.5-7b-instruct", "llama-3.1-8b-instruct"],
    loaded: ["qwen2.5-7b-instruct"],
  });
});

Deno.test("serverStatus knows other servers from LM Studio", async () => {
  await using fake = fakeLmStudio({ models: MODELS, api: "openai" });
  equal((await serverStatus(fake.url, { fetch })).lmstudio, false);
});

Deno.test("serverStatus never fails: nobody there, a slow one, one that wants a token, an address that is none", async () => {
  await using fake = fakeLmStudio();
  await fake[Symbol.asyncDispose]();
  const gone = await serverStatus(fake.url, { fetch });
  equal(gone.reachable, false);
  match(gone.problem ?? "", /connection refused/);
  ok(gone.hint);

  const slow = openServer(() => new Promise((resolve) => setTimeout(() => resolve(new Response("{}")), 400)));
  const late = await serverStatus(`127.0.0.1:${slow.port}`, { fetch, timeoutMs: 50 });
  equal(late.reachable, false);
  match(late.problem ?? "", /no answer in time/);
  await slow[Symbol.asyncDispose]();

  const strict = openServer(() =>
    Response.json({ error: { code: "invalid_api_key", message: "token" } }, { status: 401 })
  );
  const refused = await serverStatus(`127.0.0.1:${strict.port}`, { fetch });
  equal(refused.reachable, true);
  match(refused.problem ?? "", /token/);
  await strict[Symbol.asyncDispose]();

  match((await serverStatus("ftp://x", { fetch })).problem ?? "", /address of a server/);
});

function openServer(handler: () => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}
