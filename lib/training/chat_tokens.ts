/** Tokens of a rendered conversation by the base's own tokenizer.json, and which of them are learnt. */
import { join } from "node:path";
import { z } from "zod";
import { messageOf, UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { BYTE_LETTERS } from "../corpus/byte_letters.ts";
import type { Rendered, Span } from "./template.ts";

/** A token with the part of the text that it stands for. */
export interface Token {
  readonly id: number;
  /** As it reads in the text; empty for a part of a character. */
  readonly text: string;
  readonly trained: boolean;
  /** It stands for itself: `<|im_end|>`. */
  readonly special: boolean;
}

/** A tokenizer that takes the special tokens of a chat template for what they are. */
export interface ChatTokenizer {
  /** Ids of a text; nothing is put before or after it. */
  encode(text: string): number[];
  /** Tokens with the parts that they stand for. */
  tokens(rendered: Rendered): Token[];
  /** How many tokens, and how many of them are learnt: what `tokens` says, faster. */
  count(rendered: Rendered): { all: number; trained: number };
  /** The id of a token, such as `<|im_end|>`. */
  idOf(token: string): number | undefined;
  /** Tokens that a text cannot be cut into: those of the template among them. */
  readonly specialTokens: readonly string[];
  /** The largest id. */
  readonly largestId: number;
  /** The tokenizer.json: large ones take long to read a second time. */
  readonly json: Readonly<Record<string, unknown>>;
}

const AddedTokens = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean().optional() }))
    .optional(),
});

/**
 * The tokenizer of a model's folder.
 *
 * @throws {UserError} the folder has no tokenizer.json, or it is broken.
 */
export async function loadChatTokenizer(folder: string): Promise<ChatTokenizer> {
  const path = join(folder, "tokenizer.json");
  if (!await Deno.stat(path).then((info) => info.isFile, () => false)) throw noTokenizer(folder);
  const json = await readJson(path);
  const config = await readJson(join(folder, "tokenizer_config.json")).catch(() => ({}));
  const parsed = AddedTokens.safeParse(json);
  const added = parsed.success ? parsed.data.added_tokens ?? [] : [];
  const specials = new Set(added.map(({ content }) => content));
  const specifier = "@huggingface/tokenizers";
  const { Tokenizer }: typeof import("@huggingface/tokenizers") = await import(specifier);
  let tokenizer: InstanceType<typeof Tokenizer>;
  try {
    tokenizer = new Tokenizer(json, config);
    tokenizer.encode("a"); // What is missing shows at the first use only.
  } catch (error) {
    throw new UserError(`Cannot load the tokenizer "${path}": ${messageOf(error)}`, { exitCode: 2, cause: error });
  }
  const encoding = (text: string) => tokenizer.encode(text, { add_special_tokens: false });
  const composes = JSON.stringify(json.normalizer ?? null).includes('"NFC"');
  const read = (rendered: Rendered) => {
    const { text, trained } = composes ? composed(rendered) : rendered;
    const { ids, tokens } = encoding(text);
    return { text, trained, ids, tokens, places: placesOf(text, tokens, specials) };
  };
  return {
    encode: (text) => encoding(text).ids,
    tokens(rendered) {
      const { text, trained, ids, tokens, places } = read(rendered);
      return ids.map((id, at) => {
        const place = places[at] ?? { start: 0, end: 0 };
        return {
          id,
          text: text.slice(place.start, place.end),
          trained: isTrained(place, trained),
          special: specials.has(tokens[at] ?? ""),
        };
      });
    },
    count(rendered) {
      const { trained, places } = read(rendered);
      return { all: places.length, trained: places.filter((place) => isTrained(place, trained)).length };
    },
    idOf: (token) => tokenizer.token_to_id(token),
    specialTokens: added.filter(({ special }) => special).map(({ content }) => content),
    get largestId() {
      return [...tokenizer.get_vocab().values()].reduce((most, id) => Math.max(most, id), 0);
    },
    json,
  };
}

