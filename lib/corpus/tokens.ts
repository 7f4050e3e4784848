/**
 * Exact token counts by the tokenizers that models use. `o200k` (gpt-oss, GPT-4o) ships with gpt-tokenizer and needs no
 * network; any other comes as `tokenizer.json`, from a folder or from the Hugging Face hub.
 */
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { messageOf, UsageError, UserError } from "../core/errors.ts";
import { readTextFile, writeFileAtomic } from "../core/files.ts";
import { hubToken } from "../core/hub_login.ts";
import { cacheDir } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import { tokenCounter } from "./token_count.ts";
import { createPartCounter } from "./word_table.ts";

export interface Tokenizer {
  readonly name: string;
  /** Tokens of a text, without any that a model puts before or after it. */
  count(text: string): number;
  /** Their ids. Text that looks like a special token (`<|endoftext|>`) is text. */
  encode(text: string): number[];
}

const HUB = "https://huggingface.co";
/** `gpt2` or `Qwen/Qwen2.5-1.5B-Instruct`. */
const HUB_ID = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/;
const VALID = 'Valid are "o200k", a folder that holds tokenizer.json, or a hub id such as "Qwen/Qwen3-8B".';
/** The largest tokenizer.json (Gemma's) has 33 MB. */
const FETCH_TIMEOUT_MS = 120_000;

const TokenizerJson = z.looseObject({
  model: z.looseObject({ unk_token: z.string().nullish() }),
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean().optional() }))
    .optional(),
});

/**
 * Makes a tokenizer ready for {@linkcode loadTokenizer}, wherever that runs: answers `o200k` or a folder. A hub id is
 * fetched once and kept in the cache folder; `HF_ENDPOINT` and `HF_TOKEN` (or the token of `hf auth
 * login`) are heeded.
 *
 * @throws {UsageError} the name is none of the three kinds. {UserError} the hub cannot be reached or refuses.
 */
export async function fetchTokenizer(
  name: string,
  context: Pick<Context, "fetch" | "env" | "signal" | "emit">,
): Promise<string> {
  if (name === "o200k") return name;
  const info = await Deno.stat(name).catch(() => undefined);
  if (info?.isDirectory) return resolve(name);
  if (info?.isFile && basename(name) === "tokenizer.json") return resolve(dirname(name));
  if (!HUB_ID.test(name)) throw new UsageError(`--tokenizer "${name}": there is no such folder`, VALID);

  const folder = join(cacheDir(context.env), "tokenizers", name.replace("/", "--"));
  const kept = join(folder, "tokenizer.json");
  if (await Deno.stat(kept).then(() => true, () => false)) return folder;
  context.emit({ type: "log", level: "info", message: `Fetching the tokenizer of ${name}` });
  const config = await fetchFile(name, "tokenizer_config.json", context);
  const tokenizer = await fetchFile(name, "tokenizer.json", context);
  if (tokenizer === undefined) {
    throw new UserError(`Cannot fetch the tokenizer "${name}": the hub has no tokenizer.json for it`, { hint: VALID });
  }
  parseTokenizer(tokenizer, `${name}/tokenizer.json`); // What cannot be used is not kept.
  const template = await fetchFile(name, "chat_template.jinja", context); // Where it is not in the configuration.
  if (template !== undefined) await writeFileAtomic(join(folder, "chat_template.jinja"), template);
  await writeFileAtomic(join(folder, "tokenizer_config.json"), config ?? "{}");
  await writeFileAtomic(kept, tokenizer); // Last: its presence says that all is there.
  return folder;
}

/** A file of a model on the hub; undefined where the model exists without it. */
async function fetchFile(
  id: string,
  file: string,
  { fetch, env, signal }: Pick<Context, "fetch" | "env" | "signal">,
): Promise<string | undefined> {
  const url = `${(env.HF_ENDPOINT || HUB).replace(/\/+$/, "")}/${id}/resolve/main/${file}`;
  const token = await hubToken(env);
  const cannot = `Cannot fetch the tokenizer "${id}"`;
  try {
    const response = await fetch(url, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
      signal: AbortSignal.any([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]),
    });
    if (response.ok) return await response.text();
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    if (response.status === 401 || response.status === 403) {
      throw new UserError(`${cannot}: the hub has no such model, or it is not open to you (${response.status})`, {
        hint: `Check the id, or for a model that asks for consent set HF_TOKEN, or log in by hf auth login. ${VALID}`,
      });
    }
    throw new UserError(`${cannot}: ${url} answered ${response.status}`, { hint: "Try again later." });
  } catch (error) {
    if (error instanceof UserError || signal.aborted) throw error;
    throw new UserError(`${cannot}: ${url} cannot be reached (${messageOf(error)})`, {
      hint: 'Without a network use "o200k", or a folder that holds tokenizer.json.',
      cause: error,
    });
  }
}

