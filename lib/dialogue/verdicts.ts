/** What people decided about examples, kept beside the ledger and stronger than any gate. */
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { sha256 } from "../core/files.ts";
import { beside } from "../core/paths.ts";
import { sqliteError } from "../core/sqlite_error.ts";
import type { Exchange } from "./parse.ts";

/** `accept`: into the dataset whatever the gates say; `reject`: out of it. */
export const VERDICTS = ["accept", "reject"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Verdicts by {@linkcode verdictKey}. */
export interface VerdictBook extends Disposable {
  /** As the file holds them now, even where another process writes to it. */
  all(): ReadonlyMap<string, Verdict>;
  /**
   * Durable when it returns. `undefined` takes a verdict back.
   *
   * @param id Which example it was, for people who read the file.
   * @returns what stood there before.
   * @throws {UserError} the disk is full or read-only, or the file is no book of verdicts.
   */
  set(key: string, verdict: Verdict | undefined, id: string): Verdict | undefined;
}

/**
 * Where the verdicts on a dataset are kept: the ledger's second file. The first belongs to one run at a time, while people
 * may judge at any time, and a ledger that is set aside does not take their work with it.
 */
export function verdictsPath(dataset: string): string {
  return beside(dataset, "_verdicts.sqlite");
}

/**
 * Names an exchange by its words: a verdict follows them from the rejects into the dataset and back, and does not pass to
 * another answer that the same passage and persona get later.
 *
 * @example
 * ```ts
 * import { equal, notEqual } from "node:assert/strict";
 * import { verdictKey } from "@/dialogue/verdicts.ts";
 *
 * const key = verdictKey({ user: "Why?", assistant: "Because." });
 * equal(key.length, 32);
 * notEqual(key, verdictKey({ user: "Why?Because", assistant: "." }));
 * ```
 */
export function verdictKey({ user, assistant }: Exchange): string {
  // 128 bits: no two of any number of exchanges that fit on a disk will meet.
  return sha256(JSON.stringify([user, assistant])).slice(0, 32);
}

const Row = z.object({ key: z.string(), verdict: z.enum(VERDICTS) });
const Version = z.object({ data_version: z.number() });

/**
 * The verdicts in a file, none where there is no file. For `gate`: a rejected exchange is left out as
 * `rejected_by_hand`, an accepted one passes.
 *
 * @throws {UserError} the file is no book of verdicts, or cannot be read.
 */
export function readVerdicts(path: string): ReadonlyMap<string, Verdict> {
  using book = openVerdicts(path);
  return book.all();
}

/** Opens a book of verdicts. The file is made with the first verdict: looking leaves no trace. */
export function openVerdicts(path: string): VerdictBook {
  let database: DatabaseSync | undefined;
  let known = new Map<string, Verdict>();
  let version = -1;
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw unusable(path, error);
    }
  };
  const open = () => database ??= openDatabase(path);
  const load = () => {
    if (!database && !exists(path)) return;
    const base = open();
    // It counts the commits of other processes; our own are in `known` already.
    const { data_version: now } = Version.parse(base.prepare("PRAGMA data_version").get());
    if (now === version) return;
    version = now;
    const rows = z.array(Row).parse(base.prepare("SELECT key, verdict FROM verdicts").all());
    known = new Map(rows.map(({ key, verdict }) => [key, verdict]));
  };
  return {
    all() {
      guarded(load);
      return known;
    },
    set(key, verdict, id) {
      return guarded(() => {
        const base = open();
        load();
        const before = known.get(key);
        if (verdict === undefined) base.prepare("DELETE FROM verdicts WHERE key = ?").run(key);
        else {
          base.prepare("INSERT OR REPLACE INTO verdicts (key, verdict, id, given) VALUES (?, ?, ?, datetime('now'))")
            .run(key, verdict, id);
        }
        if (verdict === undefined) known.delete(key);
        else known.set(key, verdict);
        return before;
      });
    },
    [Symbol.dispose]() {
      database?.close();
      database = undefined;
    },
  };
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 2000 });
  try {
    // No WAL: between two verdicts there is one file and nothing else. EXTRA: a commit survives a power cut.
    database.exec("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA");
    database.exec(
      "CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL, id TEXT NOT NULL, given TEXT NOT NULL) WITHOUT ROWID",
    );
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function unusable(path: string, error: unknown): unknown {
  return sqliteError(path, error, {
    locked: { why: "another program keeps it locked" },
    foreign: {
      why: "it holds no verdicts",
      hint: "Move it away to start anew; the verdicts in it would be lost.",
    },
    full: "Every verdict up to now is kept; free some space.",
  });
}
