/** What became better, category by category, in figures that can be pictured and in passages. */
import type { Channel, Pool } from "./channels.ts";
import { scalesOf } from "./background.ts";
import { CHANNELS, makePool, STRUCTURE } from "./channels.ts";
import { total } from "./distances.ts";
import { MARKS } from "./marks.ts";
import { coverage, type Each, type Measures } from "./measure.ts";
import type { Row } from "./counts.ts";
import { POVS } from "../pov.ts";
import type { TargetId } from "./targets.ts";

/** A figure of base, tuned model and author, each in its own unit. */
export interface Fact {
  readonly name: string;
  readonly base: number;
  readonly tuned: number;
  readonly author: number;
  /** Nearer to the author than the base. */
  readonly better: boolean;
}

export interface Example {
  /** The prompt of both, where they are of one. */
  readonly id?: string;
  readonly base: string;
  readonly tuned: string;
}

export interface Improvement {
  readonly category: TargetId;
  readonly title: string;
  readonly facts: readonly Fact[];
  /** How the example was chosen. */
  readonly chosen: string;
  readonly example: Example | undefined;
}

/** A unit of both systems, as it can be shown. */
export interface Shown {
  readonly id: string;
  readonly text: string;
}

const WORDS_SHOWN = 70;

/** What became better in each category. Units of base and tuned are in the order of `measures.units`. */
export function improvementsOf(
  measures: Measures,
  shown: { base: readonly Shown[]; tuned: readonly Shown[]; paired: boolean },
  markers: readonly string[],
  pov: "first" | "second" | "third",
): Improvement[] {
  const { layout, units, pools, background } = measures;
  const author = pools.ref;
  const scales = scalesOf(background);
  const fact = (name: string, figure: (row: Row) => number): Fact => {
    const [base, tuned, own] = [figure(pools.base.row), figure(pools.tuned.row), figure(author.row)];
    return { name, base, tuned, author: own, better: Math.abs(tuned - own) < Math.abs(base - own) };
  };
  const nearness = (channel: Channel | undefined) => (row: Row) =>
    -(channel?.distance(makePool(row, layout, scales), author, layout) ?? 0);
  const example = (score: (row: Row) => number) => exampleOf(units, shown, score);
  const words = (row: Row) => layout.part(row, "words")[0] ?? 0;
  const perThousand = (section: "functionWords" | "marks" | "markers", at: number) => (row: Row) =>
    1000 * (layout.part(row, section)[at] ?? 0) / words(row);
  const povShare = (row: Row) => {
    const counts = layout.part(row, "pov");
    return (counts[POVS.indexOf(pov)] ?? 0) / (total(counts) - (counts[POVS.indexOf("unknown")] ?? 0));
  };
  return [
    {
      category: "transfer",
      title: "Function words, by 1,000 words",
      facts: movedWords(pools).map((at) => fact(background.words[at] ?? "", perThousand("functionWords", at))),
      chosen: "the prompt on which the two lie furthest apart in function words",
      example: example(nearness(CHANNELS[0])),
    },
    {
      category: "vocabulary",
      title: "Words of the author",
      facts: [fact("share of content words that the author uses", (row) => coverage(row, layout))],
      chosen: "the prompt on which the two lie furthest apart in the share of the author's words",
      example: example((row) => coverage(row, layout)),
    },
    {
      category: "structure",
      title: "Sentences",
      facts: [
        fact("words a sentence", (row) => meanOf(layout.part(row, "sentenceLengths"))),
        fact("spread of sentence lengths", (row) => spreadOf(layout.part(row, "sentenceLengths"))),
        fact("commas a sentence", (row) => meanOf(layout.part(row, "commas"))),
        fact("sentences a paragraph", (row) => meanOf(layout.part(row, "sentencesPerParagraph"))),
        fact("share of sentences without a verb", (row) => {
          const [whole = 0, fragments = 0] = layout.part(row, "fragments");
          return fragments / (whole + fragments);
        }),
        ...MARKS.flatMap((mark, at) =>
          mark.startsWith("paragraph") ? [] : [
            fact(`${mark} in 1,000 words`, perThousand("marks", at)),
          ]
        ).filter(({ base, tuned, author }) => Math.max(base, tuned, author) >= 0.5),
      ],
      chosen: "the prompt on which the two lie furthest apart in the lengths of their sentences",
      example: example(nearness(STRUCTURE[0])),
    },
    {
      category: "markers",
      title: "Style markers, by 1,000 words",
      facts: markers.slice(0, 12).map((marker, at) => fact(marker, perThousand("markers", at))),
      chosen: "the prompt on which the two lie furthest apart in the number of markers",
      example: example((row) => total(layout.part(row, "markers")) / words(row)),
    },
    {
      category: "pov",
      title: "Point of view",
      facts: [fact(`share of windows in the ${pov} person`, povShare)],
      chosen: `the prompt on which the two lie furthest apart in the ${pov} person`,
      example: example((row) => povShare(row) || 0),
    },
  ];
}

/** The function words that moved furthest towards the author, in standard scores. */
function movedWords({ base, tuned, ref }: { base: Pool; tuned: Pool; ref: Pool }): number[] {
  const moved = Array.from(ref.wordScores, (own, at) => ({
    at,
    by: Math.abs((base.wordScores[at] ?? 0) - own) - Math.abs((tuned.wordScores[at] ?? 0) - own),
  }));
  return moved.sort((a, b) => b.by - a.by).slice(0, 8).filter(({ by }) => by > 0).map(({ at }) => at);
}

/** The pair on which the tuned model gained most; single figures of single answers are no measure and are not shown. */
function exampleOf(
  { base, tuned }: Each<readonly { row: Row }[]>,
  shown: { base: readonly Shown[]; tuned: readonly Shown[]; paired: boolean },
  score: (row: Row) => number,
): Example | undefined {
  const best = (values: readonly number[]) => values.reduce((top, value, at) => value > values[top]! ? at : top, 0);
  const scores = { base: base.map(({ row }) => score(row)), tuned: tuned.map(({ row }) => score(row)) };
  if (scores.base.length === 0 || scores.tuned.length === 0) return undefined;
  const at = shown.paired ? best(scores.tuned.map((value, i) => value - scores.base[i]!)) : best(scores.tuned);
  const other = shown.paired ? at : best(scores.base.map((value) => -value));
  const first = shown.base[other], second = shown.tuned[at];
  if (!first || !second) return undefined;
  return { ...(shown.paired ? { id: second.id } : {}), base: opening(first.text), tuned: opening(second.text) };
}

/** The first words of a text. */
function opening(text: string): string {
  const words = text.trim().split(/(\s+)/);
  return words.length <= 2 * WORDS_SHOWN ? text.trim() : `${words.slice(0, 2 * WORDS_SHOWN).join("").trim()} …`;
}

function meanOf(histogram: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < histogram.length; at++) sum += at * histogram[at]!;
  return sum / total(histogram);
}

function spreadOf(histogram: ArrayLike<number>): number {
  const middle = meanOf(histogram);
  let sum = 0;
  for (let at = 0; at < histogram.length; at++) sum += (at - middle) ** 2 * histogram[at]!;
  return Math.sqrt(sum / total(histogram));
}
