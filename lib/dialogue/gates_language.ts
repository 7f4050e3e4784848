/** Whether a text is in the language that is asked for: by its script, and by the small words that no text does without. */
import type { GateSettings } from "./gates_settings.ts";
import type { Vocabulary } from "./words.ts";

/** Models that know Chinese slip into it in mid-sentence; a single sign is a slip. */
const FOREIGN_SIGN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Thai}\p{Script=Devanagari}]/u;

/** Greek and Cyrillic words may be quoted; a text of them is another language. */
const LEAST_LATIN = 0.9;

/**
 * Why a text is not in the language, or `undefined`.
 *
 * @param functionWords 1 at their numbers in the vocabulary.
 */
export function findOtherLanguage(
  text: string,
  { leastShare, fromWords }: GateSettings["language"],
  functionWords: Uint8Array,
  vocabulary: Vocabulary,
): string | undefined {
  // Latin letters and the punctuation of print need no closer look.
  if (/[^\0-\u024f\u2000-\u206f]/.test(text)) {
    const sign = FOREIGN_SIGN.exec(text);
    if (sign) return `the sign ${JSON.stringify(sign[0])}`;
    const letters = text.match(/\p{L}/gu)?.length ?? 0;
    const latin = text.match(/\p{Script=Latin}/gu)?.length ?? 0;
    if (latin < LEAST_LATIN * letters) return `${Math.round(100 * latin / letters)} % of the letters are Latin`;
  }
  const words = vocabulary.read(text);
  if (functionWords.length === 0 || words.length < fromWords) return undefined;
  let known = 0;
  for (let at = 0; at < words.length; at++) known += functionWords[words[at] ?? 0] ?? 0;
  const share = known / words.length;
  return share < leastShare
    ? `${Math.round(100 * share)} % of the words are function words of the language, fewer than ${
      Math.round(100 * leastShare)
    } %`
    : undefined;
}
