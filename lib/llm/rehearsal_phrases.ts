/** What the rehearsal engine says, read from a preset. */
import { z } from "zod";
import { readJsonc } from "../core/jsonc.ts";
import { presetPath } from "../core/paths.ts";

const Sentences = z.array(z.string().min(1)).min(1);

const Voice = z.strictObject({
  /** Part of the names of the persona categories that speak so, as a regular expression. */
  category: z.string(),
  address: Sentences,
  questions: Sentences,
  open: Sentences,
  body: Sentences,
  close: Sentences,
});
export type Voice = z.output<typeof Voice>;

const PhraseFile = z.strictObject({
  voices: z.array(Voice).min(1),
  questions: Sentences,
  self: Sentences,
  common: Sentences,
});
export type Phrases = z.output<typeof PhraseFile>;

/** @throws {UsageError} with every fault of the preset, each as `file:line`. */
export function loadPhrases(): Promise<Phrases> {
  return readJsonc(presetPath("rehearsal/phrases.jsonc"), PhraseFile);
}

/** The first voice whose category is a persona's; the last one speaks for all others. */
export function voiceFor({ voices }: Phrases, category: string): Voice {
  const voice = voices.find((voice) => new RegExp(voice.category, "i").test(category)) ?? voices.at(-1);
  if (!voice) throw new RangeError("no voices");
  return voice;
}
