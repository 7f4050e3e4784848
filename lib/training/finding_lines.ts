import type { Finding } from "./preflight/finding.ts";

const MARKS = { ok: "✓", warning: "!", error: "✗" } as const;

/** Findings for a terminal: one line each, and what to do about those that are not ok. */
export function findingLines(findings: readonly Finding[]): string[] {
  return findings.map(({ level, message, remedy }) =>
    `${MARKS[level]} ${message}${level === "ok" || !remedy ? "" : `\n  ${remedy}`}`
  );
}
