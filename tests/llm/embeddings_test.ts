import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { embedAll, type Embedder, lengthOf, TooLargeError } from "@/llm/embeddings.ts";
import { openEmbeddingCache } from "@/llm/embeddings_cache.ts";
import { serverEmbedder, type ServerEmbedderOptions } from "@/llm/embeddings_server.ts";
import { transformersEmbedder } from "@/llm/embeddings_transformers.ts";
import { serverAddress } from "@/llm/server.ts";
import { fakeContext } from "../fakes/context.ts";
import { base64, type Behave, DIMENSIONS, fakeEmbeddings, rows, toyVector } from "../fakes/embeddings.ts";
import { LONGEST, writeToyModel } from "../fakes/embeddings_model.ts";
import { withFolder } from "../fakes/folder.ts";

const { signal } = new AbortController();

/** Takes so many texts at once, and so many characters in one. */
function limited(texts: number, characters: number): Embedder & { seen: string[] } {
  const seen: string[] = [];
  return {
    key: "toy",
    shown: "toy",
    seen,
    embed(batch) {
      if (batch.length > texts || batch.some((text) => text.length > characters)) {
        return Promise.reject(new TooLargeError("too large"));
      }
      seen.push(...batch);
      return Promise.resolve(batch.map((text) => Float32Array.from(toyVector(text))));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

Deno.test("embedAll halves a batch that is too large and keeps its order", async () => {
  const embedder = limited(2, 100);
  const texts = ["chess", "pawn pawn", "equation", "rook", "dynamo"];
  const vectors = await embedAll(embedder, texts, signal);
  deepEqual(embedder.seen, texts);
  deepEqual(vectors.map((vector) => vector.indexOf(Math.max(...vector))), [0, 0, 1, 0, 1]);
  ok(vectors.every((vector) => Math.abs(lengthOf(vector) - 1) < 1e-6));
});

Deno.test("embedAll cuts a text that is too long at white space and weighs its parts", async () => {
  const embedder = limited(8, 60);
  const cut: string[] = [];
  const text = "pawn ".repeat(20) + "dynamo ".repeat(5);
  const [vector = new Float32Array()] = await embedAll(embedder, ["rook", text], signal, (which) => cut.push(which))
    .then(
      (vectors) => vectors.slice(1),
    );
  deepEqual(cut, [text]);
  ok(embedder.seen.every((part) => /^(rook|(pawn|dynamo| )*)$/.test(part)), "no word is cut");
  ok((vector[0] ?? 0) > (vector[1] ?? 0) && (vector[1] ?? 0) > 0, `${vector}`);
});

Deno.test("embedAll cuts a text without white space between whole characters", async () => {
  const embedder = limited(8, 60);
  const text = "😀".repeat(101);
  await embedAll(embedder, [text], signal);
  equal(embedder.seen.join(""), text);
  ok(embedder.seen.every((part) => part.isWellFormed()));
});

Deno.test("embedAll gives up on a model that refuses the shortest text", async () => {
  await rejects(embedAll(limited(0, 0), ["a short text"], signal), /refuses even 12 characters/);
});

Deno.test("embedAll refuses vectors without a direction", async () => {
  for (const value of [0, NaN, Infinity]) {
    const broken = { ...limited(8, 100), embed: () => Promise.resolve([Float32Array.of(value, value)]) };
    await rejects(embedAll(broken, ["text"], signal), UserError);
  }
});

function server(
  behave?: Behave,
  options: Partial<ServerEmbedderOptions> & { models?: unknown; answers?: string } = {},
) {
  const fake = fakeEmbeddings({
    ...(behave ? { behave } : {}),
    ...(options.models ? { models: options.models } : {}),
    ...(options.answers ? { model: options.answers } : {}),
  });
  const context = fakeContext({ fetch: fake.fetch });
  const made = serverEmbedder({ address: serverAddress("localhost:1234"), ...options }, context);
  return { fake, context, embed: async (...texts: string[]) => await (await made).embed(texts, signal) };
}

Deno.test("serverEmbedder takes the loaded embedding model and asks for plain numbers", async () => {
  const { fake, embed } = server(undefined, { token: "secret" });
  const vectors = await embed("chess", "physics");
  deepEqual(vectors.map((vector) => [...vector]), [toyVector("chess"), toyVector("physics")]);
  deepEqual(fake.requests, [{ model: "toy-embedding", input: ["chess", "physics"], encoding_format: "float" }]);
  deepEqual(fake.authorization, ["Bearer secret"]);
});

Deno.test("serverEmbedder says what a server without embedding models has", async () => {
  const models = { models: ["a", "b"].map((key) => ({ type: "llm", key, loaded_instances: [] })) };
  await rejects(server(undefined, { models }).embed("x"), (error) => {
    ok(error instanceof UserError);
    match(error.message, /lists no embedding model/);
    match(error.hint ?? "", /It has a, b/);
    return true;
  });
});

Deno.test("serverEmbedder reads base64 and rows out of order", async () => {
  const { embed } = server(({ input }) =>
    Response.json({
      data: input.map((text, index) => ({ index, embedding: base64(toyVector(text)) })).reverse(),
    })
  );
  deepEqual((await embed("chess", "dynamo")).map((vector) => [...vector]), [toyVector("chess"), toyVector("dynamo")]);
});

Deno.test("serverEmbedder waits as asked and tries again", async () => {
  const { embed, context, fake } = server((_, index) =>
    [
      Response.json({ error: "busy" }, { status: 429, headers: { "retry-after": "7" } }),
      Response.json({ error: { message: "loading" } }, { status: 503 }),
      Response.json({ data: [] }),
      rows([[1, null]]),
    ][index]
  );
  equal((await embed("chess")).length, 1);
  deepEqual(context.slept, [7000, 2000, 4000, 8000]);
  equal(fake.requests.length, 5);
});

Deno.test("serverEmbedder gives up after its tries", async () => {
  const { embed, fake } = server(() => Response.json({ error: "broken" }, { status: 500 }), { retries: 2 });
  await rejects(embed("chess"), /failed: broken/);
  equal(fake.requests.length, 3);
});

Deno.test("serverEmbedder tells faults by their words, also with status 200", async () => {
  const cases: [body: unknown, status: number, expected: RegExp, kind: typeof UserError | typeof TooLargeError][] = [
    [{ error: "Unexpected endpoint or method. (POST /v1/embeddings)" }, 200, /knows no \/v1\/embeddings/, UserError],
    [{ error: { message: "This server does not support embeddings." } }, 501, /makes no embeddings/, UserError],
    [{ error: "Model is not embedding" }, 200, /makes no embeddings/, UserError],
    [{ error: { message: "Pooling type 'none' is not OAI compatible." } }, 400, /makes no embeddings/, UserError],
    [{ error: { message: "No models loaded. Please load a model" } }, 404, /does not have that model/, UserError],
    [{ error: { code: "invalid_api_key", message: "no" } }, 401, /without a valid token/, UserError],
    [{ error: { message: "input (812 tokens) is too large to process" } }, 500, /too large/, TooLargeError],
    [{ error: "batch size 64 > maximum allowed batch size 32" }, 422, /batch size/, TooLargeError],
    [{ error: "the input exceeds the context length" }, 200, /context/, TooLargeError],
    [{ data: [{ embedding: [[1, 2], [3, 4]] }] }, 200, /not rows of numbers/, UserError],
  ];
  for (const [body, status, expected, kind] of cases) {
    await rejects(server(() => Response.json(body, { status }), { retries: 0 }).embed("x"), (error) => {
      ok(error instanceof kind, `${JSON.stringify(body)}: ${error}`);
      match(error.message, expected);
      return true;
    });
  }
  const page = () => new Response("<html>", { headers: { "content-type": "text/html" } });
  await rejects(server(page).embed("x"), /web page/);
});

Deno.test("serverEmbedder refuses a change of dimensions and tells of another model", async () => {
  const { embed, context } = server((_, index) => index === 0 ? undefined : rows([[1, 2]]), { answers: "other" });
  await embed("chess");
  deepEqual(context.events, [
    { type: "log", level: "warn", message: 'asked for "toy-embedding" on http://localhost:1234, "other" answers' },
  ]);
  await rejects(embed("chess"), /2 dimensions, those before had 4/);
});

Deno.test("serverEmbedder says how a server is reached that does not answer", async () => {
  const refused = Object.assign(new TypeError("fetch failed"), { cause: new Error("Connection refused") });
  const context = fakeContext({ fetch: () => Promise.reject(refused) });
  await rejects(serverEmbedder({ address: serverAddress("localhost:1") }, context), /connection refused/);
});

const unit = (...values: number[]) => Float32Array.from(values, (value) => value / Math.hypot(...values));
const PROBE = { key: "toy", probe: unit(1, 2, 3) };

Deno.test("openEmbeddingCache keeps vectors across openings, one model apart from another", () =>
  withFolder((folder) => {
    const path = join(folder, "cache", "embeddings.sqlite");
    const damage: string[] = [];
    const open = (model = PROBE) => openEmbeddingCache(path, model, (message) => damage.push(message));
    {
      using cache = open();
      equal(cache.get("a"), undefined);
      cache.put(["a", "b"], [unit(1, 0, 0), unit(0, 1, 1)]);
    }
    {
      using cache = open({ key: "toy", probe: unit(1, 2, 3.0001) });
      deepEqual(cache.get("b"), unit(0, 1, 1));
    }
    {
      // The same name, but another model answers.
      using cache = open({ key: "toy", probe: unit(3, 2, 1) });
      equal(cache.get("a"), undefined);
      cache.put(["a"], [unit(0, 0, 1)]);
    }
    using one = open();
    using two = open({ key: "toy", probe: unit(3, 2, 1) }); // Both at a time.
    deepEqual([one.get("a"), two.get("a")], [unit(1, 0, 0), unit(0, 0, 1)]);
    deepEqual(damage, []);
  }));

Deno.test("openEmbeddingCache moves a damaged file aside and begins anew", () =>
  withFolder((folder) => {
    const path = join(folder, "embeddings.sqlite");
    Deno.writeTextFileSync(path, "this is no database, and it is long enough to be read as a header of one".repeat(20));
    const damage: string[] = [];
    using cache = openEmbeddingCache(path, PROBE, (message) => damage.push(message));
    cache.put(["a"], [unit(1, 0, 0)]);
    deepEqual(cache.get("a"), unit(1, 0, 0));
    equal(damage.length, 1);
    ok(Deno.statSync(`${path}.damaged`).isFile);
  }));

Deno.test("openEmbeddingCache survives pages torn in the middle of a file", () =>
  withFolder((folder) => {
    const path = join(folder, "embeddings.sqlite");
    const texts = Array.from({ length: 500 }, (_, index) => `text ${index}`);
    {
      using cache = openEmbeddingCache(path, PROBE, () => {});
      cache.put(texts, texts.map((_, index) => unit(index, 1, 1)));
    }
    const bytes = Deno.readFileSync(path);
    bytes.fill(0xab, 4096 * 2);
    Deno.writeFileSync(path, bytes);
    const damage: string[] = [];
    using cache = openEmbeddingCache(path, PROBE, (message) => damage.push(message));
    for (const [index, text] of texts.entries()) {
      const vector = cache.get(text);
      ok(vector === undefined || Math.abs(lengthOf(vector) - 1) < 1e-3, `${index}`);
    }
    cache.put(["new"], [unit(1, 0, 0)]);
    deepEqual(cache.get("new"), unit(1, 0, 0));
    equal(damage.length, 1);
  }));

Deno.test("openEmbeddingCache takes a vector with flipped bits as missing", () =>
  withFolder(async (folder) => {
    const path = join(folder, "embeddings.sqlite");
    {
      using cache = openEmbeddingCache(path, PROBE, () => {});
      cache.put(["a", "b"], [unit(1, 0, 0), unit(0, 1, 0)]);
    }
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(path);
    database.exec("UPDATE vectors SET vector = x'0000c0ff000000000000000000' WHERE rowid = 1");
    database.exec("UPDATE vectors SET vector = x'0000c07f0000000000000000' WHERE rowid = 2");
    database.close();
    using cache = openEmbeddingCache(path, PROBE, () => {});
    deepEqual([cache.get("a"), cache.get("b")], [undefined, undefined]);
  }));

Deno.test("transformersEmbedder names what a folder lacks and what is neither folder nor hub id", () =>
  withFolder(async (folder) => {
    const load = (model: string) => transformersEmbedder({ model, cacheFolder: folder }, fakeContext());
    await rejects(load(folder), (error) => {
      ok(error instanceof UsageError);
      match(error.message, /no config\.json, no tokenizer\.json, no tokenizer_config\.json, no onnx\/model\.onnx/);
      return true;
    });
    await rejects(load("./nowhere/at/all"), /there is no such folder/);
  }));

/** The package is fetched from npm on first use; where that is not to be had, the test says so. */
const transformers = await (async (name) => await import(name))("@xenova/transformers").then(() => true, () => false);
if (!transformers) console.log("transformers.js is not to be had: its tests are skipped");

Deno.test({
  name: "transformersEmbedder runs a real model from a folder, and tells of texts that are too long",
  ignore: !transformers,
  sanitizeResources: false, // The package keeps what it has loaded.
  sanitizeOps: false,
  fn: () =>
    withFolder(async (folder) => {
      await writeToyModel(folder);
      await using embedder = await transformersEmbedder({ model: folder, cacheFolder: folder }, fakeContext());
      const [chess, mixed, plain] = await embedAll(embedder, ["Chess rook", "pawn of physics", "of the"], signal);
      equal(chess?.length, DIMENSIONS);
      const near = (vector: Float32Array | undefined, expected: number[]) =>
        expected.forEach((value, index) => ok(Math.abs((vector?.[index] ?? NaN) - value) < 1e-5, `${vector}`));
      near(chess, [...unit(4, 0, 0, 1)]);
      near(mixed, [...unit(4, 4, 0, 3)]);
      near(plain, [...unit(0, 0, 0, 1)]);
      const long = "pawn ".repeat(LONGEST) + "physics";
      await rejects(embedder.embed([long], signal), TooLargeError);
      const cut: string[] = [];
      const [vector] = await embedAll(embedder, [long], signal, (text) => cut.push(text));
      equal(cut.length, 1);
      ok((vector?.[1] ?? 0) > 0, "the end is not lost");
    }),
});

Deno.test({
  name: "transformersEmbedder says what to do where the hub cannot be reached or has no such model",
  ignore: !transformers,
  sanitizeResources: false,
  sanitizeOps: false,
  fn: () =>
    withFolder(async (folder) => {
      const load = (fetch: typeof globalThis.fetch) =>
        transformersEmbedder({ model: "nobody/nothing", cacheFolder: folder }, fakeContext({ fetch }));
      await rejects(load(() => Promise.reject(new TypeError("name not known"))), (error) => {
        ok(error instanceof UserError);
        match(error.message, /"nobody\/nothing": the hub cannot be reached \(name not known\)/);
        match(error.hint ?? "", /--embedder server/);
        return true;
      });
      await rejects(load(() => Promise.resolve(new Response("", { status: 404 }))), /has no ONNX model of that name/);
    }),
});
