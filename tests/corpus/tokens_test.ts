import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { fetchTokenizer, loadTokenizer } from "@/corpus/tokens.ts";
import { fakeContext } from "../fakes/context.ts";

/** A byte-level BPE with the bytes of `a` to `e` and the space, and three merges. */
const BPE = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [
    { id: 9, content: "<|end|>", special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
  ],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  model: {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    vocab: {
      a: 0,
      b: 1,
      c: 2,
      d: 3,
      e: 4,
      "\u0120": 5,
      ab: 6,
      "\u0120ab": 7,
      abc: 8,
      "<": 10,
      "|": 11,
      ">": 12,
      n: 13,
    },
    merges: ["a b", "\u0120 ab", "ab c"],
  },
};

/** Knows two words. */
const WORDS = {
  ...BPE,
  added_tokens: [],
  normalizer: { type: "Lowercase" },
  pre_tokenizer: { type: "Whitespace" },
  decoder: null,
  model: { type: "WordLevel", vocab: { "[UNK]": 0, the: 1, machine: 2 }, unk_token: "[UNK]" },
};

async function withFolder(files: Record<string, unknown>, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      await Deno.writeTextFile(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
    }
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("loadTokenizer counts o200k tokens", async () => {
  const o200k = await loadTokenizer("o200k");
  deepEqual(o200k.encode("Hello world"), [13225, 2375]);
  equal(o200k.count(""), 0);
  equal(o200k.count("Проверка — 棋"), o200k.encode("Проверка — 棋").length);
});

Deno.test("loadTokenizer takes special tokens in a text for text", async () => {
  const o200k = await loadTokenizer("o200k");
  equal(o200k.count("a <|endoftext|> b"), o200k.encode("a <|endoftext|> b").length);
  equal(o200k.encode("<|endoftext|>").includes(199999), false);
  await withFolder({ "tokenizer.json": BPE }, async (folder) => {
    deepEqual((await loadTokenizer(folder)).encode("<|end|>"), [10, 11, 4, 13, 3, 11, 12]);
  });
});

Deno.test("loadTokenizer reads a byte-level BPE from a folder", async () => {
  await withFolder({ "tokenizer.json": BPE, "tokenizer_config.json": {} }, async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    deepEqual(tokenizer.encode("abc ab ba"), [8, 7, 5, 1, 0]);
    equal(tokenizer.count("abc ab ba"), 5);
  });
});

Deno.test("loadTokenizer gives unknown words the unknown id", async () => {
  await withFolder({ "tokenizer.json": WORDS }, async (folder) => {
    deepEqual((await loadTokenizer(folder)).encode("The machine hums"), [1, 2, 0]);
  });
});

Deno.test("loadTokenizer says what is wrong with a folder", async () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{}, /^Cannot load the tokenizer ".*": the folder has no tokenizer\.json$/],
    [{ "tokenizer.json": "{" }, /^Cannot load the tokenizer ".*tokenizer\.json": it is not JSON \(/],
    [{ "tokenizer.json": "[]" }, /: it is not a JSON object$/],
    [{ "tokenizer.json": {} }, /: it is not a tokenizer\.json \("model": /],
    [{ "tokenizer.json": { model: { type: "Nonsense" } } }, /^Cannot load the tokenizer ".*tokenizer\.json": /],
    [{ "tokenizer.json": BPE, "tokenizer_config.json": "{" }, /tokenizer_config\.json": it is not JSON/],
  ];
  for (const [files, expected] of cases) {
    await withFolder(files, async (folder) => {
      await rejects(loadTokenizer(folder), (error: Error) => {
        match(error.message, expected);
        return error instanceof UserError && error.exitCode === 2;
      });
    });
  }
});

Deno.test("fetchTokenizer passes o200k and folders through", async () => {
  const context = fakeContext();
  equal(await fetchTokenizer("o200k", context), "o200k");
  await withFolder({ "tokenizer.json": BPE }, async (folder) => {
    equal(await fetchTokenizer(folder, context), folder);
    equal(await fetchTokenizer(join(folder, "tokenizer.json"), context), folder);
  });
});

