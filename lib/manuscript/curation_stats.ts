/** What a curation comes to: sizes, integrity, kinds of scenes, point of view, italics. */
import { type Pov, POVS } from "../evaluation/pov.ts";
import { type Scene, SCENES } from "../evaluation/scenes.ts";
import type { CuratedChunk, Curation } from "./curation.ts";

export interface CurationStats {
  readonly chunks: number;
  readonly words: number;
  readonly meanWords: number;
  readonly leastWords: number;
  readonly mostWords: number;
  /** Chunks from the smallest to the largest wanted size. */
  readonly inRange: number;
  readonly tooShort: number;
  readonly tooLong: number;
  /** Chunks without a fault. */
  readonly whole: number;
  /** Chunks by their kind, and words by the kind of their passage as shares of 1. */
  readonly scenes: Readonly<Record<Scene, { readonly chunks: number; readonly share: number }>>;
  /** Windows of narration by who tells them. */
  readonly pov: Readonly<Record<Pov, number>>;
  /** Share of the windows that could be told which are in the second person; undefined where none could be told. */
  readonly secondPerson: number | undefined;
  /** Spans in 1,000 words. */
  readonly monologuesPer1000: number;
  readonly emphasesPer1000: number;
}

/** Sums up the chunks of a curation. */
export function curationStats({ chunks, min_words, max_words }: Curation): CurationStats {
  const words = sum(chunks, (chunk) => chunk.words);
  const sizes = chunks.map((chunk) => chunk.words);
  const pov = recordOf(POVS, (kind) => sum(chunks, (chunk) => chunk.pov[kind]));
  const known = pov.first + pov.second + pov.third;
  const rate = (count: (chunk: CuratedChunk) => number) => words === 0 ? 0 : 1000 * sum(chunks, count) / words;
  const tooShort = sizes.filter((size) => size < min_words).length;
  const tooLong = sizes.filter((size) => size > max_words).length;
  return {
    chunks: chunks.length,
    words,
    meanWords: chunks.length === 0 ? 0 : words / chunks.length,
    leastWords: Math.min(...sizes),
    mostWords: Math.max(...sizes),
    inRange: chunks.length - tooShort - tooLong,
    tooShort,
    tooLong,
    whole: chunks.filter(({ faults }) => faults.length === 0).length,
    scenes: recordOf(SCENES, (scene) => ({
      chunks: chunks.filter((chunk) => chunk.scene === scene).length,
      share: words === 0 ? 0 : sum(chunks, (chunk) => chunk.words * chunk.scenes[scene]) / words,
    })),
    pov,
    secondPerson: known === 0 ? undefined : pov.second / known,
    monologuesPer1000: rate(({ italics }) => italics.monologues),
    emphasesPer1000: rate(({ italics }) => italics.emphases),
  };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function recordOf<Key extends string, Value>(keys: readonly Key[], value: (key: Key) => Value): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<Key, Value>;
}
