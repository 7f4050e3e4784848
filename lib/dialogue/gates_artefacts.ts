/** Marks that language models and chat windows leave in a text; prose of the period has none of them. */

/** What is looked for, in this order. */
export const ARTEFACTS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/```|~~~/, "code fence"],
  [/\*\*|__(?=\S)/, "bold"],
  [/(?<![\w*])\*(?!\s)[^*\n]{1,80}(?<!\s)\*(?![\w*])/, "emphasis or stage direction"],
  [/^\s{0,3}#{1,6}\s/m, "heading"],
  [/^\s*[-*•]\s+\S/m, "list"],
  [/^\s*1[.)]\s[^]*^\s*2[.)]\s/m, "numbered list"],
  [/\[[^\]\n]{1,80}\]\((?:https?:)?\/?[^)\s]*\)|https?:\/\/|\bwww\./i, "link"],
  [/\bas an? (?:AI|(?:large )?language model)\b/i, "speaks as a language model"],
  [
    /\b(?:AI|chat|language) ?(?:assistant|model|bot)s?\b|\bchatbots?\b|\bOpenAI\b|\bChatGPT\b|\bLLMs?\b/i,
    "language model",
  ],
  [/\b(?:knowledge|training)(?: data)? cut-?off\b|\btraining data\b|\bmy (?:last|latest) update\b/i, "cutoff talk"],
  [
    /\bI(?:'m|’m| am) (?:sorry|unable|afraid)[^.]{0,40}\b(?:assist you|fulfil (?:this|that|your)|comply with)/i,
    "refusal",
  ],
  [/\bI can(?:no|['’])t (?:assist|help|comply) with\b/i, "refusal"],
  [/<\|[^|]*\|>|\[\/?INST\]|<\/?think>|<\/?s>|<(?:start|end)_of_turn>/, "control token"],
  [/\{\{|\}\}|^\s*[{[]\s*"|\\n|\\u[0-9a-f]{4}/i, "template or JSON"],
  [/^(?:user|assistant|system|deep red|question|answer)\s*:/im, "speaker's label"],
  [/^(?:sure|certainly|of course|here(?: is|'s|’s))\b[^.\n]{0,60}:\s*$/im, "preamble"],
  [/\b(?:system prompt|role-?play|fictional persona)\b/i, "talks about the task"],
  [/\p{Extended_Pictographic}/u, "emoji"],
  // deno-lint-ignore no-control-regex -- they are what is looked for
  [/[\0-\x08\v\f\x0e-\x1f\x7f-\x9f\ufffd]/, "broken characters"],
  [/\bProject Gutenberg\b/i, "licence of the source"],
];

/** Signs that are pictographs to Unicode and plain print to a typesetter. */
export const PRINT = /[©®™‼⁉ℹ↔-↙↩↪▪▫▶◀●♀♂♔-♟♠-♦☐-☒☑★☆✓✔✗✘✝✡]/gu;

/** Artefacts that are known by words; each of the others has one of the signs below, or a dash at the start of a line. */
const WORDED = ["speaks as a language model", "language model", "cutoff talk", "refusal", "talks about the task"]
  .concat("licence of the source");

/**
 * Something of this stands in every artefact, and nothing of it in most prose, which then needs no closer look. Pictographs
 * that lie below U+2070 are print. All that is worded begins with a border of words, which is said once to find it soon.
 */
const SIGNS =
  // deno-lint-ignore no-control-regex -- they are part of what is looked for
  /[`~*_#•[<{}\\:\d\0-\x08\v\f\x0e-\x1f\x7f-\x9f]|[^\0-\u206f]|^\s*-/m;
const WORDS = new RegExp(
  String.raw`\b(?:www\.|${
    ARTEFACTS.filter(([, name]) => WORDED.includes(name)).map(([{ source }]) => source).join("|")
  })`,
  "i",
);

/** The first mark of a language model in a text, named and quoted. */
export function findArtefact(text: string): string | undefined {
  if (!SIGNS.test(text) && !WORDS.test(text)) return undefined;
  for (const [pattern, name] of ARTEFACTS) {
    const found = pattern.exec(text);
    if (!found || (name === "emoji" && !pattern.test(text.replace(PRINT, "")))) continue;
    return `${name}: ${JSON.stringify(found[0].slice(0, 60))}`;
  }
  return undefined;
}
