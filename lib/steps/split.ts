/** Phase 3: the dataset is dealt to training and validation, so that validation measures what training did not see. */
import { basename, join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { fileError, refuseFolder } from "../core/files.ts";
import { count, counted } from "../core/format.ts";
import { createJsonl, readJsonl } from "../core/jsonl.ts";
import { dataDir, presetPath } from "../core/paths.ts";
import { type Context, defineStep } from "../core/step.ts";
import { evaluationFiles, evaluationFinder, loadEvaluation } from "../dialogue/gates_evaluation.ts";
import { type Split, splitRows, TOLERANCE } from "../dialogue/split.ts";
import { type DatasetPaths, datasetPaths } from "./dataset_paths.ts";
import { DatasetRow, surveyDataset } from "./split_rows.ts";

const options = z.object({
  input: z.string().optional().describe("Dataset to split; default: <data-dir>/dataset/theme_dataset.jsonl"),
  trainRatio: z.number().gt(0).lt(1).default(0.9).describe("Share of the examples for training"),
  splitBy: z.enum(["book", "row"]).default("book").describe(
    "Deal whole books to a side, so that validation measures what training did not see, or single examples",
  ),
  seed: z.int().min(0).default(1969).describe("Draws which books go to which side"),
  evaluation: z.string().optional()
    .describe("Questions that are kept out; default: lib/presets/deepred/evaluation.jsonc"),
  overwrite: z.boolean().default(false).describe("Replace an existing split"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});

export interface SplitResult {
  train: { path: string; rows: number };
  val: { path: string; rows: number };
  /** Examples that ask what the evaluation asks. */
  leftOut: { path: string; rows: number };
  /** What was kept whole. */
  by: Split["by"];
  /** What the examples are from. */
  from: Origin;
}

type Origin = "book" | "topic" | "source";

/** ROUGE-L at which a question is one of the evaluation's; as in gates.jsonc. */
const EVALUATION_SIMILARITY = 0.7;

/** Deals a dataset to training and validation files beside it; see {@linkcode splitRows} for what stays together. */
export async function splitDataset(
  { paths, ratio, seed, by, evaluation }: {
    paths: Pick<DatasetPaths, "output" | "sources" | "train" | "val" | "splitRejects">;
    ratio: number;
    seed: number;
    by: "book" | "row";
    evaluation: string;
  },
  context: Pick<Context, "signal" | "emit">,
): Promise<SplitResult> {
  const { output: input, sources } = paths;
  const { signal, emit } = context;
  const warn = (message: string) => emit({ type: "log", level: "warn", message });
  const { prompts } = await loadEvaluation(evaluation);
  const { rows, contaminated, traced } = await surveyDataset({
    input,
    sources,
    by,
    findEvaluation: evaluationFinder(prompts, EVALUATION_SIMILARITY),
    signal,
    onTorn: (line) => emit({ type: "drop", reason: "torn_line", count: 1, detail: `${input}:${line}` }),
  });
  if (rows.length === 0) {
    throw new UserError(`Cannot split "${input}": it holds no examples`, {
      hint: "Look into its _rejects.jsonl for why generate kept none.",
    });
  }
  const split = splitRows(rows, { ratio, seed, by });
  const origins = new Set(rows.flatMap(({ book }) => book ?? []));
  const from = originOf(origins);
  if (by === "book" && !traced) {
    warn(`"${sources}" is missing, so nobody knows which book an example is from: near-duplicates alone stay together`);
  } else if (by === "book" && split.by === "passage") {
    warn(
      `${counted(origins.size, from)} cannot be dealt within ${100 * TOLERANCE} % of ` +
        `${Math.round(100 * ratio)} : ${Math.round(100 * (1 - ratio))}: whole passages were dealt instead, so both ` +
        `sides know the same ${from}s`,
    );
  }
  const result = { ...await writeSides(paths, split, contaminated, signal), by: split.by, from };
  if (contaminated.size > 0) emit({ type: "drop", reason: "evaluation_prompt", count: contaminated.size });
  emit({ type: "artifact", path: paths.train, title: "Training examples", rows: result.train.rows });
  emit({ type: "artifact", path: paths.val, title: "Validation examples", rows: result.val.rows });
  if (result.val.rows === 0) warn("All examples belong together: nothing is left to validate with");
  return result;
}

async function writeSides(
  { output, train, val, splitRejects }: Pick<DatasetPaths, "output" | "train" | "val" | "splitRejects">,
  { sides }: Split,
  contaminated: Awaited<ReturnType<typeof surveyDataset>>["contaminated"],
  signal: AbortSignal,
): Promise<Pick<SplitResult, "train" | "val" | "leftOut">> {
  for (const path of [train, val, splitRejects]) await refuseFolder(path, basename(path));
  await using trainFile = await createJsonl(train);
  await using valFile = await createJsonl(val);
  await using rejects = await createJsonl(splitRejects);
  let at = 0, dealt = 0;
  for await (const row of readJsonl(output, DatasetRow, { signal })) {
    const prompt = contaminated.get(at++);
    if (prompt) {
      await rejects.write({ reason: "evaluation_prompt", id: `${output}:${at}`, detail: prompt.prompt, row });
    } else await (sides[dealt++] === "val" ? valFile : trainFile).write(row);
  }
  // Where a disk fills up between the two, old training examples must not stand beside new ones for validation.
  await Deno.remove(train).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw fileError("write", train, error);
  });
  return {
    leftOut: { path: splitRejects, rows: await rejects.commit() },
    val: { path: val, rows: await valFile.commit() },
    train: { path: train, rows: await trainFile.commit() },
  };
}

