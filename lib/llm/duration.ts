import { UsageError } from "../core/errors.ts";

const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, min: 60_000, s: 1000 };

/**
 * Reads a stretch of time as people write it into flags: `2h`, `90m`, `1h30m`, `1.5h`, `45s`, `1d`; in milliseconds.
 *
 * @param flag Named in the error.
 * @throws {UsageError} for anything else, a number without a unit included, and for nothing at all.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { parseDuration } from "@/llm/duration.ts";
 *
 * equal(parseDuration("1h30m"), 90 * 60 * 1000);
 * ```
 */
export function parseDuration(text: string, flag = "duration"): number {
  const parts = [...text.trim().toLowerCase().matchAll(/(\d+(?:\.\d+)?)\s*(min|[dhms])\s*/gy)];
  const units = parts.map(([, , unit = ""]) => UNITS[unit] ?? 0);
  const whole = parts.reduce((length, [part]) => length + part.length, 0) === text.trim().length;
  const falling = units.every((unit, at) => at === 0 || unit < (units[at - 1] ?? 0));
  const ms = parts.reduce((sum, [, amount], at) => sum + Number(amount) * (units[at] ?? 0), 0);
  if (parts.length > 0 && whole && falling && ms > 0) return Math.round(ms);
  const why = /^\d+(?:\.\d+)?$/.test(text.trim()) && Number(text) > 0
    ? `it has no unit; ${text.trim()}m is minutes, ${text.trim()}h hours`
    : "write it like 2h, 90m, 1h30m or 45s";
  throw new UsageError(`Cannot use "${text}" as ${flag}: ${why}`);
}
