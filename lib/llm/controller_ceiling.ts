/** How far the limit may go up, as faults have taught. */
export interface Ceiling {
  /** Whether faults have set one, though it may be believed no longer. */
  readonly isSet: boolean;
  /** Most requests that may be tried now, if so many are possible at all. */
  highest(most: number): number;
  /** What to try next above `limit`: halfway to the ceiling, else half as many again. */
  above(limit: number): number;
  /** Faults came at `limit`. Each time that it shows again, it is believed for longer. */
  set(limit: number): void;
  /** A measurement has passed without faults. */
  passed(): void;
  /** `limit` did well: a ceiling at or below it was none. */
  reached(limit: number): void;
  forget(): void;
}

/** @param believedFor Measurements for which a new ceiling is not tried again, and the most for an old one. */
export function createCeiling(believedFor: number, atMost: number): Ceiling {
  let ceiling: { readonly limit: number; left: number; readonly patience: number } | undefined;
  return {
    get isSet() {
      return ceiling !== undefined;
    },
    highest: (most) => ceiling && ceiling.left > 0 ? Math.max(1, ceiling.limit - 1) : most,
    above: (limit) => ceiling && ceiling.left > 0 ? (limit + ceiling.limit) / 2 : limit * 1.5,
    set(limit) {
      const patience = ceiling ? Math.min(2 * ceiling.patience, atMost) : believedFor;
      ceiling = { limit, left: patience, patience };
    },
    passed() {
      if (ceiling && ceiling.left > 0) ceiling.left--;
    },
    reached(limit) {
      if (ceiling && limit >= ceiling.limit) ceiling = undefined;
    },
    forget: () => void (ceiling = undefined),
  };
}
