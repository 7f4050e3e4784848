/** A passage as it is measured: read once, counted many times. */
import { proseParagraphs } from "../../corpus/prose.ts";
import { splitSentences } from "../../corpus/sentences.ts";
import { type PovWindow, povWindows } from "../pov.ts";
import { findItalics } from "../pov_italics.ts";
import { countMarks } from "./marks.ts";
import type { Tagger } from "./tagger.ts";
import { wordsOf } from "./words.ts";

export interface Sentence {
  readonly words: number;
  readonly commas: number;
  /** No verb in it. */
  readonly fragment: boolean;
  /** Class of the first word; see {@linkcode OPENERS}. */
  readonly opener: number;
}

export interface Reading {
  readonly text: string;
  readonly words: readonly string[];
  readonly sentences: readonly Sentence[];
  /** Sentences in each paragraph. */
  readonly paragraphs: readonly number[];
  /** As `MARKS` names them. */
  readonly marks: readonly number[];
  readonly windows: readonly PovWindow[];
}

/** Word classes that sentences begin with, as universal tags; proper nouns count as nouns, auxiliaries as verbs. */
export const OPENERS = ["PRON", "DET", "NOUN", "VERB", "ADV", "ADP", "ADJ", "CCONJ", "SCONJ", "INTJ", "other"] as const;
const SAME: Readonly<Record<string, string>> = { PROPN: "NOUN", AUX: "VERB" };

/** Reads a passage. Sentences without a word (a row of stars, a lone dash) are none. */
export function readPassage(text: string, tag: Tagger): Reading {
  const words = wordsOf(text);
  const sentences: Sentence[] = [];
  const paragraphs: number[] = [];
  const paragraphWords: number[] = [];
  let at = 0;
  for (const paragraph of proseParagraphs(text)) {
    const from = at;
    const before = sentences.length;
    for (const { start, end } of splitSentences(text, paragraph.start, paragraph.end)) {
      const first = at;
      while ((words[at]?.end ?? Infinity) <= end) at++;
      if (at === first) continue;
      const sentence = text.slice(start, end);
      sentences.push({ words: at - first, commas: sentence.split(",").length - 1, ...shapeOf(tag(sentence)) });
    }
    if (sentences.length === before) continue;
    paragraphs.push(sentences.length - before);
    paragraphWords.push(at - from);
  }
  return {
    text,
    words: words.map(({ text }) => text),
    sentences,
    paragraphs,
    marks: countMarks(text, findItalics(text), paragraphWords),
    windows: povWindows(text),
  };
}

function shapeOf(tags: readonly string[]): { fragment: boolean; opener: number } {
  const first = tags.find((tag) => tag !== "PUNCT" && tag !== "SYM" && tag !== "SPACE") ?? "other";
  const opener = (OPENERS as readonly string[]).indexOf(SAME[first] ?? first);
  return {
    fragment: !tags.some((tag) => tag === "VERB" || tag === "AUX"),
    opener: opener < 0 ? OPENERS.length - 1 : opener,
  };
}
