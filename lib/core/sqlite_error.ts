/** What SQLite refuses, in words. */
import { z } from "zod";
import { messageOf, UserError } from "./errors.ts";
import { fileError } from "./files.ts";

/** What is said of a database that cannot be used. */
export interface Sayings {
  /** Who holds it, and what to do about that. */
  readonly locked: { readonly why: string; readonly hint?: string };
  /** What a file of its kind is or holds, as in "it holds no votes". */
  readonly foreign: { readonly why: string; readonly hint: string };
  /** What is safe when the disk is full, and what to do. */
  readonly full: string;
}

/**
 * The error for the user; what is not SQLite's, as `fileError` has it.
 *
 * @example
 * ```ts
 * import { match } from "node:assert/strict";
 * import { sqliteError } from "@/core/sqlite_error.ts";
 *
 * const error = sqliteError("votes.sqlite", new Error("database is locked"), {
 *   locked: { why: "another program keeps it locked" },
 *   foreign: { why: "it holds no votes", hint: "Move it away." },
 *   full: "Free some space.",
 * });
 * match(String(error), /Cannot use "votes.sqlite": another program keeps it locked/);
 * ```
 */
export function sqliteError(path: string, error: unknown, { locked, foreign, full }: Sayings): unknown {
  const words = messageOf(error);
  const of = (hint: string | undefined) => ({ cause: error, ...(hint === undefined ? {} : { hint }) });
  if (/locked|busy/i.test(words)) return new UserError(`Cannot use "${path}": ${locked.why}`, of(locked.hint));
  if (/not a database|malformed|no such (?:column|table)/i.test(words) || error instanceof z.ZodError) {
    return new UserError(`Cannot use "${path}": ${foreign.why}, or it is damaged`, of(foreign.hint));
  }
  if (/disk is full|database or disk/i.test(words)) {
    return new UserError(`Cannot write "${path}": the disk is full`, of(full));
  }
  if (/unable to open/i.test(words) && isFolder(path)) return fileError("read", path, new Deno.errors.IsADirectory());
  if (/unable to open|readonly|read-only/i.test(words)) {
    return new UserError(`Cannot write "${path}": no permission, or the disk is read-only`, of(undefined));
  }
  return fileError("write", path, error);
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