/**
 * A tokenizer by name: `o200k`, or a folder with `tokenizer.json` (and `tokenizer_config.json`, where there is one).
 * For a hub id, {@linkcode fetchTokenizer} comes first.
 *
 * @throws {UserError} the folder has no tokenizer.json, or it is broken.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { loadTokenizer } from "@/corpus/tokens.ts";
 *
 * const o200k = await loadTokenizer("o200k");
 * equal(o200k.count("The machine hummed."), 5);
 * ```
 */
export async function loadTokenizer(name: string): Promise<Tokenizer> {
  return name === "o200k" ? await loadO200k() : await loadFolder(name);
}

/** Parts of texts whose tokens are remembered: books have some 20,000 different words, each with and without a space. */
const MOST_REMEMBERED = 200_000;

async function loadO200k(): Promise<Tokenizer> {
  // Computed, so that its vocabulary is loaded by those only who count with it.
  const [encoding, constants] = ["gpt-tokenizer/encoding/o200k_base", "gpt-tokenizer/encodingParams/constants"];
  const { encode, countTokens }: typeof import("gpt-tokenizer/encoding/o200k_base") = await import(encoding);
  const { O200K_TOKEN_SPLIT_REGEX: { source } }: typeof import("gpt-tokenizer/encodingParams/constants") = await import(
    constants
  );
  const asText = { disallowedSpecial: new Set<string>() }; // By default it throws where a text names a special token.
  const countParts = createPartCounter(source, (part) => countTokens(part, asText), MOST_REMEMBERED);
  return {
    name: "o200k",
    count: (text) => countParts(text) ?? countTokens(text, asText),
    encode: (text) => encode(text, asText),
  };
}

async function loadFolder(folder: string): Promise<Tokenizer> {
  const path = join(folder, "tokenizer.json");
  if (!await Deno.stat(path).then((info) => info.isFile, () => false)) {
    throw new UserError(`Cannot load the tokenizer "${folder}": the folder has no tokenizer.json`, {
      exitCode: 2,
      hint: VALID,
    });
  }
  const json = parseTokenizer(await readTextFile(path), path);
  const configPath = join(folder, "tokenizer_config.json");
  const config = await Deno.readTextFile(configPath).then((text) => parseObject(text, configPath), () => ({}));
  const specifier = "@huggingface/tokenizers";
  const { Tokenizer }: typeof import("@huggingface/tokenizers") = await import(specifier);
  // Without its special tokens it takes what looks like one for text.
  const added = json.added_tokens ?? [];
  const plain = { ...json, added_tokens: added.filter((token) => !token.special) };
  try {
    const tokenizer = new Tokenizer(plain, config);
    const unknown = unknownId(json);
    const encode = (text: string) =>
      // The package answers undefined for a word that is not in a word list.
      tokenizer.encode(text, { add_special_tokens: false }).ids.map((id: number | undefined) => id ?? unknown);
    encode("a"); // What is missing shows at the first use only.
    return { name: folder, encode, count: tokenCounter(plain, encode) };
  } catch (error) {
    throw new UserError(`Cannot load the tokenizer "${path}": ${messageOf(error)}`, { exitCode: 2, cause: error });
  }
}

function unknownId(json: z.infer<typeof TokenizerJson>): number {
  const token = json.model.unk_token;
  const { vocab } = json.model;
  if (typeof token !== "string") return -1;
  const listed = typeof vocab === "object" && vocab !== null ? Reflect.get(vocab, token) : undefined;
  return typeof listed === "number" ? listed : json.added_tokens?.find(({ content }) => content === token)?.id ?? -1;
}

function parseTokenizer(text: string, path: string): z.infer<typeof TokenizerJson> {
  const parsed = TokenizerJson.safeParse(parseObject(text, path));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(
    `Cannot load the tokenizer "${path}": it is not a tokenizer.json ("${issue?.path.join(".")}": ${issue?.message})`,
    { exitCode: 2, hint: VALID },
  );
}

function parseObject(text: string, path: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new UserError(`Cannot load the tokenizer "${path}": it is not JSON (${messageOf(error)})`, { exitCode: 2 });
  }
  throw new UserError(`Cannot load the tokenizer "${path}": it is not a JSON object`, { exitCode: 2 });
}
