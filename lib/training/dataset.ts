/** The examples that a run trains on: which files, which side, and a copy of the very rows in the run's folder. */
import { basename } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { sha256 } from "../core/files.ts";
import { createJsonl, readJsonl, readLines } from "../core/jsonl.ts";
import { beside } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import { seededRandom, shuffle } from "../dialogue/random.ts";
import { type ChatMessage, Example } from "../records.ts";
import type { DatasetFiles } from "./plan.ts";
import type { Rows } from "./run_file.ts";

/**
 * The halves that `split` dealt from a dataset. They count only where they are made of its very rows: all of them, but
 * for those that the split left out and kept in its rejects.
 *
 * @returns `why` there is no split, where there are files that might have been one.
 */
export async function findSplit(
  dataset: string,
  signal?: AbortSignal,
): Promise<{ split: DatasetFiles["split"]; why?: string }> {
  const halfAlready = dataset.endsWith("_train.jsonl");
  const train = halfAlready ? dataset : beside(dataset, "_train.jsonl");
  const val = halfAlready ? dataset.replace(/_train\.jsonl$/, "_val.jsonl") : beside(dataset, "_val.jsonl");
  const found = await Promise.all([train, val].map(isFile));
  if (!found.every(Boolean)) {
    return found.some(Boolean) && !halfAlready
      ? { split: undefined, why: `"${found[0] ? val : train}" is missing` }
      : { split: undefined };
  }
  if (halfAlready || !await isFile(dataset)) return { split: { train, val } };
  const whole = await countLines(dataset, signal);
  const halves = new Map<string, number>();
  for (const half of [train, val]) {
    for (const [line, count] of await countLines(half, signal)) {
      if (!whole.has(line)) {
        return { split: undefined, why: `"${half}" holds rows that "${basename(dataset)}" does not hold any more` };
      }
      halves.set(line, (halves.get(line) ?? 0) + count);
    }
  }
  const total = (counts: Map<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);
  const rejects = beside(dataset, "_split_rejects.jsonl");
  const leftOut = await isFile(rejects) ? total(await countLines(rejects, signal)) : 0;
  const missing = total(whole) - total(halves);
  if (missing !== leftOut) {
    return {
      split: undefined,
      why: `${Math.abs(missing - leftOut)} rows of "${basename(dataset)}" are on no side of it`,
    };
  }
  return { split: { train, val } };
}

/** How often each line stands in a file, by its hash. */
async function countLines(path: string, signal?: AbortSignal): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const decoder = new TextDecoder();
  for await (const { bytes } of readLines(path, signal)) {
    const line = decoder.decode(bytes).trim();
    if (line === "") continue;
    const hash = sha256(line).slice(0, 32);
    counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  return counts;
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

export interface Written {
  readonly split: "book" | "row" | "none";
  readonly train: Rows;
  readonly val: Rows | undefined;
}

/**
 * Writes the rows of a run to two files, each with the place that it comes from as its id, and answers their hashes. Where
 * no split was dealt, the seed draws `valSplit` of the rows for validation.
 *
 * @throws {UserError} a bad row (`file:line`), or no rows at all.
 */
export async function writeRows(
  data: DatasetFiles,
  { valSplit, seed }: { valSplit: number; seed: number },
  paths: { train: string; val: string },
  context: Pick<Context, "signal" | "emit">,
): Promise<Written> {
  if (data.split) {
    const train = await copyRows(await placedRows(data.split.train, context), paths.train);
    const val = await copyRows(await placedRows(data.split.val, context), paths.val);
    if (train.rows === 0) throw noRows(data.split.train);
    // All books may have fallen to one side.
    return { split: "book", train, val: val.rows > 0 ? val : undefined };
  }
  const rows = await placedRows(data.dataset, context);
  if (rows.length === 0) throw noRows(data.dataset);
  if (valSplit === 0) return { split: "none", train: await copyRows(rows, paths.train), val: undefined };
  if (validationRows(rows.length, valSplit) >= rows.length) {
    throw new UserError(
      `Cannot train on "${data.dataset}": of ${rows.length} examples none is left but for validation`,
      {
        exitCode: 2,
        hint: "Generate more examples, or train without validation: --val-split 0",
      },
    );
  }
  const drawn = drawValidation(rows.length, { valSplit, seed });
  return {
    split: "row",
    train: await copyRows(rows.filter((_, at) => !drawn.has(at)), paths.train),
    val: await copyRows(rows.filter((_, at) => drawn.has(at)), paths.val),
  };
}

function validationRows(rows: number, valSplit: number): number {
  return valSplit === 0 ? 0 : Math.max(1, Math.round(rows * valSplit));
}

/** Places of the rows that the seed draws for validation. */
export function drawValidation(rows: number, { valSplit, seed }: { valSplit: number; seed: number }): Set<number> {
  const places = Array.from({ length: rows }, (_, at) => at);
  return new Set(shuffle(places, seededRandom(seed, "validation")).slice(0, validationRows(rows, valSplit)));
}

/** Of rows, by what is trained on, wherever they stood. */
export function rowsHash(rows: readonly Pick<PlacedRow, "messages">[]): string {
  return sha256(rows.map(({ messages }) => JSON.stringify(messages) + "\n").join(""));
}

/** Rows that were kept by an earlier run say themselves where they are from. */
const KeptRow = Example.extend({ id: z.string().optional() });
type PlacedRow = { id: string; messages: readonly ChatMessage[] };

async function placedRows(path: string, { signal, emit }: Pick<Context, "signal" | "emit">): Promise<PlacedRow[]> {
  const rows: PlacedRow[] = [];
  const onTorn = (line: number) => emit({ type: "drop", reason: "torn_line", count: 1, detail: `${path}:${line}` });
  const name = basename(path);
  // Lines are counted as the reader counts them, blank ones too; what it skips has no row.
  const numbers = rowLines(path, signal);
  for await (const { messages, id } of readJsonl(path, KeptRow, { signal, onTorn })) {
    const { value: line } = await numbers.next();
    rows.push({ id: id ?? `${name}:${line}`, messages });
  }
  return rows;
}

/** Numbers of the lines that hold something. */
async function* rowLines(path: string, signal: AbortSignal): AsyncGenerator<number> {
  const decoder = new TextDecoder();
  for await (const { bytes, number } of readLines(path, signal)) if (decoder.decode(bytes).trim() !== "") yield number;
}

async function copyRows(rows: readonly PlacedRow[], path: string): Promise<Rows> {
  await using file = await createJsonl(path);
  for (const row of rows) await file.write(row);
  await file.commit();
  return { rows: rows.length, sha256: rowsHash(rows) };
}

function noRows(path: string): UserError {
  return new UserError(`Cannot train on "${path}": it holds no examples`, {
    exitCode: 2,
    hint: "Look into its _rejects.jsonl for why generate kept none.",
  });
}
