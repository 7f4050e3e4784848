/** `merge.json`, which lies in every merged model: what it came from, and how it was verified. */
import { join } from "node:path";
import { z } from "zod";
import { MergeFigures } from "./merge_gate.ts";
import { readRecord } from "./record_file.ts";

/** A finding as it is kept. */
export const KeptFinding = z.object({
  check: z.string(),
  level: z.enum(["ok", "warning", "error"]),
  message: z.string(),
  remedy: z.string().exactOptional(),
  facts: z.record(z.string(), z.union([z.string(), z.number()])).exactOptional(),
});

const HashedFile = z.object({ name: z.string(), bytes: z.int(), sha256: z.string() });
export type HashedFile = z.output<typeof HashedFile>;

export const MergeRecord = z.object({
  version: z.literal(1),
  time: z.string(),
  base: z.object({
    /** As it was named: a folder, an id of the hub, `tiny`. */
    name: z.string(),
    folder: z.string(),
    files: z.array(HashedFile),
  }),
  /** Null for the zero adapter of an export rehearsal. */
  adapter: z.object({
    path: z.string(),
    sha256: z.string(),
    rank: z.number().nullable(),
    alpha: z.number().nullable(),
    /** Parameters of the base that it changes. */
    targets: z.int(),
    pairs: z.object({ all: z.int(), zero: z.int() }),
  }).nullable(),
  /** The training run that the adapter lies in: its recipe.json, whole (options, dataset hash, seed, versions). */
  run: z.object({ folder: z.string(), recipe: z.unknown() }).nullable(),
  /** The choice of `--auto`. */
  candidates: z.array(z.object({
    name: z.string(),
    step: z.int().nullable(),
    evalLoss: z.number().nullable(),
    folder: z.string().nullable(),
    chosen: z.boolean(),
    why: z.string(),
  })).nullable(),
  /** Whose tokenizer and chat template it carries. */
  tokenizer: z.enum(["base", "run"]).default("base"),
  model: z.object({ dtype: z.string(), parameters: z.int(), files: z.array(HashedFile) }),
  versions: z.record(z.string(), z.string()),
  /** Null where it was switched off. */
  figures: MergeFigures.nullable(),
  findings: z.array(KeptFinding),
});
export type MergeRecord = z.output<typeof MergeRecord>;

/** The file's name. */
export const MERGE_RECORD = "merge.json";

/**
 * What is known of a merged model; undefined for a folder that was not merged here.
 *
 * @throws {UserError} a file of that name in another form.
 */
export function readMergeRecord(folder: string): Promise<MergeRecord | undefined> {
  return readRecord(join(folder, MERGE_RECORD), MergeRecord, "it is no record of a merge");
}
