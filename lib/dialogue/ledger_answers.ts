/** The answers of a ledger. */
import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { ChatReply } from "../llm/chat.ts";
import { createTextIndex, type TextIndex } from "./text_index.ts";

/** What came of a request: an answer, or a fault that belongs to the answer (truncated, empty …) and would come again. */
export type Answer =
  | { readonly reply: ChatReply }
  | { readonly fault: { readonly kind: string; readonly message: string } };

const Stored = z.union([
  z.object({
    reply: z.object({
      content: z.string(),
      reasoning: z.string(),
      finishReason: z.string(),
      model: z.string(),
      usage: z.object({ promptTokens: z.number().optional(), completionTokens: z.number().optional() }),
      timing: z.object({ firstTokenMs: z.number(), totalMs: z.number() }),
    }),
  }),
  z.object({ fault: z.object({ kind: z.string(), message: z.string() }) }),
]);
const Value = z.object({ value: z.string() }).optional();
const Count = z.object({ n: z.number() });
const Last = z.object({ last: z.number().nullable() });
const Row = z.object({ row: z.number(), hash: z.string() });

/** By the hash of their request. */
export interface Answers {
  get(hash: string): Answer | undefined;
  /** In place of what stood there. */
  put(hash: string, answer: Answer): void;
  /** Whether it was put since the answers were opened. */
  isNew(hash: string): boolean;
  count(): number;
}

/**
 * Answers stand in the order of their arrival, and where each one stands is known in memory: with an index of hashes in the
 * file, each would write a page of its own, three times of what the answer takes.
 */
export function openAnswers(database: DatabaseSync): Answers {
  database.exec("CREATE TABLE IF NOT EXISTS replies (hash TEXT NOT NULL, value TEXT NOT NULL)");
  const select = database.prepare("SELECT value FROM replies WHERE rowid = ? AND hash = ?");
  const insert = database.prepare("INSERT INTO replies (hash, value) VALUES (?, ?)");
  const remove = database.prepare("DELETE FROM replies WHERE rowid = ?");
  const selectRows = database.prepare(
    "SELECT rowid AS row, hash FROM replies WHERE rowid > ? ORDER BY rowid LIMIT 1000",
  );
  const old = oldAnswers(database);
  let rows: TextIndex | undefined;
  let last = 0;

  /** Where the answers stand, found out when that is first asked. */
  function places(): TextIndex {
    if (rows) return rows;
    const index = createTextIndex();
    last = Last.parse(database.prepare("SELECT max(rowid) AS last FROM replies").get()).last ?? 0;
    for (let from = 0; from < last;) {
      for (const one of selectRows.all(from)) {
        const { row, hash } = Row.parse(one);
        index.set(hash, row, (row) => select.get(row, hash) !== undefined);
        from = row;
      }
    }
    return rows = index;
  }
  const rowOf = (hash: string) => places().find(hash, (row) => select.get(row, hash) !== undefined);

  return {
    get(hash) {
      let found: unknown;
      places().find(hash, (row) => (found = select.get(row, hash)) !== undefined);
      const row = Value.parse(found ?? old?.get(hash));
      if (!row) return undefined;
      const stored = Stored.safeParse(JSON.parse(row.value));
      // exactOptionalPropertyTypes: zod says `| undefined` where JSON can only leave the key out.
      return stored.success ? stored.data as Answer : undefined;
    },
    put(hash, answer) {
      const before = rowOf(hash);
      const row = Number(insert.run(hash, JSON.stringify(answer)).lastInsertRowid);
      // Afterwards: what is new stands behind all that was there.
      if (before !== undefined) remove.run(before);
      old?.remove(hash);
      places().set(hash, row, (row) => row === before);
    },
    isNew: (hash) => (rowOf(hash) ?? 0) > last,
    count: () => Count.parse(database.prepare("SELECT count(*) AS n FROM replies").get()).n + (old?.count() ?? 0),
  };
}

/** Where ledgers once kept their answers: by hash. */
function oldAnswers(database: DatabaseSync) {
  if (!database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'answers'").get()) return undefined;
  const select = database.prepare("SELECT value FROM answers WHERE hash = ?");
  const remove = database.prepare("DELETE FROM answers WHERE hash = ?");
  const count = database.prepare("SELECT count(*) AS n FROM answers");
  return {
    get: (hash: string) => select.get(hash),
    remove: (hash: string) => remove.run(hash),
    count: () => Count.parse(count.get()).n,
  };
}
