/** What a preflight finds. Errors stop a run before its first step, warnings do not. */

export interface Finding {
  /** What was looked at: `dataset`, `template`, `memory` … */
  readonly check: string;
  readonly level: "ok" | "warning" | "error";
  /** One sentence: what is there, or what is the matter, with its figures. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** The figures behind the sentence, for a page or a program. */
  readonly facts?: Readonly<Record<string, string | number>>;
}

type More = Pick<Finding, "facts">;

export function ok(check: string, message: string, more: More = {}): Finding {
  return { check, level: "ok", message, ...more };
}

export function warning(check: string, message: string, remedy: string, more: More = {}): Finding {
  return { check, level: "warning", message, remedy, ...more };
}

export function error(check: string, message: string, remedy: string, more: More = {}): Finding {
  return { check, level: "error", message, remedy, ...more };
}

/**
 * Findings that forbid to begin: errors, and with `strict` warnings too.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { ok, stopping, warning } from "@/training/preflight/finding.ts";
 *
 * const findings = [ok("disk", "enough"), warning("leak", "3 rows are on both sides", "Split by book.")];
 * equal(stopping(findings).length, 0);
 * equal(stopping(findings, true).length, 1);
 * ```
 */
export function stopping(findings: readonly Finding[], strict = false): Finding[] {
  return findings.filter(({ level }) => level === "error" || (strict && level === "warning"));
}
