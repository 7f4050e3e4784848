import type { DuckDBValue } from "@duckdb/node-api";
import { resolve } from "node:path";
import { messageOf, UsageError, UserError } from "../core/errors.ts";
import { type Table, table, type TableOptions } from "./tables.ts";

/** The rows of a query, as objects and as a table that shows itself. */
export interface QueryResult extends Table {
  readonly records: readonly Record<string, unknown>[];
}

/**
 * Asks JSON Lines files by SQL: each file is a table of the given name. DuckDB is native code, which Deno's permissions
 * do not hold (they need `ffi`); so it is locked in: it can open the named files and nothing else, load no extension,
 * and runs a single SELECT.
 *
 * @param files Paths by table name.
 * @throws {UsageError} for what is no SELECT or no SQL; {UserError} where a file cannot be read.
 *
 * @example
 * ```ts ignore
 * await sql("SELECT source_title, count(*) AS passages FROM filtered GROUP BY ALL", { filtered: path });
 * ```
 */
export async function sql(
  query: string,
  files: Readonly<Record<string, string>>,
  options: TableOptions = {},
): Promise<QueryResult> {
  const name = "@duckdb/node-api";
  const { DuckDBInstance, StatementType } = await import(name) as typeof import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const paths = Object.values(files).map((path) => resolve(path));
    await connection.run(`SET allowed_paths = [${paths.map(quoteText).join(", ")}]`);
    await connection.run("SET enable_external_access = false");
    await connection.run("SET lock_configuration = true");
    for (const [table, path] of Object.entries(files)) {
      await Deno.stat(path).catch((cause) => {
        throw new UserError(`Cannot read "${path}": there is no such file`, {
          hint: "Run the step that makes it first.",
          cause,
        });
      });
      // All rows decide on the columns: a category that is rare must not be taken for an error.
      const rows = `read_json(${quoteText(resolve(path))}, format = 'newline_delimited', sample_size = -1)`;
      try {
        await connection.run(`CREATE VIEW ${quoteName(table)} AS SELECT * FROM ${rows}`);
      } catch (cause) {
        throw new UserError(`Cannot read "${path}": ${messageOf(cause)}`, { cause });
      }
    }
    const statements = await connection.extractStatements(query);
    if (statements.count !== 1) throw new UsageError(`Cannot run ${statements.count} statements: one SELECT at a time`);
    const statement = await statements.prepare(0);
    if (statement.statementType !== StatementType.SELECT) {
      throw new UsageError(`Cannot run "${query.trim().split("\n")[0]}": only SELECT is allowed`);
    }
    const reader = await statement.runAndReadAll();
    const columns = reader.deduplicatedColumnNames();
    const records = reader.getRowObjects().map((row) =>
      Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plain(value)]))
    );
    return { ...table(records, { columns, ...options }), records };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UsageError(`Cannot run this query: ${messageOf(error)}`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** DuckDB's values as plain ones: whole numbers as numbers where they fit, lists and structs as arrays and objects. */
function plain(value: DuckDBValue): unknown {
  if (typeof value === "bigint") {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }
  if (value === null || typeof value !== "object") return value;
  if ("items" in value && Array.isArray(value.items)) return value.items.map(plain);
  if ("entries" in value && typeof value.entries === "object") {
    const { entries } = value;
    const pairs = Array.isArray(entries)
      ? entries.map(({ key, value }) => [String(plain(key)), value] as const)
      : Object.entries(entries);
    return Object.fromEntries(pairs.map(([key, entry]) => [key, plain(entry)]));
  }
  return "toDouble" in value && typeof value.toDouble === "function" ? value.toDouble() : String(value);
}
