import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { findLms, lmsFor } from "@/llm/lms.ts";
import { modelLoader } from "@/llm/load.ts";
import { serverAddress } from "@/llm/server.ts";
import { fakeContext } from "../fakes/context.ts";
import { fakeLms, type FakeLmsOptions } from "../fakes/lms.ts";
import { type FakeLmStudio, fakeLmStudio, type FakeModel, type FakeOptions } from "../fakes/lmstudio.ts";
import type { Loading } from "../fakes/lmstudio_models.ts";

const MODELS: readonly FakeModel[] = [
  { key: "qwen/qwen2.5-7b-instruct-1m" },
  { key: "qwen/qwen2.5-7b-instruct" },
  { key: "ibm/granite-4-h-tiny" },
  { key: "text-embedding-nomic", type: "embedding" },
];
const QWEN = "qwen/qwen2.5-7b-instruct";
const GRANITE = "ibm/granite-4-h-tiny";

/** A loader on a fake LM Studio, by REST or, where that cannot load, by a fake lms. */
async function withLoader(
  { cli, ...options }: FakeOptions & { cli?: FakeLmsOptions },
  test: (setting: {
    fake: FakeLmStudio;
    loader: Awaited<ReturnType<typeof modelLoader>>;
    lms: ReturnType<typeof fakeLms> | undefined;
    load: (key: string) => Promise<{ id: string; key: string }>;
  }) => Promise<void>,
): Promise<void> {
  await using fake = fakeLmStudio({ models: MODELS, ...options });
  const address = serverAddress(fake.url);
  const lms = cli && fakeLms(fake.models, cli);
  const loader = await modelLoader({
    address,
    access: { fetch, token: options.token },
    lms: lms && lmsFor("lms", address, lms.ask),
    clock: fakeContext().clock,
  });
  const { signal } = new AbortController();
  await test({ fake, loader, lms, load: (key) => loader.loadAlone(key, 8192, signal) });
}

const keys = (fake: FakeLmStudio) => fake.models.instances.map(({ key }) => key);
const quirk = (loading: Loading, of = QWEN) => ({ loading: (key: string): Loading => key === of ? loading : "loads" });

Deno.test("modelLoader loads by REST what it is told, alone, with the context that was asked for", () =>
  withLoader({ models: MODELS.map((m) => ({ ...m, loaded: m.key === GRANITE })) }, async ({ fake, loader, load }) => {
    equal(loader.means, "rest");
    deepEqual(await load(QWEN), { id: QWEN, key: QWEN, config: { context_length: 8192 } });
    deepEqual(fake.models.instances, [{ id: QWEN, key: QWEN, config: { context_length: 8192 } }]);
    deepEqual(fake.models.calls, [`unload ${GRANITE}`, `load ${QWEN}`]);
    await loader.unloadAll();
    deepEqual(fake.models.instances, []);
  }));

Deno.test("modelLoader leaves embedding models in memory", () =>
  withLoader(
    { models: MODELS.map((m) => ({ ...m, loaded: m.type === "embedding" })) },
    async ({ fake, loader, load }) => {
      deepEqual(await loader.loaded(), []);
      await load(QWEN);
      deepEqual(keys(fake), ["text-embedding-nomic", QWEN]);
    },
  ));

Deno.test("modelLoader downloaded drops embeddings, remote models and files that do not chat, each with its reason", () =>
  withLoader({
    models: [
      { key: QWEN },
      { key: "eclipse/vae-free-chat-7b" },
      { key: "eclipse/chat-7b" },
      { key: "someone/embeddinggemma-300m" },
      { key: "bge-reranker-v2" },
      { key: "nomic", architecture: "nomic-bert" },
      { key: "far/away", deviceIdentifier: "f00d" },
      { key: "gemma/mmproj-model-f16" },
      { key: "black-forest/flux.1-dev" },
      { key: "odd", architecture: "clip" },
    ],
  }, async ({ loader }) => {
    const { usable, skipped } = await loader.downloaded();
    deepEqual(usable.map(({ key }) => key), [QWEN, "eclipse/chat-7b"]);
    deepEqual(skipped.map(({ key, reason }) => `${key}: ${reason}`), [
      "eclipse/vae-free-chat-7b: not a chat model",
      "someone/embeddinggemma-300m: embeddings",
      "bge-reranker-v2: embeddings",
      "nomic: embeddings",
      "far/away: remote",
      "gemma/mmproj-model-f16: not a chat model",
      "black-forest/flux.1-dev: not a chat model",
      "odd: not a chat model",
    ]);
  }));