Deno.test("fetchTokenizer fetches a hub id once", async () => {
  await withFolder({}, async (cache) => {
    const asked: string[] = [];
    const context = fakeContext({
      env: { VOICEWORKS_CACHE: cache, HF_TOKEN: "secret", HF_ENDPOINT: "https://hub.example/" },
      fetch: (url, init) => {
        asked.push(`${url} ${new Headers(init?.headers).get("authorization")}`);
        const found = String(url).endsWith("/tokenizer.json");
        return Promise.resolve(new Response(found ? JSON.stringify(BPE) : "none", { status: found ? 200 : 404 }));
      },
    });
    const folder = await fetchTokenizer("acme/tiny", context);
    equal(folder, join(cache, "tokenizers", "acme--tiny"));
    equal((await loadTokenizer(folder)).count("abc"), 1);
    equal(await fetchTokenizer("acme/tiny", context), folder);
    deepEqual(asked, [
      "https://hub.example/acme/tiny/resolve/main/tokenizer_config.json Bearer secret",
      "https://hub.example/acme/tiny/resolve/main/tokenizer.json Bearer secret",
      "https://hub.example/acme/tiny/resolve/main/chat_template.jinja Bearer secret",
    ]);
  });
});

Deno.test("fetchTokenizer asks with the token that hf auth login left", async () => {
  await withFolder({}, async (folder) => {
    await Deno.mkdir(join(folder, ".cache", "huggingface"), { recursive: true });
    await Deno.writeTextFile(join(folder, ".cache", "huggingface", "token"), "hf_kept\n");
    await Deno.writeTextFile(join(folder, "elsewhere"), "hf_other");
    const seen: (string | null)[] = [];
    const ask = async (env: Record<string, string>) => {
      const context = fakeContext({
        env: { VOICEWORKS_CACHE: join(folder, "cache"), ...env },
        fetch: (_, init) => {
          seen.push(new Headers(init?.headers).get("authorization"));
          return Promise.resolve(new Response("", { status: 403 }));
        },
      });
      await rejects(fetchTokenizer("acme/tiny", context), (error: UserError) => /hf auth login/.test(error.hint ?? ""));
    };
    await ask({ HOME: folder });
    await ask({ HOME: folder, HF_TOKEN: "hf_given" });
    await ask({ HOME: folder, HF_TOKEN_PATH: join(folder, "elsewhere") });
    await ask({ HOME: "/nobody", HF_HOME: join(folder, ".cache", "huggingface") });
    await ask({ HOME: "/nobody" });
    deepEqual(seen, ["Bearer hf_kept", "Bearer hf_given", "Bearer hf_other", "Bearer hf_kept", null]);
  });
});

Deno.test("fetchTokenizer says why a hub id cannot be had, and keeps nothing", async () => {
  const answers: [typeof fetch, RegExp][] = [
    [() => Promise.reject(new TypeError("dns error")), /cannot be reached \(dns error\)$/],
    [() => Promise.resolve(new Response("", { status: 404 })), /the hub has no tokenizer\.json for it$/],
    [() => Promise.resolve(new Response("", { status: 401 })), /no such model, or it is not open to you \(401\)$/],
    [() => Promise.resolve(new Response("", { status: 500 })), /answered 500$/],
    [() => Promise.resolve(new Response("<html>")), /it is not JSON/],
  ];
  for (const [fetch, expected] of answers) {
    await withFolder({}, async (cache) => {
      const context = fakeContext({ env: { VOICEWORKS_CACHE: cache }, fetch });
      await rejects(fetchTokenizer("acme/tiny", context), (error: Error) => {
        match(error.message, expected);
        return error instanceof UserError;
      });
      deepEqual(Array.from(Deno.readDirSync(cache)), []);
    });
  }
});

Deno.test("fetchTokenizer refuses what is no name", async () => {
  for (const name of ["./nowhere", "a/b/c", "", "../no/such/folder", "o200k base"]) {
    await rejects(fetchTokenizer(name, fakeContext()), UsageError);
  }
});

Deno.test("o200k counts what it encodes, words that it remembers included", async () => {
  const { count, encode } = await loadTokenizer("o200k");
  const texts = [
    "The machine hummed, and didn\u2019t stop.\r\n\r\n  12345 <|endoftext|> <|im_start|>",
    "CamelCase HTTPServer snake_case na\u00efve e\u0301 \u043c\u0430\u0448\u0438\u043d\u0430 \u6a5f\u68b0 \ud83d\ude42 \ud83d",
    " ".repeat(40) + "=".repeat(200) + "\t\n",
    "",
  ];
  for (const text of [...texts, ...texts]) equal(count(text), encode(text).length, text);
});
