import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { sql } from "@/view/sql.ts";

async function withFiles(test: (paths: { rows: string; other: string; folder: string }) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "it's " });
  const rows = join(folder, "rows.jsonl");
  const other = join(folder, "other.jsonl");
  await Deno.writeTextFile(
    rows,
    '{"id":"a","n":9007199254740993,"counts":{"total":3,"chess":1},"tags":["x"]}\n{"id":"b","n":2,"counts":{"total":5}}\n',
  );
  await Deno.writeTextFile(other, '{"secret":1}\n');
  try {
    await test({ rows, other, folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("sql answers rows as plain values and as a table", () =>
  withFiles(async ({ rows }) => {
    const result = await sql("SELECT id, n, counts.total AS total, tags, counts FROM passages ORDER BY id", {
      passages: rows,
    });
    deepEqual(result.columns, ["id", "n", "total", "tags", "counts"]);
    deepEqual(result.records, [
      { id: "a", n: 9007199254740993n, total: 3, tags: ["x"], counts: { total: 3, chess: 1 } },
      { id: "b", n: 2, total: 5, tags: null, counts: { total: 5, chess: null } },
    ]);
    const sums = await sql("SELECT sum(counts.total) AS sum, avg(counts.total) AS mean FROM passages", {
      passages: rows,
    });
    deepEqual(sums.records, [{ sum: 8, mean: 4 }]);
    equal(sums.text(), "sum  mean\n  8     4");
  }));

Deno.test("sql reads the named files and nothing else, and writes nothing", () =>
  withFiles(async ({ rows, other, folder }) => {
    const quoted = (path: string) => `'${path.replaceAll("'", "''")}'`;
    const before = await Deno.readTextFile(rows);
    for (
      const query of [
        `SELECT * FROM read_json(${quoted(other)})`,
        `SELECT * FROM ${quoted(other)}`,
        `SELECT * FROM glob(${quoted(join(folder, "*"))})`,
        `SELECT * FROM read_text('/etc/passwd')`,
        `COPY (SELECT 1) TO ${quoted(join(folder, "out.csv"))}`,
        `COPY (SELECT 1) TO ${quoted(rows)} (FORMAT json, USE_TMP_FILE false)`,
        "INSTALL httpfs",
        `ATTACH ${quoted(join(folder, "x.db"))}`,
        "SET enable_external_access = true",
        "SELECT 1; SELECT 2",
        "",
        "SELEC 1",
        "SELECT nothing FROM passages",
      ]
    ) {
      await rejects(sql(query, { passages: rows }), (error) => error instanceof UsageError, query);
    }
    equal(await Deno.readTextFile(rows), before);
    deepEqual((await Array.fromAsync(Deno.readDir(folder))).length, 2);
  }));

Deno.test("sql names a file that is not there, or that is no JSON Lines", () =>
  withFiles(async ({ folder, other }) => {
    const missing = join(folder, "missing.jsonl");
    await rejects(sql("SELECT 1", { a: missing }), (error) =>
      error instanceof UserError && /missing\.jsonl/.test(error.message));
    await Deno.writeTextFile(other, '{"a":1}\nnot json\n');
    await rejects(sql("SELECT * FROM a", { a: other }), /other\.jsonl/);
  }));
