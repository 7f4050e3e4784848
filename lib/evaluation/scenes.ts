/**
 * What kind of scene a passage is: action, dialogue, introspection or exposition. By rules, so that a report costs
 * nothing and is the same tomorrow: shares of speech and of words that move, think or give an account.
 */
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
}

export interface SceneKind {
  readonly scene: Scene;
  /** How much speaks for each kind; a passage is that which is highest. */
  readonly scores: Readonly<Record<Scene, number>>;
}

/** From this share of speech on a passage is a conversation, whatever is told between the lines. */
const MOSTLY_SPOKEN = 0.5;
const WORD = /\p{L}+(?:['\u2019]\p{L}+)*/gu;

/** Counts what tells scenes apart. */
export function sceneMeasures(text: string): SceneMeasures {
  const spoken = findDialogue(text);
  const told = blank(text, spoken);
  const thoughts = findItalics(told).filter(({ kind }) => kind === "monologue");
  let narration = 0, motion = 0, thought = 0, account = 0;
  for (const [word] of told.matchAll(WORD)) {
    narration++;
    const small = word.toLowerCase();
    if (MOTION_WORDS.has(small)) motion++;
    if (THOUGHT_WORDS.has(small)) thought++;
    if (ACCOUNT_WORDS.has(small)) account++;
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

function scoresOf(measures: SceneMeasures): Record<Scene, number> {
  const { dialogue, motion, thought, account, monologue, questions } = measures;
  const told = 1 - dialogue;
  return {
    dialogue: dialogue / 0.4,
    action: told * motion / 5,
    introspection: told * (thought / 7 + monologue / 20 + questions / 4),
    exposition: told * account / 18,
  };
}