Deno.test("modelLoader asks lms which models are on linked machines, since REST does not tell", () =>
  withLoader({ cli: { remote: [GRANITE], talkative: true } }, async ({ loader }) => {
    const { usable, skipped } = await loader.downloaded();
    ok(!usable.some(({ key }) => key === GRANITE));
    ok(skipped.some(({ key, reason }) => key === GRANITE && reason === "remote"));
  }));

Deno.test("modelLoader refuses another model in the place of the one it asked for", () =>
  withLoader({ quirks: quirk({ wrong: GRANITE }) }, async ({ load }) => {
    await rejects(load(QWEN), {
      name: "UserError",
      message: `Cannot load "${QWEN}": LM Studio loaded "${GRANITE}" instead`,
    });
  }));

Deno.test("modelLoader refuses a model that is said to be loaded and is not", () =>
  withLoader({ quirks: quirk("nothing") }, async ({ load }) => {
    await rejects(load(QWEN), /LM Studio does not list it as loaded/);
  }));

Deno.test("modelLoader unloads the second instance of a model", () =>
  withLoader({ quirks: quirk("twice") }, async ({ fake, load }) => {
    equal((await load(QWEN)).id, QWEN);
    deepEqual(fake.models.instances.map(({ id }) => id), [QWEN]);
  }));

Deno.test("modelLoader settle unloads what a request made LM Studio load beside", () =>
  withLoader({ quirks: { jit: () => GRANITE } }, async ({ fake, loader, load }) => {
    await load(QWEN);
    fake.models.asked(QWEN);
    deepEqual(keys(fake), [QWEN, GRANITE]);
    equal((await loader.settle(QWEN)).key, QWEN);
    deepEqual(keys(fake), [QWEN]);
  }));

