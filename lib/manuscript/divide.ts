/**
 * Which of the boundaries make the best chunks: those of the least cost, found by dynamic programming. A chunk costs what
 * its length misses; a boundary costs what it lacks of certainty; a chapter's beginning that is passed over costs most.
 */
import { type Boundary, isMarked } from "./boundaries.ts";
import type { Parsed } from "./paragraphs.ts";

export interface Sizes {
  /** Words of the smallest and the largest chunk that is wanted. */
  readonly minWords: number;
  readonly maxWords: number;
}

/** A run of paragraphs, `from` included, `to` not. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly words: number;
  /** What it begins at; undefined for the beginning of the manuscript. */
  readonly boundary: Boundary | undefined;
}

/** A chunk, with the parts that it was cut into where it was too long for one. */
export interface Division extends Span {
  readonly parts: readonly Span[];
}

/** A change that is told as clearly as this parts scenes, like a mark does. */
const CLEAR = 0.6;
/** A scene may be so many times too long; more is a text without marks, and is cut wherever it can be. */
const LONGEST_SCENE = 3;
const COSTS = { uncertain: 0.6, chapterInside: 1.5, breakInside: 0.25, far: 0.15, short: 4, long: 6 };

/**
 * Divides a manuscript. First at marks and at clear changes of time and place; what is still too long for a chunk is cut
 * at the best of all its boundaries, into parts of one scene.
 */
export function divide(parsed: Parsed, boundaries: readonly Boundary[], sizes: Sizes): Division[] {
  const words = cumulative(parsed);
  const marked = (boundary: Boundary) => isMarked(parsed.gaps[boundary.before]);
  const whole = { from: 0, to: parsed.paragraphs.length };
  const clear = boundaries.filter((boundary) => marked(boundary) || boundary.score >= CLEAR);
  const cut = (span: Pick<Span, "from" | "to">, allowed: readonly Boundary[], first: Boundary | undefined) =>
    cheapest(parsed, words, span, allowed.filter(({ before }) => before > span.from && before < span.to), first, sizes);
  return cut(whole, clear, undefined).flatMap((span): Division[] => {
    if (span.words <= sizes.maxWords) return [{ ...span, parts: [] }];
    const parts = cut(span, boundaries, span.boundary);
    if (parts.length < 2) return [{ ...span, parts: [] }];
    return span.words <= LONGEST_SCENE * sizes.maxWords
      ? [{ ...span, parts }]
      : parts.map((part) => ({ ...part, parts: [] }));
  });
}

/** What a chunk of so many words costs. */
function sizeCost(words: number, { minWords, maxWords }: Sizes): number {
  if (words < minWords) return COSTS.far + COSTS.short * (minWords - words) / minWords;
  if (words > maxWords) return 0.5 + COSTS.far + COSTS.long * (words - maxWords) / maxWords;
  const half = (maxWords - minWords) / 2;
  return half === 0 ? 0 : COSTS.far * ((words - minWords - half) / half) ** 2;
}

/** Words before each paragraph. */
function cumulative({ paragraphs }: Parsed): Float64Array {
  const sums = new Float64Array(paragraphs.length + 1);
  paragraphs.forEach(({ words }, i) => sums[i + 1] = (sums[i] ?? 0) + words);
  return sums;
}

/** The spans between those boundaries whose costs are least. */
function cheapest(
  { gaps }: Parsed,
  words: Float64Array,
  { from, to }: Pick<Span, "from" | "to">,
  allowed: readonly Boundary[],
  first: Boundary | undefined,
  sizes: Sizes,
): Span[] {
  const places = [from, ...allowed.map(({ before }) => before), to];
  const costs = new Float64Array(places.length).fill(Infinity);
  const previous = new Int32Array(places.length);
  costs[0] = 0;
  for (let end = 1; end < places.length; end++) {
    const boundary = allowed[end - 1];
    const own = boundary ? COSTS.uncertain * (1 - boundary.score) : 0;
    let inside = 0; // Marks that are passed over.
    for (let start = end - 1; start >= 0; start--) {
      const length = words[places[end]!]! - words[places[start]!]!;
      const cost = costs[start]! + sizeCost(length, sizes) + inside + own;
      if (cost < costs[end]!) {
        costs[end] = cost;
        previous[end] = start;
      }
      // Longer spans only cost more; the first is looked at in any case.
      if (length > 2 * sizes.maxWords) break;
      const gap = gaps[places[start]!];
      if (gap?.chapter !== undefined) inside += COSTS.chapterInside;
      else if (gap?.sceneBreak !== undefined) inside += COSTS.breakInside;
    }
  }
  const spans: Span[] = [];
  for (let end = places.length - 1; end > 0; end = previous[end]!) {
    const start = previous[end]!;
    spans.unshift({
      from: places[start]!,
      to: places[end]!,
      words: words[places[end]!]! - words[places[start]!]!,
      boundary: start === 0 ? first : allowed[start - 1],
    });
  }
  return spans;
}
