/** Answers as they are kept: one JSON object a line, so that they can be scored again without a model. */
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { readJsonl } from "../core/jsonl.ts";

export const SIDES = ["base", "tuned"] as const;
/** The model before training and after. */
export type Side = typeof SIDES[number];

/** A line of answers.jsonl. Other people's files need the first five keys, and of these not even all. */
export const Answer = z.object({
  /** Who answered: `base`, `tuned`, or a model's name. */
  system: z.string().default("tuned"),
  prompt_id: z.string().default(""),
  prompt: z.string().default(""),
  sample: z.coerce.number().int().min(0).default(0),
  answer: z.string().nullish().transform((text) => text ?? ""),
  side: z.enum(SIDES).optional(),
  model: z.string().optional(),
  /** As the server said: `stop`, `length` … */
  finish: z.string().optional(),
  /** Why there is no whole answer: `empty`, `truncated` … */
  fault: z.string().optional(),
  /** Names the request by all that may change its answer. */
  request: z.string().optional(),
  tokens: z.number().optional(),
  seconds: z.number().optional(),
});
export type Answer = z.output<typeof Answer>;
/** An answer whose side is known. */
export type SidedAnswer = Answer & { readonly side: Side };

/** What was read of a file of answers. */
export interface ReadAnswers {
  readonly answers: readonly SidedAnswer[];
  /** Names of the systems by side. */
  readonly systems: Readonly<Partial<Record<Side, string>>>;
}

/**
 * Reads answers. Which side a line belongs to says its `side`, else its `system`: the one that is called `base`, or as
 * `baseSystem` names it, is the base, the other one the tuned model. A later line takes the place of an earlier one with
 * the same side, prompt and sample.
 *
 * @throws {UserError} the file cannot be read, or a line is bad.
 * @throws {UsageError} more than two systems, or two of which none is known as the base; a file without answers.
 */
export async function readAnswers(
  path: string,
  options: { baseSystem?: string | undefined; signal?: AbortSignal; onTorn?: (line: number) => void } = {},
): Promise<ReadAnswers> {
  const { baseSystem, ...reading } = options;
  const rows = await Array.fromAsync(readJsonl(path, Answer, reading));
  if (rows.length === 0) throw new UsageError(`Cannot score "${path}": it holds no answers`);
  const names = [...new Set(rows.filter(({ side }) => side === undefined).map(({ system }) => system))];
  // A system prompt in the place of the name: all of it is one model's.
  const prompts = names.length > 0 && names.every((name) => name.trim().split(/\s+/).length >= 4);
  const base = baseSystem ?? names.find((name) => /^base(?:line)?$/i.test(name));
  const others = names.filter((name) => name !== base);
  if (baseSystem !== undefined && !names.includes(baseSystem)) {
    throw new UsageError(`Cannot use --base-system "${baseSystem}": "${path}" has ${names.join(", ") || "no system"}`);
  }
  if (!prompts && others.length > 1) {
    throw new UsageError(
      `Cannot score "${path}": it holds answers of ${names.slice(0, 6).map((name) => `"${name}"`).join(", ")}`,
      "Two systems at a time: name the base of them by --base-system, and leave others out.",
    );
  }
  const kept = new Map<string, SidedAnswer>();
  for (const row of rows) {
    const side = row.side ?? (row.system === base ? "base" : "tuned");
    kept.set(JSON.stringify([side, row.prompt_id, row.prompt_id ? "" : row.prompt, row.sample]), { ...row, side });
  }
  const systems: Partial<Record<Side, string>> = {};
  for (const { side, system, model } of kept.values()) systems[side] ??= model ?? (prompts ? side : system);
  return { answers: [...kept.values()], systems };
}
