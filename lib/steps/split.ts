import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { sha256 } from "../core/files.ts";
import { count } from "../core/format.ts";
import { createJsonl, readJsonl } from "../core/jsonl.ts";
import { beside, dataDir } from "../core/paths.ts";
import { type Context, defineStep } from "../core/step.ts";
import { duplicateIndex } from "../dialogue/duplicates.ts";
import { type SplitRow, splitRows } from "../dialogue/split.ts";
import { Example } from "../records.ts";

const options = z.object({
  input: z.string().optional().describe("Dataset to split; default: <data-dir>/dataset/theme_dataset.jsonl"),
  trainRatio: z.number().gt(0).lt(1).default(0.9).describe("Share of the examples for training"),
  seed: z.int().min(0).default(1969).describe("Draws which passages go to which side"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});

export interface SplitResult {
  train: { path: string; rows: number };
  val: { path: string; rows: number };
}

/** Whatever else a row carries is kept. */
const Row = Example.loose();

/** Deals a dataset to training and validation files beside it; see {@linkcode splitRows} for what stays together. */
export async function splitDataset(
  { input, train, val, ratio, seed }: { input: string; train: string; val: string; ratio: number; seed: number },
  context: Pick<Context, "signal" | "emit">,
): Promise<SplitResult> {
  const { signal } = context;
  const onTorn = (line: number) =>
    context.emit({ type: "drop", reason: "torn_line", count: 1, detail: `${input}:${line}` });
  const rows: SplitRow[] = [];
  const answers = duplicateIndex();
  for await (const { messages, metadata } of readJsonl(input, Row, { signal, onTorn })) {
    const answer = messages.at(-1)?.content ?? "";
    // A row that does not say where it comes from stands for itself.
    const group = metadata ? `${metadata.source_id} ${metadata.chunk_id}` : sha256(JSON.stringify(messages));
    rows.push({ group, near: answers.nearest(answer)?.index });
    answers.add(answer);
  }
  if (rows.length === 0) {
    throw new UserError(`Cannot split "${input}": it holds no examples`, {
      hint: "Look into its _rejects.jsonl for why generate kept none.",
    });
  }
  const sides = splitRows(rows, { ratio, seed });
  await using trainFile = await createJsonl(train);
  await using valFile = await createJsonl(val);
  let at = 0;
  for await (const row of readJsonl(input, Row, { signal })) {
    await (sides[at++] === "val" ? valFile : trainFile).write(row);
  }
  const result = {
    train: { path: train, rows: await trainFile.commit() },
    val: { path: val, rows: await valFile.commit() },
  };
  context.emit({ type: "artifact", path: train, title: "Training examples", rows: result.train.rows });
  context.emit({ type: "artifact", path: val, title: "Validation examples", rows: result.val.rows });
  if (result.val.rows === 0) {
    context.emit({
      type: "log",
      level: "warn",
      message: "All examples come from one passage: nothing is left to validate with",
    });
  }
  return result;
}

/** Splits the dataset so that no passage, and nothing nearly repeated, is on both sides. */
export const split = defineStep({
  name: "split",
  summary: "Deals the dataset to training and validation, whole passages at a time",
  options,
  files(options, { env }) {
    const input = inputOf(options, env);
    return { reads: [input], writes: [beside(input, "_train.jsonl"), beside(input, "_val.jsonl")] };
  },
  run(options, context): Promise<SplitResult> {
    const input = inputOf(options, context.env);
    return splitDataset({
      input,
      train: beside(input, "_train.jsonl"),
      val: beside(input, "_val.jsonl"),
      ratio: options.trainRatio,
      seed: options.seed,
    }, context);
  },
  report({ train, val }) {
    return `${count(train.rows)} examples for training, ${count(val.rows)} for validation`;
  },
});

function inputOf(options: { input?: string | undefined; dataDir?: string | undefined }, env: Context["env"]): string {
  return options.input ?? join(dataDir(options.dataDir, env), "dataset", "theme_dataset.jsonl");
}