/** Older bases have a `tokenizer.model` alone, which is read in Python only. */
function noTokenizer(folder: string): UserError {
  const name = JSON.stringify(folder);
  const write = `from transformers import AutoTokenizer as T; T.from_pretrained(${name}).save_pretrained(${name})`;
  return new UserError(`Cannot load the tokenizer of "${folder}": the folder has no tokenizer.json`, {
    exitCode: 2,
    hint: `Where it has a tokenizer.model, transformers writes the other from it. In the trainer's Python:\n  ${write}`,
  });
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  const text = await readTextFile(path);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return { ...value };
  } catch (error) {
    throw new UserError(`Cannot load the tokenizer "${path}": it is not JSON (${messageOf(error)})`, { exitCode: 2 });
  }
  throw new UserError(`Cannot load the tokenizer "${path}": it is not a JSON object`, { exitCode: 2 });
}

/** Letters and accents put together, as many tokenizers do first; the learnt parts move along. */
function composed({ text, trained }: Rendered): Rendered {
  if (text === text.normalize("NFC")) return { text, trained };
  let whole = "", at = 0;
  const upTo = (place: number) => {
    whole += text.slice(at, place).normalize("NFC");
    at = place;
    return whole.length;
  };
  const moved = trained.map(({ start, end }) => ({ start: upTo(start), end: upTo(end) }));
  upTo(text.length);
  return { text: whole, trained: moved };
}

/** As transformers marks them: a token is learnt where any part of it is; a part of a character goes with the whole. */
function isTrained(place: Span, trained: readonly Span[]): boolean {
  const last = Math.max(place.end, place.start + 1);
  return trained.some(({ start, end }) => place.start < end && last > start);
}

/**
 * Which part of the text each token stands for. Tokenizers write spaces and bytes in their own ways (GPT-2's letters for
 * bytes, SentencePiece's ▁ and <0x0A>), so tokens are read off the text one after another. Where a normaliser changed
 * what was read, the next token that stands for itself sets the place right.
 */
function placesOf(text: string, tokens: readonly string[], specials: ReadonlySet<string>): Span[] {
  const bytes = new TextEncoder().encode(text);
  const starts = unitAtByte(text, bytes.length);
  let at = 0;
  return tokens.map((token) => {
    const [begin, end] = placeOf(token, bytes, at, specials);
    at = Math.min(bytes.length, end);
    return { start: starts[begin] ?? text.length, end: starts[at] ?? text.length };
  });
}

/** The bytes that a token stands for, from a place on. */
function placeOf(token: string, bytes: Uint8Array, at: number, specials: ReadonlySet<string>): [number, number] {
  const plain = new TextEncoder().encode(token);
  const letters = byteLetters(token);
  const spoken = new TextEncoder().encode(token.replaceAll("▁", " "));
  // The last: a space that SentencePiece puts before a text and that is not in it.
  const forms = [...(specials.has(token) ? [plain] : []), ...(letters ? [letters] : []), spoken];
  if (token.startsWith("▁")) forms.push(spoken.subarray(1));
  const found = forms.find((form) => matches(form, bytes, at));
  if (found) return [at, at + found.length];
  if (/^<0x[0-9A-F]{2}>$/.test(token)) return [at, at + 1];
  const later = specials.has(token) ? indexOf(bytes, plain, at) : -1;
  return later < 0 ? [at, at + (letters ?? spoken).length] : [later, later + plain.length];
}

function matches(wanted: Uint8Array, bytes: Uint8Array, at: number): boolean {
  return wanted.every((byte, i) => bytes[at + i] === byte);
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  for (let at = from; at + wanted.length <= bytes.length; at++) if (matches(wanted, bytes, at)) return at;
  return -1;
}

const LETTERS: ReadonlyMap<string, number> = new Map(BYTE_LETTERS.map((letter, byte) => [letter, byte]));

function byteLetters(token: string): Uint8Array | undefined {
  const found = new Uint8Array(token.length);
  let count = 0;
  for (const letter of token) {
    const byte = LETTERS.get(letter);
    if (byte === undefined) return undefined;
    found[count++] = byte;
  }
  return found.subarray(0, count);
}

/** By byte of the UTF-8 text: the UTF-16 unit in which its character begins. */
function unitAtByte(text: string, length: number): Uint32Array {
  const units = new Uint32Array(length + 1);
  let byte = 0, unit = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (let i = 0; i < size; i++) units[byte++] = unit;
    unit += character.length;
  }
  units[length] = unit;
  return units;
}
