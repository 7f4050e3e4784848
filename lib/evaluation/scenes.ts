/**
 * What kind of scene a passage is: action, dialogue, introspection or exposition. By rules, so that a report costs
 * nothing and is the same tomorrow: shares of speech and of words that move, think or give an account.
 */
import { countWords, type Range } from "../corpus/paragraphs.ts";
import { proseParagraphs } from "../corpus/prose.ts";
import { blank, findDialogue } from "./pov_dialogue.ts";
import { findItalics } from "./pov_italics.ts";
import { ACCOUNT_WORDS, MOTION_WORDS, THOUGHT_WORDS } from "./scenes_lexicon.ts";

export type Scene = "action" | "dialogue" | "introspection" | "exposition";
export const SCENES: readonly Scene[] = ["action", "dialogue", "introspection", "exposition"];

/** What is counted in a passage. Rates are in 100 words of narration. */
export interface SceneMeasures {
  /** Share of the characters that is spoken, 0 to 1. */
  readonly dialogue: number;
  /** Words of narration. */
  readonly narration: number;
  readonly motion: number;
  readonly thought: number;
  readonly account: number;
  /** Words of an inner voice in italics. */
  readonly monologue: number;
  readonly questions: number;
  /** Personal pronouns. */
  readonly persons: number;
}

export interface SceneKind {
  readonly scene: Scene;
  /** How much speaks for each kind; a passage is that which is highest. */
  readonly scores: Readonly<Record<Scene, number>>;
}

/** From this share of speech on a passage is a conversation, whatever is told between the lines. */
const MOSTLY_SPOKEN = 0.5;
const PERSONAL = /^(?:i|you|he|she|we|they|me|him|us|them)(?:['\u2019].*)?$/;
const WORD = /\p{L}+(?:['\u2019]\p{L}+)*/gu;

/** Counts what tells scenes apart. */
export function sceneMeasures(text: string): SceneMeasures {
  const spoken = findDialogue(text);
  const told = blank(text, spoken);
  const thoughts = findItalics(told).filter(({ kind }) => kind === "monologue");
  let narration = 0, motion = 0, thought = 0, account = 0, persons = 0;
  for (const [word] of told.matchAll(WORD)) {
    narration++;
    const small = word.toLowerCase();
    if (MOTION_WORDS.has(small)) motion++;
    if (THOUGHT_WORDS.has(small)) thought++;
    if (ACCOUNT_WORDS.has(small)) account++;
    if (PERSONAL.test(small)) persons++;
  }
  const per100 = (number: number) => narration === 0 ? 0 : 100 * number / narration;
  return {
    dialogue: text.length === 0 ? 0 : spoken.reduce((sum, { start, end }) => sum + end - start, 0) / text.length,
    narration,
    motion: per100(motion),
    thought: per100(thought),
    account: per100(account),
    monologue: per100(thoughts.reduce((sum, { words }) => sum + words, 0)),
    questions: per100(told.match(/\?/g)?.length ?? 0),
    persons: per100(persons),
  };
}

/**
 * The kind of a scene.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { sceneOf } from "@/evaluation/scenes.ts";
 *
 * equal(sceneOf("You run, you jump the ditch, you fall and roll and grab the rail.").scene, "action");
 * equal(sceneOf("“Where is it?” she asks. “Under the stairs, where it always was.”").scene, "dialogue");
 * ```
 */
export function sceneOf(text: string): SceneKind {
  const measures = sceneMeasures(text);
  const scores = scoresOf(measures);
  if (measures.dialogue > MOSTLY_SPOKEN) return { scene: "dialogue", scores };
  const scene = SCENES.reduce((best, kind) => scores[kind] > scores[best] ? kind : best, "exposition");
  return { scene, scores };
}

/**
 * Each rate over one that is typical of its kind, found on passages of about 60 and of about 160 words that were labelled
 * by hand. Narration that hardly names a person gives an account; one that always does is about what that person thinks.
 */
function scoresOf(measures: SceneMeasures): Record<Scene, number> {
  const { dialogue, motion, thought, account, monologue, questions, persons } = measures;
  const told = 1 - dialogue;
  const inward = Math.min(0.5, Math.max(0, persons - 8) / 12);
  const outward = Math.min(0.5, Math.max(0, persons - 6) / 12);
  return {
    dialogue: dialogue / 0.33,
    action: told * motion / 3.8,
    introspection: told * (thought / 6 + monologue / 20 + questions / 4 + inward),
    exposition: told * (account / 17 - outward),
  };
}

/** The kinds of scenes in a longer text. */
export interface SceneProfile {
  /** The kind that fills most of it. */
  readonly scene: Scene;
  /** Share of the words in passages of each kind; all 0 for a text without words. */
  readonly shares: Readonly<Record<Scene, number>>;
}

/** Words of a passage that is looked at for itself; it ends with a paragraph. */
const PASSAGE = 150;

/**
 * Looks at a chunk or a chapter passage by passage, each of 150 words and the rest of its paragraph: over a whole chapter
 * all rates come near their averages, and everything would look like exposition.
 */
export function sceneProfile(text: string, paragraphs: readonly Range[] = proseParagraphs(text)): SceneProfile {
  const words = { action: 0, dialogue: 0, introspection: 0, exposition: 0 };
  let total = 0;
  for (let at = 0; at < paragraphs.length;) {
    const start = paragraphs[at]?.start ?? 0;
    let end = start, length = 0;
    while (at < paragraphs.length && length < PASSAGE) {
      const paragraph = paragraphs[at++];
      if (!paragraph) break;
      end = paragraph.end;
      length += countWords(text, paragraph.start, end);
    }
    words[sceneOf(text.slice(start, end)).scene] += length;
    total += length;
  }
  const share = (scene: Scene) => total === 0 ? 0 : words[scene] / total;
  return {
    scene: SCENES.reduce((best, kind) => words[kind] > words[best] ? kind : best, "exposition"),
    shares: {
      action: share("action"),
      dialogue: share("dialogue"),
      introspection: share("introspection"),
      exposition: share("exposition"),
    },
  };
}
