/** What the split has to know of each row of a dataset: where it comes from, and what it nearly repeats. */
import { UserError } from "../core/errors.ts";
import { readJsonl } from "../core/jsonl.ts";
import { type EvaluationPrompt } from "../dialogue/gates_evaluation.ts";
import { clusterDuplicates } from "../dialogue/minhash_clusters.ts";
import type { SplitRow } from "../dialogue/split.ts";
import { Example, ExampleSource } from "../records.ts";

/** Whatever else a row carries is kept. */
export const DatasetRow = Example.loose();
export type DatasetRow = Example & Readonly<Record<string, unknown>>;

/** The last words of a role. */
function lastOf(role: "user" | "assistant", { messages }: Example): string {
  return messages.findLast((message) => message.role === role)?.content ?? "";
}

export interface Surveyed {
  /** Rows that are to be dealt. */
  readonly rows: readonly SplitRow[];
  /** By place in the dataset: the question of the evaluation that the row asks. */
  readonly contaminated: ReadonlyMap<number, EvaluationPrompt>;
  /** Whether the file of sources is there. */
  readonly traced: boolean;
}

/**
 * Reads a dataset and, for `book`, the file of sources beside it.
 *
 * @throws {UserError} a bad row, or a file of sources that belongs to another dataset.
 */
export async function surveyDataset(
  { input, sources, by, findEvaluation, signal, onTorn }: {
    input: string;
    sources: string;
    by: "book" | "row";
    findEvaluation: (question: string) => EvaluationPrompt | undefined;
    signal: AbortSignal;
    onTorn: (line: number) => void;
  },
): Promise<Surveyed> {
  const traced = by === "book" && await Deno.stat(sources).then(() => true, () => false);
  const origins = traced ? readJsonl(sources, ExampleSource, { signal }) : undefined;
  const contaminated = new Map<number, EvaluationPrompt>();
  const places: Pick<SplitRow, "book" | "passage">[] = [];
  const mismatch = () =>
    new UserError(`Cannot split "${input}": "${sources}" has another number of lines`, {
      hint: "Make both anew by the step gate, or deal single examples by --split-by row.",
    });
  let at = 0;
  for await (const row of readJsonl(input, DatasetRow, { signal, onTorn })) {
    const origin = await origins?.next();
    if (origin?.done) throw mismatch();
    const found = findEvaluation(lastOf("user", row));
    if (found) contaminated.set(at, found);
    else {
      const source = origin?.value;
      // A row that does not say where it comes from stands for itself.
      places.push(source ? { book: String(source.source_id), passage: source.chunk_id } : { passage: `row ${at}` });
    }
    at++;
  }
  if (origins && !(await origins.next()).done) throw mismatch();
  const clusters = by === "book" ? clusterDuplicates(answers(input, contaminated)) : [];
  return {
    rows: places.map((place, index) => ({ ...place, cluster: clusters[index] ?? index })),
    contaminated,
    traced,
  };
}

/** The answers of the rows that are to be dealt, one after another: they are looked at, not held. */
function* answers(path: string, skipped: ReadonlyMap<number, unknown>): Generator<string> {
  let at = 0;
  for (const line of linesOf(path)) {
    if (line.trim() === "") continue;
    const row = DatasetRow.safeParse(tryJson(line));
    if (!row.success) continue; // The torn last line; others were refused before.
    if (!skipped.has(at++)) yield lastOf("assistant", row.data);
  }
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Lines of a file that was read before, without waiting: the clusters take no promises. */
function* linesOf(path: string): Generator<string> {
  using file = Deno.openSync(path);
  const decoder = new TextDecoder();
  const block = new Uint8Array(1 << 18);
  let held = "";
  for (let read = file.readSync(block); read !== null; read = file.readSync(block)) {
    const lines = (held + decoder.decode(block.subarray(0, read), { stream: true })).split("\n");
    held = lines.pop() ?? "";
    yield* lines;
  }
  if (held) yield held;
}
