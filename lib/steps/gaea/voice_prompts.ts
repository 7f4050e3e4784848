/** Openings for both models to go on from: cut from text that neither has seen. */
import { countWords, type Range } from "../../corpus/paragraphs.ts";
import { proseParagraphs } from "../../corpus/prose.ts";
import { splitSentences } from "../../corpus/sentences.ts";

export interface VoicePrompt {
  readonly id: string;
  readonly prompt: string;
  /** How the author went on, about as far as a model will. */
  readonly author: string;
}

/** A held-out example: an opening and how the author went on. */
export interface HeldOut {
  readonly prefix: string;
  readonly completion: string;
}

/** Words of an opening, where the example gives none by itself, and of what is left for the author's own. */
const LEAST_PROMPT = 60, MOST_PROMPT = 200;

/**
 * Openings out of held-out examples: the example's own, and further ones from within its text, each a run of whole
 * sentences that begins with a paragraph, as far apart as an answer is long, so that no text stands in two of them.
 *
 * @param answerWords Words that a model writes to an opening, about.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { voicePrompts } from "@/steps/gaea/voice_prompts.ts";
 *
 * const completion = "You wait at the gate and count. ".repeat(200);
 * const [first] = voicePrompts([{ prefix: "You come home late. ", completion }], { perExample: 1, answerWords: 300 });
 * equal(first?.prompt, "You come home late. ");
 * ```
 */
export function voicePrompts(
  examples: readonly HeldOut[],
  { perExample, answerWords }: { perExample: number; answerWords: number },
): VoicePrompt[] {
  return examples.flatMap(({ prefix, completion }, at) => {
    const name = `v${String(at + 1).padStart(2, "0")}`;
    const first = { id: `${name}.1`, prompt: prefix, author: leading(completion, answerWords) };
    const wanted = Math.min(MOST_PROMPT, Math.max(LEAST_PROMPT, countWords(prefix)));
    const further: VoicePrompt[] = [];
    let from = endOfWords(completion, answerWords);
    while (further.length + 1 < perExample) {
      const prompt = promptFrom(completion, from, wanted);
      if (!prompt || countWords(completion, prompt.end) < answerWords / 2) break;
      const id = `${name}.${further.length + 2}`;
      const rest = completion.slice(prompt.end);
      further.push({ id, prompt: completion.slice(prompt.start, prompt.end), author: leading(rest, answerWords) });
      from = prompt.end + endOfWords(rest, answerWords);
    }
    return [first, ...further];
  });
}

/** Whole sentences of about so many words, from the first paragraph that begins at an offset or behind it. */
function promptFrom(text: string, from: number, words: number): Range | undefined {
  const paragraphs = proseParagraphs(text).filter(({ start }) => start >= from);
  const [first] = paragraphs;
  if (!first) return undefined;
  for (const paragraph of paragraphs) {
    for (const { end } of splitSentences(text, paragraph.start, paragraph.end)) {
      if (countWords(text, first.start, end) >= words) return { start: first.start, end };
    }
  }
  return undefined;
}

/** The offset behind the first so many words. */
function endOfWords(text: string, words: number): number {
  const pattern = /\S+/g;
  for (let seen = 0; seen < words; seen++) if (!pattern.test(text)) return text.length;
  return pattern.lastIndex;
}

function leading(text: string, words: number): string {
  return text.slice(0, endOfWords(text, words));
}
