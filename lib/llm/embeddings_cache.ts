/** Embeddings on disk, so that no text is embedded twice by the same model: not after a crash, not by another run. */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../core/errors.ts";
import { fileError } from "../core/files.ts";
import { lengthOf } from "./embeddings.ts";

/** The embeddings of one model. */
export interface EmbeddingCache extends Disposable {
  get(text: string): Float32Array | undefined;
  /** Durable when it returns. */
  put(texts: readonly string[], vectors: readonly Float32Array[]): void;
}

/** How alike a probe must be to be by the same model; quantising a model moves it further, another batch size does not. */
const SAME_MODEL = 0.9995;

/**
 * Opens the cache for a model, making it where it is missing.
 *
 * A model's name does not tell its weights: a server keeps answering under a name after its model was changed, and a
 * folder's files can be replaced. So `probe`, the embedding of one fixed text, made anew, decides which entries are its.
 *
 * A cache that is damaged is moved aside, told to `onDamage`, and made anew; entries that are not vectors of length 1
 * count as missing. Only what cannot be written at all is an error.
 *
 * @throws {UserError} no permission, or a full disk.
 */
export function openEmbeddingCache(
  path: string,
  model: { key: string; probe: Float32Array },
  onDamage: (message: string) => void,
): EmbeddingCache {
  let store: Store;
  try {
    store = openStore(path, model);
  } catch (error) {
    if (!isDamage(error)) throw unusable(path, error);
    store = replace(path, model, error, onDamage);
  }
  /** Runs `use`; on damage once more with a new database. */
  const guarded = <T>(use: () => T): T => {
    try {
      return use();
    } catch (error) {
      if (!isDamage(error)) throw unusable(path, error);
      close(store);
      store = replace(path, model, error, onDamage);
      return use();
    }
  };
  return {
    get: (text) => guarded(() => vectorOf(store.select.get(store.model, hashOf(text))?.vector, model.probe.length)),
    put: (texts, vectors) =>
      guarded(() => {
        store.database.exec("BEGIN IMMEDIATE");
        try {
          texts.forEach((text, index) => {
            const vector = vectors[index];
            if (vector) store.insert.run(store.model, hashOf(text), bytesOf(vector));
          });
          store.database.exec("COMMIT");
        } catch (error) {
          if (store.database.isTransaction) store.database.exec("ROLLBACK");
          throw error;
        }
      }),
    [Symbol.dispose]: () => close(store),
  };
}

type Store = ReturnType<typeof openStore>;

function openStore(path: string, { key, probe }: { key: string; probe: Float32Array }) {
  Deno.mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: 30_000 }); // Another run may be writing.
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec(`
      CREATE TABLE IF NOT EXISTS models (id INTEGER PRIMARY KEY, key TEXT NOT NULL, probe BLOB NOT NULL);
      CREATE TABLE IF NOT EXISTS vectors (model INTEGER NOT NULL, hash BLOB NOT NULL, vector BLOB NOT NULL);
      CREATE UNIQUE INDEX IF NOT EXISTS vectors_by_hash ON vectors (model, hash);
    `);
    database.exec("BEGIN IMMEDIATE");
    const known = database.prepare("SELECT id, probe FROM models WHERE key = ?").all(key).find((row) => {
      const other = vectorOf(row.probe, probe.length);
      return other !== undefined && cosine(other, probe) >= SAME_MODEL;
    });
    const model = known ? Number(known.id) : Number(
      database.prepare("INSERT INTO models (key, probe) VALUES (?, ?)").run(key, bytesOf(probe)).lastInsertRowid,
    );
    database.exec("COMMIT");
    return {
      database,
      model,
      select: database.prepare("SELECT vector FROM vectors WHERE model = ? AND hash = ?"),
      insert: database.prepare("INSERT OR REPLACE INTO vectors (model, hash, vector) VALUES (?, ?, ?)"),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

function close({ database }: Store): void {
  try {
    database.close();
  } catch {
    // Damaged: there is nothing left to save.
  }
}

function replace(
  path: string,
  model: { key: string; probe: Float32Array },
  cause: unknown,
  onDamage: (message: string) => void,
): Store {
  const aside = `${path}.damaged`;
  try {
    for (const ending of ["-wal", "-shm"]) removeIfThere(path + ending);
    removeIfThere(aside);
    Deno.renameSync(path, aside);
    onDamage(`the cache of embeddings was damaged (${messageOf(cause)}); it lies in "${aside}", a new one begins`);
    return openStore(path, model);
  } catch (error) {
    throw unusable(path, error);
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function isDamage(error: unknown): boolean {
  return /not a database|malformed|no such column|has no column|no such table|file is encrypted|corrupt/i
    .test(messageOf(error));
}

function unusable(path: string, error: unknown): unknown {
  if (/disk is full|database or disk/i.test(messageOf(error))) {
    return fileError("write", path, new Error("No space left", { cause: error }));
  }
  if (/unable to open|readonly|read-only/i.test(messageOf(error))) {
    return fileError("write", path, new Deno.errors.PermissionDenied(messageOf(error), { cause: error }));
  }
  return fileError("write", path, error);
}

/** 128 bits: two of a billion texts share them once in 10²⁰ caches. */
function hashOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest().subarray(0, 16);
}

/** Little-endian 32-bit floats, on every machine that Deno runs on. */
function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

function vectorOf(bytes: unknown, dimensions: number): Float32Array | undefined {
  if (!(bytes instanceof Uint8Array) || bytes.length !== 4 * dimensions) return undefined;
  const vector = new Float32Array(bytes.slice().buffer);
  // SQLite has no checksums; a flipped bit that matters shows in the length.
  return Math.abs(lengthOf(vector) - 1) < 1e-3 ? vector : undefined;
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}
