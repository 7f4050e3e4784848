/** All figures that are drawn together: channels, sentence structure, vocabulary and markers, in one bootstrap. */
import { type Interval, intervalOf } from "../statistics.ts";
import { type Background, type Scales, scalesOf, sharesOf, withText } from "./background.ts";
import { BESIDE, type Channel, CHANNELS, makePool, type Pool, STRUCTURE } from "./channels.ts";
import { createCounter, type Frame, type Layout, pool, type Row } from "./counts.ts";
import { type Marker, markersMet } from "./markers.ts";
import type { Reading } from "./reading.ts";
import { commonWords, drawSides, type Sides, type Unit } from "./resample.ts";
import { type ChannelDraws, type TransferScore, transferScore } from "./transfer.ts";

/** Readings by unit: a prompt's, a chunk's. */
export type Units = readonly (readonly Reading[])[];

export interface MeasureInput {
  readonly sides: Sides<Units>;
  readonly background: Background;
  readonly markers: readonly Marker[];
  readonly vocabulary: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
  readonly seed: number;
  readonly resamples: number;
}

/** A figure of each side. */
export type Each<T> = Pick<Sides<T>, "base" | "tuned" | "hold">;

export interface Measures {
  readonly transfer: TransferScore;
  readonly structure: TransferScore;
  readonly vocabulary: {
    readonly covered: Each<number>;
    /** `cov(F) / cov(A_hold)`. */
    readonly share: Interval;
    /** `cov(F) − cov(B)`, paired. */
    readonly gain: Interval;
  };
  readonly markers: { readonly tuned: Interval; readonly hold: Interval; readonly met: readonly boolean[] };
  /** Deltas and KS of the whole pools: reported, part of no score. */
  readonly beside: readonly {
    readonly id: string;
    readonly title: string;
    readonly definition: string;
    readonly distance: Each<number>;
  }[];
  /** Words to which the pools were drawn. */
  readonly drawnWords: number;
  /** For looking closer: counts of each unit and of the whole. */
  readonly layout: Layout;
  readonly units: Sides<readonly Unit[]>;
  readonly pools: Sides<Pool>;
  readonly background: Background;
}

const EACH = ["base", "tuned", "hold"] as const;

/** Measures base and tuned against the author. */
export function measureStyle(input: MeasureInput): Measures {
  const { sides, markers, vocabulary, names } = input;
  const frame: Frame = { ...input.background, markers: markers.map(({ item }) => item), vocabulary, names };
  const counter = createCounter(frame);
  const background = withText(input.background, sharesOf(textOf(sides.ref), frame));
  const scales = scalesOf(background);
  const units: Sides<readonly Unit[]> = {
    base: unitsOf(sides.base, counter),
    tuned: unitsOf(sides.tuned, counter),
    hold: unitsOf(sides.hold, counter),
    ref: unitsOf(sides.ref, counter),
  };
  const channels = [...CHANNELS, ...STRUCTURE];
  const distances = channels.map((): DrawnDistances => ({ base: [], tuned: [], hold: [] }));
  const shares: number[] = [], gains: number[] = [], tunedMarkers: number[] = [], holdMarkers: number[] = [];
  for (const rows of drawSides(units, counter.size, input)) {
    const pools = poolsOf(rows, counter, scales);
    for (const [at, channel] of channels.entries()) measureChannel(channel, pools, counter, distances[at]);
    const covered = coveredOf(rows, counter);
    shares.push(covered.tuned / covered.hold);
    gains.push(covered.tuned - covered.base);
    tunedMarkers.push(shareMet(metBy("tuned", rows, counter)));
    holdMarkers.push(shareMet(metBy("hold", rows, counter)));
  }
  const whole: Sides<Row> = {
    base: sum(units.base, counter),
    tuned: sum(units.tuned, counter),
    hold: sum(units.hold, counter),
    ref: sum(units.ref, counter),
  };
  const pools = poolsOf(whole, counter, scales);
  const n = units.tuned.length;
  const covered = coveredOf(whole, counter);
  const met = metBy("tuned", whole, counter);
  return {
    transfer: transferScore(CHANNELS, distances.slice(0, CHANNELS.length), n),
    structure: transferScore(STRUCTURE, distances.slice(CHANNELS.length), n),
    vocabulary: {
      covered,
      share: intervalOf(covered.tuned / covered.hold, shares, n),
      gain: intervalOf(covered.tuned - covered.base, gains, n),
    },
    markers: {
      tuned: intervalOf(shareMet(met), tunedMarkers, n),
      hold: intervalOf(shareMet(metBy("hold", whole, counter)), holdMarkers, units.hold.length),
      met,
    },
    beside: BESIDE.map(({ id, title, definition, distance }) => ({
      id,
      title,
      definition,
      distance: each((side) => distance(pools[side], pools.ref, counter)),
    })),
    drawnWords: commonWords(units),
    layout: counter,
    units,
    pools,
    background,
  };
}

type DrawnDistances = { [side in keyof ChannelDraws]: number[] };

function measureChannel({ distance }: Channel, pools: Sides<Pool>, layout: Layout, into: DrawnDistances | undefined) {
  for (const side of EACH) into?.[side].push(distance(pools[side], pools.ref, layout));
}

function unitsOf(units: Units, counter: ReturnType<typeof createCounter>): Unit[] {
  return units.map((readings) => {
    const row = pool(readings.map((reading) => counter.count(reading)), counter.size);
    return { row, words: readings.reduce((sum, { words }) => sum + words.length, 0) };
  });
}

function textOf(units: Units): string {
  return units.flat().map(({ text }) => text).join("\n\n");
}

function sum(units: readonly Unit[], { size }: Layout): Row {
  return pool(units.map(({ row }) => row), size);
}

function poolsOf(rows: Sides<Row>, layout: Layout, scales: Scales): Sides<Pool> {
  const of = (row: Row) => makePool(row, layout, scales);
  return { base: of(rows.base), tuned: of(rows.tuned), hold: of(rows.hold), ref: of(rows.ref) };
}

function each<T>(of: (side: keyof Each<T>) => T): Each<T> {
  return { base: of("base"), tuned: of("tuned"), hold: of("hold") };
}

/** Share of the content words that the author uses, too. */
export function coverage(row: Row, layout: Layout): number {
  const [content = 0, covered = 0] = layout.part(row, "content");
  return covered / content;
}

function coveredOf(rows: Sides<Row>, layout: Layout): Each<number> {
  return each((side) => coverage(rows[side], layout));
}

function metBy(side: "tuned" | "hold", rows: Sides<Row>, layout: Layout): boolean[] {
  const of = (row: Row) => ({ counts: layout.part(row, "markers"), words: layout.part(row, "words")[0] ?? 0 });
  return markersMet(of(rows[side]), of(rows.ref), of(rows.base));
}

function shareMet(met: readonly boolean[]): number {
  return met.filter(Boolean).length / met.length;
}
