/** Exact token counts of whole books, fast: a word that was met before is not encoded again. */
import { createPartCounter } from "./word_table.ts";
import { bytePairCounter } from "./bpe_count.ts";

/** The parts of a tokenizer.json that say how a text is parted, and how its parts are encoded. */
export interface TokenizerParts {
  readonly normalizer?: unknown;
  readonly pre_tokenizer?: unknown;
  readonly model?: unknown;
  readonly added_tokens?: readonly { readonly content: string; readonly normalized?: boolean }[];
}

/** GPT-2's pattern, where a ByteLevel pre-tokenizer brings none of its own. */
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/** Words that are remembered; a novel has 30,000 different ones, each with and without a space before it. */
const MOST_REMEMBERED = 200_000;

/**
 * A counter that answers what `encode(text).length` would. Byte-level tokenizers (GPT-2, Llama 3, Qwen) part a text by a
 * pattern and encode each part for itself, so parts can be remembered; for any other this is `encode` itself. The first
 * text is counted both ways, and where they differ the slow one is kept to.
 *
 * @param encode Ids of a text, special tokens in it taken as such.
 */
export function tokenCounter(
  parts: TokenizerParts,
  encode: (text: string) => readonly number[],
): (text: string) => number {
  const pattern = patternOf(parts);
  const slow = (text: string) => encode(text).length;
  if (!pattern) return slow;
  const pairs = bytePairCounter(parts.model);
  const countParts = createPartCounter(pattern, (part) => pairs?.(part) ?? encode(part).length, MOST_REMEMBERED);
  const specials = (parts.added_tokens ?? []).map(({ content }) => content).sort((a, b) => b.length - a.length);
  const special = specials.length > 0 ? new RegExp(`(${specials.map(escapeRegExp).join("|")})`) : undefined;
  const plain = (text: string) => countParts(text) ?? slow(text);
  const composes = typeOf(parts.normalizer) === "NFC";
  const fast = (given: string) => {
    const text = composes ? given.normalize("NFC") : given;
    // Every second piece is a special token.
    return (special ? text.split(special) : [text]).reduce(
      (sum, piece, at) => sum + (at % 2 === 1 ? 1 : plain(piece)),
      0,
    );
  };
  let checked: boolean | undefined;
  return (text) => {
    if (checked === undefined) {
      const count = slow(text);
      checked = fast(text) === count;
      return count;
    }
    return checked ? fast(text) : slow(text);
  };
}

/** The pattern by which a byte-level tokenizer parts a text; undefined where it works in another way. */
function patternOf({ normalizer, pre_tokenizer }: TokenizerParts): string | undefined {
  if (normalizer !== null && normalizer !== undefined && typeOf(normalizer) !== "NFC") return undefined;
  const steps = typeOf(pre_tokenizer) === "Sequence" ? listOf(pre_tokenizer, "pretokenizers") : [pre_tokenizer];
  const level = steps.find((step) => typeOf(step) === "ByteLevel");
  const splits = steps.filter((step) => typeOf(step) === "Split");
  if (!level || steps.length !== splits.length + 1 || splits.length > 1 || field(level, "add_prefix_space") === true) {
    return undefined;
  }
  const [split] = splits;
  const ownPattern = split === undefined
    ? field(level, "use_regex") === false ? undefined : GPT2
    : field(level, "use_regex") === true || field(split, "behavior") !== "Isolated" || field(split, "invert") === true
    ? undefined
    : field(field(split, "pattern"), "Regex");
  if (typeof ownPattern !== "string") return undefined;
  try {
    new RegExp(ownPattern, "u");
    return ownPattern;
  } catch {
    return undefined; // Written for another engine.
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function typeOf(value: unknown): unknown {
  return field(value, "type");
}

function listOf(value: unknown, name: string): unknown[] {
  const list = field(value, name);
  return Array.isArray(list) ? list : [];
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
