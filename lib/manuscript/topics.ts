/**
 * Changes of topic between paragraphs: the vocabulary before and after is compared, and a dip between two peaks is a
 * change (TextTiling: Hearst 1997, Computational Linguistics 23(1), with blocks of words and depth scores).
 */
import type { Paragraph } from "./paragraphs.ts";
import { topicWord } from "./common_words.ts";

/** Words with a meaning on each side of a gap; fewer than the half say nothing. */
const BLOCK = 80;
const LEAST = 25;
/** Of the score that the deepest dips get. */
const DEEPEST = 0.5;

const WORD = /\p{L}+(?:['\u2019]\p{L}+)*/gu;

export interface Topics {
  /** By gap (`i` before paragraph `i`): 0 where the topic goes on. */
  readonly scores: Float64Array;
  /** Words that go and words that come at a gap, those first that are most at home there. */
  evidence(gap: number): { gone: string[]; come: string[] };
}

/** @param parted tells at which gaps a chapter or scene ends: no block reaches across. */
export function findTopics(text: string, paragraphs: readonly Paragraph[], parted: (gap: number) => boolean): Topics {
  const { ids, offsets, names } = topicTokens(text, paragraphs);
  const { before, after } = blocksOf(offsets, parted);
  const similarity = new Float64Array(paragraphs.length + 1).fill(NaN);
  const counts = new Int32Array(names.length * 2);
  for (let gap = 1; gap < paragraphs.length; gap++) {
    if (!parted(gap)) similarity[gap] = cosine(ids.subarray(...before(gap)), ids.subarray(...after(gap)), counts);
  }
  const totals = new Int32Array(names.length);
  for (const id of ids) totals[id]!++;
  const atHome = (own: Map<number, number>, other: Map<number, number>) =>
    [...own].filter(([id]) => !other.has(id))
      .map(([id, count]) => [id, count * Math.sqrt(count / totals[id]!)] as const)
      .sort((a, b) => b[1] - a[1]).slice(0, 3).map(([id]) => names[id] ?? "");
  return {
    scores: depthScores(similarity, parted),
    evidence(gap) {
      const [gone, come] = [tally(ids.subarray(...before(gap))), tally(ids.subarray(...after(gap)))];
      return { gone: atHome(gone, come), come: atHome(come, gone) };
    },
  };
}

/** The words with a meaning, as numbers; those of paragraph `i` from `offsets[i]` to `offsets[i + 1]`. */
function topicTokens(text: string, paragraphs: readonly Paragraph[]) {
  const known = new Map<string, number>();
  const stems = new Map<string, number>();
  const names: string[] = [];
  const ids: number[] = [];
  const offsets = new Int32Array(paragraphs.length + 1);
  paragraphs.forEach(({ start, end }, at) => {
    for (const word of text.slice(start, end).toLowerCase().match(WORD) ?? []) {
      let id = known.get(word);
      if (id === undefined) {
        const stem = topicWord(word);
        id = stem === undefined ? -1 : stems.get(stem) ?? names.push(word) - 1;
        if (stem !== undefined) stems.set(stem, id);
        known.set(word, id);
      }
      if (id >= 0) ids.push(id);
    }
    offsets[at + 1] = ids.length;
  });
  return { ids: Int32Array.from(ids), offsets, names };
}

/** Where the blocks next to a gap begin and end. */
function blocksOf(offsets: Int32Array, parted: (gap: number) => boolean) {
  const last = offsets.length - 1;
  const floors = new Int32Array(offsets.length), ceilings = new Int32Array(offsets.length);
  for (let gap = 1; gap <= last; gap++) floors[gap] = parted(gap - 1) ? offsets[gap - 1]! : floors[gap - 1]!;
  for (let gap = last; gap >= 0; gap--) {
    ceilings[gap] = gap === last ? offsets[last]! : parted(gap + 1) ? offsets[gap + 1]! : ceilings[gap + 1]!;
  }
  return {
    before: (gap: number) => [Math.max(floors[gap]!, offsets[gap]! - BLOCK), offsets[gap]!] as const,
    after: (gap: number) => [offsets[gap]!, Math.min(ceilings[gap]!, offsets[gap]! + BLOCK)] as const,
  };
}

/** Of two bags of words; NaN where one is too small. `counts` is zero before and after. */
function cosine(before: Int32Array, after: Int32Array, counts: Int32Array): number {
  if (before.length < LEAST || after.length < LEAST) return NaN;
  for (const id of before) counts[2 * id]!++;
  for (const id of after) counts[2 * id + 1]!++;
  let dot = 0, left = 0, right = 0;
  for (const block of [before, after]) {
    for (const id of block) {
      const a = counts[2 * id]!, b = counts[2 * id + 1]!;
      dot += a * b;
      left += a * a;
      right += b * b;
      counts[2 * id] = counts[2 * id + 1] = 0;
    }
  }
  return dot / Math.sqrt(left * right);
}

/** From similarities to depths to scores: what lies deeper than the average by its share of two standard deviations. */
function depthScores(similarity: Float64Array, parted: (gap: number) => boolean): Float64Array {
  const depths = new Float64Array(similarity.length);
  const known: number[] = [];
  for (let gap = 1; gap < similarity.length - 1; gap++) {
    const own = similarity[gap]!;
    if (Number.isNaN(own)) continue;
    const peak = (step: 1 | -1) => {
      let best = own;
      for (let at = gap + step; at > 0 && at < similarity.length && !parted(at); at += step) {
        const value = similarity[at]!;
        if (Number.isNaN(value) || value < best) break;
        best = value;
      }
      return best;
    };
    depths[gap] = peak(1) + peak(-1) - 2 * own;
    known.push(depths[gap]!);
  }
  const mean = known.reduce((sum, depth) => sum + depth, 0) / (known.length || 1);
  const deviation = Math.sqrt(known.reduce((sum, depth) => sum + (depth - mean) ** 2, 0) / (known.length || 1));
  return depths.map((depth) => depth <= mean ? 0 : DEEPEST * Math.min(1, (depth - mean) / (2 * deviation || 1)));
}

function tally(block: Int32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const id of block) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
