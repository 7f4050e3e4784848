/** Parquet: the messages as a list of structs, as the trainers of Hugging Face read them, and where each row is from. */
import type { ColumnSource, SchemaElement, Writer } from "hyparquet-writer";
import { createFile } from "../core/files.ts";
import type { Example, ExampleSource } from "../records.ts";
import type { RowWriter } from "./export_rows.ts";

/** Rows that are held and written together; some megabytes of text. */
const ROW_GROUP = 2000;

const text = (name: string, repetition: "REQUIRED" | "OPTIONAL"): SchemaElement => ({
  name,
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  logical_type: { type: "STRING" },
  repetition_type: repetition,
});

/** Columns of the file of sources that are told in a table; `source_id` is a number in one corpus and a text in another. */
const TEXTS = [
  "persona",
  "chunk_id",
  "source_id",
  "source_title",
  "author",
  "chapter",
  "model",
  "request_hash",
] as const;
const NUMBERS = ["year", "start", "end", "seed"] as const;

const MESSAGES: readonly SchemaElement[] = [
  {
    name: "messages",
    num_children: 1,
    converted_type: "LIST",
    logical_type: { type: "LIST" },
    repetition_type: "REQUIRED",
  },
  { name: "list", num_children: 1, repetition_type: "REPEATED" },
  { name: "element", num_children: 2, repetition_type: "REQUIRED" },
  text("role", "REQUIRED"),
  text("content", "REQUIRED"),
];

type Row = { example: Example; source: ExampleSource | undefined };

/**
 * Opens a Parquet file for writing. Columns of the sources are there where the first row has a source.
 *
 * @throws {UserError} the file cannot be written.
 */
export async function createParquet(path: string): Promise<RowWriter> {
  const name = "hyparquet-writer"; // Computed, so that it is fetched by those alone who export.
  const { ByteWriter, ParquetWriter } = await import(name) as typeof import("hyparquet-writer");
  const file = await createFile(path);
  const bytes = new ByteWriter();
  let parquet: InstanceType<typeof ParquetWriter> | undefined;
  let traced = false;
  let held: Row[] = [];

  /** Hands on what is encoded; the writer counts on from where it was. */
  const flush = async () => {
    await file.write(bytes.getBytes());
    bytes.index = 0;
  };
  const writeGroup = async () => {
    if (held.length === 0) return;
    traced = parquet ? traced : held[0]?.source !== undefined;
    parquet ??= new ParquetWriter({ writer: bytes as Writer, schema: schemaOf(traced), createdBy: "voiceworks" });
    await parquet.write({ columnData: columnsOf(held, traced), rowGroupSize: ROW_GROUP });
    held = [];
    await flush();
  };
  return {
    async write(example, source) {
      held.push({ example, source });
      if (held.length >= ROW_GROUP) await writeGroup();
    },
    async commit() {
      await writeGroup();
      await parquet?.finish();
      await flush();
      await file.commit();
    },
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

function schemaOf(traced: boolean): SchemaElement[] {
  const columns: SchemaElement[] = traced
    ? [
      ...TEXTS.map((name) => text(name, "OPTIONAL")),
      ...NUMBERS.map((name): SchemaElement => ({ name, type: "INT32", repetition_type: "OPTIONAL" })),
    ]
    : [];
  return [{ name: "root", num_children: 1 + columns.length }, ...MESSAGES, ...columns];
}

function columnsOf(rows: readonly Row[], traced: boolean): ColumnSource[] {
  const messages = { name: "messages", data: rows.map(({ example }) => example.messages) };
  if (!traced) return [messages];
  const told = (name: typeof TEXTS[number]) => rows.map(({ source }) => source?.[name]?.toString());
  return [
    messages,
    ...TEXTS.map((name) => ({ name, data: told(name) })),
    ...NUMBERS.map((name) => ({ name, data: rows.map(({ source }) => source?.[name]) })),
  ];
}
