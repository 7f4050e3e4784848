/**
 * All counts of a passage in one row of numbers. Rows add up: the row of a pool is the sum of its passages' rows, and a
 * bootstrap costs an addition and no reading.
 */
import type { Pov } from "../pov.ts";
import { POVS } from "../pov.ts";
import { distort, trigramCounter } from "./distort.ts";
import { isContent } from "./markers.ts";
import { MARKS } from "./marks.ts";
import { OPENERS, type Reading } from "./reading.ts";

export type Row = Float64Array;

/** What is counted; the lists are fixed before any system is looked at. */
export interface Frame {
  /** Function words, most frequent first. */
  readonly words: readonly string[];
  /** Trigrams of distorted text. */
  readonly trigrams: readonly string[];
  /** Words and marks that tell the author from the base. */
  readonly markers?: readonly string[];
  /** Content words that the author uses. */
  readonly vocabulary?: ReadonlySet<string>;
  readonly names?: ReadonlySet<string>;
}

export const SECTIONS = [
  "words",
  "functionWords",
  "trigrams",
  "trigramTotal",
  "sentenceLengths",
  "marks",
  "sentencesPerParagraph",
  "commas",
  "fragments",
  "openers",
  "content",
  "markers",
  "pov",
] as const;
export type Section = typeof SECTIONS[number];

/** Longer sentences, paragraphs and more commas than these count as these. */
const LONGEST = { sentenceLengths: 300, sentencesPerParagraph: 60, commas: 40 } as const;

export interface Layout {
  readonly size: number;
  /** A part of a row, without copying. */
  part(row: Row, section: Section): Float64Array;
}

/** A counter of passages: where its numbers lie, and how to fill them. */
export function createCounter(frame: Frame): Layout & { count(reading: Reading): Row } {
  const sizes: Record<Section, number> = {
    words: 1,
    functionWords: frame.words.length,
    trigrams: frame.trigrams.length,
    trigramTotal: 1,
    sentenceLengths: LONGEST.sentenceLengths + 1,
    marks: MARKS.length,
    sentencesPerParagraph: LONGEST.sentencesPerParagraph + 1,
    commas: LONGEST.commas + 1,
    fragments: 2, // Sentences with a verb, and without.
    openers: OPENERS.length,
    content: 2, // Content words, and those of them that the author uses.
    markers: frame.markers?.length ?? 0,
    pov: POVS.length,
  };
  const starts = new Map<Section, number>();
  let size = 0;
  for (const section of SECTIONS) {
    starts.set(section, size);
    size += sizes[section];
  }
  const part = (row: Row, section: Section) => {
    const start = starts.get(section) ?? 0;
    return row.subarray(start, start + sizes[section]);
  };
  const places = (list: readonly string[]) => new Map(list.map((item, at) => [item, at]));
  const wordAt = places(frame.words), markerAt = places(frame.markers ?? []);
  const countTrigrams = trigramCounter(frame.trigrams);
  const { vocabulary, names } = frame;

  function count(reading: Reading): Row {
    const row = new Float64Array(size);
    const parts = Object.fromEntries(SECTIONS.map((section) => [section, part(row, section)])) as Record<Section, Row>;
    parts.words[0] = reading.words.length;
    for (const word of reading.words) {
      add(parts.functionWords, wordAt.get(word));
      add(parts.markers, markerAt.get(word));
      if (!isContent(word, names)) continue;
      add(parts.content, 0);
      if (vocabulary?.has(word)) add(parts.content, 1);
    }
    const distorted = distort(reading.text);
    countTrigrams(distorted, parts.trigrams);
    parts.trigramTotal[0] = Math.max(0, distorted.length - 2);
    for (const { words, commas, fragment, opener } of reading.sentences) {
      add(parts.sentenceLengths, Math.min(words, LONGEST.sentenceLengths));
      add(parts.commas, Math.min(commas, LONGEST.commas));
      add(parts.fragments, fragment ? 1 : 0);
      add(parts.openers, opener);
    }
    for (const [at, marks] of reading.marks.entries()) {
      parts.marks[at] = marks;
      const marker = markerAt.get(MARKS[at] ?? "");
      if (marker !== undefined) parts.markers[marker] = marks;
    }
    for (const sentences of reading.paragraphs) {
      add(parts.sentencesPerParagraph, Math.min(sentences, LONGEST.sentencesPerParagraph));
    }
    for (const { pov } of reading.windows) add(parts.pov, povAt(pov));
    return row;
  }
  return { size, part, count };
}

function add(part: Row, at: number | undefined): void {
  if (at !== undefined) part[at]! += 1;
}

function povAt(pov: Pov): number {
  return POVS.indexOf(pov);
}

/** Adds rows up. */
export function pool(rows: readonly Row[], size: number): Row {
  const sum = new Float64Array(size);
  for (const row of rows) for (let at = 0; at < size; at++) sum[at]! += row[at]!;
  return sum;
}

/** A row without its zeros, which are most of it: drawn a thousand times, it is added in a quarter of the time. */
export interface SparseRow {
  readonly places: Uint32Array;
  readonly values: Float64Array;
}

export function sparse(row: Row): SparseRow {
  const places = Uint32Array.from([...row.keys()].filter((at) => row[at] !== 0));
  return { places, values: Float64Array.from(places, (at) => row[at] ?? 0) };
}

/** Adds rows up, each so many times. */
export function poolDrawn(rows: readonly SparseRow[], size: number, times: ArrayLike<number>): Row {
  const sum = new Float64Array(size);
  for (let row = 0; row < rows.length; row++) {
    const weight = times[row]!;
    if (weight === 0) continue;
    const { places, values } = rows[row]!;
    for (let i = 0; i < places.length; i++) sum[places[i]!]! += weight * values[i]!;
  }
  return sum;
}
