/** Phase 3: the dataset in the form that a trainer or a notebook asks for. */
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { exists, readTextFile, refuseFolder, writeFileAtomic } from "../core/files.ts";
import { counted } from "../core/format.ts";
import { readJsonl } from "../core/jsonl.ts";
import { dataDir } from "../core/paths.ts";
import { type Context, defineStep } from "../core/step.ts";
import { Example, ExampleSource } from "../records.ts";
import { datasetPaths } from "./dataset_paths.ts";
import {
  alpacaRow,
  axolotlEntry,
  EXPORT_FORMATS,
  type ExportFormat,
  llamaFactoryEntry,
  llamaFactoryName,
  shareGptRow,
} from "./export_formats.ts";
import { createParquet } from "./export_parquet.ts";
import { createRows, type RowWriter } from "./export_rows.ts";

const options = z.object({
  format: z.enum(EXPORT_FORMATS).describe(
    "What to write: one file, or a data file with the entry that a trainer reads",
  ),
  input: z.string().optional().describe(
    "Dataset to export, _train.jsonl or _val.jsonl as well; default: <data-dir>/dataset/theme_dataset.jsonl",
  ),
  output: z.string().optional().describe("Data file to write; default: beside the input, named after the format"),
  overwrite: z.boolean().default(false).describe("Replace existing files"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});

export interface ExportResult {
  format: ExportFormat;
  /** The data file, and the trainer's entry where there is one. */
  files: readonly string[];
  rows: number;
}

/** How a data file ends. */
const ENDINGS: Readonly<Record<ExportFormat, string>> = {
  parquet: ".parquet",
  sharegpt: "_sharegpt.jsonl",
  alpaca: "_alpaca.json",
  axolotl: "_axolotl.jsonl",
  "llama-factory": "_llama_factory.json",
};

/** Writes the dataset in another form; nothing is left out. */
export const exportStep = defineStep({
  name: "export",
  summary: "Writes the dataset as Parquet, ShareGPT, Alpaca, or for Axolotl or LLaMA-Factory",
  options,
  files(options, { env }) {
    const { input, output, entry } = pathsOf(options, env);
    return { reads: [input], writes: entry === undefined ? [output] : [output, entry] };
  },
  async run(options, context): Promise<ExportResult> {
    const { input, sources, output, entry } = pathsOf(options, context.env);
    const { format } = options;
    const files = entry === undefined ? [output] : [output, entry];
    if (new Set([input, sources, ...files].map((path) => resolve(path))).size < 2 + files.length) {
      throw new UsageError(
        `Cannot write "${output}": the dataset, its export and the trainer's entry must be different files`,
        "Leave --output out, or name another.",
      );
    }
    for (const path of files) await refuseFolder(path);
    // The folder's other datasets stay in the file that names them all.
    const others = format === "llama-factory" && entry !== undefined ? await entriesOf(entry) : {};
    for (const path of options.overwrite ? [] : files) {
      const taken = path === entry && format === "llama-factory"
        ? llamaFactoryName(output) in others
        : await exists(path);
      if (taken) {
        throw new UsageError(
          `Cannot write "${path}": it exists already`,
          "Replace it by --overwrite, or name --output.",
        );
      }
    }
    await using writer = await writerFor(format, output);
    let rows = 0;
    for await (const { example, source } of rowsOf(input, sources, context)) {
      await writer.write(example, source);
      rows++;
    }
    if (rows === 0) throw new UserError(`Cannot export "${input}": it holds no examples`);
    await writer.commit();
    if (entry !== undefined) {
      await writeFileAtomic(entry, format === "axolotl" ? axolotlEntry(output) : llamaFactoryEntry(output, others));
    }
    context.emit({ type: "artifact", path: output, title: `Export (${format})`, rows });
    if (entry !== undefined) context.emit({ type: "artifact", path: entry, title: "Entry for the trainer" });
    return { format, files, rows };
  },
  report: ({ format, rows, files }) => `${counted(rows, "example")} as ${format}: ${files.join(", ")}`,
});

/** What a file of entries holds; nothing where there is none. @throws {UsageError} for something else than entries. */
async function entriesOf(path: string): Promise<Record<string, unknown>> {
  if (!await exists(path)) return {};
  const entries = z.record(z.string(), z.unknown()).safeParse(parsed(await readTextFile(path)));
  if (entries.success) return entries.data;
  throw new UsageError(
    `Cannot add to "${path}": it is not a JSON object of datasets`,
    "Mend it, or name --output elsewhere.",
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The examples, each with its line of the file of sources where that belongs to them. */
async function* rowsOf(
  input: string,
  sources: string,
  { signal, emit }: Pick<Context, "signal" | "emit">,
): AsyncGenerator<{ example: Example; source: ExampleSource | undefined }> {
  const onTorn = (line: number) => emit({ type: "drop", reason: "torn_line", count: 1, detail: `${input}:${line}` });
  const origins = await exists(sources) ? readJsonl(sources, ExampleSource, { signal }) : undefined;
  const mismatch = () =>
    new UserError(`Cannot export "${input}": "${sources}" has another number of lines`, {
      hint: "Make both anew by the step gate.",
    });
  for await (const example of readJsonl(input, Example, { signal, onTorn })) {
    const origin = await origins?.next();
    if (origin?.done) throw mismatch();
    yield { example, source: origin?.value };
  }
  if (origins && !(await origins.next()).done) throw mismatch();
}

/** @throws {UserError} the file cannot be written. */
async function writerFor(format: ExportFormat, output: string): Promise<RowWriter> {
  if (format === "parquet") return await createParquet(output);
  if (format === "sharegpt") return await createRows(output, shareGptRow, "lines");
  if (format === "alpaca") return await createRows(output, alpacaRow, "array");
  // Both read the messages as they are.
  return await createRows(output, ({ messages }) => ({ messages }), format === "axolotl" ? "lines" : "array");
}

function pathsOf(
  { format, input: given, output: wanted, dataDir: root }: z.output<typeof options>,
  env: Context["env"],
) {
  const input = given ?? join(dataDir(root, env), "dataset", "theme_dataset.jsonl");
  const output = wanted ?? join(dirname(input), basename(input).replace(/\.jsonl?$/, "") + ENDINGS[format]);
  const folder = dirname(output);
  const entry = format === "axolotl"
    ? join(folder, basename(output).replace(/\.[^.]*$/, "") + ".yaml")
    : format === "llama-factory"
    ? join(folder, "dataset_info.json") // The name that LLaMA-Factory looks for in its --dataset_dir.
    : undefined;
  return { input, sources: datasetPaths(input).sources, output, entry };
}
