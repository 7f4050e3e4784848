/** Votes of a blind trial, each on the disk before the next trial shows. */
import { DatabaseSync } from "node:sqlite";
import { dirname } from "node:path";
import { z } from "zod";
import { UserError } from "../../core/errors.ts";
import { sqliteError } from "../../core/sqlite_error.ts";

/** Fidelity: which sounds more like the author. Quality: which is better to read. */
export const QUESTIONS = ["fidelity", "quality"] as const;
export type Question = (typeof QUESTIONS)[number];

/** What a rater may say, as he sees it: the left or the right text, both alike, or neither good. */
export const CHOICES = ["left", "right", "tie", "neither"] as const;
export type Choice = (typeof CHOICES)[number];

export const Vote = z.object({
  rater: z.string().min(1),
  trial: z.string().min(1),
  question: z.enum(QUESTIONS),
  choice: z.enum(CHOICES),
  /** Who stood left and right when the vote was given. */
  left: z.enum(["base", "tuned", "author"]),
  right: z.enum(["base", "tuned", "author"]),
  /** From the trial's showing to the vote. */
  latency_ms: z.number().nonnegative(),
  /** When, as an ISO date. */
  given: z.string(),
});
export type Vote = z.infer<typeof Vote>;

export interface VoteBook extends Disposable {
  /** In the order in which they were given; of two on one question the later one stands. */
  all(): Vote[];
  /** Durable when it returns. @throws {UserError} the disk is full or read-only, or the file holds no votes. */
  give(vote: Vote): void;
  /** Takes the rater's last vote back; answers which it was. */
  takeBack(rater: string): Vote | undefined;
}

/**
 * Opens a book of votes; `trial` names what was asked, so that votes on other texts are never mixed with these.
 *
 * @throws {UserError} the file holds no votes, or those of another trial.
 */
export function openVotes(path: string, trial: string): VoteBook {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw unusable(path, error);
    }
  };
  const database = guarded(() => openDatabase(path));
  const known = guarded(() => database.prepare("SELECT value FROM about WHERE name = 'trial'").get()?.value);
  if (known === undefined) {
    guarded(() => database.prepare("INSERT INTO about (name, value) VALUES ('trial', ?)").run(trial));
  } else if (known !== trial) {
    database.close();
    throw new UserError(`Cannot go on in "${path}": its votes are on other texts`, {
      exitCode: 2,
      hint: "Keep it where it is and name another file by --votes, or let the same continuations be judged.",
    });
  }
  const columns = Object.keys(Vote.shape);
  const list = columns.join(", ");
  return {
    all: () => guarded(() => z.array(Vote).parse(database.prepare(`SELECT ${list} FROM votes ORDER BY number`).all())),
    give: (vote) =>
      guarded(() => {
        const values = columns.map((column) => vote[column as keyof Vote]);
        database.prepare("DELETE FROM votes WHERE rater = ? AND trial = ? AND question = ?")
          .run(vote.rater, vote.trial, vote.question);
        database.prepare(`INSERT INTO votes (${list}) VALUES (${columns.map(() => "?").join(", ")})`).run(...values);
      }),
    takeBack: (rater) =>
      guarded(() => {
        const row = database.prepare(`SELECT number, ${list} FROM votes WHERE rater = ? ORDER BY number DESC LIMIT 1`)
          .get(rater);
        if (!row) return undefined;
        database.prepare("DELETE FROM votes WHERE number = ?").run(row.number as number);
        return Vote.parse(row);
      }),
    [Symbol.dispose]: () => database.close(),
  };
}

/**
 * Puts a book with votes on other texts aside, under a name by which it is found again when those texts are judged once
 * more: as now the book on `trial`, where there was one.
 *
 * @returns Where the other book lies now; undefined where nothing had to be done.
 * @throws {UserError} the file holds no votes.
 */
export function setVotesAside(path: string, trial: string): string | undefined {
  const asideOf = (name: string) => path.replace(/(?:\.sqlite)?$/, `_${name.slice(0, 12)}.sqlite`);
  if (!isFile(path)) return undefined;
  const known = trialOf(path);
  if (known === undefined || known === trial) return undefined;
  const aside = asideOf(known);
  Deno.renameSync(path, aside);
  if (isFile(asideOf(trial))) Deno.renameSync(asideOf(trial), path);
  return aside;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** What a book's votes are on. */
function trialOf(path: string): string | undefined {
  try {
    using database = new DatabaseSync(path, { readOnly: true, timeout: 2000 });
    const value = database.prepare("SELECT value FROM about WHERE name = 'trial'").get()?.value;
    return typeof value === "string" ? value : undefined;
  } catch (error) {
    throw unusable(path, error);
  }
}

function openDatabase(path: string): DatabaseSync {
  Deno.mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: 2000 });
  try {
    // No WAL: between two votes there is one file and nothing else. EXTRA: a commit survives a power cut.
    database.exec("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA");
    database.exec(
      "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID; " +
        "CREATE TABLE IF NOT EXISTS votes (number INTEGER PRIMARY KEY AUTOINCREMENT, rater TEXT NOT NULL, " +
        "trial TEXT NOT NULL, question TEXT NOT NULL, choice TEXT NOT NULL, left TEXT NOT NULL, right TEXT NOT NULL, " +
        "latency_ms REAL NOT NULL, given TEXT NOT NULL)",
    );
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function unusable(path: string, error: unknown): unknown {
  return sqliteError(path, error, {
    locked: { why: "another program keeps it locked" },
    foreign: {
      why: "it holds no votes",
      hint: "Move it away to start anew; the votes in it would be lost.",
    },
    full: "Every vote up to now is kept; free some space.",
  });
}
