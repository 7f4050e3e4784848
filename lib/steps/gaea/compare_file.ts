/** A comparison as it is kept: what decides, and all that it rests on. */
import { z } from "zod";
import { UserError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import type { Comparison } from "../../evaluation/style/compare.ts";
import type { JudgedCoherence } from "../../evaluation/style/gate_coherence.ts";

/** JSON knows no NaN: what could not be measured is null there. */
const figure = z.number().nullish().transform((value) => value ?? undefined);

export const TargetRow = z.object({
  id: z.enum(["transfer", "vocabulary", "structure", "markers", "pov"]),
  title: z.string(),
  goal: z.number(),
  definition: z.string(),
  status: z.enum(["met", "not met", "not shown"]),
  why: z.string(),
  estimate: figure,
  lower: figure,
  upper: figure,
  base: figure,
  author: figure,
  naive: z.object({ value: figure, definition: z.string(), differs: z.string() }),
});

const SourceRow = z.object({ path: z.string(), sha256: z.string().optional() });

/** What a decision needs of a comparison; the rest of the file is for people and pictures. */
export const ComparisonSummary = z.object({
  version: z.literal(1),
  time: z.string(),
  targets: z.array(TargetRow),
  gates: z.array(z.object({
    id: z.enum(["memorisation", "imposters", "coherence"]),
    title: z.string(),
    definition: z.string(),
    status: z.enum(["passed", "failed", "not shown"]),
    why: z.string(),
  })),
  background: z.string(),
  notes: z.array(z.string()),
  /** What was compared; absent in files of earlier versions. */
  sources: z.object({ base: SourceRow, tuned: SourceRow }).optional(),
});
export type ComparisonSummary = z.infer<typeof ComparisonSummary>;

/** A file that went into a comparison. */
export interface Source {
  readonly path: string;
  readonly sha256?: string;
}

/** The whole file. */
export interface ComparisonFile extends Comparison {
  readonly version: 1;
  readonly time: string;
  readonly sources: { readonly base: Source; readonly tuned: Source; readonly author: Source };
  /** How the author's text was parted. */
  readonly parted: string;
  /** Marks for coherence, where a judge gave them. */
  readonly judge?: JudgedCoherence;
  readonly settings: { readonly seed: number; readonly resamples: number; readonly minWords: number };
}

/** Targets and gates of a comparison. @throws {UserError} no such file, or none that gaea:compare wrote. */
export async function readComparison(path: string): Promise<ComparisonSummary> {
  const text = await readTextFile(path);
  const bad = (cause: unknown) =>
    new UserError(`Cannot read "${path}": it is no comparison`, { hint: "Make one: deno task gaea:compare", cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad(error);
  }
  const comparison = ComparisonSummary.safeParse(value);
  if (!comparison.success) throw bad(comparison.error);
  return comparison.data;
}
