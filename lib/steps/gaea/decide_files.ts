/** What a decision reads: the outcome of a blind trial, and how the training went. */
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { explain } from "../../core/jsonl.ts";
import type { Context } from "../../core/step.ts";
import { claimOf } from "../../evaluation/blind/report.ts";
import { type QuestionTally, TARGET } from "../../evaluation/blind/tally.ts";
import type { Judged, TrainedWith } from "../../evaluation/decision.ts";
import type { ComparisonSummary } from "./compare_file.ts";
import { readHistory } from "../../training/runs.ts";

const Rate = z.object({
  estimate: z.number(),
  low: z.number(),
  high: z.number(),
  lower: z.number(),
  upper: z.number(),
  n: z.number(),
});
const BlindFile = z.object({
  /** SHA-256 of the continuations; absent in files of earlier versions. */
  sources: z.object({ base: z.string(), tuned: z.string() }).optional(),
  tally: z.object({
    questions: z.object({
      fidelity: z.object({
        wins: z.number(),
        losses: z.number(),
        ties: z.number(),
        neither: z.number(),
        winRate: Rate.optional(),
        method: z.enum(["wilson", "cluster-bootstrap"]),
        claim: z.enum(["shown", "not met", "not shown"]),
        trialsNeeded: z.number().optional(),
        lengthControlled: z.number().optional(),
        agreement: z.number().optional(),
      }),
    }),
  }),
});

/**
 * The blind trial as a target: which text sounds more like the author. One that was held on other texts than were compared,
 * as before another training, shows nothing.
 *
 * @param wanted False where the file may be missing.
 * @throws {UserError} a file that is no outcome of a blind trial.
 */
export async function readBlind(
  path: string,
  wanted: boolean,
  compared: ComparisonSummary["sources"],
): Promise<Judged | undefined> {
  if (!wanted && !await Deno.stat(path).then(() => true, () => false)) return undefined;
  const file = await readJson(path, BlindFile, "no outcome of a blind trial", "Hold one: deno task gaea:blind");
  const fidelity = file.tally.questions.fidelity as QuestionTally;
  const { winRate, claim } = fidelity;
  const target = { id: "blind", title: "Blind preference", goal: TARGET };
  const isOther = (side: "base" | "tuned") =>
    file.sources !== undefined && compared?.[side].sha256 !== undefined && file.sources[side] !== compared[side].sha256;
  if (isOther("base") || isOther("tuned")) {
    const why = `"${path}" is a trial of other texts than were compared: hold one on these, deno task gaea:blind`;
    return { ...target, status: "not shown", why };
  }
  return {
    ...target,
    status: claim === "shown" ? "met" : claim,
    why: claim === "shown" ? "" : claimOf("fidelity", fidelity),
    ...(winRate ? { estimate: winRate.estimate, lower: winRate.lower, upper: winRate.upper } : {}),
  };
}

const RecipeFile = z.object({
  recipe: z.object({
    epochs: z.number().optional(),
    loraR: z.number().optional(),
    loraAlpha: z.number().optional(),
    learningRate: z.union([z.number(), z.string()]).optional(),
  }),
});

/** How a run went, as far as its folder tells; nothing where there is no such folder. */
export async function readTrained(folder: string, { signal }: Pick<Context, "signal">): Promise<TrainedWith> {
  const recipe = join(folder, "recipe.json");
  const there = (path: string) => Deno.stat(path).then(() => true, () => false);
  const points = await there(folder) ? await readHistory(folder, signal) : [];
  const series = (name: string) =>
    points.filter((point) => point.series === name).map(({ step, value }) => ({ step, value }));
  const loss = series("loss"), evalLoss = series("eval_loss");
  const values = await there(recipe)
    ? (await readJson(recipe, RecipeFile, "no recipe of a run", "Name the folder of a run by --run.")).recipe
    : {};
  const { epochs, loraR, loraAlpha, learningRate } = values as z.infer<typeof RecipeFile>["recipe"];
  return {
    epochs,
    loraR,
    loraAlpha,
    ...(typeof learningRate === "number" ? { learningRate } : {}),
    loss,
    evalLoss,
  };
}

async function readJson<T>(path: string, schema: z.ZodType<T>, what: string, hint: string): Promise<T> {
  const text = await readTextFile(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UserError(`Cannot read "${path}": it is not JSON`, { exitCode: 2, hint, cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new UserError(`Cannot read "${path}": it is ${what} (${explain(parsed.error)})`, { exitCode: 2, hint });
  }
  return parsed.data;
}
