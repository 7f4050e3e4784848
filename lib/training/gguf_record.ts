/** `<name>.gguf.json`, which lies beside every GGUF: what it came from, and how it was verified. */
import { z } from "zod";
import { KeptFinding, MergeRecord } from "./merge_record.ts";
import { readRecord } from "./record_file.ts";

const Measured = z.object({ value: z.number(), error: z.number().nullable() });

export const GgufRecord = z.object({
  version: z.literal(1),
  time: z.string(),
  /** The folder that was converted; `merge` is its own record, where it was merged here. */
  model: z.object({ folder: z.string(), merge: MergeRecord.nullable() }),
  gguf: z.object({
    file: z.string(),
    bytes: z.int(),
    sha256: z.string(),
    quantType: z.string(),
    architecture: z.string(),
    /** Tensors by ggml's number of their type. */
    tensorTypes: z.record(z.string(), z.int()),
  }),
  /** The file that it was quantised from, where it is kept. */
  f16: z.object({ file: z.string(), bytes: z.int(), sha256: z.string() }).nullable(),
  /** What `llama-quantize --version` says, and the converter's path. */
  tools: z.object({ llamaCpp: z.string(), converter: z.string() }),
  /** Of the quantised from the f16; null where nothing was quantised or measured. */
  divergence: z.object({
    meanKld: Measured,
    topAgreement: Measured,
    rmsDeltaP: Measured,
    ppl: Measured,
    logPplRatio: Measured,
    chunks: z.int(),
    contextSize: z.int(),
    tokens: z.int(),
    running: z.array(z.number()),
    /** The text's name, or what it was made of. */
    text: z.string(),
  }).nullable(),
  /** Greedy answers of both, side by side. */
  answers: z.array(z.object({ question: z.string(), f16: z.string(), quantised: z.string() })),
  findings: z.array(KeptFinding),
});
export type GgufRecord = z.output<typeof GgufRecord>;

/** Where the record of a GGUF lies. */
export function ggufRecordPath(gguf: string): string {
  return `${gguf}.json`;
}

/**
 * What is known of a GGUF; undefined for one that was not made here.
 *
 * @throws {UserError} a record in another form.
 */
export function readGgufRecord(gguf: string): Promise<GgufRecord | undefined> {
  return readRecord(ggufRecordPath(gguf), GgufRecord, "it is no record of a GGUF");
}