Deno.test("modelLoader tells why a model does not load: error objects, strings, status 200 and not, crashes", async () => {
  const crash = "(Exit code: 18446744072635812000). Unknown error. Try a different model and/or config.";
  for (
    const [error, status, said] of [
      [{ type: "model_load_failed", message: "unsupported architecture" }, 200, /unsupported architecture/],
      ["Failed to load model", 500, /Failed to load model/],
      [{ message: crash }, 400, /18446744072635812000/],
    ] as const
  ) {
    await withLoader({ quirks: quirk({ error, status }) }, async ({ fake, load }) => {
      await rejects(load(QWEN), (error: Error) => {
        equal(error.name, "UserError");
        match(error.message, /^Cannot load "qwen/);
        match(error.message, said);
        return true;
      });
      deepEqual(keys(fake), []);
      await load(GRANITE);
      deepEqual(keys(fake), [GRANITE]);
    });
  }
});

Deno.test("modelLoader refuses to go on where a model does not go", () =>
  withLoader({
    models: MODELS.map((m) => ({ ...m, loaded: m.key === GRANITE })),
    quirks: { sticky: () => true },
  }, async ({ fake, load }) => {
    await rejects(load(QWEN), {
      name: "UserError",
      message: `Cannot unload "${GRANITE}": LM Studio still lists it as "${GRANITE}"`,
    });
    ok(!fake.models.calls.includes(`load ${QWEN}`));
  }));

Deno.test("modelLoader sends the token, and stops where it is refused", async () => {
  await withLoader({ token: "sk-lm-secret" }, async ({ load }) => void await load(QWEN));
  await using fake = fakeLmStudio({ models: MODELS, token: "sk-lm-secret" });
  await rejects(
    modelLoader({ address: serverAddress(fake.url), access: { fetch }, lms: undefined, clock: fakeContext().clock }),
    { kind: "unauthorized" },
  );
});

Deno.test("modelLoader loads by lms where the REST API cannot, and by its exact path", async () => {
  for (const options of [{ api: "v0" as const }, { loads: false }]) {
    await withLoader({ ...options, cli: {} }, async ({ fake, loader, lms, load }) => {
      equal((await load(QWEN)).key, QWEN);
      equal(loader.means, "lms");
      deepEqual(keys(fake), [QWEN]);
      equal(fake.models.instances[0]?.config.context_length, 8192);
      const call = lms?.calls.find((call) => call.startsWith("load"));
      equal(call, `load ${QWEN}/qwen2.5-7b-instruct-Q4_K_M.gguf --exact -y --context-length 8192 --port ${fake.port}`);
      await loader.unloadAll();
      deepEqual(keys(fake), []);
    });
  }
});

Deno.test("modelLoader sees through an old lms that loads the first model that roughly fits", () =>
  withLoader({ api: "v0", cli: { old: true } }, async ({ fake, loader, load }) => {
    await rejects(load(QWEN), {
      message: `Cannot load "${QWEN}": LM Studio loaded "qwen/qwen2.5-7b-instruct-1m" instead`,
    });
    await loader.unloadAll();
    equal((await load(GRANITE)).key, GRANITE);
    deepEqual(keys(fake), [GRANITE]);
  }));

Deno.test("modelLoader tells what lms said when it could not load, without its colours", () =>
  withLoader({ api: "v0", cli: {}, quirks: quirk({ error: { message: "not enough memory" } }) }, async ({ load }) => {
    await rejects(load(QWEN), (error: Error) => {
      match(
        error.message,
        /^Cannot load ".*": Cannot finish "lms load .*": Error: .*not enough memory.* \(exit code 1\)$/,
      );
      // deno-lint-ignore no-control-regex
      ok(!/\x1b/.test(error.message));
      return true;
    });
  }));

Deno.test("modelLoader does not believe the exit code of lms unload", () =>
  withLoader({
    api: "v0",
    cli: {},
    models: MODELS.map((m) => ({ ...m, loaded: m.key === GRANITE })),
    quirks: { sticky: () => true },
  }, async ({ loader }) => {
    await rejects(loader.unloadAll(), /^UserError: Cannot unload/);
  }));

Deno.test("modelLoader says what to do where there is neither a REST call nor lms", async () => {
  await rejects(withLoader({ api: "v0" }, () => Promise.resolve()), (error: Error & { hint?: string }) => {
    match(error.message, /no REST call for it, and lms was not found/);
    match(error.hint ?? "", /--lms-cli-path/);
    return true;
  });
});

Deno.test("modelLoader takes another server's models as they are", () =>
  withLoader({ api: "openai" }, async ({ fake, loader, load }) => {
    equal(loader.means, "none");
    equal((await load(QWEN)).id, QWEN);
    await loader.unloadAll();
    deepEqual(await loader.restore([]), []);
    deepEqual(fake.models.calls, []);
  }));

Deno.test("modelLoader restore brings back models with their settings, and only what is missing", () =>
  withLoader({
    models: MODELS.map((m) => ({ ...m, ...(m.key === GRANITE ? { loaded: true, contextLength: 2048 } : {}) })),
  }, async ({ fake, loader, load }) => {
    const before = await loader.loaded();
    deepEqual(await loader.restore(before), []);
    deepEqual(fake.models.calls, []);
    await load(QWEN);
    deepEqual(await loader.restore(before), []);
    deepEqual(fake.models.instances, [{ id: GRANITE, key: GRANITE, config: { context_length: 2048 } }]);
  }));

Deno.test("modelLoader restore loads the benchmarked model anew where the user had it with another context", () =>
  withLoader({
    models: MODELS.map((m) => ({ ...m, ...(m.key === QWEN ? { loaded: true, contextLength: 2048 } : {}) })),
  }, async ({ fake, loader, load }) => {
    const before = await loader.loaded();
    await load(QWEN);
    deepEqual(await loader.restore(before), []);
    deepEqual(fake.models.instances, [{ id: QWEN, key: QWEN, config: { context_length: 2048 } }]);
  }));

Deno.test("modelLoader restore gives back a model's own name and its time to live by lms", () =>
  withLoader({ cli: {} }, async ({ fake, loader, load }) => {
    fake.models.instances.push({ id: "writer", key: GRANITE, config: { context_length: 2048 }, ttlMs: 3_600_000 });
    const before = await loader.loaded();
    await load(QWEN);
    deepEqual(await loader.restore(before), []);
    deepEqual(fake.models.instances, [
      { id: "writer", key: GRANITE, config: { context_length: 2048 }, ttlMs: 3_600_000 },
    ]);
  }));

Deno.test("modelLoader restore says what it could not put back", () =>
  withLoader({ quirks: quirk({ error: "out of memory" }, GRANITE) }, async ({ fake, loader, load }) => {
    fake.models.instances.push({ id: "writer", key: "ibm/granite-4-h-tiny", config: {} });
    fake.models.instances.push({ id: "mine", key: "qwen/qwen2.5-7b-instruct-1m", config: {} });
    const before = await loader.loaded();
    await load(QWEN);
    const problems = await loader.restore(before);
    deepEqual(problems, [
      '"qwen/qwen2.5-7b-instruct-1m" is loaded again, but not under its name "mine"',
      `Cannot load "${GRANITE}": out of memory`,
      `"${GRANITE}" was loaded before and is not any more`,
    ]);
    deepEqual(keys(fake), ["qwen/qwen2.5-7b-instruct-1m"]);
  }));

Deno.test("modelLoader restore waits for a load that was under way at Ctrl-C, and undoes it", async () => {
  const gate = Promise.withResolvers<Loading>();
  await withLoader({
    models: MODELS.map((m) => ({ ...m, loaded: m.key === GRANITE })),
    quirks: { loading: (key) => key === QWEN ? gate.promise : "loads" },
  }, async ({ fake, loader }) => {
    const before = await loader.loaded();
    const stop = new AbortController();
    const loading = loader.loadAlone(QWEN, 8192, stop.signal);
    while (!fake.models.calls.includes(`load ${QWEN}`)) await new Promise((resolve) => setTimeout(resolve, 1));
    stop.abort(new DOMException("stopped", "AbortError"));
    await rejects(loading, { name: "AbortError" });
    const restoring = loader.restore(before);
    gate.resolve("loads");
    deepEqual(await restoring, []);
    deepEqual(keys(fake), [GRANITE]);
  });
});

Deno.test("findLms looks on PATH, then in LM Studio's home; a path that was given must answer", async () => {
  const env = { HOME: "/home/someone" };
  const read = (path: string) =>
    Promise.resolve(path.endsWith(".lmstudio-home-pointer") ? "/big/lmstudio\n" : undefined);
  const find = (command: string, path?: string) =>
    findLms({ path, env, read, os: "linux", ask: fakeLms(emptyModels(), { command }).ask });
  equal(await find("lms"), "lms");
  equal(await find("/big/lmstudio/bin/lms"), "/big/lmstudio/bin/lms");
  equal(await find("/opt/lm-studio/bin/lms"), "/opt/lm-studio/bin/lms");
  equal(await find("nowhere"), undefined);
  equal(await find("/mine/lms", "/mine/lms"), "/mine/lms");
  await rejects(find("lms", "/mine/lms"), { name: "UsageError" });
});

Deno.test("lmsFor names host and port of a server elsewhere, and passes over one behind https", () => {
  const { ask, calls } = fakeLms(emptyModels());
  equal(lmsFor("lms", serverAddress("https://gpu.example"), ask), undefined);
  return lmsFor("lms", serverAddress("http://gpu.local:4321"), ask)?.models()
    .then(() => deepEqual(calls, ["ls --json --host gpu.local --port 4321"]));
});

function emptyModels() {
  return {
    known: [],
    instances: [],
    calls: [],
    load: () => Promise.resolve("nothing" as const),
    unload: () => false,
    asked: () => {},
  };
}
