import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { sqliteError } from "../core/sqlite_error.ts";
import { type Answer, type Answers, openAnswers } from "./ledger_answers.ts";

export type { Answer } from "./ledger_answers.ts";

/** The requests that were sent for one example, in turn, so that it is found again when the plan has changed. */
export const Asked = z.object({
  /** Of the passage's text, so that another text under its id is not taken for it. */
  passage: z.string(),
  /** What the example was to be about, the main theme first. */
  themes: z.array(z.string()),
  requests: z.array(z.object({
    hash: z.string(),
    /** Of the messages. */
    prompt: z.string(),
    seed: z.number().optional(),
  })),
});
export type Asked = z.output<typeof Asked>;

/** Answers by the hash of their request; durable as soon as `put` resolves. */
export interface Ledger extends Disposable {
  get(hash: string): Answer | undefined;
  put(hash: string, answer: Answer): Promise<void>;
  /** Whether it was put since the ledger was opened. */
  isNew(hash: string): boolean;
  count(): number;
  /** Facts about the run that a later one needs. */
  note(key: string): string | undefined;
  /** Also makes durable all that was written before. */
  setNote(key: string, value: string): void;
  /** Ids of the examples that are remembered, in that order, each with its turn. */
  remembered(): IterableIterator<readonly [turn: number, id: string]>;
  /** How the example of that turn was asked for. */
  asked(turn: number): Asked | undefined;
  /** Adds how examples were asked for, all in one transaction; durable with the next note. */
  remember(examples: Iterable<readonly [id: string, asked: Asked]>): void;
  /** Forgets how examples were asked for; the answers stay. */
  forget(): void;
}

const Value = z.object({ value: z.string() }).optional();
const Turn = z.object({ turn: z.number(), id: z.string() });

/**
 * Answers that come within the time of a commit share the next one, so that a disk that is slow to sync does not hold up
 * many quick answers; none waits for longer than this, nor for more company than so much: half of the requests that may
 * be under way, so that the others go on while these reach the disk.
 */
const LONGEST_WAIT_MS = 20, MOST_ROWS = 128;

/**
 * Opens the ledger, making it where it is missing. Answers that arrive together are made durable together, by one fsync.
 *
 * @param options `emptyToo`: an empty file is made a ledger. For those who write answers, not for those who look for some.
 * @throws {UserError} where another run holds it, it is no ledger, or it cannot be written.
 */
export function openLedger(path: string, { emptyToo = true } = {}): Ledger {
  let database: DatabaseSync, answers: Answers, log: Deno.FsFile;
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
    database = new DatabaseSync(path);
  } catch (error) {
    throw unusable(path, error);
  }
  try {
    refuseOthers(database, emptyToo);
    // Exclusive: a second run on the same output is refused. NORMAL: SQLite itself syncs only what keeps the file whole;
    // that a commit survives a power cut is seen to below, where the run need not halt for as long as the disk takes.
    // Pages are brought home every 16 MB, since some of them change several times until then.
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = 4000;
      CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS examples (turn INTEGER PRIMARY KEY, id TEXT NOT NULL, value TEXT NOT NULL);
      BEGIN IMMEDIATE; COMMIT;
    `);
    answers = openAnswers(database);
    log = Deno.openSync(`${path}-wal`, { write: true }); // All that is committed stands there first.
  } catch (error) {
    database.close();
    throw unusable(path, error);
  }
  const selectNote = database.prepare("SELECT value FROM notes WHERE key = ?");
  const insertNote = database.prepare("INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)");
  const selectTurns = database.prepare("SELECT turn, id FROM examples WHERE turn > ? ORDER BY turn LIMIT 1000");
  const selectExample = database.prepare("SELECT value FROM examples WHERE turn = ?");
  const insertExample = database.prepare("INSERT INTO examples (id, value) VALUES (?, ?)");

  type Batch = {
    readonly durable: PromiseWithResolvers<void>;
    readonly timer: ReturnType<typeof setTimeout>;
    rows: number;
  };
  let batch: Batch | undefined;
  let commitMs = 1;
  const begin = (): Batch => {
    database.exec("BEGIN IMMEDIATE");
    const timer = setTimeout(() => commit(), Math.min(commitMs, LONGEST_WAIT_MS));
    return { durable: Promise.withResolvers(), timer, rows: 0 };
  };
  const commit = () => {
    if (!batch) return;
    const { durable, timer } = batch;
    batch = undefined;
    clearTimeout(timer);
    const started = performance.now();
    try {
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      return durable.reject(unusable(path, error));
    }
    log.syncData().then(durable.resolve, (error) => durable.reject(unusable(path, error)))
      .finally(() => commitMs = performance.now() - started);
  };
  /** Puts what SQLite refuses into words. */
  const using = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw unusable(path, error);
    }
  };
  return {
    get: (hash) => using(() => answers.get(hash)),
    put(hash, answer) {
      try {
        const { durable: { promise } } = batch ??= begin();
        answers.put(hash, answer);
        if (++batch.rows >= MOST_ROWS) commit();
        return promise;
      } catch (error) {
        return Promise.reject(unusable(path, error));
      }
    },
    isNew: (hash) => using(() => answers.isNew(hash)),
    count: () => using(() => answers.count()),
    note: (key) => Value.parse(using(() => selectNote.get(key)))?.value,
    setNote: (key, value) =>
      using(() => {
        insertNote.run(key, value);
        log.syncDataSync();
      }),
    *remembered() {
      // By the page: `iterate` takes an error for the end.
      let rows: z.output<typeof Turn>[] = [];
      do {
        const last = rows.at(-1)?.turn ?? 0;
        rows = using(() => selectTurns.all(last)).map((row) => Turn.parse(row));
        for (const { turn, id } of rows) yield [turn, id];
      } while (rows.length > 0);
    },
    asked(turn) {
      const row = Value.parse(using(() => selectExample.get(turn)));
      const asked = row && Asked.safeParse(JSON.parse(row.value));
      return asked?.success ? asked.data : undefined;
    },
    remember(examples) {
      commit();
      try {
        database.exec("BEGIN IMMEDIATE");
        for (const [id, asked] of examples) insertExample.run(id, JSON.stringify(asked));
        database.exec("COMMIT");
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw unusable(path, error);
      }
    },
    forget() {
      commit();
      using(() => database.exec("DELETE FROM examples"));
    },
    [Symbol.dispose]() {
      commit();
      log.close();
      database.close(); // Brings all pages home, durably.
    },
  };
}

/** A fact that a run left, without opening its ledger for work; `undefined` where there is none or a run is writing. */
export function readNote(path: string, key: string): string | undefined {
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    return Value.parse(database.prepare("SELECT value FROM notes WHERE key = ?").get(key))?.value;
  } catch {
    return undefined;
  }
}

/** Another program's database gets no tables of ours, nor does an empty file where answers are looked for. */
function refuseOthers(database: DatabaseSync, emptyToo: boolean): void {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const ours = ["notes", "examples", "answers", "replies"];
  if (tables.length === 0 ? emptyToo : tables.some(({ name }) => ours.includes(String(name)))) return;
  throw new Error("no such table: notes");
}

function unusable(path: string, error: unknown): unknown {
  return sqliteError(path, error, {
    locked: {
      why: "another run is writing to the same output",
      hint: "Wait for it to end, or give this run another --output.",
    },
    foreign: {
      why: "it is not a ledger of answers",
      hint:
        "Move it away to start anew. Where it is a damaged ledger, `sqlite3 OLD .recover | sqlite3 NEW` saves most of it.",
    },
    full: "Every answer up to now is kept; free some space and run again with --resume.",
  });
}