/** Books have numbers for ids, and topics of gaps their theme's; scripts, speeches and games of chess lie among others. */
function originOf(ids: ReadonlySet<string>): Origin {
  const all = (form: RegExp) => [...ids].every((id) => form.test(id));
  return all(/^\d+$/) ? "book" : all(/^gap-/) ? "topic" : "source";
}

/** Splits the dataset by book, so that no book, and nothing nearly repeated, is on both sides. */
export const split = defineStep({
  name: "split",
  summary: "Deals the dataset to training and validation, whole books at a time",
  options,
  files(options, { env }) {
    const paths = pathsOf(options, env);
    return {
      reads: [
        paths.output,
        ...(options.splitBy === "book" ? [paths.sources] : []),
        ...evaluationFiles(paths.evaluation),
      ],
      writes: [paths.train, paths.val, paths.splitRejects],
    };
  },
  async run(options, context): Promise<SplitResult> {
    const paths = pathsOf(options, context.env);
    if (!options.overwrite) {
      for (const path of [paths.train, paths.val]) {
        if (await Deno.stat(path).then(() => true, () => false)) {
          throw new UsageError(`Cannot write "${path}": it exists already`, "Split anew by --overwrite.");
        }
      }
    }
    const { trainRatio: ratio, seed, splitBy: by } = options;
    return await splitDataset({ paths, ratio, seed, by, evaluation: paths.evaluation }, context);
  },
  report({ train, val, leftOut, by, from }) {
    const whole = by === "row" ? "" : `, whole ${by === "book" ? from : by}s at a time`;
    return `${counted(train.rows, "example")} for training, ${count(val.rows)} for validation${whole}` +
      (leftOut.rows > 0 ? `; ${count(leftOut.rows)} ask what the evaluation asks` : "");
  },
});

function pathsOf(
  options: { input?: string | undefined; evaluation?: string | undefined; dataDir?: string | undefined },
  env: Context["env"],
) {
  const input = options.input ?? join(dataDir(options.dataDir, env), "dataset", "theme_dataset.jsonl");
  return { ...datasetPaths(input), evaluation: options.evaluation ?? presetPath("deepred/evaluation.jsonc") };
}
