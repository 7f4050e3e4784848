/** Where a manuscript may be cut: at chapters and scene breaks, and where place, time or topic change between speeches. */
import { countWords } from "../corpus/paragraphs.ts";
import { changesAt } from "./changes.ts";
import type { Gap, Paragraph, Parsed } from "./paragraphs.ts";
import { findTopics } from "./topics.ts";

export type BoundaryKind = "start" | "chapter" | "scene break" | "time" | "place" | "topic";

/** Why a text may be cut here. */
export interface Reason {
  readonly kind: BoundaryKind;
  /** The heading, the sign, the words that say so, or the words that go and come. */
  readonly evidence: string;
}

/** A place between two paragraphs where a chunk may begin. */
export interface Boundary {
  /** The paragraph that it stands before. */
  readonly before: number;
  readonly reasons: readonly Reason[];
  /** How good a place it is, 0 to 1: one without a doubt is a chapter's beginning. */
  readonly score: number;
}

/** What a mark is worth. Changes of time and place bring their own scores, a change of topic at most 0.5. */
const CHAPTER = 1;
const SCENE_BREAK = 0.9;
/** Two speeches with fewer words of narration between them belong to one conversation, unless a person says otherwise. */
export const PAUSE_WORDS = 40;
/** A paragraph of speech that goes on in the next one is a tale from this length on, and a tale has scenes. */
const TALE_WORDS = 40;

/**
 * All boundaries of a manuscript but its start, in order. None lies within a conversation or a sentence, unless the writer
 * has put a mark there.
 */
export function findBoundaries(parsed: Parsed, inside = conversations(parsed.text, parsed.paragraphs)): Boundary[] {
  const { text, paragraphs, gaps } = parsed;
  const marked = (gap: number) => isMarked(gaps[gap]);
  const topics = findTopics(text, paragraphs, marked);
  const boundaries: Boundary[] = [];
  for (let before = 1; before < paragraphs.length; before++) {
    const gap = gaps[before] ?? {};
    const paragraph = paragraphs[before];
    const last = paragraphs[before - 1];
    if (!paragraph || !last) continue;
    const reasons: Reason[] = [];
    const scores: number[] = [];
    const add = (kind: BoundaryKind, score: number, evidence: string) => {
      reasons.push({ kind, evidence });
      scores.push(score);
    };
    if (gap.chapter !== undefined) add("chapter", CHAPTER, gap.chapter);
    if (gap.sceneBreak !== undefined) add("scene break", SCENE_BREAK, gap.sceneBreak);
    if (!marked(before) && (inside[before] || !isFinished(text, last) || goesOn(text, paragraph))) continue;
    for (const { kind, score, evidence } of changesAt(text.slice(paragraph.start, paragraph.end))) {
      add(kind, score, evidence);
    }
    const topic = topics.scores[before] ?? 0;
    if (topic > 0) {
      const { gone, come } = topics.evidence(before);
      add("topic", topic, `${gone.join(", ")} → ${come.join(", ")}`);
    }
    if (reasons.length > 0) {
      boundaries.push({ before, reasons, score: 1 - scores.reduce((rest, score) => rest * (1 - score), 1) });
    }
  }
  return boundaries;
}

/** True for a gap with a heading or a scene break. */
export function isMarked(gap: Gap | undefined): boolean {
  return gap?.chapter !== undefined || gap?.sceneBreak !== undefined;
}

/** By gap: whether speech goes on across it, with less than a pause of narration between. A tale in quotes may pause. */
export function conversations(text: string, paragraphs: readonly Paragraph[], pause = PAUSE_WORDS): boolean[] {
  const inside: boolean[] = [];
  let silent = Infinity; // Words of narration since the last speech.
  const silence = paragraphs.map(({ start, end, words, speech }) => {
    const before = silent;
    const last = speech.at(-1);
    silent = last ? countWords(text, last.end, end) : silent + words;
    return { before, lead: speech[0] ? countWords(text, start, speech[0].start) : undefined };
  });
  let ahead = Infinity; // Words of narration until the next speech.
  for (let i = paragraphs.length - 1; i > 0; i--) {
    ahead = silence[i]?.lead ?? ahead + (paragraphs[i]?.words ?? 0);
    inside[i] = (silence[i]?.before ?? Infinity) + ahead < pause && !isTale(text, paragraphs[i - 1], paragraphs[i]);
  }
  return inside;
}

/** True where one speech fills both paragraphs: its mark is opened anew, and was not closed. */
export function isTale(text: string, before: Paragraph | undefined, after: Paragraph | undefined): boolean {
  if (!before || !after || before.words < TALE_WORDS || after.words < TALE_WORDS) return false;
  return !isClosed(text, before) && after.speech[0]?.start === after.start;
}

/** False for a paragraph that ends in speech without its closing mark. */
export function isClosed(text: string, { end, speech }: Paragraph): boolean {
  const last = speech.at(-1);
  if (!last || last.end !== end) return true;
  return last.end - last.start > 1 &&
    /["\u201d\u2019'\u00bb\u00ab\u201c][*_]*$/.test(text.slice(last.start + 1, last.end));
}

/** True where a paragraph ends with a sentence: not with a colon before a letter, nor in the middle of a line. */
export function isFinished(text: string, { start, end }: Pick<Paragraph, "start" | "end">): boolean {
  return /[.!?\u2026\u2014]["'\u201d\u2019\u00bb\u00ab)\]*_]*$/.test(text.slice(Math.max(start, end - 12), end));
}

/** True where a paragraph goes on with a sentence that was begun before. */
export function goesOn(text: string, { start, end }: Pick<Paragraph, "start" | "end">): boolean {
  return /^[*_"'\u201c\u2018(\u2026.\u2014-]*\p{Ll}/u.test(text.slice(start, Math.min(end, start + 12)));
}
