/** Draws of the pools with replacement, whole units at a time: how much a figure owes to the luck of the sample. */
import { seededRandom } from "../../dialogue/random.ts";
import { poolDrawn, type Row, sparse } from "./counts.ts";

/** What is drawn whole: all continuations of a prompt, or a chunk of the author's. */
export interface Unit {
  readonly row: Row;
  readonly words: number;
}

/** The pools that are compared. Units of `base` and `tuned` are in the same order: of the same prompts, where known. */
export interface Sides<T> {
  readonly base: T;
  readonly tuned: T;
  readonly hold: T;
  readonly ref: T;
}

export interface DrawOptions {
  readonly seed: number;
  /** @default {1000} */
  readonly resamples?: number;
}

/**
 * Draws all four pools again and again. A smaller pool lies further from any other, by chance alone; so base, tuned and
 * held-out text are drawn to the same number of words, that of the smallest. Base and tuned get the same draws, so that
 * prompts stay paired, and equal systems equal figures.
 */
export function* drawSides(units: Sides<readonly Unit[]>, size: number, options: DrawOptions): Generator<Sides<Row>> {
  const words = commonWords(units);
  const rows = {
    base: units.base.map(({ row }) => sparse(row)),
    tuned: units.tuned.map(({ row }) => sparse(row)),
    hold: units.hold.map(({ row }) => sparse(row)),
    ref: units.ref.map(({ row }) => sparse(row)),
  };
  for (let number = 0; number < (options.resamples ?? 1000); number++) {
    const draw = (side: keyof typeof rows, stream: string, least: number) =>
      poolDrawn(rows[side], size, timesDrawn(units[side], least, seededRandom(options.seed, stream, number)));
    yield {
      base: draw("base", "systems", words),
      tuned: draw("tuned", "systems", words),
      hold: draw("hold", "hold", words),
      ref: draw("ref", "ref", wordsOfUnits(units.ref)),
    };
  }
}

/** Words that base, tuned and held-out text can all give. */
export function commonWords({ base, tuned, hold }: Sides<readonly Unit[]>): number {
  return Math.min(wordsOfUnits(base), wordsOfUnits(tuned), wordsOfUnits(hold));
}

export function wordsOfUnits(units: readonly Unit[]): number {
  return units.reduce((sum, unit) => sum + unit.words, 0);
}

/** How often each unit is drawn, until the words are as near to `words` as whole units bring them. */
export function timesDrawn(units: readonly Unit[], words: number, random: () => number): Uint32Array {
  const times = new Uint32Array(units.length);
  if (wordsOfUnits(units) === 0) return times;
  for (let drawn = 0; drawn < words;) {
    const at = Math.floor(random() * units.length);
    const more = units[at]?.words ?? 0;
    // Passing the mark by more than would be missing without it makes it worse; something must be drawn, though.
    if (drawn > 0 && drawn + more - words > words - drawn) break;
    times[at]! += 1;
    drawn += more;
  }
  return times;
}
