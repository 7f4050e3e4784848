/** Phase 4: the trainings that there were, what came of each, and two of them side by side. */
import { join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { writeFileAtomic } from "../core/files.ts";
import { count, duration } from "../core/format.ts";
import { dataDir } from "../core/paths.ts";
import { type Context, defineStep } from "../core/step.ts";
import { sparkline } from "../core/terminal.ts";
import { textTable } from "../core/text_table.ts";
import type { TrainingPoint } from "../training/history.ts";
import { findRun, listRuns, readHistory, recipeDifferences, type Run } from "../training/runs.ts";
import { compareChart } from "../view/training_curves.ts";

const options = z.object({
  compare: z.array(z.string()).optional().describe(
    "Runs to lay over each other: names or their ends, folders (also of other trainers), latest, previous",
  ),
  output: z.string().optional().describe("Picture of the comparison (SVG); default: <data-dir>/output/compare.svg"),
  overwrite: z.boolean().default(false).describe("Replace an existing picture"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});

/** A run with its figures. */
export interface Traced {
  readonly run: Run;
  readonly points: readonly TrainingPoint[];
}

export interface RunsResult {
  /** Newest first. */
  readonly runs: readonly Run[];
  readonly compared?: {
    readonly runs: readonly Traced[];
    readonly differences: ReturnType<typeof recipeDifferences>;
    readonly picture: string;
  };
  /** Where was looked. */
  readonly outputs: string;
}

/** Lists the runs below the data root, or lays some over each other. */
export const runs = defineStep({
  name: "runs",
  summary: "Lists the trainings with their recipes, data, losses and ends, and compares some",
  options,
  word: "compare",
  files(options, { env }) {
    const outputs = join(dataDir(options.dataDir, env), "output");
    return { reads: [], writes: options.compare ? [options.output ?? join(outputs, "compare.svg")] : [] };
  },
  async run(options, context): Promise<RunsResult> {
    const outputs = join(dataDir(options.dataDir, context.env), "output");
    const { signal } = context;
    const all = await listRuns(outputs, signal);
    if (!options.compare) {
      if (options.output !== undefined) throw new UsageError("Cannot use --output without --compare");
      return { runs: all, outputs };
    }
    if (options.compare.length < 2) {
      const given = options.compare.length === 0 ? "no runs" : "one run";
      throw new UsageError(`Cannot compare ${given}: name two or more`, "deno task runs compare latest previous");
    }
    const chosen = await Promise.all(options.compare.map((word) => findRun(word, all, signal)));
    const picture = options.output ?? join(outputs, "compare.svg");
    return { runs: all, outputs, compared: await compare(chosen, picture, options.overwrite, context) };
  },
  report: runsText,
});

async function compare(
  chosen: readonly Run[],
  picture: string,
  overwrite: boolean,
  context: Context,
): Promise<NonNullable<RunsResult["compared"]>> {
  if (!overwrite && await Deno.stat(picture).then(() => true, () => false)) {
    throw new UsageError(
      `Cannot write "${picture}": it exists already`,
      "Replace it by --overwrite, or name --output.",
    );
  }
  const traced = await Promise.all(
    chosen.map(async (run) => ({ run, points: await readHistory(run.folder, context.signal) })),
  );
  const silent = traced.filter(({ points }) => points.length === 0);
  if (silent.length > 0) {
    throw new UserError(
      `Cannot compare ${silent.map(({ run }) => `"${run.name}"`).join(" and ")}: no figures were kept of it`,
      { hint: "It ended before its first step; deno task runs tells why." },
    );
  }
  const svg = await compareChart(labelled(traced)).svg();
  await writeFileAtomic(picture, svg);
  context.emit({ type: "artifact", path: picture, title: "Trainings compared" });
  return { runs: traced, differences: recipeDifferences(chosen), picture };
}

/** Names for a legend; runs of one name are told apart by their folders. */
export function labelled(traced: readonly Traced[]): { name: string; points: readonly TrainingPoint[] }[] {
  const names = traced.map(({ run }) => run.name);
  return traced.map(({ run, points }) => ({
    name: names.filter((name) => name === run.name).length > 1 ? run.folder : run.name,
    points,
  }));
}

function runsText({ runs, compared, outputs }: RunsResult): string {
  if (compared) return comparedText(compared);
  if (runs.length === 0) return `There are no trainings in "${outputs}". Begin one: deno task train --check`;
  const rows = runs.map((run) => [
    run.name,
    run.state,
    run.record?.recipeName ?? "",
    run.record?.base.name ?? "",
    run.record?.dataset.train.sha256.slice(0, 8) ?? "",
    run.record ? count(run.record.dataset.train.rows) : "",
    run.maxSteps === undefined ? String(run.step ?? "") : `${run.step ?? 0}/${run.maxSteps}`,
    run.loss?.toFixed(3) ?? "",
    run.best ? `${run.best.loss.toFixed(3)} @${run.best.step}` : "",
    run.seconds === undefined ? "" : duration(run.seconds),
  ]);
  const columns = ["Run", "State", "Recipe", "Base", "Data", "Rows", "Steps", "Loss", "Best eval", "Time"];
  const problems = runs.filter(({ problem }) => problem).map(({ name, problem }) => `${name}: ${problem}`);
  const crashed = runs.find(({ state }) => state === "crashed");
  return [
    textTable(columns, rows),
    ...(problems.length > 0 ? ["", ...problems] : []),
    ...(crashed
      ? ["", `Go on with what crashed: deno task train --resume-latest --output-dir "${crashed.folder}"`]
      : []),
  ].join("\n");
}

function comparedText({ runs, differences, picture }: NonNullable<RunsResult["compared"]>): string {
  const names = labelled(runs).map(({ name }) => name);
  const last = (points: readonly TrainingPoint[], series: string) =>
    points.findLast((point) => point.series === series)?.value.toFixed(4) ?? "";
  const curve = (points: readonly TrainingPoint[], series: string) =>
    sparkline(points.filter((point) => point.series === series).map(({ value }) => value));
  const figures = textTable(
    ["Run", "Steps", "Loss", "", "Eval", "", "Best eval"],
    runs.map(({ run, points }, i) => [
      names[i] ?? run.name,
      String(run.step ?? ""),
      last(points, "loss"),
      curve(points, "loss"),
      last(points, "eval_loss"),
      curve(points, "eval_loss"),
      run.best ? `${run.best.loss.toFixed(4)} @${run.best.step}` : "",
    ]),
  );
  const known = runs.every(({ run }) => run.record);
  const table = differences.length > 0
    ? textTable(["Different", ...names], differences.map(({ option, values }) => [option, ...values]))
    : known
    ? "The recipes and the data are the same."
    : "The recipes are not known: another program made these runs.";
  return [figures, "", table, "", `curves: ${picture}`].join("\n");
}
